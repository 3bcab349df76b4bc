"""What processing left in the tables, without what no two runs share: our times, connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa

from ingest.store.engine import transaction

_QUERIES: Mapping[str, str] = {
    "documents": "SELECT to_jsonb(t) - 'updated_at' FROM lightfast_docs_documents t ORDER BY id",
    "chunks": "SELECT to_jsonb(t) - 'updated_at' FROM lightfast_document_chunks t ORDER BY 1",
    "references": "SELECT to_jsonb(t) FROM lightfast_document_references t ORDER BY 1",
    "events": "SELECT to_jsonb(t) - 'processed_at' FROM lightfast_ingestion_events t ORDER BY id",
    "ledger": "SELECT to_jsonb(t) - 'heard_at' FROM lightfast_document_ledger t ORDER BY identity",
    "aliases": "SELECT to_jsonb(t) FROM lightfast_document_aliases t ORDER BY 1",
    "feeds": "SELECT document_id, feeding, rank FROM lightfast_document_feeds ORDER BY 1",
    "counts": "SELECT source_type, document_count FROM lightfast_connected_sources ORDER BY 1",
}


def results(engine: sa.Engine) -> dict[str, list[Any]]:
    """Every row of every table that processing writes."""
    with transaction(engine) as conn:
        return {
            name: [tuple(row) for row in conn.execute(sa.text(query))]
            for name, query in _QUERIES.items()
        }


def statuses(database_url: str) -> dict[str, int]:
    """Deliveries by status."""
    rows = _ask(
        database_url, "SELECT status, count(*) FROM lightfast_webhook_deliveries GROUP BY 1"
    )
    return dict(rows)


def leased(database_url: str) -> int:
    """How many deliveries some worker holds, or held when it died."""
    where = "lease_until IS NOT NULL OR lease_token IS NOT NULL"
    query = f"SELECT count(*) FROM lightfast_webhook_deliveries WHERE {where}"  # noqa: S608
    ((count,),) = _ask(database_url, query)
    return int(count)


def _ask(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query.encode()).fetchall()
