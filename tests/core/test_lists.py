"""Lists that share one keyword: in a row, and in items below it, whatever the others say."""

from __future__ import annotations

import time

import pytest

from tests.core.tracking import edges, mentioned, references


@pytest.mark.parametrize(
    "text",
    [
        "Requires:\n\n- Python 3.11\n- a library\n- T-1",
        "## Depends on\n\n* the review\n* T-1 (the totals)",
        "Depends on\n1. [ ] the review\n2. [x] T-1",
        "Depends on:\n- the review,\n  which takes long\n- T-1",
        "Depends on:\n- the review\n\n- T-1",
        "Depends on:\r\n- the review\r\n- T-1\r\n",
        "Depends on:\n- one\n  - the review\n- two\n  - T-1",
        "Depends on:\n- the review\n- Ticket: T-1",
        "- Depends on:\n  - the review\n  - T-1\n- another",
        "Depends on:\n\u2013 the review\n\u2013 T-1",
        "Depends on:\n\u2022 the review\n\u2192 **T-1**",
        "## \U0001f517 Depends on\n\n- T-1",
        "## 3. Depends on\n\n- T-1",
        "Depends on\n----------\nT-1",
        "Depends on\r\n==========\r\n\r\n* T-1",
        "Depends on \u2192 T-1",
        "Depends on: \U0001f41b T-1",
        "Depends on : T-1",
        "depends_on: T-1",
        "Depends on \\[T-1\\]",
        "Depends on issue(s): T-1",
        "Depends on issues/PRs: T-1",
        "Depends on the tickets and requests: T-1",
        "Depends on changes in T-1",
        "<b>Depends on:</b> T-1",
        "<p>Depends on T-1</p>",
    ],
)
def test_a_keyword_reaches_the_things_of_its_list(text: str) -> None:
    assert edges(text) == [("dependsOn", "T-1")]


@pytest.mark.parametrize(
    "text",
    [
        "Depends on:\n- one\n\nBeside that:\n- T-1",
        "Depends on:\n- one\n\nWords\n\n- T-1",
        "Depends on:\n- one\n\n\n\n- T-1",
        "Depends on:\n- one\n- what T-1 says",
        "Depends on:\n- one\n- beside it:\n  - T-1",
        "- Depends on:\n  - one\n- T-1",
        "What it depends on\n- one\n- T-1",
        "Login depends on \u2013 T-1",
        "What it depends on\n---\nT-1",
        "Words, depends on\n\u2705 T-1",
        "Depends on:\n- one\nT-1",
    ],
)
def test_a_list_ends_where_other_words_come(text: str) -> None:
    assert edges(text) == []
    assert mentioned(text) == ["T-1"]


def test_each_item_of_a_list_with_blank_lines_takes_part() -> None:
    text = "Blocked by:\n\n- T-1\n\n- the review\n\n- T-2"
    assert edges(text) == [("blockedBy", "T-1"), ("blockedBy", "T-2")]


@pytest.mark.parametrize(
    "text",
    [
        "Depends on both T-1 and T-2",
        "Depends on T-1 as well as T-2",
        "Depends on T-1, plus also T-2",
        "Depends on T-1 and on T-2",
        "Depends on T-1 and ticket T-2",
        "Depends on pull request T-1, pull request T-2",
        "Depends on T-1 and the page T-2",
        "Depends on T-1\u3001T-2",
        "Depends on \\[T-1\\], \\[T-2\\]",
        "Depends on <b>T-1</b><br><b>T-2</b>",
    ],
)
def test_a_row_goes_on_over_and_nouns_and_the_preposition(text: str) -> None:
    assert edges(text) == [("dependsOn", "T-1"), ("dependsOn", "T-2")]


@pytest.mark.parametrize(
    "text",
    [
        "Depends on T-1 and breaks T-2",
        "Depends on T-1 and by T-2",
        "Depends on T-1 and not T-2",
        "Depends on T-1, T-2 is free",
        "Depends on T-1 and [T-2](https://tracker.test/T-2) was before it",
        "Depends on T-1, but not on T-2",
        "Depends on T-1, see what T-2 says",
    ],
)
def test_other_words_end_a_row(text: str) -> None:
    assert edges(text) == [("dependsOn", "T-1")]


@pytest.mark.parametrize("text", ["Fixes T-1 (!1), T-2", "Fixes T-1 ([!1](../issues/1)) and T-2"])
def test_what_stands_in_parentheses_behind_a_thing_is_passed_over(text: str) -> None:
    assert edges(text) == [("resolves", "T-1"), ("resolves", "T-2")]
    assert mentioned(text) == ["acme/pay#1", "T-1", "T-2"]


def test_a_source_that_closes_singly_closes_nothing_further_down() -> None:
    assert edges("Fixes:\n- the totals\n- !1\n- T-2") == [("resolves", "T-2")]
    assert edges("See:\n- the totals\n- !1") == [("relatedTo", "acme/pay#1")]


@pytest.mark.parametrize(
    "piece",
    [
        "- one\n- T-1\n",
        "- one\n  - T-1\n",
        "".join(" " * depth + "- T-1\n" for depth in range(40, -1, -1)),
        "- T-1\n\n",
    ],
)
def test_long_lists_are_followed_in_linear_time(piece: str) -> None:
    text = "Fixes:\n" + piece * (100_000 // len(piece))
    began = time.process_time()
    assert references(text)
    assert time.process_time() - began < 3
