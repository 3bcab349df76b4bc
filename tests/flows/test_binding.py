"""What a worker that dies between its commit and the binding leaves is bound by the beat."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.core.folding import Statement
from ingest.core.identity import Identity
from ingest.core.ranks import Told, made, rank
from ingest.core.references import Reference
from ingest.flows.documents.apply import apply
from ingest.flows.documents.bind import bind, bind_pending
from ingest.flows.documents.prerender import prerender
from ingest.flows.documents.render import Renders, StoreConfig
from ingest.store.engine import transaction
from tests.factories import connect, make_store

pytestmark = pytest.mark.integration

STORE = StoreConfig("store-1", "char-hash-1536", 1536, 512, 50, {})
_TARGETS = sa.text("""
SELECT t.title FROM lightfast_document_references r
JOIN lightfast_document_chunks c ON c.document_id = r.target_document_id
JOIN LATERAL (SELECT split_part(c.text, E'\n', 1) AS title) t ON true
""")
_NOTES = sa.text("SELECT count(*) FROM lightfast_binding_notes")


def thing(id_: str, key: str, at: int = 1, *points_at: str) -> Upsert:
    references = tuple(Reference("mention", "linear", to, "field", to) for to in points_at)
    identity = Identity("linear", "organization-1", "thing", id_)
    return Upsert(identity, at, key, f"Thing {id_}", "", {"id": id_}, references=references)


class Worker:
    """Applies changes; `dies` after its commit."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.connection = connect(engine, "linear", stores=[make_store(engine, "store-1")])

    def tell(self, *changes: Upsert, dies: bool = False) -> None:
        said = [(STORE, Statement(c, rank(c, Told(made(c))), self.connection)) for c in changes]
        renders = Renders()
        prerender(self.engine, said, renders)
        with transaction(self.engine) as conn:
            applied = apply(conn, said, renders)
        if not dies:
            bind(self.engine, applied.noted)

    def targets(self) -> list[str]:
        with transaction(self.engine) as conn:
            return list(conn.execute(_TARGETS).scalars())

    def notes(self) -> int:
        with transaction(self.engine) as conn:
            counted: int = conn.execute(_NOTES).scalar_one()
        return counted


@pytest.fixture
def worker(engine: sa.Engine) -> Worker:
    return Worker(engine)


def test_a_key_that_changed_hands_is_bound_though_its_worker_died(worker: Worker) -> None:
    """A bug once: only references without a target were tried again, so this one stayed wrong."""
    worker.tell(thing("1", "ENG-7"), thing("3", "ENG-9", 1, "ENG-7"))
    assert worker.targets() == ["Thing 1"]
    worker.tell(thing("1", "OPS-1", 2), thing("2", "ENG-7"), dies=True)
    assert worker.targets() == ["Thing 1"]
    assert worker.notes() == 1
    bind_pending(worker.engine)
    assert worker.targets() == ["Thing 2"]
    assert worker.notes() == 0


def test_a_target_that_came_is_bound_though_its_worker_died(worker: Worker) -> None:
    worker.tell(thing("3", "ENG-9", 1, "ENG-7"))
    worker.tell(thing("1", "ENG-7"), dies=True)
    assert worker.targets() == []
    bind_pending(worker.engine)
    assert worker.targets() == ["Thing 1"]


def test_whoever_lives_leaves_no_note(worker: Worker) -> None:
    worker.tell(thing("1", "ENG-7"), thing("3", "ENG-9", 1, "ENG-7"))
    worker.tell(thing("1", "ENG-7"))
    assert worker.notes() == 0


def test_any_number_of_notes_is_bound(worker: Worker) -> None:
    for number in range(50):
        worker.tell(thing(str(number), f"ENG-{number}"), dies=True)
    worker.tell(thing("x", "ENG-X", 1, "ENG-0", "ENG-49"), dies=True)
    bind_pending(worker.engine)
    assert sorted(worker.targets()) == ["Thing 0", "Thing 49"]
    assert worker.notes() == 0
