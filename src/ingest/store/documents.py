"""The seed's documents table and the chunks beside it: read, written, withheld, released."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.store.references import Pointer
from ingest.store.rows import as_json


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it stands: what a new version of it is compared with.

    created_at: ISO 8601 without a zone, in UTC, with microseconds, as the column has it.
    pointers: its references, and names: the keys that it has and had, as they are compared; both
        are read beside the row.
    """

    id: str
    source_id: str
    source_metadata: Mapping[str, JSON]
    parent_doc_id: str | None
    content_hash: str
    config_hash: str | None
    frontmatter: Mapping[str, JSON] | None
    chunk_count: int
    relationships: Mapping[str, JSON] | None
    created_at: str
    pointers: tuple[Pointer, ...] = ()
    names: frozenset[str] = frozenset()


_RECORD = """
  id varchar, store_id varchar, source_type source_type, source_id varchar, source_metadata jsonb,
  parent_doc_id varchar, slug varchar, content_hash varchar, config_hash varchar,
  frontmatter jsonb, chunk_count integer, relationships jsonb, created_at timestamp
"""
_READ = sa.text("""
SELECT id, source_id, source_metadata, parent_doc_id, content_hash, config_hash, frontmatter,
       chunk_count, relationships, to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US')
FROM lightfast_docs_documents WHERE id = ANY(CAST(:ids AS varchar[]))
""")
_HASHES = sa.text("""
SELECT id, content_hash, config_hash FROM lightfast_docs_documents
WHERE id = ANY(CAST(:ids AS varchar[]))
""")
_INSERT = sa.text(f"""
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   config_hash, frontmatter, chunk_count, relationships, created_at)
SELECT id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   config_hash, frontmatter, chunk_count, relationships,
   coalesce(created_at, CURRENT_TIMESTAMP)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({_RECORD})
""")
_UPDATE = sa.text(f"""
UPDATE lightfast_docs_documents d
SET source_id = r.source_id, source_metadata = r.source_metadata,
    parent_doc_id = r.parent_doc_id, content_hash = r.content_hash, config_hash = r.config_hash,
    frontmatter = r.frontmatter, chunk_count = r.chunk_count, relationships = r.relationships,
    created_at = coalesce(r.created_at, d.created_at), updated_at = CURRENT_TIMESTAMP
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({_RECORD})
WHERE d.id = r.id
""")
_PATCH = sa.text("""
UPDATE lightfast_docs_documents d
SET source_metadata = r.source_metadata, updated_at = CURRENT_TIMESTAMP
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id varchar, source_metadata jsonb)
WHERE d.id = r.id AND d.source_metadata <> r.source_metadata
""")
_CALL = sa.text("""
UPDATE lightfast_docs_documents d
SET source_id = r.source_id, source_metadata = r.source_metadata, updated_at = CURRENT_TIMESTAMP
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(id varchar, source_id varchar, source_metadata jsonb)
WHERE d.id = r.id
""")
_PLACE = sa.text("""
WITH withheld AS (
  UPDATE lightfast_withheld_documents
  SET document = document || jsonb_build_object('parent_doc_id', CAST(:parent AS varchar))
  WHERE document_id = ANY(CAST(:ids AS varchar[]))
)
UPDATE lightfast_docs_documents SET parent_doc_id = :parent, updated_at = CURRENT_TIMESTAMP
WHERE id = ANY(CAST(:ids AS varchar[])) AND parent_doc_id IS DISTINCT FROM :parent
""")
_DATE = sa.text("""
UPDATE lightfast_docs_documents d
SET created_at = r.created_at, updated_at = CURRENT_TIMESTAMP
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id varchar, created_at timestamp)
WHERE d.id = r.id
""")
_DELETE = sa.text("""
WITH withheld AS (
  DELETE FROM lightfast_withheld_documents WHERE document_id = ANY(CAST(:ids AS varchar[]))
)
DELETE FROM lightfast_docs_documents WHERE id = ANY(CAST(:ids AS varchar[]))
""")
_INSERT_CHUNKS = sa.text("""
INSERT INTO lightfast_document_chunks (document_id, position, start, text)
SELECT document_id, position, start, text
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(document_id varchar, position integer, start integer, text text)
""")
# An embedder takes the chunks whose updated_at moved: equal ones keep theirs.
_REPLACE_CHUNKS = sa.text("""
INSERT INTO lightfast_document_chunks AS c (document_id, position, start, text)
SELECT document_id, position, start, text
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(document_id varchar, position integer, start integer, text text)
ON CONFLICT (document_id, position) DO UPDATE
  SET start = excluded.start, text = excluded.text, updated_at = now()
  WHERE c.text <> excluded.text OR c.start <> excluded.start
""")
_CUT_CHUNKS = sa.text("""
DELETE FROM lightfast_document_chunks c
USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id varchar, chunk_count integer)
WHERE c.document_id = r.id AND c.position >= r.chunk_count
""")
# Withheld documents keep their row, chunks and references, so that they come back as they went.
_WITHHOLD = sa.text("""
WITH gone AS (
  DELETE FROM lightfast_docs_documents d WHERE d.id = ANY(CAST(:ids AS varchar[]))
  RETURNING d.id, to_jsonb(d) AS document
)
INSERT INTO lightfast_withheld_documents (document_id, document, chunks, refs)
SELECT g.id, g.document,
  coalesce((SELECT jsonb_agg(to_jsonb(c)) FROM lightfast_document_chunks c
            WHERE c.document_id = g.id), '[]'),
  coalesce((SELECT jsonb_agg(to_jsonb(r) || '{"target_document_id": null}')
            FROM lightfast_document_references r WHERE r.document_id = g.id), '[]')
FROM gone g
""")
_RELEASE = sa.text(
    """
WITH back AS (
  DELETE FROM lightfast_withheld_documents WHERE document_id = ANY(CAST(:ids AS varchar[]))
  RETURNING document, chunks, refs
), documents AS (
  INSERT INTO lightfast_docs_documents
  SELECT d.* FROM back, jsonb_populate_record(NULL::lightfast_docs_documents, back.document) d
  RETURNING id
), chunks AS (
  INSERT INTO lightfast_document_chunks
  SELECT c.* FROM back,
    jsonb_populate_recordset(NULL::lightfast_document_chunks, back.chunks) c
), refs AS (
  INSERT INTO lightfast_document_references
  SELECT r.* FROM back,
    jsonb_populate_recordset(NULL::lightfast_document_references, back.refs) r
)
SELECT id FROM documents
""".replace("::", r"\:\:")
)


def read(conn: sa.Connection, ids: Collection[str]) -> dict[str, Stored]:
    """Those of the documents that are there, by id; withheld ones are not. Locks nothing.

    Whoever writes them holds their rows of the ledger: that is the lock of a document.
    """
    if not ids:
        return {}
    rows = (Stored(*row) for row in conn.execute(_READ, {"ids": list(ids)}))
    return {row.id: row for row in rows}


def hashes(conn: sa.Connection, ids: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """The content and the configuration hash of those that are there."""
    if not ids:
        return {}
    return {row[0]: (row[1], row[2]) for row in conn.execute(_HASHES, {"ids": list(ids)})}


def insert(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new documents; each row has all columns but `updated_at`, by name.

    Without `created_at` it is now. One that is there already is an error: whoever writes a document
    holds its row of the ledger, and knows.
    """
    _run(conn, _INSERT, rows)


def update(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rewrite documents that differ: all columns but `id`, `store_id`, `source_type` and `slug`.

    `updated_at` moves for each row given. Without `created_at` the document keeps its own.
    """
    _run(conn, _UPDATE, rows)


def patch(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write only the metadata of documents (`id`, `source_metadata`), where it differs."""
    _run(conn, _PATCH, rows)


def call(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write only what documents are called, and the metadata that hang on that (`id`, `source_id`,
    `source_metadata`).
    """
    _run(conn, _CALL, rows)


def place(conn: sa.Connection, ids: Collection[str], parent: str) -> None:
    """Put documents, withheld or not, under another parent."""
    if ids:
        conn.execute(_PLACE, {"ids": sorted(ids), "parent": parent})


def date(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write only when documents were created (`id`, `created_at`)."""
    _run(conn, _DATE, rows)


def delete(conn: sa.Connection, ids: Collection[str]) -> None:
    """Remove documents, withheld or not, with their chunks and references."""
    if ids:
        conn.execute(_DELETE, {"ids": sorted(ids)})


def insert_chunks(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the chunks of new documents."""
    _run(conn, _INSERT_CHUNKS, rows)


def replace_chunks(
    conn: sa.Connection, documents: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write the chunks of changed documents (`id`, `chunk_count`); further ones are cut off.

    `rows` are all chunks: `document_id`, `position`, `start`, `text`. An equal one is not touched,
    so that an embedder takes those alone whose `updated_at` moved.
    """
    _run(conn, _CUT_CHUNKS, documents)
    _run(conn, _REPLACE_CHUNKS, rows)


def withhold(conn: sa.Connection, ids: Collection[str]) -> None:
    """Put documents out of sight, whole: row, chunks and references, in a table beside.

    For what is live and has a parent that is not; `release` brings them back.
    """
    if ids:
        conn.execute(_WITHHOLD, {"ids": sorted(ids)})


def release(conn: sa.Connection, ids: Collection[str]) -> None:
    """Bring withheld documents back as they went, `updated_at` included.

    One that is not withheld stays as it is. Their references are to be bound anew.
    """
    if ids:
        conn.execute(_RELEASE, {"ids": sorted(ids)})


def _run(conn: sa.Connection, statement: sa.TextClause, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        conn.execute(statement, {"rows": as_json(rows)})
