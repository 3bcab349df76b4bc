"""The ledger's SQL: who is newer, who is whose parent, and what may be seen.

Lock order: the changed rows by identity, then their parents. A change of content takes NO KEY
UPDATE, which children's KEY SHARE on their parent does not hinder; a change of visibility takes
UPDATE, which waits for them, so that no child slips in under a parent that is being hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from ingest.core.folding import LedgerRow
from ingest.store.rows import as_json


@dataclass(frozen=True, slots=True)
class StandingRow:
    """What tells whether anything is new of a document: some columns of its ledger's row.

    plain: it is in sight, and holds nothing but what was told of it whole. feeding: the newest word
    of the connection that asks; None where that never spoke of it.
    """

    rank: str | None
    state: str
    plain: bool
    revision: int
    made: str | None
    feeding: bool | None


_COLUMNS = """
  CAST(identity AS text), document_id, store_id, source_type, scope, kind, external_id, slug,
  source_id, CAST(parent AS text), rank, state, fed, visible, patches,
  revision, made, heard_at, created_at, created_rank, reading
"""
_RECORD = """
  identity uuid, document_id varchar, store_id varchar, source_type source_type, scope text,
  kind varchar, external_id text, slug varchar, source_id varchar, parent uuid, rank text,
  state varchar, fed boolean, visible boolean, patches jsonb, revision integer, made varchar,
  heard_at timestamptz, created_at timestamptz, created_rank text, reading jsonb
"""

_READ = sa.text(f"""
SELECT {_COLUMNS} FROM lightfast_document_ledger WHERE identity = ANY(CAST(:identities AS uuid[]))
""")
# The feed is found by its document. By the index of connections, which a planner without fresh
# statistics takes, all that the connection feeds would be read for each row.
_STANDING = sa.text("""
SELECT CAST(l.identity AS text), l.rank, l.state, l.visible AND l.patches IS NULL,
       l.revision, l.made,
       (SELECT f.feeding FROM lightfast_document_feeds f
        WHERE f.document_id = l.document_id
          AND f.connection_id IS NOT DISTINCT FROM CAST(:connection_id AS varchar))
FROM lightfast_document_ledger l
WHERE l.identity = ANY(CAST(:identities AS uuid[]))
""")
_KEYS = sa.text("""
SELECT CAST(l.identity AS text), l.source_id
FROM lightfast_document_ledger l
WHERE l.identity = ANY(CAST(:identities AS uuid[])) AND l.source_id IS NOT NULL
UNION
SELECT CAST(l.identity AS text), a.alias
FROM lightfast_document_ledger l
JOIN lightfast_document_aliases a ON a.document_id = l.document_id
WHERE l.identity = ANY(CAST(:identities AS uuid[]))
""")
_LOCK = sa.text(f"""
SELECT {_COLUMNS} FROM lightfast_document_ledger
WHERE identity = ANY(CAST(:identities AS uuid[])) ORDER BY identity FOR NO KEY UPDATE
""")
_SHARE = sa.text(f"""
SELECT {_COLUMNS} FROM lightfast_document_ledger
WHERE identity = ANY(CAST(:identities AS uuid[])) ORDER BY identity FOR KEY SHARE
""")
_CHILDREN_OF = sa.text("""
SELECT CAST(identity AS text) FROM lightfast_document_ledger
WHERE parent = ANY(CAST(:identities AS uuid[])) AND identity <> parent
""")
_LOCK_ALL = sa.text(f"""
SELECT {_COLUMNS} FROM lightfast_document_ledger
WHERE identity = ANY(CAST(:identities AS uuid[])) ORDER BY identity FOR UPDATE
""")
_ESCALATE = sa.text("""
SELECT FROM lightfast_document_ledger
WHERE identity = ANY(CAST(:identities AS uuid[])) ORDER BY identity FOR UPDATE
""")
# The rows come sorted, so two workers with the same new things wait rather than deadlock; what
# another one wrote first is left out of the answer.
_INSERT = sa.text(f"""
INSERT INTO lightfast_document_ledger
  (identity, document_id, store_id, source_type, scope, kind, external_id, slug, source_id,
   parent, rank, state, fed, visible, patches, revision, made, heard_at, created_at, created_rank,
   reading)
SELECT identity, document_id, store_id, source_type, scope, kind, external_id, slug, source_id,
   parent, rank, state, fed, visible, patches, revision, made, heard_at, created_at, created_rank,
   reading
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({_RECORD})
ON CONFLICT (identity) DO NOTHING
RETURNING CAST(identity AS text)
""")
_UPDATE = sa.text(f"""
UPDATE lightfast_document_ledger l
SET source_id = r.source_id, parent = r.parent, rank = r.rank, state = r.state, fed = r.fed,
    visible = r.visible, patches = r.patches, revision = r.revision, made = r.made,
    heard_at = r.heard_at, created_at = r.created_at, created_rank = r.created_rank,
    reading = r.reading
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({_RECORD})
WHERE l.identity = r.identity
""")
# A rank stands in the patches as a whole JSON text, and no other text there is like it.
_MOVE = sa.text("""
UPDATE lightfast_document_ledger l
SET rank = CASE WHEN l.rank = m.before THEN m.after ELSE l.rank END,
    created_rank = CASE WHEN l.created_rank = m.before THEN m.after ELSE l.created_rank END,
    patches = CAST(replace(CAST(l.patches AS text), m.before, m.after) AS jsonb)
FROM unnest(CAST(:identities AS uuid[]), CAST(:before AS text[]), CAST(:after AS text[]))
  AS m(identity, before, after)
WHERE l.identity = m.identity
  AND (m.before IN (l.rank, l.created_rank) OR position(m.before IN CAST(l.patches AS text)) > 0)
""")
# One level at a time, each in a statement of its own: its snapshot is taken after the parents'
# locks, so it sees every child that was committed meanwhile.
_CHILDREN = sa.text("""
SELECT FROM lightfast_document_ledger
WHERE parent = ANY(CAST(:parents AS uuid[])) AND identity <> parent ORDER BY identity FOR UPDATE
""")
_CASCADE = sa.text("""
UPDATE lightfast_document_ledger c
SET visible = (c.state <> 'deleted' AND c.fed AND p.visible)
FROM lightfast_document_ledger p
WHERE c.parent = p.identity AND c.identity <> p.identity
  AND p.identity = ANY(CAST(:parents AS uuid[]))
  AND c.visible <> (c.state <> 'deleted' AND c.fed AND p.visible)
RETURNING CAST(c.identity AS text), c.document_id, c.visible, c.state
""")


def read(conn: sa.Connection, identities: Collection[str]) -> dict[str, LedgerRow]:
    """The known ones of these identities, by identity; not locked, so they may change."""
    return _rows(conn.execute(_READ, {"identities": list(identities)}))


def standings(
    conn: sa.Connection, identities: Collection[str], connection_id: str
) -> dict[str, StandingRow]:
    """How the known ones of these identities stand, and stand to a connection; not locked."""
    if not identities:
        return {}
    given = {"identities": list(identities), "connection_id": connection_id}
    return {row[0]: StandingRow(*row[1:]) for row in conn.execute(_STANDING, given)}


def keys(conn: sa.Connection, identities: Collection[str]) -> dict[str, list[str]]:
    """The keys of these identities' documents, by identity: human ones and aliases; not locked.

    Those that a deleted document had are among them.
    """
    found: dict[str, list[str]] = {}
    if identities:
        for identity, key in conn.execute(_KEYS, {"identities": list(identities)}):
            found.setdefault(identity, []).append(key)
    return found


def lock(conn: sa.Connection, identities: Collection[str]) -> dict[str, LedgerRow]:
    """The known ones of these identities, locked for a change of content until the commit.

    FOR NO KEY UPDATE, in the order of identities, so that two batches wait and do not deadlock.
    """
    return _rows(conn.execute(_LOCK, {"identities": sorted(identities)}))


def share(conn: sa.Connection, identities: Collection[str]) -> dict[str, LedgerRow]:
    """The known ones of these identities, kept from changing their visibility until the commit.

    FOR KEY SHARE, in the order of identities: for parents, whose children are written meanwhile. A
    change of content does not wait for it, a change of visibility does.
    """
    if not identities:
        return {}
    return _rows(conn.execute(_SHARE, {"identities": sorted(identities)}))


def insert(conn: sa.Connection, rows: Iterable[LedgerRow]) -> set[str]:
    """Write rows of new identities; the identities of those that were written.

    One that is missing from the answer was written by another transaction first: the batch is read
    and decided again (`Raced`). Rows go in one order, so that two workers wait and do not deadlock.
    """
    ordered = sorted(rows, key=lambda row: row.identity)
    if not ordered:
        return set()
    return set(conn.execute(_INSERT, {"rows": as_json(map(_plain, ordered))}).scalars())


def update(conn: sa.Connection, rows: Sequence[LedgerRow]) -> None:
    """Write what may change of rows that the caller holds locked.

    That is all but identity, document's id, store, source type, scope, kind, external id and slug.
    """
    if rows:
        conn.execute(_UPDATE, {"rows": as_json(map(_plain, rows))})


def move(conn: sa.Connection, moves: Sequence[tuple[str, str, str]]) -> None:
    """Give statements another rank, whole ones and patches: (identity, rank before, rank after).

    Locks the rows. One whose rank is another by now stays, and so do its other patches.
    """
    ordered = sorted(moves)
    identities, before, after = ([move[part] for move in ordered] for part in range(3))
    lock(conn, identities)
    conn.execute(_MOVE, {"identities": identities, "before": before, "after": after})


def children(conn: sa.Connection, identities: Collection[str]) -> list[str]:
    """The identities right below these; not locked."""
    given = {"identities": list(identities)}
    return list(conn.execute(_CHILDREN_OF, given).scalars())


def lock_all(conn: sa.Connection, identities: Collection[str]) -> dict[str, LedgerRow]:
    """The known ones of these identities, locked for a change of visibility until the commit.

    FOR UPDATE, in the order of identities.
    """
    return _rows(conn.execute(_LOCK_ALL, {"identities": sorted(set(identities))}))


def escalate(conn: sa.Connection, identities: Collection[str]) -> None:
    """Lock rows whose visibility changes (FOR UPDATE), in the order of identities.

    Waits for transactions that hold them as parents, and makes later ones wait, so that no child
    slips in under a parent that is being hidden.
    """
    conn.execute(_ESCALATE, {"identities": sorted(identities)})


def cascade(conn: sa.Connection, identities: Collection[str]) -> list[tuple[str, bool]]:
    """Hand visibility down to all descendants: (document id, visible) of live ones that turned.

    Level by level, each locked before it is written, in a statement of its own, whose snapshot is
    taken after the parents' locks: so it sees every child that was committed meanwhile.
    """
    turned: list[tuple[str, bool]] = []
    level = set(identities)
    while level:
        parents = {"parents": sorted(level)}
        conn.execute(_CHILDREN, parents)
        rows = conn.execute(_CASCADE, parents).all()
        turned += [(row.document_id, row.visible) for row in rows if row.state == "live"]
        level = {row.identity for row in rows}
    return turned


_NAMES = tuple(column.name for column in fields(LedgerRow))


def _plain(row: LedgerRow) -> dict[str, object]:
    """`dataclasses.asdict` without its deep copies, which cost more than the statement."""
    return {name: getattr(row, name) for name in _NAMES}


def _rows(result: sa.CursorResult[Any]) -> dict[str, LedgerRow]:
    found: list[tuple[Any, ...]] = [tuple(row) for row in result]
    rows = (LedgerRow(*row) for row in found)
    return {row.identity: row for row in rows}
