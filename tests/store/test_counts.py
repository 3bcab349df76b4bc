"""A connection's count follows what changes, by what changed alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from ingest.flows.sweep import settle_counts
from ingest.store import feeds
from ingest.store.engine import transaction
from tests.factories import connect, make_store

pytestmark = pytest.mark.integration

STORE = "store-1"
_LEDGER = """
INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug)
SELECT gen_random_uuid(), 'd' || n, 'store-1', 'linear', 's', 'issue', n, n
FROM generate_series(1, 9) n
"""
_DOCUMENTS = """
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, slug, content_hash)
SELECT 'd' || n, 'store-1', 'linear', n, '{}', n, '' FROM generate_series(1, 9) n
"""
_FEEDS = """
INSERT INTO lightfast_document_feeds (document_id, connection_id, feeding)
SELECT 'd' || n, CAST(%s AS varchar), n <= %s FROM generate_series(1, 9) n
ON CONFLICT (document_id, connection_id) DO UPDATE SET feeding = excluded.feeding
"""
_COUNTS = "SELECT document_count FROM lightfast_connected_sources WHERE id = %s"
_INGESTED = "SELECT last_ingested_at FROM lightfast_connected_sources WHERE id = %s"


@pytest.fixture
def two(engine: sa.Engine) -> tuple[str, str]:
    """Two connections of one store with nine things in the ledger."""
    make_store(engine, STORE)
    made = connect(engine, "linear", stores=[STORE]), connect(engine, "linear", stores=[STORE])
    _run(engine, _LEDGER)
    return made


def _run(engine: sa.Engine, statement: str, *given: object) -> None:
    with transaction(engine) as conn:
        conn.exec_driver_sql(statement, given)


def _counts(engine: sa.Engine, connections: Sequence[str]) -> list[int]:
    settle_counts(engine)
    with transaction(engine) as conn:
        return [conn.exec_driver_sql(_COUNTS, (one,)).scalar_one() for one in connections]


def test_only_what_changed_is_counted(engine: sa.Engine, two: tuple[str, str]) -> None:
    """Bug: after each drain all documents of a connection were counted, 0.4 s of 400,000."""
    one, other = two
    _run(engine, _DOCUMENTS)
    _run(engine, "UPDATE lightfast_connected_sources SET document_count = 1000")
    _run(engine, _FEEDS, one, 9)
    with transaction(engine) as conn:
        feeds.mark_worked(conn, [one, other])
    assert _counts(engine, two) == [1009, 1000]
    with transaction(engine) as conn:
        feeds.mark_counts(conn, [one])
    assert _counts(engine, two) == [9, 1000]


@pytest.mark.parametrize("documents_first", [True, False])
def test_a_count_follows_documents_and_feeds_in_any_order(
    engine: sa.Engine, two: tuple[str, str], *, documents_first: bool
) -> None:
    one, other = two
    if documents_first:
        _run(engine, _DOCUMENTS)
    _run(engine, _FEEDS, one, 9)
    if not documents_first:
        _run(engine, _DOCUMENTS)
    assert _counts(engine, two) == [9, 0]
    _run(engine, _FEEDS, one, 4)
    _run(engine, _FEEDS, other, 6)
    assert _counts(engine, two) == [4, 6]
    _run(engine, "DELETE FROM lightfast_docs_documents WHERE id IN ('d1', 'd5', 'd9')")
    assert _counts(engine, two) == [3, 4]
    _run(engine, "DELETE FROM lightfast_document_feeds WHERE document_id = 'd2'")
    _run(engine, "DELETE FROM lightfast_document_ledger WHERE document_id = 'd3'")
    assert _counts(engine, two) == [1, 2]
    _run(engine, "DELETE FROM lightfast_connected_sources WHERE id = %s", one)
    assert _counts(engine, [other]) == [2]
    _run(engine, "TRUNCATE lightfast_docs_documents CASCADE")
    assert _counts(engine, [other]) == [0]


def test_what_goes_with_its_store_is_counted_no_more(
    engine: sa.Engine, two: tuple[str, str]
) -> None:
    _run(engine, _DOCUMENTS)
    _run(engine, _FEEDS, two[0], 9)
    assert _counts(engine, two) == [9, 0]
    _run(engine, "DELETE FROM lightfast_stores WHERE id = %s", STORE)
    assert _counts(engine, two) == [0, 0]


def test_a_mark_of_an_older_version_has_all_counted(
    engine: sa.Engine, two: tuple[str, str]
) -> None:
    """It writes none of the changes, and its marks stand beside those of the triggers."""
    one, _ = two
    _run(engine, _DOCUMENTS)
    _run(engine, _FEEDS, one, 9)
    _run(engine, "INSERT INTO lightfast_count_marks (connection_id) VALUES (%s)", one)
    assert _counts(engine, two) == [9, 0]


def test_who_is_only_counted_has_not_ingested(engine: sa.Engine, two: tuple[str, str]) -> None:
    one, _ = two
    _run(engine, _DOCUMENTS)
    _run(engine, _FEEDS, one, 9)
    settle_counts(engine)
    with transaction(engine) as conn:
        assert conn.exec_driver_sql(_INGESTED, (one,)).scalar_one() is None
        feeds.mark_worked(conn, [one])
    settle_counts(engine)
    with transaction(engine) as conn:
        assert conn.exec_driver_sql(_INGESTED, (one,)).scalar_one() is not None
