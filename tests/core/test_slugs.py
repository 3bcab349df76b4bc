"""Slugs and bounded keys."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.slugs import bounded_key, slug

HASH = hashlib.sha256(b"identity").hexdigest()


@given(st.text(st.characters(), max_size=400))
def test_a_slug_has_one_shape_whatever_it_is_made_of(readable: str) -> None:
    made = slug(readable, HASH)
    assert re.fullmatch(r"[a-z0-9/_.-]*~[0-9a-f]{12}", made)
    assert len(made) <= 256
    assert slug(readable, HASH) == made


@pytest.mark.parametrize(
    ("readable", "expected"),
    [
        ("docs/Getting Started.md", "docs/getting-started.md"),
        ("acme/app#12", "acme/app-12"),
        ("  Ünï  ", "n"),
        ("LIN-123", "lin-123"),
        ("日本", ""),
    ],
)
def test_the_readable_part_stays_readable(readable: str, expected: str) -> None:
    assert slug(readable, HASH) == f"{expected}~{HASH[:12]}"


def test_a_long_path_is_cut_and_still_ends_in_the_hash() -> None:
    made = slug("a" * 1000, HASH)
    assert len(made) == 256
    assert made.endswith(f"a~{HASH[:12]}")


@given(st.text(st.characters(), max_size=600), st.integers(33, 300))
def test_a_bounded_key_is_never_over_its_limit(value: str, limit: int) -> None:
    key = bounded_key(value, limit)
    assert len(key) <= limit
    assert bounded_key(key, limit) == key


def test_a_key_at_the_limit_is_left_alone() -> None:
    assert bounded_key("x" * 255) == "x" * 255


def test_long_keys_with_one_beginning_stay_different() -> None:
    assert bounded_key("x" * 300 + "a") != bounded_key("x" * 300 + "b")


def test_a_limit_without_room_for_the_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves no room"):
        bounded_key("x" * 50, 20)
