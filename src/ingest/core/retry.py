"""When a delivery is tried again, and when it is given up. Performs no I/O and holds no clock."""

from __future__ import annotations

import zlib

BASE_DELAY_S = 5.0
MAX_DELAY_S = 3600.0
MAX_TOLD_S = 24 * 3600.0
"""A provider that wants to be left alone for longer is asked once a day."""
MAX_LONE_CRASHES = 3
"""A payload that took its worker down this often while it was alone is dead."""
MAX_OVERRUNS = 6
"""What the database gave up for its cost this often, the last times alone, is dead."""
_ENOUGH_DOUBLINGS = 16  # far over MAX_DELAY_S; without a bound the power outgrows a float


def delay_s(attempts: int, row_id: int) -> float:
    """Seconds until the next attempt after `attempts` failed ones: up to 5, 10, 20 … 3,600.

    Between half of that and all, drawn from the row's id, so that what failed together does not
    come back together.
    """
    doublings = min(max(attempts - 1, 0), _ENOUGH_DOUBLINGS)
    return _spread(min(BASE_DELAY_S * float(2**doublings), MAX_DELAY_S), row_id, attempts)


def told_s(told: float) -> float:
    """Seconds to wait where a provider told how many; never under 0, nor over a day."""
    return min(max(told, 0.0), MAX_TOLD_S)


def setback_s(setbacks: int, row_id: int) -> float:
    """Seconds until what no row is to blame for is tried again: up to 2, 4, 8 … 900.

    Spread as `delay_s` is.
    """
    return _spread(min(2.0 ** min(max(setbacks, 1), _ENOUGH_DOUBLINGS), 900.0), row_id, setbacks)


def overrun_s(overruns: int) -> float:
    """Seconds until what was too dear is tried again, with less beside it: 5, 30, 180 … 3,600."""
    return min(5.0 * 6.0 ** min(max(overruns - 1, 0), _ENOUGH_DOUBLINGS), MAX_DELAY_S)


def given_back_s(row_id: int, *, setbacks: int, overruns: int, costly: bool) -> float:
    """Seconds until what the database gave up once more, after so many times, is tried again."""
    return overrun_s(overruns + 1) if costly else setback_s(setbacks + 1, row_id)


def _spread(whole_s: float, row_id: int, times: int) -> float:
    """Between half of it and all: what failed together does not come back together."""
    drawn = zlib.crc32(b"%d.%d" % (row_id, times)) / 2**32
    return whole_s * (0.5 + drawn / 2)
