"""Reference-style links: where labels are defined, where they are used, and what only looks so."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.links import Links, links

URL = "https://x.test/1"
SCRAPS = (
    "[a]",
    "[b]",
    "[",
    "]",
    "[]",
    "(",
    ":",
    "\n",
    " ",
    "[a]: ",
    f"[a]: {URL}\n",
    f"[1] {URL}\n",
)


def used(text: str) -> list[str]:
    """What stands where a defined label is used, in the order of the text."""
    found: Links = links(text)
    spans = [span for places in found.used.values() for span in places]
    return [text[start:end] for start, end in sorted(spans)]


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        (f"[a] and [A][], [x][ a ]\n\n[a]: {URL}", ["[a]", "[A][]", "[x][ a ]"]),
        (f"[a]\n\n[a]:\n  <{URL}>\n[a]: https://x.test/2", ["[a]"]),
        (f"see [two\nwords]\n\n[Two  words]: {URL}", ["[two\nwords]"]),
        (f"[^1] [1]\n\n[^1]: {URL}", ["[^1]"]),
        (f"[1]\n\n[1] {URL}", ["[1]"]),
        (f"[[a]] and [not [a] here]\n[a]: {URL}", ["[a]", "[a]"]),
        (f"[a](other) [a]: it is\n[a]: {URL}", ["[a]"]),
        (f"[1]: {URL}\n[1]: {URL}\n [1] {URL}", []),
        (f"[WIP]\n[WIP] {URL}", []),
        (f"[a]\ntext [a]: {URL}", []),
        (f"[a]\n[a]: /1 {URL}", []),
        ("[a]", []),
    ],
)
def test_a_label_is_used_where_it_stands_by_itself(text: str, uses: list[str]) -> None:
    assert used(text) == uses


def test_of_two_definitions_the_first_counts() -> None:
    text = f"[a]\n\n[a]: {URL}\n[a]: https://x.test/2"
    (url,) = links(text).used
    assert text[url:].startswith(f"{URL}\n")


@given(st.lists(st.sampled_from(SCRAPS) | st.text(max_size=3), max_size=30).map("".join))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_any_text_has_its_uses_apart_and_each_of_a_url_of_the_text(text: str) -> None:
    found = links(text)
    assert set(found.used) <= {start for start, _ in found.urls}
    spans = sorted(span for places in found.used.values() for span in places)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert all(text[start] == "[" and text[end - 1] == "]" for start, end in spans)
