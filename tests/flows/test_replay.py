"""A replay mends: what was made of the same words by other code, or for another store's settings.

A rank tells what the provider said and when; what was made of it carries the revision of the code.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.changes import Upsert
from ingest.core.folding import LedgerRow, Statement, decide
from ingest.core.identity import Identity
from ingest.core.ranks import Told, rank
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import queue_admin
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.snapshot import difference
from tests.flows.test_convergence_of_all import TOLD_IN_ORDER, World, fakes, world

__all__ = ["desk", "fakes", "world"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

# As an adapter with a fault stored it: the same places in the ledger, other words in the rows.
_FAULT = (
    "UPDATE lightfast_docs_documents SET content_hash = 'of something else',"
    ' source_metadata = source_metadata || \'{"url": "https://example.com/wrong"}\','
    " relationships = NULL, created_at = created_at - interval '1 year'",
    "UPDATE lightfast_document_ledger SET created_at = created_at - interval '1 year'",
    "UPDATE lightfast_document_chunks SET text = 'something else'",
    "DELETE FROM lightfast_document_references",
)
_OLDER = (
    "UPDATE lightfast_document_ledger SET revision = revision - 1",
    'UPDATE lightfast_lookup_states SET state = state || \'{"madeBy": "an older version"}\'',
)
_ALL = sa.text("SELECT id FROM lightfast_webhook_deliveries ORDER BY id")


def replay_everything(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        queue_admin.replay(conn, list(conn.execute(_ALL).scalars()))
    drain_deliveries(engine, go_on=lambda: True, threads=1)


def test_a_replay_mends_what_a_faulty_adapter_stored(world: World) -> None:
    """A bug once: a mended change won or lost by the luck of its hash, 14 of 40 stayed wrong."""
    told = world.run(TOLD_IN_ORDER)
    with transaction(world.engine) as conn:
        for statement in (*_FAULT, *_OLDER):
            conn.exec_driver_sql(statement)
    replay_everything(world.engine)
    found = difference(told, world.finish())
    assert not found, found


@pytest.fixture
def github(engine: sa.Engine) -> str:
    store = make_store(engine, "mended")
    return connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)}, stores=[store])


def _pieces(desk: Desk) -> list[Any]:
    query = "SELECT text FROM lightfast_document_chunks ORDER BY document_id, position"
    return [row["text"] for row in desk.rows(query)]


def test_another_size_of_chunks_arrives_with_a_replay(desk: Desk, github: str) -> None:
    text = "\n\n".join(f"The paragraph number {n} says nothing of interest." for n in range(200))
    desk.deliver(github, halcyon.issue(body=text))
    desk.work()
    before = _pieces(desk)
    desk.run("UPDATE lightfast_stores SET chunk_max_tokens = 64, chunk_overlap = 0")
    replay_everything(desk.engine)
    (row,) = desk.documents().values()
    assert row["chunk_count"] == len(_pieces(desk)) > 2 * len(before)


def test_a_prefix_that_the_store_owns_by_now_arrives_with_a_replay(desk: Desk, github: str) -> None:
    desk.deliver(github, halcyon.issue(body="Fixes ENG-7."))
    desk.work()
    assert desk.targets("halcyon/web#1") == {}
    connect(desk.engine, "linear", {"linearTeamKey": "ENG"}, stores=["mended"])
    replay_everything(desk.engine)
    assert desk.targets("halcyon/web#1") == {"ENG-7": False}


def test_an_older_worker_does_not_undo_what_a_newer_one_made(desk: Desk, github: str) -> None:
    (id_,) = desk.deliver(github, halcyon.issue(title="As it is made today"))
    desk.work()
    desk.run('UPDATE lightfast_docs_documents SET source_metadata = \'{"made": "tomorrow"}\'')
    desk.run("UPDATE lightfast_document_ledger SET revision = revision + 1")
    desk.replay(id_)
    (row,) = desk.documents().values()
    assert row["source_metadata"] == {"made": "tomorrow"}
    desk.run("UPDATE lightfast_document_ledger SET revision = revision - 1")
    desk.replay(id_)
    (row,) = desk.documents().values()
    assert row["source_metadata"]["title"] == "As it is made today"


def test_a_key_that_was_misread_finds_nothing_once_it_is_mended(desk: Desk, github: str) -> None:
    (id_,) = desk.deliver(github, halcyon.issue())
    desk.work()
    desk.run("UPDATE lightfast_docs_documents SET source_id = 'wrong'")
    desk.run("UPDATE lightfast_document_ledger SET source_id = 'wrong'")
    desk.replay(id_)
    assert desk.found("wrong") == []
    assert desk.found("halcyon/web#1") == ["halcyon/web#1"]


THING = Identity("somewhere", "tenant", "thing", "1")
UNKNOWN = LedgerRow("i", "d", "store", "somewhere", "tenant", "thing", "1", "slug")


def _said(body: str, revision: int) -> Statement:
    made = Upsert(THING, 1, "A-1", f"{body}, read by revision {revision}", "", {})
    return Statement(made, rank(made, Told(body)), "c", revision=revision)


def test_workers_of_two_revisions_end_in_the_same_rows_in_any_order() -> None:
    words = [_said(body, revision) for body in ("5f", "60") for revision in (1, 2)]
    for order in permutations(words):
        row, title = UNKNOWN, ""
        for word in order:
            decision = decide(row, [word])
            row = decision.row
            title = decision.whole.title if decision.whole is not None else title
        assert title == "60, read by revision 2"
        assert row.revision == 2
