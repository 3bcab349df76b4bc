"""Times as providers write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.times import from_epoch_ms, from_epoch_s, iso, parse_time, to_micros

NINE = datetime(2024, 1, 15, 9, 5, tzinfo=UTC)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-12-31"), timezones=zones
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15T09:05:00Z", NINE),
        ("2024-01-15T09:05:00.123Z", NINE.replace(microsecond=123000)),
        ("2024-01-15T09:05:00.123456789Z", NINE.replace(microsecond=123456)),
        ("2024-01-15T09:05:00.999999999Z", NINE.replace(microsecond=999999)),
        ("2024-01-15T11:05:00+02:00", NINE),
        ("2024-01-15T04:05:00-0500", NINE),
        ("2024-01-15 09:05:00+00:00", NINE),
        ("2024-01-15T09:05:00", NINE),
        ("2024-01-15", datetime(2024, 1, 15, tzinfo=UTC)),
    ],
)
def test_the_notations_of_the_providers_are_read(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "soon", "2024-13-01T00:00:00Z", "0001-01-01T00:00:00+10:00", None, 17, "x" * 9999]
)
def test_what_is_no_time_is_named_in_a_short_error(text: Any) -> None:
    with pytest.raises(ValueError, match="not an ISO 8601 time") as caught:
        parse_time(text)
    assert len(str(caught.value)) < 120


@given(st.text(st.characters()))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(ValueError):
        parse_time(text)


@given(moments)
def test_a_time_survives_being_written_and_read(time: datetime) -> None:
    assert parse_time(time.isoformat()) == time
    assert timedelta() <= time - parse_time(iso(time)) < timedelta(milliseconds=1)


@given(moments)
def test_microseconds_are_exact(time: datetime) -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=to_micros(time)) == time


def test_times_are_written_with_milliseconds_and_z() -> None:
    assert iso(datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == (
        "2024-01-01T00:00:00.000Z"
    )


def test_epochs_are_read_in_seconds_and_milliseconds() -> None:
    assert from_epoch_s(1705309500) == NINE
    assert from_epoch_ms(1705309500123) == NINE.replace(microsecond=123000)


@pytest.mark.parametrize("amount", [10**30, -(10**30), float("nan"), float("inf")])
def test_an_impossible_epoch_is_a_value_error(amount: float) -> None:
    with pytest.raises(ValueError, match="not a time since 1970"):
        from_epoch_s(amount)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        to_micros(NINE.replace(tzinfo=None))
