"""The SQL of binding: which document owns a key, and the references that are to point at it.

Lock order: lanes of keys, then the ledger's rows of the documents that point, by identity, which is
the lock of a document. Nobody who holds the second waits for the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ingest.core.lean import lean
from ingest.store import references
from ingest.store.rows import as_json

_LANES = 64


@lean
class Owned:
    """A key of a store's documents, as keys are compared, whose owner may have changed.

    guarded: its source has prefixes, so that only its owner's tenant can have it: who has it now
        goes before who had it once.
    moved: what it finds came into sight, went out of it, or is called otherwise, so that whoever
        points at it is shown anew.
    members: of a thing's key, the ledger's identities that it can mean, the later the stronger.
    spellings: of a name, how references that are bound by it write it.
    """

    store_id: str
    source_type: str
    key: str
    guarded: bool = False
    moved: bool = False
    members: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be done after a transaction's commit; `id` is the row that says so until then."""

    id: int
    note: Mapping[str, Any]


_KEYS = """
jsonb_to_recordset(CAST(:keys AS jsonb)) AS k(
  store_id varchar, source_type source_type, key varchar, guarded boolean, moved boolean,
  members uuid[], spellings varchar[])
"""
# Bound by another spelling than they are written in, or by the key itself: each by an index.
_POINTERS = """
(SELECT r.document_id, r.kind, r.target_source, r.target_key, r.target_document_id
 FROM lightfast_document_references r
 WHERE r.store_id = k.store_id AND r.target_source = k.source_type AND r.target_key = k.key
   AND r.bind_key IS NULL
 UNION ALL
 SELECT r.document_id, r.kind, r.target_source, r.target_key, r.target_document_id
 FROM lightfast_document_references r
 WHERE r.store_id = k.store_id AND r.target_source = k.source_type AND r.bind_key = k.key)
"""
# Most keys are those of documents that nobody points at: they are left alone.
_POINTED = sa.text(f"""
SELECT k.store_id, CAST(k.source_type AS text), k.key,
       mod(hashtext(k.key) & 2147483647, {_LANES}) AS lane,
       ARRAY(SELECT DISTINCT p.target_key FROM {_POINTERS} p WHERE k.members IS NULL) AS spellings
FROM {_KEYS} WHERE EXISTS (SELECT FROM {_POINTERS} p)
""")
# One binder at a time for each key, and in a statement before the next one's snapshot: else one
# that saw an older state could write last.
_ALONE = sa.text("""
SELECT pg_advisory_xact_lock(hashtext('lightfast_document_references'), lane)
FROM (SELECT unnest(CAST(:lanes AS integer[])) AS lane ORDER BY 1) AS lanes
""")
# Who has a name or had it: by its key, by a former one, or by either as they are compared. What an
# older version of the program wrote is compared with the spellings that references write.
_NAMED = """
SELECT d.id, false AS former FROM lightfast_docs_documents d
WHERE d.source_type = k.source_type AND d.source_id = ANY(k.spellings) AND d.store_id = k.store_id
UNION ALL
SELECT d.id, true FROM lightfast_document_aliases a
JOIN lightfast_docs_documents d ON d.id = a.document_id
WHERE a.store_id = k.store_id AND a.source_type = k.source_type AND a.alias = ANY(k.spellings)
UNION ALL
SELECT d.id, f.former FROM lightfast_folded_keys f
JOIN lightfast_docs_documents d ON d.id = f.document_id
WHERE f.store_id = k.store_id AND f.source_type = k.source_type AND f.key = k.key
"""
# Of one tenant's documents that have a name, the first that has it now owns it, else the first that
# had it. Where several tenants have it, each means its own by it, and for the rest it names
# nothing: nobody takes another's references by a key that he merely claims, whoever comes first.
# A guarded key nobody can claim: who has it now stands above who had it once.
_OWNED = f"""
owned AS MATERIALIZED (
  SELECT k.store_id, k.source_type, k.key, k.moved, c.holders, c.by_scope,
         CASE WHEN k.guarded THEN coalesce(c.alone_now, c.alone) ELSE c.alone END AS alone
  FROM keys k CROSS JOIN LATERAL (
    SELECT array_agg(b.id) AS holders,
           jsonb_object_agg(b.scope, b.id) FILTER (WHERE b.place = 1) AS by_scope,
           CASE WHEN count(DISTINCT b.scope) = 1
                THEN min(b.id) FILTER (WHERE b.place = 1) END AS alone,
           CASE WHEN count(*) FILTER (WHERE b.place = 1 AND NOT b.former) = 1
                THEN min(b.id) FILTER (WHERE b.place = 1 AND NOT b.former) END AS alone_now
    FROM (
      SELECT n.id, n.former, coalesce(l.scope, '') AS scope,
             row_number() OVER (PARTITION BY l.scope ORDER BY n.former, n.id) AS place
      FROM ({_NAMED}) n LEFT JOIN lightfast_document_ledger l ON l.document_id = n.id
    ) b
  ) c WHERE k.members IS NULL
  UNION ALL
  SELECT k.store_id, k.source_type, k.key, k.moved, c.holders, NULL, c.holders[1]
  FROM keys k CROSS JOIN LATERAL (
    SELECT array_agg(d.id ORDER BY array_position(k.members, l.identity) DESC) AS holders
    FROM lightfast_document_ledger l JOIN lightfast_docs_documents d ON d.id = l.document_id
    WHERE l.identity = ANY(k.members)
  ) c WHERE k.members IS NOT NULL
)
"""
# Whose document refers matters only where several have the key.
_OWNER = """
CASE WHEN o.alone IS NOT NULL OR o.by_scope IS NULL THEN o.alone
ELSE o.by_scope ->> (SELECT s.scope FROM lightfast_document_ledger s
                     WHERE s.document_id = r.document_id AND s.source_type = r.target_source) END
"""
# What a document calls itself, or once did, is no reference of it, whoever is called so by now.
_TURNED = sa.text(f"""
WITH keys AS (SELECT k.* FROM {_KEYS}), {_OWNED}, pointing AS (
  SELECT r.*, o.moved, coalesce(r.document_id = ANY(o.holders), false) AS own, {_OWNER} AS owner
  FROM owned o JOIN LATERAL {_POINTERS.replace("k.", "o.")} r ON true
)
SELECT document_id, kind, CAST(target_source AS text) AS target_source, target_key, own, owner,
       target_document_id IS DISTINCT FROM owner AS turned
FROM pointing WHERE own OR moved OR target_document_id IS DISTINCT FROM owner
""")
_LOCK = sa.text("""
SELECT FROM lightfast_document_ledger
WHERE document_id = ANY(CAST(:ids AS varchar[])) ORDER BY identity FOR NO KEY UPDATE
""")
_BIND = sa.text("""
UPDATE lightfast_document_references r SET target_document_id = n.owner
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(
  document_id varchar, kind varchar, target_source source_type, target_key varchar, owner varchar)
WHERE r.document_id = n.document_id AND r.kind = n.kind
  AND r.target_source = n.target_source AND r.target_key = n.target_key
""")
_NOTE = sa.text("""
INSERT INTO lightfast_binding_notes (note) VALUES (CAST(:note AS jsonb)) RETURNING id
""")
_DONE = sa.text("DELETE FROM lightfast_binding_notes WHERE id = ANY(CAST(:ids AS bigint[]))")
# One that its own worker is binding now is waited for.
_PENDING = sa.text("""
SELECT id, note FROM lightfast_binding_notes ORDER BY id LIMIT :limit FOR UPDATE
""")
_OLDER = sa.text("""
DELETE FROM lightfast_pending_bindings WHERE id IN (
  SELECT id FROM lightfast_pending_bindings ORDER BY id LIMIT :limit FOR UPDATE)
RETURNING keys
""")
AT_ONCE = 20
"""Of noted bindings, in one transaction."""


def note(conn: sa.Connection, told: Mapping[str, Any]) -> Noted:
    """Write down, in the transaction that moves keys, what is to be done after it.

    Should the process die before it does that, `pending` finds it.
    """
    text = as_json([told])[1:-1]
    return Noted(conn.execute(_NOTE, {"note": text}).scalar_one(), told)


def pending(conn: sa.Connection) -> list[Noted]:
    """Up to AT_ONCE notes that are left, locked: one that its own worker is at now is waited for,
    and then gone.
    """
    return [Noted(row.id, row.note) for row in conn.execute(_PENDING, {"limit": AT_ONCE})]


def older(conn: sa.Connection) -> list[tuple[str, str, str]]:
    """Up to AT_ONCE notes that an older version of the program left, taken off: (store id, source
    type, key) of each, as it was written.
    """
    rows = conn.execute(_OLDER, {"limit": AT_ONCE}).scalars()
    return [(k["store_id"], k["source_type"], k["key"]) for keys in rows for k in keys]


def done(conn: sa.Connection, notes: Iterable[Noted]) -> None:
    """Take notes off."""
    conn.execute(_DONE, {"ids": [one.id for one in notes]})


def bind(conn: sa.Connection, keys: Collection[Owned]) -> frozenset[str]:
    """Point every reference to these keys at the document that owns it now; the documents whose
    `relationships` may be others now, whose rows of the ledger are locked.

    In a transaction of its own, after the commit that wrote the keys. One binder at a time for each
    key, under advisory locks that are taken in one order and before the snapshot: else one that saw
    an older state could write last. The owner is a pure function of what stands.
    """
    pointed = _pointed(conn, keys)
    if not pointed:
        return frozenset()
    turned = conn.execute(_TURNED, {"keys": _as_keys(pointed)}).mappings().all()
    ids = frozenset(row["document_id"] for row in turned)
    if not ids:
        return ids
    lock(conn, ids)
    own = [dict(row) for row in turned if row["own"]]
    bound = [dict(row) for row in turned if row["turned"] and not row["own"]]
    references.delete(conn, own)
    if bound:
        conn.execute(_BIND, {"rows": as_json(bound)})
    return ids


def lock(conn: sa.Connection, document_ids: Collection[str]) -> None:
    """Hold the documents until the commit: their rows of the ledger, in the order of identities."""
    conn.execute(_LOCK, {"ids": sorted(document_ids)})


def _pointed(conn: sa.Connection, keys: Collection[Owned]) -> list[Owned]:
    """Those of the keys that anybody points at, with their spellings; nobody else binds them."""
    if not keys:
        return []
    rows = conn.execute(_POINTED, {"keys": _as_keys(keys)}).all()
    if not rows:
        return []
    conn.execute(_ALONE, {"lanes": sorted({row.lane for row in rows})})
    spelt = {(row[0], row[1], row[2]): row.spellings for row in rows}
    return [
        replace(one, spellings=tuple(sorted({one.key, *spelt[at]})))
        for one in keys
        if (at := (one.store_id, one.source_type, one.key)) in spelt
    ]


def _as_keys(keys: Iterable[Owned]) -> str:
    rows: Sequence[Mapping[str, object]] = [
        {
            "store_id": one.store_id,
            "source_type": one.source_type,
            "key": one.key,
            "guarded": one.guarded,
            "moved": one.moved,
            "members": list(one.members) or None,
            "spellings": list(one.spellings),
        }
        for one in keys
    ]
    return as_json(rows)
