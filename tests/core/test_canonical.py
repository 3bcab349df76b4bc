"""Canonical text and the hashes taken of it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.canonical import (
    canonical_text,
    clean,
    clean_json,
    config_hash,
    content_hash,
    digest,
    title_and_body,
)

any_text = st.text(st.characters())  # lone surrogates and U+0000 among them
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
    max_leaves=20,
)


def walk(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for k, v in value.items() for s in [k, *walk(v)]]
    return [s for v in value for s in walk(v)] if isinstance(value, list) else []


@given(any_text)
def test_a_cleaned_text_can_be_stored_and_keeps_its_length(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    cleaned.encode()
    assert len(cleaned) == len(text)
    assert clean(cleaned) is cleaned


def test_the_two_unstorable_kinds_become_replacement_characters() -> None:
    assert clean("a\x00b\ud800c\udfff") == "a\ufffdb\ufffdc\ufffd"


@given(json_values)
def test_every_string_of_a_cleaned_value_can_be_stored(value: Any) -> None:
    cleaned = clean_json(value)
    assert all(clean(text) == text for text in walk(cleaned))
    assert clean_json(cleaned) == cleaned


def test_a_clean_value_is_not_copied() -> None:
    value: Any = {"a": ["b", {"c": 1}]}
    assert clean_json(value) is value


def test_keys_are_cleaned_too() -> None:
    assert clean_json({"a\x00": ["\ud800", 1, None]}) == {"a\ufffd": ["\ufffd", 1, None]}


def test_a_text_that_merely_names_the_escape_is_left_alone() -> None:
    assert clean_json({"a": "\\u0000"}) == {"a": "\\u0000"}


@given(any_text, any_text)
def test_title_and_body_can_be_read_back_and_built_again(title: str, body: str) -> None:
    text = canonical_text(title, body)
    assert canonical_text(*title_and_body(text)) == text
    assert "\r" not in text
    assert unicodedata.is_normalized("NFC", text)
    content_hash(text)


@given(st.text(), st.text())
def test_equal_words_in_another_notation_have_one_canonical_form(title: str, body: str) -> None:
    body = body.replace("\r", "")
    other = unicodedata.normalize("NFD", body.replace("\n", "\r\n"))
    assert canonical_text(title, other) == canonical_text(title, body)


@given(st.text("a\u0316\u0300\u0f73\u00e9\u1faf", min_size=40, max_size=200))
def test_thirty_marks_stand_in_a_row_at_most_and_none_is_lost(body: str) -> None:
    """Sorting the marks of one long row takes the square of its length: minutes for a mebibyte."""
    canonical = canonical_text("", body)
    rows = "".join("x" if unicodedata.combining(char) else " " for char in canonical).split()
    assert all(len(row) <= 30 for row in rows)
    assert unicodedata.is_normalized("NFC", canonical)
    assert canonical_text(*title_and_body(canonical)) == canonical
    marks = unicodedata.normalize("NFD", canonical.replace("\u034f", ""))
    assert sorted(marks) == sorted(unicodedata.normalize("NFD", "\n\n" + body))


@pytest.mark.parametrize(
    ("title", "folded"),
    [("a\nb", "a b"), ("a\r\n\r\nb", "a b"), ("  a\u2028b \n", "a b"), ("", ""), ("\n", "")],
)
def test_a_title_becomes_one_line(title: str, folded: str) -> None:
    assert title_and_body(canonical_text(title, "\nbody")) == (folded, "\nbody")


def test_the_config_hash_is_the_one_of_the_design() -> None:
    expected = "9dad928cf1649e6d00cd22c12e88ffa1dda6eb8956c58b92bda534538623c22d"
    assert config_hash("char-hash-1536", 1536, 512, 50) == expected


def test_an_override_changes_the_config_hash_and_its_order_does_not() -> None:
    one = config_hash("m", 1, 512, 50, commentOverlap=25, frameOverlap=100)
    assert one == config_hash("m", 1, 512, 50, frameOverlap=100, commentOverlap=25)
    assert one != config_hash("m", 1, 512, 50)


@settings(max_examples=40)
@given(st.dictionaries(any_text, json_values))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


@given(json_values)
def test_a_digest_survives_a_journey_through_json(value: Any) -> None:
    if walk(value) == walk(clean_json(value)):
        assert digest(json.loads(json.dumps(value))) == digest(value)


def test_a_digest_exists_for_what_orjson_cannot_write() -> None:
    odd: Any = {1: "a", None: [2**70], "s": "\ud800", "t": (1, {2: 3})}
    assert digest(odd) == digest(dict(reversed(odd.items())))
    assert digest(2**70) != digest(2**70 + 1)
