"""A database as it is after years: documents of every source in twenty stores, made by SQL.

They come in families of ten: a thing with five children, and four things beside it. What stands in
each (metadata, keys, times, references of a real size) follows from its number alone, by
`library.sql`, so that a million rows are made within minutes. One store holds two fifths of them;
in it very many point at one document, and hang below another. Chunks are left out: no query
pattern reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

QUIET = "vercel"
"""One family in two hundred is this source's."""
_ROWS = Path(__file__).with_suffix(".sql")
_TABLES = (
    "lightfast_docs_documents",
    "lightfast_document_ledger",
    "lightfast_document_references",
    "lightfast_document_aliases",
)
_INDEXES = """
SELECT x.indexname, x.indexdef FROM pg_indexes x
WHERE x.schemaname = 'public' AND x.tablename = ANY(%s)
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = x.indexname)
  AND x.indexname <> 'uq_ledger_document'
"""


@dataclass(frozen=True, slots=True)
class Library:
    """What was made. store: the largest one; other: one of the small ones."""

    documents: int
    store: str = "store-00"
    other: str = "store-07"


def fill(database_url: str, documents: int) -> Library:
    """So many documents, evenly over two years, with statistics, in an empty database.

    Indexes are built behind the rows, which takes half the time.
    """
    with psycopg.connect(database_url) as conn:
        conn.execute("SET LOCAL work_mem = '128MB'")
        conn.execute("SET LOCAL maintenance_work_mem = '512MB'")
        conn.execute(f"SET LOCAL library.documents = {documents}".encode())
        indexes = conn.execute(_INDEXES, ([*_TABLES],)).fetchall()
        for name, _ in indexes:
            conn.execute(f"DROP INDEX {name}".encode())
        conn.execute(_ROWS.read_bytes())
        for _, made in indexes:
            conn.execute(made.encode())
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(f"VACUUM ANALYZE {', '.join(_TABLES)}, lightfast_stores".encode())
    return Library(documents)
