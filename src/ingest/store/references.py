"""The references table's SQL: what documents point at, and whether the target is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
# Of one tenant's documents that have a key, the first that has it now owns it, else the first that
# had it. Where several tenants have it, each means its own by it, and for the rest it names
# nothing: nobody takes another's references by a key that he merely claims, whoever comes first.
# A guarded key nobody can claim: who has it now stands above who had it once.
_OWNED = """
owned AS (
  SELECT k.store_id, k.source_type, k.key, c.by_scope,
         CASE WHEN k.guarded THEN coalesce(c.alone_now, c.alone) ELSE c.alone END AS alone
  FROM keys k CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(b.scope, b.id) AS by_scope,
           CASE WHEN count(*) = 1 THEN min(b.id) END AS alone,
           CASE WHEN count(*) FILTER (WHERE NOT b.former) = 1
                THEN min(b.id) FILTER (WHERE NOT b.former) END AS alone_now
    FROM (
      SELECT DISTINCT ON (scope) scope, id, former FROM (
        SELECT coalesce(l.scope, '') AS scope, d.id, false AS former
        FROM lightfast_docs_documents d
        LEFT JOIN lightfast_document_ledger l ON l.document_id = d.id
        WHERE d.source_type = k.source_type AND d.source_id = k.key AND d.store_id = k.store_id
        UNION ALL
        SELECT coalesce(l.scope, ''), d.id, true
        FROM lightfast_document_aliases a
        JOIN lightfast_docs_documents d ON d.id = a.document_id
        LEFT JOIN lightfast_document_ledger l ON l.document_id = d.id
        WHERE a.store_id = k.store_id AND a.source_type = k.source_type AND a.alias = k.key
      ) named ORDER BY scope, former, id
    ) b
  ) c
)
"""
# Whose document refers matters only where several have the key.
_OWNER = """
CASE WHEN o.alone IS NOT NULL OR o.by_scope IS NULL THEN o.alone
ELSE o.by_scope ->> (SELECT s.scope FROM lightfast_document_ledger s
                     WHERE s.document_id = r.document_id AND s.source_type = r.target_source) END
"""
# Most keys are those of documents that nobody points at: they are left alone.
_POINTED = sa.text(f"""
SELECT DISTINCT k.store_id, CAST(k.source_type AS text), k.key, k.guarded,
       mod(hashtext(k.key) & 2147483647, {_LANES}) AS lane
FROM jsonb_to_recordset(CAST(:keys AS jsonb))
  AS k(store_id varchar, source_type source_type, key varchar, guarded boolean)
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
WITH keys AS (
  SELECT k.store_id, k.source_type, k.key, k.guarded FROM jsonb_to_recordset(CAST(:keys AS jsonb))
    AS k(store_id varchar, source_type source_type, key varchar, guarded boolean)
), {_OWNED}
UPDATE lightfast_document_references r SET target_document_id = {_OWNER}
FROM owned o
WHERE r.store_id = o.store_id AND r.target_source = o.source_type AND r.target_key = o.key
  AND r.target_document_id IS DISTINCT FROM {_OWNER}
""")
_NOTE = sa.text("""
INSERT INTO lightfast_pending_bindings (keys) VALUES (CAST(:keys AS jsonb)) RETURNING id
""")
_DONE = sa.text("DELETE FROM lightfast_pending_bindings WHERE id = ANY(CAST(:ids AS bigint[]))")
# One that its own worker is binding now is waited for.
_PENDING = sa.text("""
SELECT id, keys FROM lightfast_pending_bindings ORDER BY id LIMIT :limit FOR UPDATE
""")
AT_ONCE = 20
"""Of noted bindings, in one transaction."""

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
    """Write the references of documents; `changed` are those that may have had others before.

    rows: `document_id`, `kind`, `target_source`, `target_key`, `origin`, `evidence`, `store_id`.
    Targets are bound after the commit: see `note`.
    """
    if changed:
        conn.execute(_DELETE, {"ids": sorted(changed)})
    if rows:
        conn.execute(_INSERT, {"rows": as_json(rows)})


@dataclass(frozen=True, slots=True)
class Owned:
    """A key of a store's documents, whose owner may have changed.

    guarded: its source has prefixes, so that only its owner's tenant can have it: who has it now
        goes before who had it once.
    """

    store_id: str
    source_type: str
    key: str
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Noted:
    """Keys that may have another owner once their transaction is committed; `id` is the row that
    says so until they are bound.
    """

    id: int
    keys: Collection[Owned]


def note(conn: sa.Connection, keys: Collection[Owned]) -> Noted | None:
    """Write down, in the transaction that moves keys, that they are to be bound after it.

    None where there are no keys. Should the process die before it binds, `bind_pending` does it.
    """
    if not keys:
        return None
    return Noted(conn.execute(_NOTE, {"keys": _as_keys(keys)}).scalar_one(), keys)


def bind(conn: sa.Connection, noted: Noted) -> None:
    """Point every reference to these keys at the document that owns it now, and take the note off.

    To be called in a transaction of its own, after the commit that wrote the keys. One binder at a
    time for each key, under advisory locks that are taken in one order and before the snapshot:
    else one that saw an older state could write last. The owner is a pure function of what stands.
    """
    _bind(conn, noted.keys)
    conn.execute(_DONE, {"ids": [noted.id]})


def bind_pending(conn: sa.Connection) -> int:
    """Bind up to AT_ONCE notes that are left; how many there were. Call it until it says 0.

    Notes are locked: one that its own worker is binding now is waited for, and then gone.
    """
    rows = conn.execute(_PENDING, {"limit": AT_ONCE}).all()
    _bind(conn, {Owned(**key) for row in rows for key in row.keys})
    conn.execute(_DONE, {"ids": [row.id for row in rows]})
    return len(rows)


def _bind(conn: sa.Connection, keys: Collection[Owned]) -> None:
    pointed = conn.execute(_POINTED, {"keys": _as_keys(keys)}).all() if keys else []
    if pointed:
        conn.execute(_ALONE, {"lanes": sorted({lane for *_, lane in pointed})})
        conn.execute(_BIND, {"keys": _as_keys(Owned(*key) for *key, _ in pointed)})


def _as_keys(keys: Iterable[Owned]) -> str:
    return as_json(
        {
            "store_id": one.store_id,
            "source_type": one.source_type,
            "key": one.key,
            "guarded": one.guarded,
        }
        for one in keys
    )
