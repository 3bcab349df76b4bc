"""Precision and recall of relationships: what counts, and what is told apart."""

from __future__ import annotations

import pytest

from ingest.core.evaluation import Evaluation, Judged, Relation, Score, evaluation_of

SEVEN, EIGHT = Relation("mention", "tracker", "W-7"), Relation("mention", "tracker", "W-8")
CLOSED = Relation("resolves", "host", "acme/web#7")


def _judged(
    expected: set[Relation], found: set[Relation], *forbidden: str, ambiguous: bool = False
) -> Judged:
    return Judged("1", frozenset(expected), frozenset(found), frozenset(forbidden), ambiguous)


def test_a_share_is_of_all_texts_together() -> None:
    found = evaluation_of(
        [_judged({SEVEN, CLOSED}, {SEVEN, EIGHT}), _judged({SEVEN, EIGHT}, {SEVEN, EIGHT})]
    )
    assert found.total == Score(expected=4, found=4, right=3)
    assert (found.total.precision, found.total.recall) == (0.75, 0.75)
    assert found.by_kind == {"mention": Score(3, 4, 3), "resolves": Score(1, 0, 0)}
    assert found.by_source == {"host": Score(1, 0, 0), "tracker": Score(3, 4, 3)}
    assert (found.by_kind["resolves"].precision, found.by_kind["resolves"].recall) == (1.0, 0.0)


def test_where_readers_differ_nothing_counts_but_what_is_forbidden() -> None:
    doubtful = _judged({SEVEN}, {EIGHT}, "w-8", ambiguous=True)
    assert evaluation_of([doubtful]) == Evaluation(
        texts=1, total=Score(), hard_negative_matches=1, ambiguous=Score(1, 1, 0)
    )


@pytest.mark.parametrize(
    ("forbidden", "came_out"),
    [("#7", True), ("acme/web#7", True), ("ACME/web#7", True), ("web#7", False), ("7", False)],
)
def test_a_forbidden_number_is_that_of_any_repository(forbidden: str, *, came_out: bool) -> None:
    judged = _judged(set(), {CLOSED}, forbidden)
    assert judged.forbidden_found == [forbidden] * came_out


def test_misses_are_told_in_order() -> None:
    judged = _judged({SEVEN, CLOSED}, {EIGHT})
    assert judged.missed == [SEVEN, CLOSED]
    assert judged.wrong == [EIGHT]
