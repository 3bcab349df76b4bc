"""Spans and points of time as people write them: 30s, 15m, 24h, 7d; a date, a time. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds_of(told: str) -> float | None:
    """The length of a span; None for what is none."""
    found = _SPAN.fullmatch(told.strip().lower())
    return None if found is None else int(found[1]) * _SECONDS[found[2]]


def moment_of(told: str, now: datetime) -> datetime | None:
    """The time, in UTC, which is also meant where no zone is given; a span is so long ago.

    None for what is neither.
    """
    try:
        at = datetime.fromisoformat(told.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (OverflowError, ValueError):
        pass
    span_s = seconds_of(told)
    try:
        return None if span_s is None else now - timedelta(seconds=span_s)
    except OverflowError:
        return None
