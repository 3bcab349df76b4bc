"""Vercel's limits: how much is left of an endpoint's is told by its headers, and by nothing else.

Document: vercel.com/docs/rest-api (Rate limits). The figures are not published for what is asked
here, and the headers' names stand in no specification; so only what is told counts.
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
    until_epoch_ms,
    until_epoch_s,
    whole,
)

_LIST, _LOG, _ONE, _OTHER = "deployments", "build log", "one deployment", "others"
_ENDPOINTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (_LIST, re.compile(r"/deployments/?\Z")),
    (_LOG, re.compile(r"/deployments/[^/]+/events/?\Z")),
    (_ONE, re.compile(r"/deployments/[^/]+/?\Z")),
)
_LONGEST_WINDOW_S = 3600
_MILLISECONDS_FROM = 10**11
"""In seconds that would be the year 5138."""


def _endpoint(call: Call) -> str:
    return next((name for name, path in _ENDPOINTS if path.search(call.path)), _OTHER)


def _of(endpoint: str) -> Callable[[Call], int | None]:
    return lambda call: 0 if _endpoint(call) == endpoint else None


def _owner(metadata: Mapping[str, JSON], _given: str) -> str | None:
    team = metadata.get("vercelTeamId")
    return f"team {team}" if team else None


def _read(call: Call, headers: Mapping[str, str], now: datetime) -> tuple[LimitReading, ...]:
    """The reset is in UTC epoch seconds, and was seen in milliseconds."""
    told = headers.get("x-ratelimit-reset")
    until = until_epoch_ms if (whole(told) or 0) > _MILLISECONDS_FROM else until_epoch_s
    remaining, resets_s = whole(headers.get("x-ratelimit-remaining")), until(told, headers, now)
    if remaining is None or resets_s is None:
        return ()
    amount = whole(headers.get("x-ratelimit-limit"))
    return (LimitReading(_endpoint(call), remaining, resets_s, amount),)


LIMITS = RateLimits(
    tuple(
        Limit(name, 0, _LONGEST_WINDOW_S, _of(name), owner=_owner)
        for name in (_LIST, _LOG, _ONE, _OTHER)
    ),
    _read,
)
