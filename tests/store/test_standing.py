"""What is asked of all documents of a connection at each page, and once for each run: how it grows.

The plan is made as in a run that is under way: nobody has statistics of what that has seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.store import ledger, sync_unseen
from ingest.store.engine import transaction
from tests.factories import connect, make_store

pytestmark = pytest.mark.integration

DOCUMENTS, LISTED = 3_000, 100
_FILL = (
    """
    INSERT INTO lightfast_document_ledger
      (identity, document_id, store_id, source_type, scope, kind, external_id, slug, parent, rank,
       state, heard_at)
    SELECT md5(n::text)::uuid, md5(n::text), :store, 'github', '1', 'issue', n, n, md5('1')::uuid,
           '00000000000000000001.1.0000000000000000001.000.~', 'live', now() - interval '1 day'
    FROM generate_series(1, :documents) n
    """,
    """
    INSERT INTO lightfast_docs_documents
      (id, store_id, source_type, source_id, source_metadata, slug, content_hash, updated_at)
    SELECT md5(n::text), :store, 'github', n, '{}', n, '', now() - interval '1 day'
    FROM generate_series(1, :documents) n
    """,
    """
    INSERT INTO lightfast_document_feeds (document_id, connection_id)
    SELECT md5(n::text), :connection FROM generate_series(1, :documents) n
    """,
    "ANALYZE lightfast_document_ledger, lightfast_docs_documents, lightfast_document_feeds",
    """
    INSERT INTO lightfast_sync_runs (connection_id, kind, asked_by, scope, state)
    VALUES (:connection, 'full', 'a test', '1', 'running')
    """,
    """
    INSERT INTO lightfast_sync_seen (run_id, identity)
    SELECT r.id, md5(n::text)::uuid FROM lightfast_sync_runs r, generate_series(1, :seen) n
    WHERE r.connection_id = :connection
    """,
)


def fill(engine: sa.Engine, *, seen: int) -> dict[str, Any]:
    """Documents of one connection, and a run that has seen so many; what the queries are given."""
    store = make_store(engine)
    of = connect(engine, "github", stores=[store])
    given = {"store": store, "connection": of, "documents": DOCUMENTS, "seen": seen}
    with transaction(engine) as conn:
        for statement in _FILL:
            conn.execute(sa.text(statement), given)
        runs = "SELECT id FROM lightfast_sync_runs WHERE connection_id = :connection"
        run_id = conn.execute(sa.text(runs), given).scalar_one()
    return {"connection_id": of, "run_id": run_id}


def plan(engine: sa.Engine, query: sa.TextClause, given: dict[str, Any]) -> dict[str, Any]:
    """How a query was executed."""
    with transaction(engine) as conn:
        explain = sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query.text}")
        found: dict[str, Any] = conn.execute(explain, given).scalar_one()[0]["Plan"]
    return found


def nodes(of: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield of
    for inner in of.get("Plans", ()):
        yield from nodes(inner)


def compared(of: dict[str, Any]) -> int:
    """Rows that were looked at, and pairs of rows that were compared for nothing."""
    return sum(
        int(node["Actual Loops"])
        * (int(node["Actual Rows"]) + int(node.get("Rows Removed by Join Filter", 0)))
        for node in nodes(of)
    )


@pytest.mark.parametrize("unseen", [0, 200])
def test_what_a_run_did_not_see_costs_as_many_looks_as_there_are_documents(
    engine: sa.Engine, unseen: int
) -> None:
    """It was their square: four million comparisons of three thousand."""
    given = fill(engine, seen=DOCUMENTS - unseen)
    given |= {"kinds": ["issue"], "fence": "9", "began_at": datetime.now(UTC)}
    found = plan(engine, sync_unseen._STEP, {**given, "after": "", "until": "g"})
    assert found["Actual Rows"] == unseen
    assert compared(found) < 30 * DOCUMENTS


def test_a_page_reads_the_documents_that_it_names_and_no_others(engine: sa.Engine) -> None:
    """It read all that the connection feeds, once for each of them."""
    given = fill(engine, seen=0)
    with transaction(engine) as conn:
        every = sa.text("SELECT identity::text FROM lightfast_document_ledger LIMIT :listed")
        named = [*conn.execute(every, {"listed": LISTED}).scalars()]
        known = ledger.standings(conn, named, given["connection_id"])
    assert {one.feeding for one in known.values()} == {True}
    assert len(known) == LISTED
    found = plan(engine, ledger._STANDING, {**given, "identities": named})
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] < 12 * LISTED
