"""The edges between documents of one store, and what there is to say of each document.

Law: whatever is asked for many documents is one statement; of each document at most so many edges a
way are read, so that one to which thousands point costs no more than others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.core.graph import PARENT, Edge

# Each branch is bounded for itself and found by an index: that of the primary key, of targets, and
# of parents. One more than is asked for tells that there are more.
_OUT = """
SELECT a.id AS near, r.document_id, r.target_document_id AS target, r.kind, r.origin, r.evidence
FROM unnest(CAST(:ids AS varchar[])) AS a(id) CROSS JOIN LATERAL (
  SELECT * FROM lightfast_document_references r
  WHERE r.document_id = a.id AND r.store_id = :store_id AND r.target_document_id IS NOT NULL
    AND r.kind = ANY(CAST(:kinds AS varchar[]))
  ORDER BY r.kind, r.target_source, r.target_key LIMIT :most) r
"""
_IN = """
SELECT a.id, r.document_id, r.target_document_id, r.kind, r.origin, r.evidence
FROM unnest(CAST(:ids AS varchar[])) AS a(id) CROSS JOIN LATERAL (
  SELECT * FROM lightfast_document_references r
  WHERE r.target_document_id = a.id AND r.store_id = :store_id
    AND r.kind = ANY(CAST(:kinds AS varchar[]))
  ORDER BY r.document_id, r.kind LIMIT :most) r
"""
_UP = """
SELECT d.id, d.id, d.parent_doc_id, 'parent', 'field', ''
FROM lightfast_docs_documents d JOIN lightfast_docs_documents p ON p.id = d.parent_doc_id
WHERE d.id = ANY(CAST(:ids AS varchar[])) AND d.store_id = :store_id
"""
_DOWN = """
SELECT a.id, c.id, c.parent_doc_id, 'parent', 'field', ''
FROM unnest(CAST(:ids AS varchar[])) AS a(id) CROSS JOIN LATERAL (
  SELECT c.id, c.parent_doc_id FROM lightfast_docs_documents c
  WHERE c.parent_doc_id = a.id AND c.store_id = :store_id
  ORDER BY c.created_at, c.id LIMIT :most) c
"""
_BRANCHES = ((_OUT, True, False), (_IN, False, False), (_UP, True, True), (_DOWN, False, True))
"""Each with whether it goes out of a document, and whether it is that of parents."""
_NODES = sa.text("""
SELECT id, CAST(source_type AS text) AS source_type, source_metadata->>'kind' AS kind, source_id,
       source_metadata->>'url' AS url, created_at AT TIME ZONE 'UTC' AS created_at
FROM lightfast_docs_documents
WHERE id = ANY(CAST(:ids AS varchar[])) AND store_id = :store_id
""")


def edges(
    conn: sa.Connection,
    store_id: str,
    documents: Sequence[str],
    *,
    kinds: Collection[str],
    out: bool,
    back: bool,
    most: int,
) -> tuple[list[Edge], bool]:
    """The edges of these kinds that go out of the documents, or come into them, each once; and
    whether any document has more than `most` of a sort, which are left out.
    """
    several = {*kinds} - {PARENT}
    chosen = [
        branch
        for branch, is_out, is_parent in _BRANCHES
        if (out if is_out else back) and (PARENT in kinds if is_parent else several)
    ]
    if not chosen or not documents:
        return [], False
    query = " UNION ALL ".join(
        f"SELECT {at} AS branch, b.* FROM ({branch}) AS b" for at, branch in enumerate(chosen)
    )
    given = {"ids": [*documents], "store_id": store_id, "kinds": sorted(several), "most": most + 1}
    return _bounded(conn.execute(sa.text(query), given), most)


def _bounded(rows: Iterable[Sequence[Any]], most: int) -> tuple[list[Edge], bool]:
    """At most so many of each branch and document; whether there are more."""
    counts = Counter[tuple[int, str]]()
    found: dict[Edge, None] = {}
    for branch, near, *edge in rows:
        counts[branch, near] += 1
        if counts[branch, near] <= most:
            found[Edge(*edge)] = None
    return [*found], any(count > most for count in counts.values())


def nodes(
    conn: sa.Connection, store_id: str, documents: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Of each of these documents its source, kind, key, URL and time, by id."""
    rows = conn.execute(_NODES, {"ids": [*documents], "store_id": store_id}).mappings()
    return {row["id"]: dict(row) for row in rows}
