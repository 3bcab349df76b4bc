"""The one total order of changes: what stands before what, and that nothing stands level."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.changes import DELETE_PRIORITY, Change, Delete, Field, Patch, Upsert
from ingest.core.identity import Identity
from ingest.core.ranks import TOLD, Origin, Seen, rank
from ingest.core.references import Reference

THING = Identity("somewhere", "tenant", "thing", "1")
REFERENCE = Reference("mention", "somewhere", "A-1", "text", "see A-1")
UPSERT = Upsert(THING, 5, "A-1", "title", "body", {"state": "open"})

versions = st.integers(0, 10**19 - 1)
upserts = st.builds(
    Upsert,
    identity=st.just(THING),
    version=versions,
    source_id=st.text(max_size=3),
    title=st.text(max_size=3),
    body=st.text(max_size=3),
    metadata=st.dictionaries(st.text(max_size=2), st.integers() | st.text(max_size=2), max_size=2),
    priority=st.integers(0, 499),
)
deletes = st.builds(Delete, identity=st.just(THING), version=versions, final=st.booleans())
patches = st.builds(
    Patch,
    identity=st.just(THING),
    version=versions,
    fields=st.dictionaries(
        st.text(max_size=2),
        st.builds(Field, st.integers(), st.sampled_from(["min", "max", "union", "newest"])),
        max_size=2,
    ),
)
changes: st.SearchStrategy[Change] = upserts | deletes | patches
origins: st.SearchStrategy[Origin] = st.just(TOLD) | st.builds(Seen, st.integers(0, 2**63 - 1))

# What the order must be made of, in the order of its weight, as Python compares it.
_Place = tuple[bool, int, bool, int, int]


def _place(change: Change, origin: Origin) -> _Place:
    final = isinstance(change, Delete) and change.final
    seen = isinstance(origin, Seen)
    fence = origin.fence if isinstance(origin, Seen) else 0
    return final, 0 if final else change.version or 0, seen, fence, 0 if seen else change.priority


@given(changes, origins, changes, origins)
def test_texts_sort_as_version_sight_fence_and_priority_demand(
    one: Change, one_origin: Origin, two: Change, two_origin: Origin
) -> None:
    first, second = _place(one, one_origin), _place(two, two_origin)
    if first != second:
        assert (rank(one, one_origin) < rank(two, two_origin)) == (first < second)


@given(changes, origins)
def test_a_rank_is_plain_ascii_of_one_length(change: Change, origin: Origin) -> None:
    """Then PostgreSQL's collation "C" and Python agree on the order."""
    text = rank(change, origin)
    assert text.isascii()
    assert len(text) == len(rank(UPSERT))


@given(st.lists(st.tuples(changes, origins), min_size=2, max_size=6))
def test_any_order_of_changes_has_one_newest(told: list[tuple[Change, Origin]]) -> None:
    ranks = [rank(change, origin) for change, origin in told]
    assert max(ranks) == max(reversed(ranks))
    for (one, one_origin), (two, two_origin) in combinations(told, 2):
        if rank(one, one_origin) == rank(two, two_origin):
            assert type(one) is type(two)
            assert _place(one, one_origin) == _place(two, two_origin)


OTHER_WORDS: dict[str, object] = {
    "source_id": "A-2",
    "title": "another title",
    "body": "another body",
    "metadata": {"state": "closed"},
    "created_at": datetime(2026, 3, 1, tzinfo=UTC),
    "parent": Identity("somewhere", "tenant", "thing", "2"),
    "frontmatter": {"state": "open"},
    "references": (REFERENCE,),
    "links": ("https://example.com",),
    "temporal": {"commitSha": "5f" * 20},
    "home": "halcyon/web",
    "labels": frozenset({"team-1"}),
    "priority": 200,
    "chunk_overlap": 25,
    "version": 6,
}
SAYS_NOTHING_ABOUT_ITS_PLACE = {"identity", "aliases"}
"""One identity has one order; aliases add up, whichever change is newer."""


def test_every_field_of_an_upsert_is_either_in_its_rank_or_has_no_order() -> None:
    assert {f.name for f in fields(Upsert)} == OTHER_WORDS.keys() | SAYS_NOTHING_ABOUT_ITS_PLACE


@pytest.mark.parametrize("field", OTHER_WORDS)
def test_two_upserts_that_differ_in_any_word_are_not_level(field: str) -> None:
    """A bug once: changes level in rank but different in labels let the first to arrive win."""
    other = replace(UPSERT, **{field: OTHER_WORDS[field]})  # type: ignore[arg-type]
    assert rank(other) != rank(UPSERT)


@pytest.mark.parametrize(
    "changed", [{"origin": "url"}, {"evidence": "see also A-1"}, {"prefix": "A"}, {"key": "A-2"}]
)
def test_two_upserts_whose_references_differ_are_not_level(changed: dict[str, str]) -> None:
    one = replace(UPSERT, references=(REFERENCE,))
    other = replace(UPSERT, references=(replace(REFERENCE, **changed),))  # type: ignore[arg-type]
    assert rank(one) != rank(other)


def test_a_told_delete_wins_a_tie_against_every_upsert() -> None:
    for priority in (0, 100, 499):
        assert rank(Delete(THING, 5)) > rank(replace(UPSERT, priority=priority))
    assert DELETE_PRIORITY > 499


def test_what_is_seen_stands_above_what_is_told_of_the_same_version() -> None:
    assert rank(UPSERT, Seen(1)) > rank(Delete(THING, 5))
    assert rank(UPSERT, Seen(2)) > rank(UPSERT, Seen(1))
    assert rank(replace(UPSERT, version=6)) > rank(UPSERT, Seen(2))


def test_nothing_stands_above_a_final_delete_that_was_told() -> None:
    latest = replace(UPSERT, version=10**19 - 1, priority=499)
    assert rank(Delete(THING, 0, final=True)) > rank(latest, Seen(2**63 - 1))


@pytest.mark.parametrize("version", [-1, 10**19])
def test_a_version_that_would_break_the_order_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match="version"):
        rank(replace(UPSERT, version=version))
