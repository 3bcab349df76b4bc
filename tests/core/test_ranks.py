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
from ingest.core.ranks import Origin, Seen, Told, made, rank
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
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
origins: st.SearchStrategy[Origin] = st.builds(Told, digests) | st.builds(
    Seen, st.integers(0, 2**63 - 1)
)

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
def test_a_rank_is_plain_ascii(change: Change, origin: Origin) -> None:
    """Then PostgreSQL's collation "C" and Python agree on the order."""
    assert rank(change, origin).isascii()


@given(st.lists(st.tuples(changes, origins), min_size=2, max_size=6))
def test_any_order_of_changes_has_one_newest(told: list[tuple[Change, Origin]]) -> None:
    ranks = [rank(change, origin) for change, origin in told]
    assert max(ranks) == max(reversed(ranks))
    for (one, one_origin), (two, two_origin) in combinations(told, 2):
        if rank(one, one_origin) == rank(two, two_origin):
            assert one_origin == two_origin
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
    "home_scope": "101",
    "title_is_made_up": True,
    "labels": frozenset({"team-1"}),
    "chunk_overlap": 25,
    "answers": True,
    "lives_in": Identity("somewhere", "tenant", "thing", "3"),
    "branch": "eng-1-fix",
}
ITS_PLACE = {"version", "priority"}
SAYS_NOTHING_ABOUT_EITHER = {"identity", "aliases"}
"""One identity has one order; aliases add up, whichever change is newer."""


def test_every_field_of_an_upsert_is_its_place_or_what_it_says() -> None:
    others = ITS_PLACE | SAYS_NOTHING_ABOUT_EITHER
    assert {f.name for f in fields(Upsert)} == OTHER_WORDS.keys() | others


@pytest.mark.parametrize("field", OTHER_WORDS)
def test_what_is_made_of_the_words_does_not_move_them(field: str) -> None:
    """A bug once: a mended adapter's change won or lost against its former one by its digest."""
    other = replace(UPSERT, **{field: OTHER_WORDS[field]})  # type: ignore[arg-type]
    assert rank(other, Told("5f")) == rank(UPSERT, Told("5f"))
    assert made(other) != made(UPSERT)


@pytest.mark.parametrize("field", sorted(ITS_PLACE))
def test_its_place_is_the_providers_own(field: str) -> None:
    other = replace(UPSERT, **{field: 200})  # type: ignore[arg-type]
    assert rank(other, Told("5f")) > rank(UPSERT, Told("5f"))


@pytest.mark.parametrize(
    "changed", [{"origin": "url"}, {"evidence": "see also A-1"}, {"prefix": "A"}, {"key": "A-2"}]
)
def test_two_upserts_whose_references_differ_do_not_say_the_same(changed: dict[str, str]) -> None:
    one = replace(UPSERT, references=(REFERENCE,))
    other = replace(UPSERT, references=(REFERENCE._replace(**changed),))  # type: ignore[arg-type]
    assert made(one) != made(other)


def test_bodies_of_one_version_have_one_order() -> None:
    assert rank(UPSERT, Told("5f")) != rank(UPSERT, Told("60"))


def test_a_rank_of_former_times_stands_below_what_is_told_anew() -> None:
    former = rank(UPSERT, Told()).replace("~", "f" * 64)
    assert former < rank(UPSERT, Told("00"))
    assert former > rank(replace(UPSERT, version=4), Told("ff"))


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
