"""Feeds, aliases and document counts: who keeps a document alive, and what finds it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.core.folding import Feed
from ingest.store.rows import as_json

_READ = sa.text("""
SELECT document_id, connection_id, feeding, rank, revision FROM lightfast_document_feeds
WHERE document_id = ANY(CAST(:ids AS varchar[]))
""")
_WRITE = sa.text("""
INSERT INTO lightfast_document_feeds (document_id, connection_id, feeding, rank, revision)
SELECT document_id, connection_id, feeding, rank, revision
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(document_id varchar, connection_id varchar, feeding boolean, rank text,
       revision integer)
ON CONFLICT (document_id, connection_id) DO UPDATE
  SET feeding = excluded.feeding, rank = excluded.rank, revision = excluded.revision
""")
_MOVE = sa.text("""
UPDATE lightfast_document_feeds f SET rank = m.after
FROM unnest(CAST(:identities AS uuid[]), CAST(:before AS text[]), CAST(:after AS text[]))
  AS m(identity, before, after)
JOIN lightfast_document_ledger l ON l.identity = m.identity
WHERE f.document_id = l.document_id AND f.connection_id = :connection_id AND f.rank = m.before
""")
_ADD_ALIASES = sa.text("""
INSERT INTO lightfast_document_aliases (document_id, alias, store_id, source_type)
SELECT document_id, alias, store_id, source_type
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(document_id varchar, alias varchar, store_id varchar, source_type source_type)
ON CONFLICT DO NOTHING
RETURNING document_id, store_id, CAST(source_type AS text), alias
""")
_DROP_ALIASES = sa.text("""
DELETE FROM lightfast_document_aliases a
USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(document_id varchar, alias varchar)
WHERE a.document_id = r.document_id AND a.alias = r.alias
""")
_FED = sa.text("""
SELECT d.id, d.store_id, d.source_id FROM lightfast_document_feeds f
JOIN lightfast_docs_documents d ON d.id = f.document_id
WHERE f.connection_id = :connection_id AND f.feeding AND f.document_id > :after
ORDER BY f.document_id LIMIT :limit
""")
# By the index of the connection's feeds, until one is of that kind.
_ANY_FED = sa.text("""
SELECT l.external_id FROM lightfast_document_feeds f
JOIN lightfast_document_ledger l ON l.document_id = f.document_id
WHERE f.connection_id = :connection_id AND f.feeding AND l.kind = :kind AND l.visible
  AND l.state = 'live' LIMIT 1
""")
_MARK = sa.text("""
INSERT INTO lightfast_count_marks (connection_id, delta)
SELECT DISTINCT c, CAST(:delta AS integer) FROM unnest(CAST(:connections AS varchar[])) c
""")
_MARK_FEEDERS = sa.text("""
INSERT INTO lightfast_count_marks (connection_id, delta)
SELECT DISTINCT connection_id, 0 FROM lightfast_document_feeds
WHERE document_id = ANY(CAST(:ids AS varchar[]))
""")
# One counter at a time: of two, the one with the older snapshot could write last.
_ALONE = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('lightfast_count_marks'))")
# Marks are taken and the counts written in one statement, so a mark is never lost: one that comes
# meanwhile stays for the next time. Where it is counted, what the marks say is in the count: both
# are of the statement's snapshot.
_COUNT = sa.text("""
WITH taken AS (
  DELETE FROM lightfast_count_marks RETURNING connection_id, marked_at, delta
), marked AS (
  SELECT connection_id, max(marked_at) FILTER (WHERE coalesce(delta, 0) = 0) AS marked_at,
         bool_or(delta IS NULL) AS anew, coalesce(sum(delta), 0) AS delta
  FROM taken GROUP BY connection_id
)
UPDATE lightfast_connected_sources s
SET document_count = CASE WHEN m.anew THEN (
      SELECT count(*) FROM lightfast_document_feeds f
      JOIN lightfast_docs_documents d ON d.id = f.document_id
      WHERE f.connection_id = s.id AND f.feeding) ELSE s.document_count + m.delta END,
    last_ingested_at = greatest(s.last_ingested_at, m.marked_at AT TIME ZONE 'UTC')
FROM marked m WHERE m.connection_id = s.id
""")


def read(conn: sa.Connection, document_ids: Collection[str]) -> dict[str, list[Feed]]:
    """The feeds of documents, by document."""
    found: dict[str, list[Feed]] = {}
    if document_ids:
        for row in conn.execute(_READ, {"ids": list(document_ids)}):
            feed = Feed(row.connection_id, row.feeding, row.rank, row.revision)
            found.setdefault(row.document_id, []).append(feed)
    return found


def write(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set feeds: `document_id`, `connection_id`, `feeding`, `rank`, `revision`.

    The document's row of the ledger is held by the caller; a connection that was purged meanwhile
    is an error by its foreign key, and no feed is left behind.
    """
    if rows:
        conn.execute(_WRITE, {"rows": as_json(rows)})


def move(conn: sa.Connection, connection_id: str, moves: Sequence[tuple[str, str, str]]) -> None:
    """Give statements of a connection another rank: (ledger's identity, rank before, rank after).

    A feed whose rank is another by now stays.
    """
    identities, before, after = ([move[part] for move in moves] for part in range(3))
    given = {"connection_id": connection_id, "identities": identities}
    conn.execute(_MOVE, {**given, "before": before, "after": after})


def change_aliases(
    conn: sa.Connection, added: Sequence[Mapping[str, Any]], dropped: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str, str, str]]:
    """Add former keys, and drop those that are current again; first dropped, then added.

    added: `document_id`, `alias`, `store_id`, `source_type`. dropped: the first two. Answers those
    that are new: (document id, store id, source type, alias).
    """
    if dropped:
        conn.execute(_DROP_ALIASES, {"rows": as_json(dropped)})
    if not added:
        return []
    rows = conn.execute(_ADD_ALIASES, {"rows": as_json(added)})
    return [(a, b, c, d) for a, b, c, d in rows]


def fed_keys(
    conn: sa.Connection, connection_id: str, *, after: str = "", limit: int
) -> list[tuple[str, str, str]]:
    """One step through what stands and the connection feeds: (document id, store id, human key).

    In the order of ids, beyond `after`.
    """
    given = {"connection_id": connection_id, "after": after, "limit": limit}
    return [(row.id, row.store_id, row.source_id) for row in conn.execute(_FED, given)]


def mark_counts(conn: sa.Connection, connections: Collection[str]) -> None:
    """Have these connections' counts taken anew, whatever is known of them."""
    if connections:
        conn.execute(_MARK, {"connections": sorted(connections), "delta": None})


def mark_worked(
    conn: sa.Connection, connections: Collection[str], documents: Collection[str] = ()
) -> None:
    """Note that these connections were worked on, and those documents' feeders.

    By how much their counts are others triggers write beside it. Marks are rows of their own, so
    that nobody waits for anybody: see `settle_counts`.
    """
    if connections:
        conn.execute(_MARK, {"connections": sorted(connections), "delta": 0})
    if documents:
        conn.execute(_MARK_FEEDERS, {"ids": sorted(documents)})


def settle_counts(conn: sa.Connection) -> int:
    """Bring marked connections' counts up to date; how many there were, 0 where another is at it.

    By what changed alone, unless a mark says that it is to be counted. An advisory lock keeps it to
    one at a time: of two, the one with the older snapshot could write last. Marks are taken and
    counts written in one statement, so that no mark is lost.
    """
    if not conn.execute(_ALONE).scalar_one():
        return 0
    return conn.execute(_COUNT).rowcount


def any_fed(conn: sa.Connection, connection_id: str, kind: str) -> str | None:
    """The source's id of some document in sight of that kind that the connection feeds."""
    given = {"connection_id": connection_id, "kind": kind}
    found: str | None = conn.execute(_ANY_FED, given).scalar()
    return found
