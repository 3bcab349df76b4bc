"""Taking a connection out of the database: its feeds step by step, then itself and all it holds.

What nobody else feeds is forgotten: the ledger keeps the identity, id and slug (others may refer
to them) and nothing that was said, as if the connection had never spoken.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from ingest.store import refusals, trails

# Writers of feeds hold KEY SHARE on the connection until they commit: this waits for them, and
# makes later ones fail on the foreign key rather than leave a feed behind.
_LOCK = sa.text("SELECT FROM lightfast_connected_sources WHERE id = :id FOR UPDATE")
_STEP = sa.text("""
SELECT f.document_id FROM lightfast_document_feeds f
WHERE f.connection_id = :id ORDER BY f.document_id LIMIT :limit
""")
_STEP_IN = sa.text("""
SELECT f.document_id FROM lightfast_document_feeds f
JOIN lightfast_document_ledger l ON l.document_id = f.document_id
WHERE f.connection_id = :id AND f.document_id > :after
  AND l.store_id = ANY(CAST(:store_ids AS varchar[]))
ORDER BY f.document_id LIMIT :limit
""")
# The order of locks is the ledger's: by identity, for a change of visibility.
_LOCK_LEDGER = sa.text("""
SELECT FROM lightfast_document_ledger
WHERE document_id = ANY(CAST(:ids AS varchar[])) ORDER BY identity FOR UPDATE
""")
_UNFEED = sa.text("""
DELETE FROM lightfast_document_feeds
WHERE connection_id = :id AND document_id = ANY(CAST(:ids AS varchar[]))
""")
_UNFED = sa.text("""
SELECT l.document_id, l.state = 'live' AS live FROM lightfast_document_ledger l
WHERE l.document_id = ANY(CAST(:ids AS varchar[]))
  AND NOT EXISTS (SELECT FROM lightfast_document_feeds f
                  WHERE f.document_id = l.document_id AND f.feeding)
""")
# What nobody has a feed of and is known all the same: a deletion of what had never been told. It is
# the connection's where no other one of its tenant feeds the store.
_UNCLAIMED = sa.text("""
SELECT l.document_id FROM lightfast_connected_sources s
JOIN lightfast_store_sources f ON f.source_id = s.id
JOIN lightfast_document_ledger l
  ON l.store_id = f.store_id AND l.source_type = s.source_type AND l.scope = :scope
WHERE s.id = :id AND l.rank IS NOT NULL
  AND NOT EXISTS (SELECT FROM lightfast_document_feeds d WHERE d.document_id = l.document_id)
  AND NOT EXISTS (
    SELECT FROM lightfast_store_sources o
    JOIN lightfast_connection_scopes c ON c.connection_id = o.source_id
    WHERE o.store_id = f.store_id AND o.source_id <> s.id
      AND c.source_type = s.source_type AND c.tenant = :tenant)
ORDER BY l.document_id LIMIT :limit
""")
# One that somebody has spoken for and does not want stays unfed; one without a word counts as fed.
_FORGET = sa.text("""
WITH aliases AS (
  DELETE FROM lightfast_document_aliases WHERE document_id = ANY(CAST(:ids AS varchar[]))
), folded AS (
  DELETE FROM lightfast_folded_keys WHERE document_id = ANY(CAST(:ids AS varchar[]))
)
UPDATE lightfast_document_ledger l
SET state = 'unknown', rank = NULL, source_id = NULL, patches = NULL, reading = NULL,
    fed = NOT EXISTS (SELECT FROM lightfast_document_feeds f WHERE f.document_id = l.document_id)
WHERE l.document_id = ANY(CAST(:ids AS varchar[]))
RETURNING CAST(l.identity AS text), CAST(l.parent AS text)
""")
_TOP = sa.text("""
UPDATE lightfast_document_ledger l SET visible = l.fed
WHERE l.identity = ANY(CAST(:identities AS uuid[])) AND l.visible <> l.fed
  AND NOT EXISTS (SELECT FROM lightfast_document_ledger p
                  WHERE p.identity = l.parent AND p.identity <> l.identity)
""")
_DELETE_DELIVERIES = sa.text("""
DELETE FROM lightfast_webhook_deliveries
WHERE id IN (SELECT id FROM lightfast_webhook_deliveries WHERE connection_id = :id LIMIT :limit)
""")
# Deliveries of the app-wide route that wait for others too are not waited for in its name.
_FORGET_WAITING = sa.text("""
UPDATE lightfast_lookup_waiters w
SET (events, tellers) = (
  SELECT coalesce(jsonb_agg(e.told ORDER BY e.place), '[]'),
         coalesce(jsonb_agg(w.tellers -> (CAST(e.place AS integer) - 1) ORDER BY e.place), '[]')
  FROM jsonb_array_elements(w.events) WITH ORDINALITY AS e(told, place)
  WHERE w.tellers ->> (CAST(e.place AS integer) - 1) IS DISTINCT FROM :id)
WHERE w.tellers @> jsonb_build_array(CAST(:id AS text))
""")
_DELETE = sa.text("DELETE FROM lightfast_connected_sources WHERE id = :id")


def lock(conn: sa.Connection, connection_id: str) -> None:
    """Keep everybody from feeding documents in this connection's name until the commit.

    FOR UPDATE: whoever does it now is waited for, and a later one fails on the foreign key.
    """
    conn.execute(_LOCK, {"id": connection_id})


def step(conn: sa.Connection, connection_id: str, *, limit: int) -> list[str]:
    """Up to `limit` documents that the connection has spoken for; `unfeed` takes them off."""
    return list(conn.execute(_STEP, {"id": connection_id, "limit": limit}).scalars())


def step_in(
    conn: sa.Connection,
    connection_id: str,
    store_ids: Collection[str],
    *,
    after: str,
    limit: int,
) -> list[str]:
    """The same in these stores alone, in the order of ids beyond `after`."""
    given = {"id": connection_id, "store_ids": list(store_ids), "after": after, "limit": limit}
    return list(conn.execute(_STEP_IN, given).scalars())


def unfeed(
    conn: sa.Connection, connection_id: str, document_ids: Collection[str]
) -> dict[str, bool]:
    """Remove the connection's feeds of these documents, and what it did to them out of the trail;
    what nobody feeds now, and is it live.

    Their rows of the ledger are locked FOR UPDATE first, in the order of identities, for their
    visibility is about to change.
    """
    ids = {"ids": list(document_ids)}
    conn.execute(_LOCK_LEDGER, ids)
    conn.execute(_UNFEED, {**ids, "id": connection_id})
    trails.forget_of(conn, connection_id, document_ids)
    return {row.document_id: row.live for row in conn.execute(_UNFED, ids)}


def unclaimed(
    conn: sa.Connection, connection_id: str, *, scope: str, tenant: str, limit: int
) -> list[str]:
    """Up to `limit` documents without a feed, of which only this connection can have told; locked.

    No other connection of its tenant feeds the store. Such a document was deleted before it was
    ever told.
    """
    given = {"id": connection_id, "scope": scope, "tenant": tenant, "limit": limit}
    found = list(conn.execute(_UNCLAIMED, given).scalars())
    conn.execute(_LOCK_LEDGER, {"ids": found})
    return found


def forget(conn: sa.Connection, document_ids: Collection[str]) -> set[str]:
    """Reset rows of the ledger to mere identities, as if nobody had spoken of them.

    The identities whose descendants' visibility may turn. Identity, id and slug stay, for others
    may refer to them. The caller holds the rows locked.
    """
    rows = conn.execute(_FORGET, {"ids": list(document_ids)}).all()
    conn.execute(_TOP, {"identities": [row.identity for row in rows]})
    return {row.identity for row in rows} | {row.parent for row in rows if row.parent is not None}


def delete_deliveries(conn: sa.Connection, connection_id: str, *, limit: int) -> int:
    """Delete some of the connection's raw deliveries; how many."""
    return conn.execute(_DELETE_DELIVERIES, {"id": connection_id, "limit": limit}).rowcount


def delete(conn: sa.Connection, connection_id: str) -> None:
    """Delete the connection, and by its foreign keys its links, scopes, credentials and marks.

    What waits in its name for look-ups of the app-wide route is taken out first.
    """
    conn.execute(_FORGET_WAITING, {"id": connection_id})
    refusals.forget_connection(conn, connection_id)
    conn.execute(_DELETE, {"id": connection_id})
