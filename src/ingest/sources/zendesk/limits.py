"""Zendesk's limits: a minute's requests of an account, Support, Help Center and webhooks apart;
its exports.

Document: developer.zendesk.com/api-reference/introduction/rate-limits. The figure of an account
hangs on its plan (from 200 a minute), and the headers tell it; exports are 10 a minute for all who
ask. What the API of webhooks says of its own limit (100, as recorded) is not the account's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from ingest.core.values import JSON
from ingest.sources.limits import Call, Limit, LimitReading, RateLimits, whole

_SUPPORT, _HELP_CENTER, _WEBHOOKS, _EXPORTS = "support", "help center", "webhooks", "exports"
_MINUTE_S = 60
_ENDPOINT = "zendesk-ratelimit-"
_PART = re.compile(r"(total|remaining|resets)\s*=\s*(\d{1,9})")


def _pool(call: Call) -> str:
    if "/help_center/" in call.path:
        return _HELP_CENTER
    return _WEBHOOKS if "/webhooks" in call.path else _SUPPORT


def _is_export(call: Call) -> bool:
    return "/incremental/" in call.path


def _support(call: Call) -> int | None:
    return 1 if _pool(call) == _SUPPORT else None


def _help_center(call: Call) -> int | None:
    return 1 if _pool(call) == _HELP_CENTER else None


def _webhooks(call: Call) -> int | None:
    return 1 if _pool(call) == _WEBHOOKS else None


def _export(call: Call) -> int | None:
    return 1 if _is_export(call) else None


def _owner(metadata: Mapping[str, JSON], _given: str) -> str:
    return f"account {metadata.get('zendeskSubdomain')}"


def _read(call: Call, headers: Mapping[str, str], _now: datetime) -> tuple[LimitReading, ...]:
    """All resets are seconds to wait. `x-rate-limit-remaining` comes without one: then it is that
    of the minute.
    """
    found: list[LimitReading] = []
    remaining = _first(headers, "ratelimit-remaining", "x-rate-limit-remaining")
    if remaining is not None:
        resets_s = _first(headers, "ratelimit-reset", "rate-limit-reset")
        amount = _first(headers, "ratelimit-limit", "x-rate-limit")
        after_s = float(_MINUTE_S if resets_s is None else resets_s)
        found.append(LimitReading(_pool(call), remaining, after_s, amount))
    if _is_export(call):
        found += [
            reading
            for name, told in headers.items()
            if name.startswith(_ENDPOINT) and (reading := _of_endpoint(told)) is not None
        ]
    return tuple(found)


def _of_endpoint(told: str) -> LimitReading | None:
    """`total=10; remaining=9; resets=55`."""
    parts = {name: int(number) for name, number in _PART.findall(told)}
    if "remaining" not in parts:
        return None
    resets_s = float(parts.get("resets", _MINUTE_S))
    return LimitReading(_EXPORTS, parts["remaining"], resets_s, parts.get("total"))


def _first(headers: Mapping[str, str], *names: str) -> int | None:
    numbers = (whole(headers.get(name)) for name in names)
    return next((number for number in numbers if number is not None), None)


LIMITS = RateLimits(
    (
        Limit(_SUPPORT, 200, _MINUTE_S, _support, owner=_owner),
        Limit(_HELP_CENTER, 200, _MINUTE_S, _help_center, owner=_owner),
        Limit(_WEBHOOKS, 100, _MINUTE_S, _webhooks, owner=_owner),
        Limit(_EXPORTS, 10, _MINUTE_S, _export, owner=_owner, share=0.8),
    ),
    _read,
)
