"""When a delivery is tried again: later each time, never later than an hour, or as told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.retry import BASE_DELAY_S, MAX_DELAY_S, MAX_TOLD_S, delay_s, setback_s, told_s

attempts = st.integers(0, 10**6)
rows = st.integers(1, 2**63 - 1)


def test_the_first_retry_comes_after_seconds_and_each_next_after_twice_as_long() -> None:
    for number, whole_s in enumerate((5.0, 10.0, 20.0, 40.0), 1):
        assert whole_s / 2 <= delay_s(number, 7) <= whole_s


@given(attempts, rows)
def test_no_attempt_waits_longer_than_an_hour(n: int, row: int) -> None:
    """A bug once: the doubling overflowed before it was bounded."""
    assert BASE_DELAY_S / 2 <= delay_s(n, row) <= MAX_DELAY_S
    assert 1.0 <= setback_s(n, row) <= 900.0


def test_what_failed_together_does_not_come_back_together() -> None:
    waits = [delay_s(8, row) for row in range(1000)]
    assert len(set(waits)) == 1000
    assert max(waits) - min(waits) > 300
    assert 0.7 < sum(waits) / 1000 / 640 < 0.8


@given(st.floats(allow_nan=False))
def test_what_a_provider_told_is_waited_up_to_a_day(told: float) -> None:
    """A bug once: it was cut at an hour, and asked again and again until the limit was over."""
    assert 0 <= told_s(told) <= MAX_TOLD_S
    if 0 <= told <= MAX_TOLD_S:
        assert told_s(told) == told
