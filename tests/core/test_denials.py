"""What takes a keyword back: what it speaks of is mentioned all the same."""

from __future__ import annotations

import pytest

from tests.core.tracking import edges, mentioned


@pytest.mark.parametrize(
    "text",
    [
        "Nothing here fixes T-1",
        "None of this fixes T-1",
        "This does **not** fix T-1",
        "It hardly fixes T-1",
        "This avoids closing T-1",
        "If this fixes T-1, all is well",
        "It would be nice if this closed T-1, but it does not",
        "Not sure whether it fixes T-1",
        "We need it before we can close T-1",
        "Once this fixes T-1 we can go on",
        "Unless it depends on T-1",
        "A crash when blocked by T-1",
        "Found while fixing T-1",
        "The tests of resolving T-1",
        "Thanks for fixing T-1!",
        "Stops short of fixing T-1",
        "Does this fix T-1?",
        "**Can** we close [T-1](https://tracker.test/T-1)?",
        "Is this blocked by T-1 too?",
        'Add "Fixes T-1" to the description',
        "Please write \u201cBlocked by T-1\u201d above",
        "Add 'see T-1' to it",
        "~~Depends on T-1~~",
        "Depends on ~~T-1~~",
        "<del>Fixes T-1</del>",
        "revert: fixes T-1",
        "Reverts \u201cfixes T-1\u201d",
    ],
)
def test_what_is_denied_asked_conditional_quoted_or_struck_out_makes_no_edge(text: str) -> None:
    assert edges(text) == []
    assert mentioned(text) == ["T-1"]


@pytest.mark.parametrize(
    "text",
    [
        "When merged this closes T-1",
        "Once merged, this will close T-1",
        "If possible fixes T-1",
        "If it helps: fixes T-1",
        "Nothing else. Fixes T-1",
        "What nobody knew\nFixes T-1",
        "when it rains\nfixes T-1",
        "Does anybody know? It fixes T-1",
        "Will fix T-1 (is that right?)",
        "Will fix T-1, or should it?",
        "Will fix T-1. Right?",
        "Faster by fixing T-1",
        "This is fixing T-1",
        "Work on fixing T-1",
        'The "totals" are right, fixes T-1',
        "Ann's fixes T-1 and Ben's",
        "~~Fixes T-2~~ Fixes T-1",
    ],
)
def test_words_that_only_look_like_it_take_nothing_back(text: str) -> None:
    assert edges(text) == [("resolves", "T-1")]


def test_a_condition_does_not_part_what_is_related() -> None:
    for text in ("If in doubt see T-1", "Before merging see T-1", "Can you see T-1?"):
        assert edges(text) == [("relatedTo", "T-1")]


def test_a_step_towards_a_fix_is_related_to_it() -> None:
    assert edges("A step towards fixing T-1") == [("relatedTo", "T-1")]


def test_what_is_struck_out_of_a_list_leaves_the_others() -> None:
    assert edges("Fixes T-1, ~~T-2~~") == [("resolves", "T-1")]
    assert mentioned("Fixes T-1, ~~T-2~~") == ["T-1", "T-2"]
