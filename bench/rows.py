"""What processing left in the tables, counted: a benchmark asserts that it is what it says."""

from __future__ import annotations

from collections import Counter

import psycopg


def rows_of(database_url: str) -> Counter[str]:
    """documents; chunks; references (all kinds), how many of them are mentions, and of those how
    many are bound to a document; events.
    """
    with psycopg.connect(database_url) as conn:
        counts = [(name, conn.execute(query).fetchone()) for name, query in _COUNTS.items()]
    return Counter({name: row[0] for name, row in counts if row is not None})


_MENTIONS = "SELECT count(*) FROM lightfast_document_references WHERE kind = 'mention'"
_COUNTS = {
    "documents": b"SELECT count(*) FROM lightfast_docs_documents",
    "chunks": b"SELECT count(*) FROM lightfast_document_chunks",
    "references": b"SELECT count(*) FROM lightfast_document_references",
    "mentions": _MENTIONS.encode(),
    "bound": f"{_MENTIONS} AND target_document_id IS NOT NULL".encode(),
    "events": b"SELECT count(*) FROM lightfast_ingestion_events",
}
