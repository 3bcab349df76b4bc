"""Documents as people and programs read them: listed, found by key, shown whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.store.listing import FEW, LEDGER, ROW, statement
from ingest.store.querying import Moment
from ingest.store.rows import as_json

# What is called so now, then what once was: by the key as it is written, and as its source compares
# keys. Of what is both the present key counts. Looked up store by store, as the indexes are
# (`OFFSET 0`: each by itself, and not by reading a table that holds all of them).
_FIND = sa.text(f"""
WITH k AS MATERIALIZED (
  SELECT s.id AS store_id, e.source_type, f.key FROM lightfast_stores s
  CROSS JOIN unnest(enum_range(CAST(NULL AS source_type))) AS e(source_type)
  LEFT JOIN jsonb_to_recordset(CAST(:folded AS jsonb)) AS f(source_type text, key varchar)
    ON f.source_type = CAST(e.source_type AS text)
  WHERE (CAST(:store_id AS varchar) IS NULL OR s.id = :store_id)
    AND (CAST(:source_type AS text) IS NULL OR CAST(e.source_type AS text) = :source_type)
), now AS (
  SELECT f.id FROM (SELECT DISTINCT source_type, key FROM k) k CROSS JOIN LATERAL (
    SELECT d.id FROM lightfast_docs_documents d
    WHERE d.source_type = k.source_type AND d.source_id IN (k.key, :key) OFFSET 0) f
  UNION SELECT f.document_id FROM k CROSS JOIN LATERAL (
    SELECT f.document_id FROM lightfast_folded_keys f WHERE f.store_id = k.store_id
      AND f.source_type = k.source_type AND f.key = k.key AND NOT f.former OFFSET 0) f
), once AS (
  SELECT a.document_id AS id, a.alias FROM k CROSS JOIN LATERAL (
    SELECT a.document_id, a.alias FROM lightfast_document_aliases a WHERE a.store_id = k.store_id
      AND a.source_type = k.source_type AND a.alias IN (k.key, :key) OFFSET 0) a
  UNION SELECT f.document_id, f.key FROM k CROSS JOIN LATERAL (
    SELECT f.document_id, f.key FROM lightfast_folded_keys f WHERE f.store_id = k.store_id
      AND f.source_type = k.source_type AND f.key = k.key AND f.former OFFSET 0) f
), named AS (
  SELECT id, CAST(NULL AS varchar) AS alias FROM now
  UNION ALL
  SELECT id, min(alias) FROM once WHERE id NOT IN (SELECT id FROM now) GROUP BY id
)
SELECT {ROW}, n.alias FROM named n CROSS JOIN LATERAL (
  SELECT * FROM lightfast_docs_documents d WHERE d.id = n.id OFFSET 0) d {LEDGER}
WHERE (CAST(:store_id AS varchar) IS NULL OR d.store_id = :store_id)
  AND (CAST(:source_type AS text) IS NULL OR CAST(d.source_type AS text) = :source_type)
ORDER BY d.store_id, d.source_type, d.created_at, d.id
""")
_SHOW = sa.text(f"""
SELECT {ROW}, d.source_metadata, d.content_hash, d.config_hash, d.frontmatter, d.relationships
FROM lightfast_docs_documents d {LEDGER} WHERE d.id = :id
""")
_CHILDREN = sa.text(f"""
SELECT {ROW} FROM lightfast_docs_documents d {LEDGER}
WHERE d.parent_doc_id = :id
  AND (d.created_at, d.id) > (COALESCE(CAST(:after AS timestamptz) AT TIME ZONE 'UTC', '-infinity'),
                              :after_id)
ORDER BY d.created_at, d.id LIMIT :limit
""")
_STORE = sa.text("SELECT store_id FROM lightfast_docs_documents WHERE id = :id")
_REFERENCES = sa.text("""
SELECT kind, CAST(target_source AS text) AS target_source, target_key, origin, evidence,
       target_document_id, target_document_id IS NOT NULL AS bound
FROM lightfast_document_references WHERE document_id = :id
ORDER BY kind, target_source, target_key
""")
_CHUNK_ROWS = sa.text("""
SELECT position, start, text FROM lightfast_document_chunks
WHERE document_id = :id AND position > :after ORDER BY position LIMIT :limit
""")
_CHUNKS = sa.text("SELECT count(*) FROM lightfast_document_chunks WHERE document_id = :id")
# Every text begins with its title, on a line of its own.
_TITLES = sa.text("""
SELECT document_id, split_part(text, E'\\n', 1) AS title FROM lightfast_document_chunks
WHERE position = 0 AND document_id = ANY(CAST(:ids AS varchar[]))
""")
_TEXT = sa.text("""
SELECT title, body, is_whole FROM lightfast_reader_document_text WHERE document_id = :id
""")
_FEEDS = sa.text("""
SELECT f.connection_id, s.display_name AS name, f.feeding
FROM lightfast_document_feeds f JOIN lightfast_connected_sources s ON s.id = f.connection_id
WHERE f.document_id = :id ORDER BY f.connection_id
""")
_ALIASES = sa.text("""
SELECT alias FROM lightfast_document_aliases WHERE document_id = :id ORDER BY alias
""")


def listing(
    conn: sa.Connection,
    asked: Mapping[str, object] | None = None,
    *,
    limit: int,
    moment: Moment = "created_at",
    store_id: str | None = None,
    few: int = FEW,
) -> list[dict[str, Any]]:
    """Documents by store, source, that time and id, of which `asked` holds; columns as `ROW`.

    asked: as of `querying.documents`, but for a parent, and with a `store_id` and a `kind`; the
    position is `after_store`, `after_source`, `after` and `after_id`. few: see `FEW`.
    """
    told = {"store_id": store_id, **(asked or {})}
    given = {name: value for name, value in told.items() if value is not None}
    nowhere = {
        "after_store": None,
        "after_source": None,
        "after": None,
        "after_id": "",
        "since": None,
    }
    query = sa.text(statement(given, moment))
    rows = conn.execute(query, {**nowhere, **given, "limit": limit, "few": few}).mappings()
    return [dict(row) for row in rows]


def find(
    conn: sa.Connection,
    key: str,
    folded: Mapping[str, str],
    *,
    store_id: str | None = None,
    source_type: str | None = None,
) -> list[dict[str, Any]]:
    """The documents that a human key finds, by their current key or by a former one.

    folded: the key as each source compares keys, by source type. The columns of `ROW`, and
    `alias`: the former key, None where it is the current one.
    """
    rows = as_json({"source_type": name, "key": one} for name, one in folded.items())
    given = {"key": key, "folded": rows, "store_id": store_id, "source_type": source_type}
    return [dict(row) for row in conn.execute(_FIND, given).mappings()]


def show(conn: sa.Connection, document_id: str) -> dict[str, Any] | None:
    """One document: its columns and what hangs on it; None where there is none, or it is withheld.

    Beside the columns: `references`, `chunks` (how many), `feeds` and `aliases`.
    """
    given = {"id": document_id}
    row = conn.execute(_SHOW, given).mappings().one_or_none()
    if row is None:
        return None
    return {
        **row,
        "references": [dict(r) for r in conn.execute(_REFERENCES, given).mappings()],
        "chunks": conn.execute(_CHUNKS, given).scalar_one(),
        "feeds": [dict(r) for r in conn.execute(_FEEDS, given).mappings()],
        "aliases": list(conn.execute(_ALIASES, given).scalars()),
    }


def children(
    conn: sa.Connection,
    document_id: str,
    *,
    limit: int,
    after: datetime | None = None,
    after_id: str = "",
) -> list[dict[str, Any]]:
    """The documents right below one behind a position, in the order in which they came to be."""
    given = {"id": document_id, "limit": limit, "after": after, "after_id": after_id}
    return [dict(row) for row in conn.execute(_CHILDREN, given).mappings()]


def chunks(
    conn: sa.Connection, document_id: str, *, limit: int, after: int = -1
) -> list[dict[str, Any]]:
    """The pieces of a document's text behind a position, in their order."""
    given = {"id": document_id, "after": after, "limit": limit}
    return [dict(row) for row in conn.execute(_CHUNK_ROWS, given).mappings()]


def store_of(conn: sa.Connection, document_id: str) -> str | None:
    """The store that a document is in; None where there is none, or it is withheld."""
    found: str | None = conn.execute(_STORE, {"id": document_id}).scalar()
    return found


def text_of(conn: sa.Connection, document_id: str) -> dict[str, Any]:
    """A document's `title` and `body`, put together of its chunks; `is_whole`: it is what its hash
    is of. None, and False, where there is no text.
    """
    row = conn.execute(_TEXT, {"id": document_id}).mappings().one_or_none()
    return {"title": None, "body": None, "is_whole": False} if row is None else dict(row)


def titles(conn: sa.Connection, ids: Collection[str]) -> dict[str, str]:
    """The titles of documents, by their ids."""
    return {row.document_id: row.title for row in conn.execute(_TITLES, {"ids": list(ids)})}
