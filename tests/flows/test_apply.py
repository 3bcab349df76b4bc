"""Changes applied without a delivery: any of them, in any order, in a tree that comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.changes import Change, Delete, Field, Patch, Upsert
from ingest.core.folding import Statement
from ingest.core.identity import Identity
from ingest.core.ranks import Told, made, rank
from ingest.flows import sweep
from ingest.flows.documents.apply import apply
from ingest.flows.documents.bind import bind
from ingest.flows.documents.prerender import prerender
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.flows.documents.subjects import StoreStatement
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows.snapshot import Snapshot, difference, snapshot

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

STORE = StoreConfig("store-1", "char-hash-1536", 1536, 512, 50, {"linear": {"ENG"}})
ROOT, CHILD, GRANDCHILD, ASIDE = (
    Identity("linear", "organization-1", "thing", name) for name in ("1", "2", "3", "4")
)
TIMES = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
PARENTS: dict[Identity, list[Identity | None]] = {
    ROOT: [None],
    CHILD: [None, ROOT, ROOT],
    GRANDCHILD: [None, ROOT, CHILD, CHILD],
    ASIDE: [None],
}

_FORGET = sa.text("DELETE FROM lightfast_docs_documents")
_FORGET_LEDGER = sa.text("DELETE FROM lightfast_document_ledger")
# Behind those, which leave marks.
_FORGET_COUNTS = sa.text("""
WITH m AS (DELETE FROM lightfast_count_marks)
UPDATE lightfast_connected_sources SET document_count = 0
""")
_SEEN = sa.text("SELECT source_id FROM lightfast_docs_documents ORDER BY source_id")


@dataclass(frozen=True)
class Word:
    """A change as one of two connections tells it; `filtered` wants only what is red."""

    change: Change
    connection: str
    heard_at: datetime = TIMES[0]


@dataclass(frozen=True)
class Bench:
    engine: sa.Engine
    connections: dict[str, str]

    def run(self, batches: Sequence[Sequence[Word]]) -> Snapshot:
        """From nothing, batch by batch, with the counts taken after each."""
        with transaction(self.engine, durable=False) as conn:
            conn.execute(_FORGET)
            conn.execute(_FORGET_LEDGER)
            conn.execute(_FORGET_COUNTS)
        for batch in batches:
            self.told(*batch)
            sweep.settle_counts(self.engine)
        return snapshot(self.engine)

    def told(self, *words: Word) -> None:
        said, renders = [self._said(word) for word in words], Renders()
        prerender(self.engine, said, renders)
        with transaction(self.engine, durable=False) as conn:
            applied = apply(conn, said, renders)
        bind(self.engine, applied.noted)

    def _said(self, word: Word) -> StoreStatement:
        filtered = word.connection == "filtered"
        labels = word.change.labels if isinstance(word.change, Upsert) else None
        statement = Statement(
            word.change,
            rank(word.change, Told(made(word.change))),
            self.connections[word.connection],
            wanted=not filtered or labels is None or "red" in labels,
            heard_at=word.heard_at,
        )
        return STORE, statement

    def seen(self) -> list[str]:
        with transaction(self.engine) as conn:
            return list(conn.execute(_SEEN).scalars())


@pytest.fixture
def bench(engine: sa.Engine) -> Bench:
    stores = [make_store(engine, "store-1")]
    names = ("all", "filtered")
    return Bench(engine, {name: connect(engine, "linear", stores=stores) for name in names})


def whole(identity: Identity, parent: Identity | None = None, at: int = 1, **said: str) -> Upsert:
    key = f"ENG-{identity.id}"
    text = said.get("body", "")
    labels = frozenset({said["colour"]}) if "colour" in said else None
    metadata = {"id": identity.id}
    return Upsert(identity, at, key, "A thing", text, metadata, parent=parent, labels=labels)


things = st.sampled_from(list(PARENTS))
versions = st.integers(1, 3)
upserts = things.flatmap(
    lambda thing: st.builds(
        Upsert,
        identity=st.just(thing),
        version=versions,
        source_id=st.sampled_from([f"ENG-{thing.id}", f"ENG-{thing.id}0"]),
        title=st.sampled_from(["one", "other"]),
        body=st.sampled_from(["", "Blocked by ENG-1.", "See ENG-2 and ENG-30.", "Fixes ENG-4."]),
        metadata=st.fixed_dictionaries({"last": st.integers(0, 2)}),
        parent=st.sampled_from(PARENTS[thing]),
        aliases=st.sampled_from([(), (), ("ENG-30",)]),
        labels=st.sampled_from([None, frozenset({"red"}), frozenset({"blue"})]),
        created_at=st.none() | st.sampled_from(TIMES),
    )
)
deletes = st.builds(Delete, identity=things, version=versions, final=st.sampled_from([False] * 3))
patches = st.builds(
    Patch,
    identity=things,
    version=versions,
    fields=st.fixed_dictionaries(
        {},
        optional={
            "last": st.builds(Field, st.integers(0, 3), st.just("max")),
            "state": st.builds(Field, st.sampled_from("xy"), st.just("newest")),
        },
    ),
)
words = st.builds(
    Word,
    st.one_of(upserts, upserts, deletes, patches),
    st.sampled_from(["all", "filtered"]),
    st.sampled_from(TIMES),
)


@st.composite
def batches(draw: st.DrawFn, stream: Sequence[Word]) -> list[list[Word]]:
    order = draw(st.permutations([*stream, *draw(st.lists(st.sampled_from(stream), max_size=2))]))
    size = draw(st.sampled_from([1, 2, 3, 50]))
    return [list(order[place : place + size]) for place in range(0, len(order), size)]


def check(bench: Bench, data: st.DataObject, longest: int) -> None:
    stream = data.draw(st.lists(words, min_size=1, max_size=longest))
    one, other = data.draw(batches(stream)), data.draw(batches(stream))
    differs = difference(bench.run(one), bench.run(other))
    if differs:
        pytest.fail(f"two orders ended differently:\n{differs}\n{one}\n{other}", pytrace=False)


few = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(data=st.data())
def test_any_order_and_any_batches_end_in_the_same_rows(bench: Bench, data: st.DataObject) -> None:
    check(bench, data, longest=7)


@pytest.mark.slow
@settings(few, max_examples=2000)
@given(data=st.data())
def test_any_order_of_many_changes_ends_in_the_same_rows(bench: Bench, data: st.DataObject) -> None:
    check(bench, data, longest=12)


def test_what_is_shown_and_hidden_in_one_batch_is_hidden(bench: Bench) -> None:
    """A bug once: somebody feeds it again, while its grandparent goes and its parent is silent."""
    bench.told(Word(whole(ROOT), "all"), Word(whole(CHILD, ROOT), "all"))
    bench.told(Word(whole(GRANDCHILD, CHILD, colour="red"), "filtered"))
    bench.told(Word(whole(GRANDCHILD, CHILD, at=2, colour="blue"), "filtered"))
    assert bench.seen() == ["ENG-1", "ENG-2"]
    back = Word(whole(GRANDCHILD, CHILD, colour="red"), "all")
    bench.told(Word(Delete(ROOT, 2), "all"), back)
    assert bench.seen() == []


def test_what_comes_while_its_grandparent_comes_back_is_shown(bench: Bench) -> None:
    bench.told(Word(whole(CHILD, ROOT), "all"), Word(Delete(ROOT, 1), "all"))
    assert bench.seen() == []
    bench.told(Word(whole(ROOT, at=2), "all"), Word(whole(GRANDCHILD, CHILD), "all"))
    assert bench.seen() == ["ENG-1", "ENG-2", "ENG-3"]


def test_a_subtree_moves_out_of_sight_and_back_with_its_top(bench: Bench) -> None:
    bench.told(Word(Delete(ROOT, 1), "all"), Word(whole(CHILD), "all"))
    bench.told(Word(whole(GRANDCHILD, CHILD), "all"))
    bench.told(Word(whole(CHILD, ROOT, at=2), "all"))
    assert bench.seen() == []
    bench.told(Word(whole(CHILD, at=3), "all"))
    assert bench.seen() == ["ENG-2", "ENG-3"]


def test_a_batch_without_work_does_nothing(bench: Bench) -> None:
    bench.told()
    assert bench.seen() == []


_CREATED = sa.text("SELECT created_at FROM lightfast_docs_documents")
_AS_ONCE = sa.text("""
UPDATE lightfast_document_ledger SET heard_at = NULL, created_at = NULL, created_rank = NULL
""")


def test_of_a_row_that_an_older_program_wrote_the_document_tells_when_it_was_created(
    bench: Bench,
) -> None:
    bench.told(Word(whole(ROOT, at=1), "all", TIMES[0]))
    with transaction(bench.engine) as conn:
        conn.execute(_AS_ONCE)
    bench.told(Word(whole(ROOT, at=2, body="newer"), "all", TIMES[2]))
    assert created(bench) == TIMES[0]
    bench.told(Word(replace(whole(ROOT, at=1), created_at=TIMES[1]), "all", TIMES[2]))
    assert created(bench) == TIMES[1], "a stale word knows what the source says"


def created(bench: Bench) -> datetime:
    with transaction(bench.engine) as conn:
        found: datetime = conn.execute(_CREATED).scalar_one()
        return found.replace(tzinfo=UTC)
