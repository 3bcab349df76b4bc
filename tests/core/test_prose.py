"""Prose: what is blanked, and that every character keeps its place."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.prose import prose
from tests.core.test_references import texts


def test_a_text_without_code_is_returned_itself() -> None:
    text = "Totals are off by 1 < 2.\n\nA second paragraph."
    assert prose(text) is text


def test_code_becomes_spaces_and_its_backticks_stay() -> None:
    assert prose("a `b c` d") == "a `   ` d"
    assert prose("```py\nx\n```\ny") == "     \n \n   \ny"


def test_a_longer_run_of_backticks_is_not_closed_by_a_shorter_one() -> None:
    assert prose("``a ` b`` c") == "``     `` c"
    assert prose("````\n```\nx\n````\ny").split() == ["y"]


def test_a_fence_with_backticks_in_its_line_is_inline_code() -> None:
    assert prose("```a``` b") == "``` ``` b"


@given(texts | st.text())
@settings(derandomize=True, deadline=None, max_examples=300)
def test_length_and_lines_are_kept_and_nothing_but_spaces_is_written(text: str) -> None:
    blanked = prose(text)
    assert len(blanked) == len(text)
    assert all(
        b in (a, " ") and (a != "\n" or b == "\n") for a, b in zip(text, blanked, strict=True)
    )
