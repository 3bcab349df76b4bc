"""Bytes read as JSON."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.canonical import clean
from ingest.core.errors import BadPayload
from ingest.core.values import MAX_DEPTH, loads


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


def test_the_deepest_value_allowed_is_read() -> None:
    assert loads(b"[" * MAX_DEPTH + b'"\\u0000"' + b"]" * MAX_DEPTH)


def test_many_brackets_side_by_side_are_not_depth() -> None:
    assert loads(b"[" + b"{}," * 1000 + b"{}]") == [{}] * 1001


def test_a_byte_order_mark_is_skipped() -> None:
    assert loads(b"\xef\xbb\xbf{}") == {}
