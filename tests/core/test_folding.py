"""The decision of `apply`, on a ledger in memory: one result of any order and any batches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.changes import Change, Delete, Field, Patch, Upsert
from ingest.core.folding import (
    DELETED,
    LIVE,
    UNKNOWN,
    Feed,
    LedgerRow,
    Statement,
    decide,
    is_stale,
)
from ingest.core.identity import Identity
from ingest.core.patching import MOST_PATCHES, MOST_UNITED, as_kept, merge
from ingest.core.ranks import Told, made, rank
from ingest.core.values import JSON

THING = Identity("somewhere", "tenant", "thing", "1")
PARENTS = (
    Identity("somewhere", "tenant", "thing", "0"),
    Identity("somewhere", "tenant", "box", "1"),
)
NOTHING_KNOWN = LedgerRow("identity", "document", "store", "somewhere", "tenant", "thing", "1", "s")


@dataclass
class Ledger:
    """What a database would hold of one document."""

    row: LedgerRow = NOTHING_KNOWN
    aliases: frozenset[str] = frozenset()
    feeds: dict[str, Feed] = field(default_factory=dict)
    whole: Upsert | None = None
    metadata: Mapping[str, JSON] | None = None

    def hear(self, batch: Sequence[Statement]) -> None:
        """One batch, as `apply` would do it; patches go through JSON as through their column."""
        decision = decide(self.row, batch, list(self.feeds.values()), self.metadata)
        patches = json.loads(json.dumps(decision.row.patches))
        self.row = replace(decision.row, patches=patches)
        if decision.lost_alias is not None:
            self.aliases -= {decision.lost_alias}
        self.aliases |= decision.aliases
        self.feeds |= {feed.connection_id: feed for feed in decision.feeds}
        if decision.deleted:
            self.whole = self.metadata = None
        if decision.whole is not None:
            self.whole = replace(decision.whole, aliases=())
        if decision.metadata is not None:
            self.metadata = decision.metadata


def heard(batches: Iterable[Sequence[Statement]]) -> Ledger:
    ledger = Ledger()
    for batch in batches:
        ledger.hear(batch)
    return ledger


def told(change: Change, connection: str = "all", only: frozenset[str] | None = None) -> Statement:
    """A change as a connection with that filter tells it, in a body that says nothing else."""
    labels = change.labels if isinstance(change, Upsert) else None
    wanted = only is None or labels is None or bool(only & labels)
    return Statement(change, own_rank(change), connection, wanted)


def own_rank(change: Change) -> str:
    """Its place where each says what no other body does."""
    return rank(change, Told(made(change)))


def upsert(version: int, **fields: object) -> Upsert:
    whole = Upsert(THING, version, "A-1", "title", "body", {"version": version})
    return replace(whole, **fields)  # type: ignore[arg-type]


TIMES = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
FILTERS = {"all": None, "red": frozenset({"red"}), "blue": frozenset({"blue"})}
FIELDS = {
    "first": st.builds(Field, st.integers(0, 3), st.just("min")),
    "last": st.builds(Field, st.integers(0, 3), st.just("max")),
    "tags": st.builds(Field, st.lists(st.sampled_from("abc"), max_size=2), st.just("union")),
    "state": st.builds(Field, st.sampled_from("xyz"), st.just("newest")),
}
versions = st.integers(1, 4)
keys = st.sampled_from(["A-1", "A-2", "B-1"])
upserts = st.builds(
    Upsert,
    identity=st.just(THING),
    version=versions,
    source_id=keys,
    title=st.sampled_from(["one", "other"]),
    body=st.just(""),
    metadata=st.fixed_dictionaries(
        {}, optional={"first": st.integers(0, 3), "last": st.integers(0, 3), "state": st.just("w")}
    ),
    parent=st.none() | st.sampled_from(PARENTS),
    aliases=st.lists(keys, max_size=2).map(tuple),
    labels=st.none() | st.sets(st.sampled_from(["red", "blue"])).map(frozenset),
    priority=st.sampled_from([50, 100]),
    created_at=st.none() | st.sampled_from(TIMES),
)
deletes = st.builds(
    Delete,
    identity=st.just(THING),
    version=versions,
    final=st.sampled_from([False, False, True]),
    aliases=st.lists(keys, max_size=1).map(tuple),
)
patches = st.builds(
    Patch,
    identity=st.just(THING),
    version=versions,
    fields=st.fixed_dictionaries({}, optional=FIELDS),
)
changes: st.SearchStrategy[Change] = upserts | upserts | deletes | patches
statements = st.builds(
    lambda change, connection, heard_at: replace(
        told(change, connection, FILTERS[connection]), heard_at=heard_at
    ),
    changes,
    st.sampled_from(sorted(FILTERS)),
    st.sampled_from(TIMES),
)
streams = st.lists(statements, min_size=1, max_size=8)


@st.composite
def deliveries(draw: st.DrawFn, stream: Sequence[Statement]) -> list[list[Statement]]:
    """The stream in any order, with repetitions, in batches of any size."""
    repeated = draw(st.lists(st.sampled_from(stream), max_size=3))
    order = draw(st.permutations([*stream, *repeated]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)))) | {0, len(order)})
    return [list(order[a:b]) for a, b in pairwise(cuts)]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_order_and_any_batches_end_in_one_state(data: st.DataObject) -> None:
    """A bug once: a delete forgot the parent if it came first, and kept it if it came last."""
    stream = data.draw(streams)
    one = heard(data.draw(deliveries(stream)))
    other = heard(data.draw(deliveries(stream)))
    assert one == other


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_stands_in_the_end_is_the_newest_word_and_the_patches_after_it(
    data: st.DataObject,
) -> None:
    stream = data.draw(streams)
    ledger = heard(data.draw(deliveries(stream)))
    wanted = [s for s in stream if s.wanted]
    newest = max((s for s in wanted if not isinstance(s.change, Patch)), key=_rank, default=None)
    assert ledger.row.rank == (newest.rank if newest else None)
    if newest is None:
        assert (ledger.row.state, ledger.metadata) == (UNKNOWN, None)
    elif isinstance(newest.change, Upsert):
        assert (ledger.row.state, ledger.row.source_id) == (LIVE, newest.change.source_id)
        after = {s.rank: s.change for s in wanted if s.rank > newest.rank}
        later = [c for _, c in sorted(after.items()) if isinstance(c, Patch)]
        assert ledger.metadata == _laid_over(newest.change.metadata, later)
    else:
        assert (ledger.row.state, ledger.whole, ledger.metadata) == (DELETED, None, None)


def _rank(statement: Statement) -> str:
    return statement.rank


def _laid_over(metadata: Mapping[str, JSON], later: Iterable[Patch]) -> dict[str, JSON]:
    """The same merges, written a second time and as plainly as can be."""
    merged: dict[str, JSON] = dict(metadata)
    for patch in later:
        for name, told_field in patch.fields.items():
            values = [v for v in (merged.get(name), told_field.value) if v is not None]
            if told_field.merge == "newest":
                merged[name] = told_field.value
            elif told_field.merge == "union":
                merged[name] = sorted({item for v in values if isinstance(v, list) for item in v})  # type: ignore[type-var]
            else:
                numbers = [v for v in values if isinstance(v, int)]
                merged[name] = min(numbers) if told_field.merge == "min" else max(numbers)
    return merged


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_key_ever_told_finds_the_document(data: st.DataObject) -> None:
    stream = data.draw(streams)
    ledger = heard(data.draw(deliveries(stream)))
    said: set[str] = set()
    for change in (s.change for s in stream if s.wanted):
        if isinstance(change, Upsert):
            said |= {change.source_id, *change.aliases}
        elif isinstance(change, Delete):
            said |= set(change.aliases)
    current = {ledger.row.source_id} if ledger.row.source_id else set()
    assert ledger.aliases | current == said
    assert not ledger.aliases & current


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_newest_word_of_each_connection_says_whether_it_feeds(data: st.DataObject) -> None:
    stream = data.draw(streams)
    ledger = heard(data.draw(deliveries(stream)))
    said: dict[str, Statement] = {}
    for statement in sorted(stream, key=_rank):
        if not isinstance(statement.change, Delete):
            said[statement.connection_id] = statement
    assert {c: f.feeding for c, f in ledger.feeds.items()} == {c: s.wanted for c, s in said.items()}
    assert ledger.row.fed == (not said or any(s.wanted for s in said.values()))


@given(st.lists(patches, min_size=1, max_size=5))
def test_patches_commute(told_patches: list[Patch]) -> None:
    said = [_as_known(patch) for patch in told_patches]
    assert merge({"first": 2}, said) == merge({"first": 2}, said[::-1])


def _as_known(patch: Patch) -> dict[str, JSON]:
    return as_kept(patch, own_rank(patch), 0)


def test_a_union_is_sorted_and_without_duplicates_also_where_nothing_was_known() -> None:
    patch: dict[str, JSON] = {
        "rank": "1",
        "fields": {"tags": {"value": ["b", "a", "b"], "merge": "union"}},
    }
    assert merge({}, [patch]) == {"tags": ["a", "b"]}
    nested: dict[str, JSON] = {
        "rank": "1",
        "fields": {"tags": {"value": {"os": ["b", "a"]}, "merge": "union"}},
    }
    assert merge({}, [nested]) == {"tags": {"os": ["a", "b"]}}


def test_what_years_of_events_add_to_one_object_is_bounded_in_any_order() -> None:
    """Bug: each event of an issue could add its own tags to the document, and to the ledger."""
    stream = [
        told(Patch(THING, at, {"tags": Field({f"{-at % 997}": [f"{at}"]}, "union")}))
        for at in range(1, 5 * MOST_PATCHES)
    ]
    stream += [
        told(Patch(THING, at, {"releases": Field([f"{at:04}"], "union"), "last": Field(at, "max")}))
        for at in range(9_000, 8_000, -1)
    ]
    ends = []
    for order in (stream, stream[::-1]):
        batches = [order[at : at + 250] for at in range(0, len(order), 250)]
        ledger = heard([[told(upsert(1))], *batches])
        kept = ledger.row.patches
        assert kept is not None
        assert len(list(kept["patches"])) <= MOST_PATCHES  # type: ignore[arg-type]
        assert len(json.dumps(kept)) < 300 * MOST_PATCHES
        ends.append(ledger.metadata)
    assert ends[0] == ends[1]
    assert ends[0] is not None
    assert ends[0]["last"] == 9_000
    assert ends[0]["releases"] == [f"{at:04}" for at in range(8_001, 8_001 + MOST_UNITED)]
    assert len(dict(ends[0]["tags"])) == MOST_UNITED  # type: ignore[arg-type]


def test_a_newer_whole_object_replaces_what_was_patched() -> None:
    patch = told(Patch(THING, 2, {"last": Field(9, "max")}))
    for order in permutations([told(upsert(1)), patch, told(upsert(3))]):
        ledger = heard([s] for s in order)
        assert ledger.metadata == {"version": 3}
        assert ledger.row.patches is None


def test_a_patch_before_its_object_waits_for_it() -> None:
    patch = told(Patch(THING, 2, {"last": Field(9, "max")}))
    waiting = heard([[patch]])
    assert (waiting.row.state, waiting.metadata) == (UNKNOWN, None)
    waiting.hear([told(upsert(1))])
    assert waiting.metadata == {"version": 1, "last": 9}


def test_a_patch_does_not_lift_a_tombstone() -> None:
    ledger = heard([[told(Delete(THING, 1))], [told(Patch(THING, 2, {"last": Field(9, "max")}))]])
    assert (ledger.row.state, ledger.metadata) == (DELETED, None)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_final_delete_always_wins(version: int) -> None:
    words = [told(Delete(THING, 2, final=True)), told(upsert(version))]
    for order in permutations(words):
        assert heard([s] for s in order).row.state == DELETED
        assert heard([list(order)]).row.state == DELETED


@pytest.mark.parametrize(("version", "state"), [(1, DELETED), (2, DELETED), (3, LIVE)])
def test_a_tombstone_is_lifted_by_a_newer_upsert_only(version: int, state: str) -> None:
    """And a delete wins a tie."""
    words = [told(Delete(THING, 2)), told(upsert(version))]
    for order in permutations(words):
        assert heard([s] for s in order).row.state == state


def test_the_ledger_advances_though_the_content_is_equal() -> None:
    """Forgetting this lets a third, stale change win."""
    first, same, stale = upsert(1), upsert(3, metadata={"version": 1}), upsert(2, title="stale")
    ledger = heard([[told(first)], [told(same)]])
    assert ledger.row.rank == own_rank(same)
    assert is_stale(ledger.row, told(stale))
    ledger.hear([told(stale)])
    assert ledger.whole is not None
    assert ledger.whole.title == "title"


def test_a_stale_word_still_leaves_its_aliases() -> None:
    ledger = heard([[told(upsert(2, source_id="B-1"))], [told(upsert(1, aliases=("A-0",)))]])
    assert ledger.row.source_id == "B-1"
    assert ledger.aliases == {"A-0", "A-1"}


def test_a_key_that_is_current_again_is_no_alias() -> None:
    words = [upsert(1), upsert(2, source_id="B-1"), upsert(3)]
    for order in permutations(words):
        ledger = heard([told(w)] for w in order)
        assert (ledger.row.source_id, set(ledger.aliases)) == ("A-1", {"B-1"})


def test_the_filters_newest_word_withdraws_and_brings_back() -> None:
    red, blue = frozenset({"red"}), frozenset({"blue"})
    moves = [upsert(1, labels=red), upsert(2, labels=blue), upsert(3, labels=red)]
    for last in (1, 2, 3):
        for order in permutations(moves[:last]):
            ledger = heard([told(w, "filtered", red)] for w in order)
            assert ledger.row.fed == (last != 2)


def test_what_one_connection_withdraws_another_still_feeds() -> None:
    moved = upsert(1, labels=frozenset({"blue"}))
    words = [told(moved, "filtered", frozenset({"red"})), told(moved, "all")]
    for order in permutations(words):
        ledger = heard([s] for s in order)
        assert ledger.row.fed
        assert ledger.row.state == LIVE


def test_nothing_is_its_own_parent() -> None:
    ledger = Ledger(row=replace(NOTHING_KNOWN, store_id="store"))
    own = upsert(1, parent=THING)
    key = heard([[told(upsert(1, parent=PARENTS[0]))]]).row.parent
    assert key is not None
    ledger.row = replace(ledger.row, identity=_own_key())
    ledger.hear([told(own)])
    assert ledger.row.parent is None


def _own_key() -> str:
    """The key that an upsert with this parent gives it."""
    child = Upsert(Identity("somewhere", "tenant", "thing", "2"), 1, "", "", "", {}, parent=THING)
    parent = heard([[told(child)]]).row.parent
    assert parent is not None
    return parent


def test_the_source_s_time_of_creation_counts_whenever_it_comes() -> None:
    """Bug: where the newest word had no time, it hung on which word came first. Where none has one,
    it is when the object was first heard of.
    """
    first, second, third = TIMES
    words = [
        replace(told(upsert(1, created_at=third)), heard_at=second),
        replace(told(upsert(2, created_at=second)), heard_at=third),
        replace(told(upsert(3)), heard_at=first),
    ]
    for order in permutations(words):
        assert heard([word] for word in order).row.dates.shown == second
    untimed = [
        replace(told(upsert(n)), heard_at=at)
        for n, at in enumerate((second, third, first), start=1)
    ]
    for order in permutations(untimed):
        assert heard([word] for word in order).row.dates.shown == first
