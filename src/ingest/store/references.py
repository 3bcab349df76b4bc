"""The references table's SQL: what documents point at. Which document that is: `binding`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.lean import lean
from ingest.core.values import JSON
from ingest.store.rows import as_json


@lean
class Pointer:
    """A reference as it stands. `bind_key` is that by which it is bound, where that is not the key
    as it is written; `shown` the `source_id` of the document that it is bound to, None for none.
    """

    kind: str
    target_source: str
    target_key: str
    origin: str
    evidence: str
    bind_key: str | None
    shown: str | None

    @property
    def place(self) -> tuple[str, str, str]:
        """What tells it from the others of its document."""
        return self.kind, self.target_source, self.target_key


@lean
class Shown:
    """A document's `relationships` as they stand, and the references that they are a view of."""

    document_id: str
    relationships: Mapping[str, JSON] | None
    pointers: tuple[Pointer, ...]


@dataclass(frozen=True, slots=True)
class KeysOf:
    """By what documents are found and what they point at; each begins with store id, source type.

    names: the keys that they have or had. things: their identities, as scope, kind, id.
    aimed: what binds their references, as it is written, and as it is compared (None: the same).
    """

    names: frozenset[tuple[str, str, str]] = frozenset()
    things: frozenset[tuple[str, str, str, str, str]] = frozenset()
    aimed: frozenset[tuple[str, str, str, str | None]] = frozenset()


_POINTER = """
  r.kind, CAST(r.target_source AS text) AS target_source, r.target_key, r.origin, r.evidence,
  r.bind_key, t.source_id AS shown
"""
_READ = sa.text(f"""
SELECT r.document_id, {_POINTER}
FROM lightfast_document_references r
LEFT JOIN lightfast_docs_documents t ON t.id = r.target_document_id
WHERE r.document_id = ANY(CAST(:ids AS varchar[]))
""")
_RELATIONSHIPS = sa.text("""
SELECT id, relationships FROM lightfast_docs_documents
WHERE id = ANY(CAST(:ids AS varchar[])) ORDER BY id
""")
_RELATE = sa.text("""
UPDATE lightfast_docs_documents d
SET relationships = r.relationships,
    updated_at = CASE WHEN :touch THEN CURRENT_TIMESTAMP ELSE d.updated_at END
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id varchar, relationships jsonb)
WHERE d.id = r.id
""")
_DELETE = sa.text("""
DELETE FROM lightfast_document_references r
USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS d(
  document_id varchar, kind varchar, target_source source_type, target_key varchar)
WHERE r.document_id = d.document_id AND r.kind = d.kind
  AND r.target_source = d.target_source AND r.target_key = d.target_key
""")
# One that is there already goes on pointing where it did, unless something else binds it by now.
_PUT = sa.text("""
INSERT INTO lightfast_document_references AS r
  (document_id, kind, target_source, target_key, origin, evidence, store_id, bind_key)
SELECT document_id, kind, target_source, target_key, origin, evidence, store_id, bind_key
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(
  document_id varchar, kind varchar, target_source source_type, target_key varchar,
  origin varchar, evidence text, store_id varchar, bind_key varchar)
ON CONFLICT (document_id, kind, target_source, target_key) DO UPDATE
  SET origin = excluded.origin, evidence = excluded.evidence, bind_key = excluded.bind_key,
      target_document_id = CASE WHEN r.bind_key IS NOT DISTINCT FROM excluded.bind_key
                                THEN r.target_document_id END
""")
# Of two that write one key from now on, that which means a thing by its id stays.
_YIELD = sa.text("""
DELETE FROM lightfast_document_references r
USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(
  document_id varchar, kind varchar, target_source source_type, target_key varchar, after varchar)
WHERE r.document_id = n.document_id AND r.kind = n.kind
  AND r.target_source = n.target_source AND r.target_key = n.after
""")
_CALL = sa.text("""
UPDATE lightfast_document_references r SET target_key = n.after
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(
  document_id varchar, kind varchar, target_source source_type, target_key varchar, after varchar)
WHERE r.document_id = n.document_id AND r.kind = n.kind
  AND r.target_source = n.target_source AND r.target_key = n.target_key
""")
_LOOSE = sa.text("""
UPDATE lightfast_document_references SET target_document_id = NULL
WHERE document_id = ANY(CAST(:ids AS varchar[])) AND target_document_id IS NOT NULL
""")
_OWN = """
SELECT document_id, store_id, CAST(source_type AS text) AS source_type, source_id AS key
FROM lightfast_document_ledger
WHERE document_id = ANY(CAST(:ids AS varchar[])) AND source_id IS NOT NULL
UNION ALL
SELECT document_id, store_id, CAST(source_type AS text), alias
FROM lightfast_document_aliases WHERE document_id = ANY(CAST(:ids AS varchar[]))
"""
_OWN_KEYS = sa.text(_OWN)
_AIMED = sa.text("""
SELECT DISTINCT r.store_id, CAST(r.target_source AS text), r.target_key, r.bind_key
FROM lightfast_document_references r WHERE r.document_id = ANY(CAST(:ids AS varchar[]))
""")
_THINGS = sa.text("""
SELECT store_id, CAST(source_type AS text), scope, kind, external_id
FROM lightfast_document_ledger WHERE document_id = ANY(CAST(:ids AS varchar[]))
""")


def read(conn: sa.Connection, document_ids: Collection[str]) -> dict[str, tuple[Pointer, ...]]:
    """What documents point at, by document; one that points at nothing has no entry. Locks nothing.

    Whoever writes them holds the documents' rows of the ledger.
    """
    found: dict[str, list[Pointer]] = {}
    if document_ids:
        for document_id, *row in conn.execute(_READ, {"ids": list(document_ids)}):
            found.setdefault(document_id, []).append(Pointer(*row))
    return {document_id: tuple(pointers) for document_id, pointers in found.items()}


def shown(conn: sa.Connection, document_ids: Collection[str]) -> list[Shown]:
    """Those of the documents that stand, with what they point at; by id."""
    if not document_ids:
        return []
    pointers = read(conn, document_ids)
    rows = conn.execute(_RELATIONSHIPS, {"ids": list(document_ids)})
    return [Shown(id_, told, pointers.get(id_, ())) for id_, told in rows]


def relate(conn: sa.Connection, rows: Sequence[Mapping[str, Any]], *, touch: bool) -> None:
    """Write the `relationships` of documents (`id`, `relationships`).

    touch: `updated_at` moves. The caller holds their rows of the ledger.
    """
    if rows:
        conn.execute(_RELATE, {"rows": as_json(rows), "touch": touch})


def delete(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Take references away: `document_id`, `kind`, `target_source`, `target_key`."""
    if rows:
        conn.execute(_DELETE, {"rows": as_json(rows)})


def put(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write references: beside those that tell them apart, `origin`, `evidence`, `store_id` and
    `bind_key`. What is new points nowhere yet: it is bound after the commit (`binding.note`).
    """
    if rows:
        conn.execute(_PUT, {"rows": as_json(rows)})


def call(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the keys of references otherwise: beside what tells them apart, the key `after` it.

    They go on pointing where they do.
    """
    if rows:
        conn.execute(_YIELD, {"rows": as_json(rows)})
        conn.execute(_CALL, {"rows": as_json(rows)})


def loose(conn: sa.Connection, document_ids: Collection[str]) -> None:
    """Have the references of documents point nowhere, as those of what is out of sight do."""
    if document_ids:
        conn.execute(_LOOSE, {"ids": sorted(document_ids)})


def keys_of(conn: sa.Connection, document_ids: Collection[str]) -> KeysOf:
    """The keys that documents own and those by which their references are bound."""
    if not document_ids:
        return KeysOf()
    ids = {"ids": sorted(document_ids)}
    return KeysOf(
        frozenset((row.store_id, row.source_type, row.key) for row in conn.execute(_OWN_KEYS, ids)),
        frozenset((a, b, c, d, e) for a, b, c, d, e in conn.execute(_THINGS, ids)),
        frozenset((a, b, c, d) for a, b, c, d in conn.execute(_AIMED, ids)),
    )


def names_of(conn: sa.Connection, document_ids: Collection[str]) -> dict[str, set[tuple[str, str]]]:
    """The keys that documents have and had, as (source type, key), by document."""
    found: dict[str, set[tuple[str, str]]] = {}
    if document_ids:
        for row in conn.execute(_OWN_KEYS, {"ids": list(document_ids)}):
            found.setdefault(row.document_id, set()).add((row.source_type, row.key))
    return found
