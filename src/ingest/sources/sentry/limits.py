"""Sentry's limits: of each endpoint its own, in windows of a second or a minute.

Document: docs.sentry.io/api/ratelimits. They belong to the organization (its integration's tokens
share them); the figures are those of Sentry's source, and the headers correct them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from ingest.core.values import JSON
from ingest.sources.limits import (
    Call,
    Limit,
    LimitReading,
    RateLimits,
    until_epoch_s,
    whole,
)

_ISSUE, _EVENT, _EVENTS, _OTHER = "one issue", "one event", "a project's events", "others"
_ENDPOINTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (_EVENT, re.compile(r"/(?:issues|projects/[^/]+)/[^/]+/events/[^/]+/?\Z")),
    (_EVENTS, re.compile(r"/projects/[^/]+/[^/]+/events/?\Z")),
    (_ISSUE, re.compile(r"/issues/[^/]+/?\Z")),
)
"""Those with a limit of their own; the first that fits."""


def _endpoint(call: Call) -> str:
    return next((name for name, path in _ENDPOINTS if path.search(call.path)), _OTHER)


def _of(endpoint: str) -> Callable[[Call], int | None]:
    return lambda call: 1 if _endpoint(call) == endpoint else None


def _owner(metadata: Mapping[str, JSON], _given: str) -> str:
    return f"organization {metadata.get('sentryOrganizationSlug')}"


def _read(call: Call, headers: Mapping[str, str], now: datetime) -> tuple[LimitReading, ...]:
    """The reset is in UTC epoch seconds."""
    remaining = whole(headers.get("x-sentry-rate-limit-remaining"))
    resets_s = until_epoch_s(headers.get("x-sentry-rate-limit-reset"), headers, now)
    if remaining is None or resets_s is None:
        return ()
    amount = whole(headers.get("x-sentry-rate-limit-limit"))
    return (LimitReading(_endpoint(call), remaining, resets_s, amount),)


LIMITS = RateLimits(
    (
        Limit(_ISSUE, 5, 1, _of(_ISSUE), owner=_owner, share=0.6),
        Limit(_EVENT, 15, 1, _of(_EVENT), owner=_owner, share=0.6),
        Limit(_EVENTS, 60, 60, _of(_EVENTS), owner=_owner),
        Limit(_OTHER, 40, 1, _of(_OTHER), owner=_owner),
    ),
    _read,
)
