"""When a delivery is tried again, and when it is given up. Performs no I/O and holds no clock."""

from __future__ import annotations

BASE_DELAY_S = 5.0
MAX_DELAY_S = 3600.0
MAX_LONE_CRASHES = 3
"""A payload that took its worker down this often while it was alone is dead."""
_ENOUGH_DOUBLINGS = 16  # far over MAX_DELAY_S; without a bound the power outgrows a float


def delay_s(attempts: int, *, told_s: float | None = None) -> float:
    """Seconds until the next attempt after `attempts` failed ones; what a provider told wins."""
    if told_s is not None:
        return min(max(told_s, 0.0), MAX_DELAY_S)
    doublings = min(max(attempts - 1, 0), _ENOUGH_DOUBLINGS)
    return min(BASE_DELAY_S * float(2**doublings), MAX_DELAY_S)
