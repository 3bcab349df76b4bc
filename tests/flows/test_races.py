"""Two transactions at once, step by step: what each lock and each constraint is there for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
import sqlalchemy as sa

from ingest.core.changes import Change, Delete, Upsert
from ingest.core.errors import Raced
from ingest.core.folding import Statement
from ingest.core.identity import Identity, document_id, event_id
from ingest.core.ranks import rank
from ingest.flows.documents.apply import apply
from ingest.flows.documents.bind import bind, note_keys
from ingest.flows.documents.keys import named
from ingest.flows.documents.prerender import prerender
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.flows.documents.subjects import StoreStatement
from ingest.store import events
from ingest.store.binding import Noted
from ingest.store.engine import transaction
from ingest.store.events import Event
from tests.factories import connect, make_store

pytestmark = pytest.mark.integration

STORE = StoreConfig("store-1", "char-hash-1536", 1536, 512, 50, {})
PARENT = Identity("linear", "organization-1", "issue", "parent")
CHILD = Identity("linear", "organization-1", "comment", "child")
GRANDCHILD = Identity("linear", "organization-1", "comment", "grandchild")
PATIENCE_S = 10.0

_WAITERS = sa.text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
""")
_SEEN = sa.text("SELECT source_id FROM lightfast_docs_documents ORDER BY source_id")
_WITHHELD = sa.text("SELECT count(*) FROM lightfast_withheld_documents")


def whole(identity: Identity, parent: Identity | None = None, version: int = 1) -> Upsert:
    return Upsert(identity, version, identity.id, identity.id, "", {}, parent=parent)


class Pair:
    """A transaction that is held open here, and another that runs beside it."""

    def __init__(self, engine: sa.Engine, connection_id: str, beside: ThreadPoolExecutor) -> None:
        self.engine = engine
        self.connection_id = connection_id
        self._beside = beside

    def said(self, *changes: Change) -> list[StoreStatement]:
        return [(STORE, Statement(c, rank(c), self.connection_id)) for c in changes]

    def told(self, *changes: Change) -> None:
        """Apply and commit."""
        said, renders = self.said(*changes), Renders()
        prerender(self.engine, said, renders)
        with transaction(self.engine) as conn:
            apply(conn, said, renders)

    @contextmanager
    def held(self, *changes: Change) -> Iterator[None]:
        """Apply, and commit only at the end of the block."""
        said, renders = self.said(*changes), Renders()
        prerender(self.engine, said, renders)
        with transaction(self.engine) as conn:
            apply(conn, said, renders)
            yield

    def beside(self, act: Callable[[], None]) -> Future[None]:
        """Start something in another thread that must wait for us; back once it waits."""
        started = self._beside.submit(act)
        give_up_at = time.monotonic() + PATIENCE_S
        while not self.waiters():
            assert not started.done(), "it did not wait"
            assert time.monotonic() < give_up_at
            time.sleep(0.005)
        return started

    def waiters(self) -> int:
        with transaction(self.engine) as conn:
            return int(conn.execute(_WAITERS).scalar_one())

    def seen(self) -> list[str]:
        with transaction(self.engine) as conn:
            return list(conn.execute(_SEEN).scalars())

    def withheld(self) -> int:
        with transaction(self.engine) as conn:
            return int(conn.execute(_WITHHELD).scalar_one())


@pytest.fixture
def pair(engine: sa.Engine) -> Iterator[Pair]:
    connection = connect(engine, "linear", stores=[make_store(engine, "store-1")])
    with ThreadPoolExecutor(2) as beside:
        yield Pair(engine, connection, beside)


def test_no_child_slips_in_under_a_parent_that_is_being_deleted(pair: Pair) -> None:
    """The deletion waits for whoever holds the parent, and then sees the child."""
    pair.told(whole(PARENT))
    with pair.held(whole(CHILD, PARENT)):
        deletion = pair.beside(lambda: pair.told(Delete(PARENT, 2)))
    deletion.result(PATIENCE_S)
    assert pair.seen() == []
    assert pair.withheld() == 1


def test_a_child_of_a_parent_that_is_being_deleted_waits_and_is_hidden(pair: Pair) -> None:
    pair.told(whole(PARENT))
    with pair.held(Delete(PARENT, 2)):
        child = pair.beside(lambda: pair.told(whole(CHILD, PARENT)))
    child.result(PATIENCE_S)
    assert pair.seen() == []
    assert pair.withheld() == 1


def test_a_grandchild_that_comes_while_its_grandparent_goes_is_hidden(pair: Pair) -> None:
    pair.told(whole(PARENT), whole(CHILD, PARENT))
    with pair.held(whole(GRANDCHILD, CHILD)):
        deletion = pair.beside(lambda: pair.told(Delete(PARENT, 2)))
    deletion.result(PATIENCE_S)
    assert pair.seen() == []
    assert pair.withheld() == 2


def test_a_parent_that_comes_back_brings_the_child_that_comes_meanwhile(pair: Pair) -> None:
    pair.told(Delete(PARENT, 1))
    with pair.held(whole(CHILD, PARENT)):
        restored = pair.beside(lambda: pair.told(whole(PARENT, version=2)))
    restored.result(PATIENCE_S)
    assert pair.seen() == ["child", "parent"]
    assert pair.withheld() == 0


def test_of_two_that_bring_one_new_document_the_second_waits_and_is_run_again(pair: Pair) -> None:
    with pair.held(whole(PARENT)):
        second = pair.beside(lambda: pair.told(whole(PARENT, version=2)))
    with pytest.raises(Raced):
        second.result(PATIENCE_S)
    pair.told(whole(PARENT, version=2))
    assert pair.seen() == ["parent"]


def test_a_parent_that_was_only_heard_of_and_its_deletion_meet_in_one_row(pair: Pair) -> None:
    """The child makes a row for its parent, so that a deletion has something to wait for."""
    with pair.held(whole(CHILD, PARENT)):
        deletion = pair.beside(lambda: pair.told(Delete(PARENT, 1)))
    with pytest.raises(Raced):
        deletion.result(PATIENCE_S)
    pair.told(Delete(PARENT, 1))
    assert pair.seen() == []


def test_changes_under_one_parent_do_not_wait_for_one_another(pair: Pair) -> None:
    pair.told(whole(PARENT))
    with pair.held(whole(CHILD, PARENT)):
        pair.told(whole(GRANDCHILD, PARENT))
        pair.told(whole(PARENT, version=2))
    assert pair.seen() == ["child", "grandchild", "parent"]


def test_one_fact_told_by_many_workers_at_once_is_one_event_and_no_error(pair: Pair) -> None:
    """A bug once: with a conflict target, the race was lost on the primary key, and a row died."""
    workers, rounds = 4, 60
    barrier = Barrier(workers)

    def record() -> int:
        new = 0
        for round_ in range(rounds):
            key = f"key-{round_}"
            id_ = event_id("store-1", "linear", key)
            barrier.wait(PATIENCE_S)
            with transaction(pair.engine, durable=False) as conn:
                event = Event(id_, "store-1", "linear", key, {}, "processed")
                new += len(events.record(conn, [event]))
        return new

    with ThreadPoolExecutor(workers) as threads:
        counted = [threads.submit(record) for _ in range(workers)]
        assert sum(done.result(60) for done in counted) == rounds


_POINT = sa.text("""
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id)
VALUES (:id, 'mention', 'linear', 'parent', 'text', 'parent', 'store-1')
""")
_TARGETS = sa.text("SELECT target_document_id FROM lightfast_document_references")
_GO = sa.text("DELETE FROM lightfast_docs_documents WHERE source_id = 'parent'")


def _note(pair: Pair) -> Noted | None:
    with transaction(pair.engine) as conn:
        return note_keys(conn, {named("store-1", "linear", "parent")})


def test_a_target_that_goes_while_it_is_bound_leaves_the_reference_open(pair: Pair) -> None:
    """A bug once: the foreign key's error killed the worker, whose batch was committed already."""
    pair.told(whole(PARENT), whole(CHILD))
    with transaction(pair.engine) as conn:
        conn.execute(_POINT, {"id": document_id(CHILD, "store-1")})
    noted = _note(pair)
    with transaction(pair.engine) as conn:
        conn.execute(_GO)
        binding = pair.beside(lambda: bind(pair.engine, noted))
    binding.result(PATIENCE_S)
    with transaction(pair.engine) as conn:
        assert conn.execute(_TARGETS).scalars().all() == [None]


def test_only_one_binds_a_key_at_a_time(pair: Pair) -> None:
    """Else one that saw an older state could write last."""
    pair.told(whole(PARENT), whole(CHILD))
    with transaction(pair.engine) as conn:
        conn.execute(_POINT, {"id": document_id(CHILD, "store-1")})
    noted = _note(pair)
    bind(pair.engine, noted)
    lock = "SELECT pg_advisory_xact_lock(hashtext('lightfast_document_references'), lane)"
    with transaction(pair.engine) as conn:
        conn.execute(sa.text(f"{lock} FROM generate_series(0, 63) AS lane"))
        waiting = pair.beside(lambda: bind(pair.engine, noted))
    waiting.result(PATIENCE_S)
