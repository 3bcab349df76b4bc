"""Points in time as providers write them, read as aware UTC. Performs no I/O and knows no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHOWN = 60


def parse_time(text: str) -> datetime:
    """The time that an ISO 8601 text names, aware and in UTC.

    Digits after the sixth of a second are cut off, not rounded: a time never moves forward. A text
    without an offset, or a mere date, is read as UTC. Raises ValueError with the text named.
    """
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"not an ISO 8601 time: {_shown(text)}") from error


def from_epoch_s(seconds: float) -> datetime:
    """The time so many seconds after 1970, in UTC. Raises ValueError outside years 1 to 9999."""
    return _after_epoch(seconds, timedelta(seconds=1))


def from_epoch_ms(milliseconds: float) -> datetime:
    """The time so many milliseconds after 1970, in UTC; raises what `from_epoch_s` raises."""
    return _after_epoch(milliseconds, timedelta(milliseconds=1))


def _after_epoch(amount: float, unit: timedelta) -> datetime:
    try:
        return _EPOCH + amount * unit
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"not a time since 1970: {_shown(amount)}") from error


def to_micros(time: datetime) -> int:
    """Whole microseconds since 1970 in UTC. Raises ValueError for a time without a zone."""
    return (_aware(time) - _EPOCH) // _MICROSECOND


def iso(time: datetime) -> str:
    """`2024-01-01T00:00:00.000Z`, with what is below a millisecond cut off.

    Raises ValueError for a time without a zone.
    """
    utc = _aware(time).astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError(f"a time without a zone: {time.isoformat()}")
    return time


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]
