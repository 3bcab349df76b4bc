"""The references table's SQL: what documents point at, and whether the target is there."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.store.rows import as_json

_LANES = 64
_DELETE = sa.text("""
DELETE FROM lightfast_document_references WHERE document_id = ANY(CAST(:ids AS varchar[]))
""")
_INSERT = sa.text("""
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id)
SELECT document_id, kind, target_source, target_key, origin, evidence, store_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  document_id varchar, kind varchar, target_source source_type, target_key varchar,
  origin varchar, evidence text, store_id varchar)
""")
_OWNER = """
  coalesce(
    (SELECT d.id FROM lightfast_docs_documents d
     WHERE d.source_type = k.source_type AND d.source_id = k.key AND d.store_id = k.store_id
     ORDER BY d.id LIMIT 1),
    (SELECT d.id FROM lightfast_document_aliases a
     JOIN lightfast_docs_documents d ON d.id = a.document_id
     WHERE a.store_id = k.store_id AND a.source_type = k.source_type AND a.alias = k.key
     ORDER BY d.id LIMIT 1))
"""
# Most keys are those of documents that nobody points at: they are left alone.
_POINTED = sa.text(f"""
SELECT DISTINCT k.store_id, CAST(k.source_type AS text), k.key,
       mod(hashtext(k.key) & 2147483647, {_LANES}) AS lane
FROM jsonb_to_recordset(CAST(:keys AS jsonb))
  AS k(store_id varchar, source_type source_type, key varchar)
JOIN lightfast_document_references r
  ON r.store_id = k.store_id AND r.target_source = k.source_type AND r.target_key = k.key
""")
# One binder at a time for each key, and in a statement before the next one's snapshot: else one
# that saw an older state could write last.
_ALONE = sa.text("""
SELECT pg_advisory_xact_lock(hashtext('lightfast_document_references'), lane)
FROM (SELECT unnest(CAST(:lanes AS integer[])) AS lane ORDER BY 1) AS lanes
""")
# The owner of a key is a pure function of what stands.
_BIND = sa.text(f"""
WITH owned AS (
  SELECT k.store_id, k.source_type, k.key, {_OWNER} AS owner
  FROM jsonb_to_recordset(CAST(:keys AS jsonb))
    AS k(store_id varchar, source_type source_type, key varchar)
)
UPDATE lightfast_document_references r SET target_document_id = o.owner
FROM owned o
WHERE r.store_id = o.store_id AND r.target_source = o.source_type AND r.target_key = o.key
  AND r.target_document_id IS DISTINCT FROM o.owner
""")
# For a worker that died between its commit and the binding. So many rows are looked at, from
# anywhere among them: whoever points at ten million things that are not there costs no more.
_BIND_PENDING = f"""
WITH looked_at AS (
  SELECT document_id, kind, store_id, target_source, target_key, target_document_id
  FROM lightfast_document_references
  WHERE document_id {{side}} :middle ORDER BY document_id LIMIT :most
), owned AS MATERIALIZED (
  SELECT k.document_id, k.kind, k.source_type, k.key, {_OWNER} AS owner
  FROM (SELECT document_id, kind, store_id, target_source AS source_type, target_key AS key
        FROM looked_at WHERE target_document_id IS NULL) k
), bound AS (
  UPDATE lightfast_document_references r SET target_document_id = o.owner
  FROM owned o
  WHERE o.owner IS NOT NULL AND r.document_id = o.document_id AND r.kind = o.kind
    AND r.target_source = o.source_type AND r.target_key = o.key AND r.target_document_id IS NULL
)
SELECT count(*) FROM looked_at
"""
_BIND_HALVES = tuple(sa.text(_BIND_PENDING.format(side=side)) for side in (">=", "<"))
MOST_PENDING = 50_000
"""References that one `bind_pending` looks at: a second or two."""


_KEYS_OF = sa.text("""
SELECT l.store_id, CAST(l.source_type AS text), l.source_id
FROM lightfast_document_ledger l
WHERE l.document_id = ANY(CAST(:ids AS varchar[])) AND l.source_id IS NOT NULL
UNION
SELECT a.store_id, CAST(a.source_type AS text), a.alias
FROM lightfast_document_aliases a WHERE a.document_id = ANY(CAST(:ids AS varchar[]))
UNION
SELECT r.store_id, CAST(r.target_source AS text), r.target_key
FROM lightfast_document_references r WHERE r.document_id = ANY(CAST(:ids AS varchar[]))
""")


def keys_of(conn: sa.Connection, document_ids: Collection[str]) -> set[tuple[str, str, str]]:
    """The keys that documents own and those they point at."""
    if not document_ids:
        return set()
    rows = conn.execute(_KEYS_OF, {"ids": sorted(document_ids)})
    return {(store, source, key) for store, source, key in rows}


def replace(
    conn: sa.Connection, changed: Collection[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write the references of documents; `changed` are those that may have had others before."""
    if changed:
        conn.execute(_DELETE, {"ids": sorted(changed)})
    if rows:
        conn.execute(_INSERT, {"rows": as_json(rows)})


def bind(conn: sa.Connection, keys: Collection[tuple[str, str, str]]) -> None:
    """Point every reference to these (store, source type, key) at the document that owns it now.

    To be called in a transaction of its own, after the commit that wrote the keys.
    """
    pointed = conn.execute(_POINTED, {"keys": _as_keys(keys)}).all() if keys else []
    if pointed:
        conn.execute(_ALONE, {"lanes": sorted({lane for _, _, _, lane in pointed})})
        conn.execute(_BIND, {"keys": _as_keys((s, t, k) for s, t, k, _ in pointed)})


def bind_pending(conn: sa.Connection) -> None:
    """Point references without a target at one that is there by now: of all where they are few,
    else of another part each time.
    """
    middle, left = f"{random.randrange(16**4):04x}", MOST_PENDING
    for half in _BIND_HALVES:
        if left > 0:
            left -= conn.execute(half, {"middle": middle, "most": left}).scalar_one()


def _as_keys(keys: Iterable[tuple[str, str, str]]) -> str:
    return as_json({"store_id": s, "source_type": t, "key": k} for s, t, k in sorted(keys))
