"""When a delivery is tried again: later each time, never later than an hour, or as it was told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.retry import BASE_DELAY_S, MAX_DELAY_S, delay_s

attempts = st.integers(0, 10**6)


def test_the_first_retry_comes_after_seconds_and_each_next_after_twice_as_long() -> None:
    assert [delay_s(n) for n in (1, 2, 3, 4)] == [5.0, 10.0, 20.0, 40.0]


@given(attempts)
def test_a_later_attempt_never_waits_less_and_none_waits_longer_than_an_hour(n: int) -> None:
    """A bug once: the doubling overflowed before it was bounded."""
    assert BASE_DELAY_S <= delay_s(n) <= delay_s(n + 1) <= MAX_DELAY_S


@given(attempts, st.floats(allow_nan=False))
def test_what_a_provider_told_wins_within_bounds(n: int, told_s: float) -> None:
    waited = delay_s(n, told_s=told_s)
    assert 0 <= waited <= MAX_DELAY_S
    if 0 <= told_s <= MAX_DELAY_S:
        assert waited == told_s
