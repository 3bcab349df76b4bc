"""Documents as people and programs read them: listed, found by key, shown whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from ingest.store.rows import as_json

_ROW = """
  d.id, d.store_id, CAST(d.source_type AS text) AS source_type, l.kind, d.source_id,
  d.parent_doc_id, d.slug, d.chunk_count, d.created_at, d.updated_at
"""
_LEDGER = "LEFT JOIN lightfast_document_ledger l ON l.document_id = d.id"
_LIST = sa.text(f"""
SELECT {_ROW} FROM lightfast_docs_documents d {_LEDGER}
WHERE (CAST(:store_id AS varchar) IS NULL OR d.store_id = :store_id)
  AND (CAST(:source_type AS text) IS NULL OR CAST(d.source_type AS text) = :source_type)
  AND (CAST(:kind AS varchar) IS NULL OR l.kind = :kind)
ORDER BY d.store_id, d.source_type, d.created_at, d.id LIMIT :limit
""")
# What is called so now, then what once was: by the key as it is written, and as its source compares
# keys. Of what is both the present key counts.
_FIND = sa.text(f"""
WITH k AS (
  SELECT e.source_type, f.key FROM unnest(enum_range(CAST(NULL AS source_type))) AS e(source_type)
  JOIN jsonb_to_recordset(CAST(:folded AS jsonb)) AS f(source_type text, key varchar)
    ON f.source_type = CAST(e.source_type AS text)
), now AS (
  SELECT id FROM lightfast_docs_documents WHERE source_id = :key
  UNION SELECT d.id FROM k JOIN lightfast_docs_documents d
    ON d.source_type = k.source_type AND d.source_id = k.key
  UNION SELECT f.document_id FROM k JOIN lightfast_folded_keys f
    ON f.source_type = k.source_type AND f.key = k.key AND NOT f.former
), once AS (
  SELECT document_id AS id, alias FROM lightfast_document_aliases WHERE alias = :key
  UNION SELECT a.document_id, a.alias FROM k JOIN lightfast_document_aliases a
    ON a.source_type = k.source_type AND a.alias = k.key
  UNION SELECT f.document_id, f.key FROM k JOIN lightfast_folded_keys f
    ON f.source_type = k.source_type AND f.key = k.key AND f.former
), named AS (
  SELECT id, CAST(NULL AS varchar) AS alias FROM now
  UNION ALL
  SELECT id, min(alias) FROM once WHERE id NOT IN (SELECT id FROM now) GROUP BY id
)
SELECT {_ROW}, n.alias FROM named n JOIN lightfast_docs_documents d ON d.id = n.id {_LEDGER}
WHERE (CAST(:store_id AS varchar) IS NULL OR d.store_id = :store_id)
  AND (CAST(:source_type AS text) IS NULL OR CAST(d.source_type AS text) = :source_type)
ORDER BY d.store_id, d.source_type, d.created_at, d.id
""")
_SHOW = sa.text(f"""
SELECT {_ROW}, d.source_metadata, d.content_hash, d.config_hash, d.frontmatter, d.relationships
FROM lightfast_docs_documents d {_LEDGER} WHERE d.id = :id
""")
_CHILDREN = sa.text(f"""
SELECT {_ROW} FROM lightfast_docs_documents d {_LEDGER}
WHERE d.parent_doc_id = :id ORDER BY d.created_at, d.id
""")
_REFERENCES = sa.text("""
SELECT kind, CAST(target_source AS text) AS target_source, target_key, origin, evidence,
       target_document_id, target_document_id IS NOT NULL AS bound
FROM lightfast_document_references WHERE document_id = :id
ORDER BY kind, target_source, target_key
""")
_CHUNKS = sa.text("SELECT count(*) FROM lightfast_document_chunks WHERE document_id = :id")
# Every text begins with its title, on a line of its own.
_TITLES = sa.text("""
SELECT document_id, split_part(text, E'\\n', 1) AS title FROM lightfast_document_chunks
WHERE position = 0 AND document_id = ANY(CAST(:ids AS varchar[]))
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
    *,
    store_id: str | None = None,
    source_type: str | None = None,
    kind: str | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Documents, of that store, source and kind where given."""
    given = {"store_id": store_id, "source_type": source_type, "kind": kind, "limit": limit}
    return [dict(row) for row in conn.execute(_LIST, given).mappings()]


def find(
    conn: sa.Connection,
    key: str,
    folded: Mapping[str, str],
    *,
    store_id: str | None = None,
    source_type: str | None = None,
) -> list[dict[str, Any]]:
    """The documents that a human key finds, by their current key or by a former one.

    folded: the key as each source compares keys, by source type. Columns as in `listing`, and
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


def children(conn: sa.Connection, document_id: str) -> list[dict[str, Any]]:
    """The documents right below one, in the order in which they came to be."""
    return [dict(row) for row in conn.execute(_CHILDREN, {"id": document_id}).mappings()]


def titles(conn: sa.Connection, ids: Collection[str]) -> dict[str, str]:
    """The titles of documents, by their ids."""
    return {row.document_id: row.title for row in conn.execute(_TITLES, {"ids": list(ids)})}
