"""How a run finds what it is about: a step at a time, by an index, in a store of any size."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
import sqlalchemy as sa

from ingest.flows.reprocess import documents, resync
from ingest.store import reprocess_deliveries, reprocessing
from ingest.store.engine import transaction
from ingest.store.reprocess_deliveries import Which
from ingest.store.reprocessing import FIRST, Place, Within
from tests.factories import connect, make_store
from tests.queries.plans import plan_of

pytestmark = pytest.mark.integration

DOCUMENTS, WINDOW, STEP = 4_000, 40, 10
STORES = ("acorn", "birch", "cedar", "dogwood")
_FILL = (
    """
    INSERT INTO lightfast_document_ledger
      (identity, document_id, store_id, source_type, scope, kind, external_id, slug, rank, state)
    SELECT md5(n::text)::uuid, md5(n::text), (CAST(:stores AS text[]))[1 + n % 4],
           CASE WHEN n % 3 = 0 THEN 'linear' ELSE 'github' END::source_type, '1',
           CASE WHEN n % 5 = 0 THEN 'comment' ELSE 'issue' END, n, n, '1',
           CASE WHEN n % 7 = 0 THEN 'deleted' ELSE 'live' END
    FROM generate_series(1, :documents) n
    """,
    """
    INSERT INTO lightfast_docs_documents
      (id, store_id, source_type, source_id, source_metadata, slug, content_hash, chunk_count)
    SELECT document_id, store_id, source_type, external_id, '{}', slug, '', 1
    FROM lightfast_document_ledger WHERE state = 'live'
    """,
    """
    INSERT INTO lightfast_document_chunks (document_id, position, start, text)
    SELECT id, 0, 0, '' FROM lightfast_docs_documents
    """,
    """
    INSERT INTO lightfast_document_feeds (document_id, connection_id)
    SELECT document_id, :connection FROM lightfast_document_ledger
    WHERE CAST(external_id AS integer) % 2 = 0
    """,
    """
    INSERT INTO lightfast_webhook_deliveries
      (source_type, connection_id, delivery_key, body_hash, headers, body, status, lane)
    SELECT CASE WHEN n % 50 = 0 THEN 'linear' ELSE 'github' END::source_type,
           CASE WHEN n % 3 > 0 THEN :connection END, n, sha256(n::text::bytea), '{}', '',
           'processed', 'github:' || n
    FROM generate_series(1, :documents) n
    """,
    """
    INSERT INTO lightfast_connection_facts (connection_id, fact, event_key)
    SELECT :connection, CAST(encode(substring(body_hash FROM 1 FOR 16), 'hex') AS uuid), ''
    FROM lightfast_webhook_deliveries WHERE connection_id IS NULL AND id % 2 = 0
    """,
    """
    ANALYZE lightfast_document_ledger, lightfast_docs_documents, lightfast_document_chunks,
      lightfast_document_feeds, lightfast_webhook_deliveries, lightfast_connection_facts
    """,
)


_LIVE = "SELECT CAST(identity AS text) FROM lightfast_document_ledger WHERE state = 'live' AND "


@pytest.fixture
def connection(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection that feeds half of all documents, which stand in four stores."""
    monkeypatch.setattr(reprocessing, "WINDOW", WINDOW)
    monkeypatch.setattr(reprocess_deliveries, "WINDOW", WINDOW)
    for store in STORES:
        make_store(engine, store)
    made = connect(engine, "github", stores=[*STORES])
    given = {"connection": made, "stores": [*STORES], "documents": DOCUMENTS}
    with transaction(engine) as conn:
        for statement in _FILL:
            conn.execute(sa.text(statement.replace("::", r"\:\:")), given)
    return made


def _about(connection: str) -> list[tuple[Within, str]]:
    """What runs are about, and the same in words of SQL."""
    return [
        (Within(), "true"),
        (Within(store="birch"), "store_id = 'birch'"),
        (Within(source="linear", kind="comment"), "source_type = 'linear' AND kind = 'comment'"),
        (
            Within(connection=connection, store="birch"),
            "store_id = 'birch' AND CAST(external_id AS integer) % 2 = 0",
        ),
        (Within(store="acorn", source="github"), "store_id = 'acorn' AND source_type = 'github'"),
        (Within(store="nowhere"), "false"),
    ]


def test_a_run_comes_by_each_document_that_it_is_about_once_in_small_steps(
    engine: sa.Engine, connection: str
) -> None:
    with transaction(engine) as conn:
        for within, told in _about(connection):
            found: list[str] = []
            places, ends = [FIRST], False
            while not ends:
                step = reprocessing.next_documents(
                    conn, within, after=places[-1], limit=STEP, most_chunks=STEP - 1
                )
                assert len(step.places) < STEP
                ends, found = step.ends, [*found, *step.places]
                places.append(step.until)
            wanted = [*conn.execute(sa.text(_LIVE + told)).scalars()]
            assert sorted(found) == sorted(wanted), within
            assert all(one != after for one, after in pairwise(places[:-1]))


def test_no_step_reads_a_table_from_end_to_end(engine: sa.Engine, connection: str) -> None:
    """Nor does it where what it is about is rare, or behind all of what it is not."""
    with transaction(engine) as conn:
        for within, _ in _about(connection):
            after = FIRST
            for _ in range(3):
                plan = plan_of(conn, partial(_step, within, after))
                assert plan.rows <= WINDOW, (within, plan.scans)
                after = _step(within, after, conn)
        for last in (0, DOCUMENTS // 2):
            plan = plan_of(conn, partial(_replay, Which(["linear"], [connection]), last))
            assert plan.rows <= WINDOW, plan.scans


def _step(within: Within, after: Place, conn: sa.Connection) -> Place:
    step = reprocessing.next_documents(conn, within, after=after, limit=STEP, most_chunks=1_000)
    standing = documents._standing(conn, step.places, {})
    resync.in_question(conn, [one.row for _, one in standing])
    return step.until


def _replay(which: Which, after: int, conn: sa.Connection) -> None:
    reprocess_deliveries.next_deliveries(conn, which, after=after, last=DOCUMENTS, limit=STEP)
