"""When a delivery is tried again, and when it is given up. Performs no I/O and holds no clock."""

from __future__ import annotations

BASE_DELAY_S = 5.0
MAX_DELAY_S = 3600.0
MAX_LONE_CRASHES = 3
"""A payload that took its worker down this often while it was alone is dead."""
MAX_OVERRUNS = 6
"""What the database gave up for its cost this often, the last times alone, is dead."""
_ENOUGH_DOUBLINGS = 16  # far over MAX_DELAY_S; without a bound the power outgrows a float


def delay_s(attempts: int, *, told_s: float | None = None) -> float:
    """Seconds until the next attempt after `attempts` failed ones; what a provider told wins."""
    if told_s is not None:
        return min(max(told_s, 0.0), MAX_DELAY_S)
    doublings = min(max(attempts - 1, 0), _ENOUGH_DOUBLINGS)
    return min(BASE_DELAY_S * float(2**doublings), MAX_DELAY_S)


def setback_s(setbacks: int) -> float:
    """Seconds until what no row is to blame for is tried again: 2, 4, 8 … 900."""
    return min(2.0 ** min(max(setbacks, 1), _ENOUGH_DOUBLINGS), 900.0)


def overrun_s(overruns: int) -> float:
    """Seconds until what was too dear is tried again, with less beside it: 5, 30, 180 … 3,600."""
    return min(5.0 * 6.0 ** min(max(overruns - 1, 0), _ENOUGH_DOUBLINGS), MAX_DELAY_S)
