"""Bytes read as JSON."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core import values
from ingest.core.canonical import clean
from ingest.core.errors import BadPayload
from ingest.core.values import JSON, MAX_DEPTH, MAX_VALUES, loads


@given(st.recursive(st.none() | st.booleans() | st.text(), st.lists))
def test_what_json_writes_is_read(value: Any) -> None:
    raw = json.dumps(value).encode()
    if "\\u0000" not in raw.decode():
        assert loads(raw) == value


@given(st.text(st.characters()))
def test_strings_come_out_clean(text: str) -> None:
    assert loads(json.dumps({text: [text]}).encode()) == {clean(text): [clean(text)]}


@given(st.binary())
def test_any_bytes_are_a_value_or_a_bad_payload(raw: bytes) -> None:
    with suppress(BadPayload):
        loads(raw)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"NaN", b'["\\ud800", NaN]', b"\xff", b"1 2", b'"\\ud800" ' + b"9" * 5000],
)
def test_what_is_not_json_is_a_bad_payload(raw: bytes) -> None:
    with pytest.raises(BadPayload, match="is not JSON") as caught:
        loads(raw)
    assert caught.value.path == "$"


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1000, 100_000])
@pytest.mark.parametrize("core", [b"", b'"\\ud800"'])
def test_deep_nesting_is_refused_without_a_crash(depth: int, core: bytes) -> None:
    with pytest.raises(BadPayload):
        loads(b"[" * depth + core + b"]" * depth)


def _number(value: JSON) -> int:
    """How many values a value is; an empty one counts twice."""
    if isinstance(value, dict):
        return 1 + sum(map(_number, value.values())) if value else 2
    if isinstance(value, list):
        return 1 + sum(map(_number, value)) if value else 2
    return 1


@given(
    value=st.recursive(
        st.none() | st.integers(-9, 9) | st.text(st.sampled_from('a,[{"\\]}:\n')),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from(',["\\')), inner),
    )
)
def test_values_are_counted_exactly_whatever_stands_in_strings(value: Any) -> None:
    raw, number = json.dumps(value).encode(), _number(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "MAX_VALUES", number)
        assert loads(raw) == value
        patch.setattr(values, "MAX_VALUES", number - 1)
        with pytest.raises(BadPayload, match="has more than"):
            loads(raw)


@pytest.mark.parametrize("value", ["[]", "1", '{"":""}'])
def test_too_many_values_are_refused_before_one_is_made(value: str) -> None:
    raw = ("[" + f"{value}," * (25 * 2**20 // (len(value) + 1)) + "1]").encode()
    tracemalloc.start()
    try:
        with pytest.raises(BadPayload, match="has more than 1,000,000 values"):
            loads(raw)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(raw)
    finally:
        tracemalloc.stop()


def test_a_long_text_full_of_commas_is_one_value() -> None:
    text = ',[{"\\' * MAX_VALUES
    assert loads(json.dumps([text]).encode()) == [text]


def test_the_deepest_value_allowed_is_read() -> None:
    assert loads(b"[" * MAX_DEPTH + b'"\\u0000"' + b"]" * MAX_DEPTH)


def test_many_brackets_side_by_side_are_not_depth() -> None:
    assert loads(b"[" + b"{}," * 1000 + b"{}]") == [{}] * 1001


def test_a_byte_order_mark_is_skipped() -> None:
    assert loads(b"\xef\xbb\xbf{}") == {}
