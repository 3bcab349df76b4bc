"""The SQL of the seed's query patterns: the documents of one store, a page at a time.

Law: every statement is scoped by a store, and begins behind a position, never at an offset. What is
asked for is in the text of the statement, so that each has its own plan, by an index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa

Moment = Literal["created_at", "updated_at"]
"""Which of a document's times it is found by, and stands in the order of."""
MOMENTS: Mapping[Moment, str] = {"created_at": "created_at", "updated_at": "updated_at"}
"""What may stand in a statement for it, and nothing else."""
Direction = Literal["out", "in"]

_COLUMNS = """
  d.id, d.store_id, CAST(d.source_type AS text) AS source_type, d.source_id, d.source_metadata,
  d.parent_doc_id, d.slug, d.content_hash, d.config_hash, d.frontmatter, d.chunk_count,
  d.relationships, d.created_at AT TIME ZONE 'UTC' AS created_at,
  d.updated_at AT TIME ZONE 'UTC' AS updated_at
"""
INDEXED = 64
"""So many characters of a state are in an index: a provider's word may be of any length."""
_BEGINNING = "left(d.source_metadata->>'{0}', 64) = left(:{0}, 64)"
_WHOLE = "d.source_metadata->>'{0}' = :{0}"
CLAUSES: Mapping[str, str] = {
    "source_type": "d.source_type = CAST(:source_type AS source_type)",
    "state": _BEGINNING.format("state"),
    "status": _BEGINNING.format("status"),
    "parent": "d.parent_doc_id = :parent",
    "since": "d.{moment} >= CAST(:since AS timestamptz) AT TIME ZONE 'UTC'",
    "until": "d.{moment} < CAST(:until AS timestamptz) AT TIME ZONE 'UTC'",
    "after_id": "(d.{moment}, d.id) > (CAST(:after AS timestamptz) AT TIME ZONE 'UTC', :after_id)",
}
"""What a document may be asked for by; each is left out where it is not given."""
_OF_ONE = f"""
SELECT {_COLUMNS} FROM lightfast_docs_documents d WHERE {{where}}
ORDER BY d.{{moment}}, d.id LIMIT :limit
"""
# An index has a store's documents of each source in the order of a time: a page of all sources is
# merged from the first rows of each.
_OF_EACH = f"""
SELECT d.* FROM unnest(enum_range(CAST(NULL AS source_type))) AS s(source_type)
CROSS JOIN LATERAL (
  SELECT {_COLUMNS} FROM lightfast_docs_documents d
  WHERE d.source_type = s.source_type AND {{where}} ORDER BY d.{{moment}}, d.id LIMIT :limit
) d ORDER BY d.{{moment}}, d.id LIMIT :limit
"""
_BY_ID = sa.text(f"""
SELECT {_COLUMNS} FROM lightfast_docs_documents d WHERE d.id = :id AND d.store_id = :store_id
""")
# The key that is current goes before one that was once; of several the one that came first.
_BY_KEY = sa.text(f"""
SELECT {_COLUMNS}, 0 AS former FROM lightfast_docs_documents d
WHERE d.source_type = CAST(:source_type AS source_type) AND d.source_id IN (:key, :folded)
  AND d.store_id = :store_id
UNION ALL
SELECT {_COLUMNS}, 1 FROM lightfast_document_aliases a
JOIN lightfast_docs_documents d ON d.id = a.document_id
WHERE a.store_id = :store_id AND a.source_type = CAST(:source_type AS source_type)
  AND a.alias IN (:key, :folded)
UNION ALL
SELECT {_COLUMNS}, CAST(f.former AS integer) FROM lightfast_folded_keys f
JOIN lightfast_docs_documents d ON d.id = f.document_id
WHERE f.store_id = :store_id AND f.source_type = CAST(:source_type AS source_type)
  AND f.key = :folded
ORDER BY former, created_at, id LIMIT 1
""")
_REFERENCE = """
  r.document_id, r.kind, CAST(r.target_source AS text) AS target_source, r.target_key, r.origin,
  r.evidence
"""
_OUT = sa.text(f"""
SELECT {_REFERENCE}, r.target_document_id AS other FROM lightfast_document_references r
WHERE r.document_id = :id AND r.store_id = :store_id
  AND (r.kind, CAST(r.target_source AS text), r.target_key) > (:kind, :source, :key)
ORDER BY r.kind, CAST(r.target_source AS text), r.target_key LIMIT :limit
""")
_IN = sa.text(f"""
SELECT {_REFERENCE}, r.document_id AS other FROM lightfast_document_references r
WHERE r.target_document_id = :id AND r.store_id = :store_id
  AND (r.document_id, r.kind, r.target_key) > (:document, :kind, :key)
ORDER BY r.document_id, r.kind, r.target_key LIMIT :limit
""")
_OF = sa.text(f"""
SELECT {_COLUMNS} FROM lightfast_docs_documents d
WHERE d.id = ANY(CAST(:ids AS varchar[])) AND d.store_id = :store_id
""")

Row = dict[str, Any]


def documents(
    conn: sa.Connection,
    asked: Mapping[str, object],
    *,
    store_id: str,
    limit: int,
    moment: Moment = "created_at",
) -> list[Row]:
    """At most `limit` documents by that time and id, of which `asked` holds.

    asked: `source_type`, `state`, `status`, `parent` (texts), `since`, `until` (aware; the second
    is not included), `after` with `after_id` (the position); what is None is not asked.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    if "after_id" in given:  # which lies behind it: of two beginnings a scan takes either
        given.pop("since", None)
    where = " AND ".join(["d.store_id = :store_id", *clauses(given, moment)])
    shape = _OF_ONE if {"source_type", "parent"} & given.keys() else _OF_EACH
    statement = sa.text(shape.format(where=where, moment=MOMENTS[moment]))
    rows = conn.execute(statement, {**given, "store_id": store_id, "limit": limit})
    return [dict(row) for row in rows.mappings()]


def clauses(given: Mapping[str, object], moment: Moment) -> list[str]:
    """What of `CLAUSES` is asked, on a time of the document's.

    A state that is all in the index is told by its beginning: the planner would take a second
    condition for another one, and expect next to nothing.
    """
    asked = [clause for name, clause in CLAUSES.items() if name in given]
    long = [name for name in ("state", "status") if len(str(given.get(name, ""))) >= INDEXED]
    asked += [_WHOLE.format(name) for name in long]
    return [clause.format(moment=MOMENTS[moment]) for clause in asked]


def by_id(conn: sa.Connection, store_id: str, document_id: str) -> Row | None:
    """One document of the store."""
    return _one(conn.execute(_BY_ID, {"id": document_id, "store_id": store_id}))


def by_key(
    conn: sa.Connection, store_id: str, source_type: str, key: str, *, folded: str
) -> Row | None:
    """The document of a source that has this key, else the one that had it or has it besides.

    folded: the key as its source compares keys.
    """
    given = {"store_id": store_id, "source_type": source_type, "key": key, "folded": folded}
    return _one(conn.execute(_BY_KEY, given))


def references(
    conn: sa.Connection,
    *,
    store_id: str,
    document_id: str,
    direction: Direction,
    after: Sequence[str],
    limit: int,
) -> list[Row]:
    """What a document points at, or is pointed at by, behind a position of three texts."""
    first, second, third = after or ("", "", "")
    given: dict[str, Any] = {"id": document_id, "store_id": store_id, "limit": limit, "key": third}
    if direction == "out":
        rows = conn.execute(_OUT, {**given, "kind": first, "source": second})
    else:
        rows = conn.execute(_IN, {**given, "document": first, "kind": second})
    return [dict(row) for row in rows.mappings()]


def of_ids(conn: sa.Connection, store_id: str, ids: Sequence[str]) -> dict[str, Row]:
    """These documents of the store, by id."""
    rows = conn.execute(_OF, {"ids": [*ids], "store_id": store_id}).mappings()
    return {row["id"]: dict(row) for row in rows}


def _one(result: sa.CursorResult[Any]) -> Row | None:
    row = result.mappings().first()
    return dict(row) if row is not None else None
