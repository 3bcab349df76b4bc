"""Taking out what connections told beside documents: events, raw bodies of the app-wide route; and
stores with all they hold. In steps, so that no statement is long and nobody waits for one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.values import JSON

# Events of this connection, in the stores that it feeds, that no other connection there told too:
# the same body under another id is an event of its own.
_FACTS = sa.text("""
SELECT CAST(fact AS text) AS fact, event_key FROM lightfast_connection_facts
WHERE connection_id = :id ORDER BY fact LIMIT :limit
""")
_DELETE_TOLD = sa.text("""
DELETE FROM lightfast_ingestion_events e
USING unnest(CAST(:facts AS uuid[]), CAST(:keys AS varchar[])) AS f(fact, event_key),
      lightfast_connected_sources s, lightfast_store_sources l
WHERE s.id = :id AND l.source_id = s.id
  AND e.store_id = l.store_id AND e.source_type = s.source_type AND e.event_key = f.event_key
  AND NOT EXISTS (
    SELECT FROM lightfast_store_sources o
    JOIN lightfast_connection_facts k
      ON k.connection_id = o.source_id AND k.fact = f.fact AND k.event_key = f.event_key
    WHERE o.store_id = l.store_id AND o.source_id <> s.id)
""")
_DELETE_FACTS = sa.text("""
DELETE FROM lightfast_connection_facts
WHERE connection_id = :id AND fact = ANY(CAST(:facts AS uuid[]))
""")
# Older events name no connection: they are its own where it is the only one of its source there.
_DELETE_LEFT = sa.text("""
DELETE FROM lightfast_ingestion_events
WHERE id IN (
  SELECT e.id FROM lightfast_connected_sources s
  JOIN lightfast_store_sources l ON l.source_id = s.id
  JOIN lightfast_ingestion_events e
    ON e.store_id = l.store_id AND e.source_type = s.source_type
  WHERE s.id = :id
    AND NOT EXISTS (
      SELECT FROM lightfast_store_sources o JOIN lightfast_connected_sources n ON n.id = o.source_id
      WHERE o.store_id = l.store_id AND n.source_type = s.source_type AND n.id <> s.id)
  LIMIT :limit)
""")
# Some bodies of the app-wide route, and no more of them at once than fit into memory.
_APP_WIDE = sa.text("""
SELECT w.id, w.headers, d.body FROM (
  SELECT c.id, c.headers, sum(c.size) OVER (ORDER BY c.id) - c.size AS before FROM (
    SELECT id, headers, octet_length(body) AS size FROM lightfast_webhook_deliveries
    WHERE connection_id IS NULL AND CAST(source_type AS text) = :source_type AND id > :after
    ORDER BY id LIMIT :limit
  ) c
) w JOIN lightfast_webhook_deliveries d ON d.id = w.id
WHERE w.before < :most_bytes ORDER BY w.id
""")
_DELETE_DELIVERIES = sa.text("""
DELETE FROM lightfast_webhook_deliveries WHERE id = ANY(CAST(:ids AS bigint[]))
""")
# Whoever stands for a tenant beside the connection that goes.
_OTHERS = sa.text("""
SELECT DISTINCT tenant FROM lightfast_connection_scopes
WHERE CAST(source_type AS text) = :source_type AND connection_id <> :id
  AND tenant = ANY(CAST(:tenants AS text[]))
""")
_METADATA_OF_OTHERS = sa.text("""
SELECT source_metadata FROM lightfast_connected_sources
WHERE CAST(source_type AS text) = :source_type AND id <> :id
""")
_DOCUMENTS_OF = sa.text("""
DELETE FROM lightfast_docs_documents
WHERE id IN (SELECT id FROM lightfast_docs_documents WHERE store_id = :id LIMIT :limit)
""")
_EVENTS_OF = sa.text("""
DELETE FROM lightfast_ingestion_events
WHERE id IN (SELECT id FROM lightfast_ingestion_events WHERE store_id = :id LIMIT :limit)
""")
_LEDGER_OF = sa.text("""
DELETE FROM lightfast_document_ledger
WHERE identity IN (
  SELECT identity FROM lightfast_document_ledger WHERE store_id = :id LIMIT :limit)
""")
_DELETE_STORE = sa.text("DELETE FROM lightfast_stores WHERE id = :id")
_DELETE_ORGANIZATION = sa.text("DELETE FROM lightfast_organizations WHERE id = :id")
_UNLINK = sa.text("""
DELETE FROM lightfast_store_sources WHERE store_id = :store_id AND source_id = :connection_id
""")
# Who writes in the store by links that he read before compares it (`stores.wanted`).
_LINK_TAKEN = sa.text("""
UPDATE lightfast_stores SET links_taken = links_taken + 1 WHERE id = :store_id
""")
_FED_BY = sa.text("""
SELECT l.source_id, NOT EXISTS (
  SELECT FROM lightfast_store_sources o
  WHERE o.source_id = l.source_id AND o.store_id <> l.store_id) AS alone
FROM lightfast_store_sources l WHERE l.store_id = :id ORDER BY 1
""")
_CONNECTIONS_OF = sa.text("""
SELECT id FROM lightfast_connected_sources WHERE organization_id = :id ORDER BY 1
""")
_STORES_OF = sa.text("""
SELECT st.id FROM lightfast_stores st JOIN lightfast_workspaces w ON w.id = st.workspace_id
WHERE w.organization_id = :id ORDER BY 1
""")
_ORGANIZATION = sa.text("SELECT EXISTS (SELECT FROM lightfast_organizations WHERE id = :id)")
_HELD = sa.text("""
SELECT
  (SELECT count(*) FROM lightfast_document_feeds f JOIN lightfast_docs_documents d
     ON d.id = f.document_id WHERE f.connection_id = ANY(CAST(:ids AS varchar[]))) AS documents,
  (SELECT count(*) FROM lightfast_webhook_deliveries
   WHERE connection_id = ANY(CAST(:ids AS varchar[]))) AS deliveries
""")


@dataclass(frozen=True, slots=True)
class AppWide:
    """A raw delivery of the app-wide route."""

    id: int
    headers: Mapping[str, str]
    body: bytes


def facts(conn: sa.Connection, connection_id: str, *, limit: int) -> list[tuple[str, str]]:
    """Some of what a connection told, in order: (fact, event key)."""
    given = {"id": connection_id, "limit": limit}
    return [(row.fact, row.event_key) for row in conn.execute(_FACTS, given)]


def delete_told(conn: sa.Connection, connection_id: str, told: Collection[tuple[str, str]]) -> int:
    """Delete these facts, and the events of theirs that nobody else told in the same store; how
    many events.
    """
    given = {"id": connection_id, "facts": [f for f, _ in told], "keys": [k for _, k in told]}
    deleted = conn.execute(_DELETE_TOLD, given).rowcount
    conn.execute(_DELETE_FACTS, given)
    return deleted


def delete_left(conn: sa.Connection, connection_id: str, *, limit: int) -> int:
    """Delete up to `limit` events of which no connection is known to have told them; how many.

    They are older than the keeping of facts, and the connection's where it is the only one of its
    source that feeds the store.
    """
    return conn.execute(_DELETE_LEFT, {"id": connection_id, "limit": limit}).rowcount


def app_wide(
    conn: sa.Connection, source_type: str, *, after: int, limit: int, most_bytes: int
) -> list[AppWide]:
    """A step of the raw deliveries of a source's app-wide route, by id, from above `after`.

    At most `limit` rows, and none more once their bodies have `most_bytes`; at least one. Whose
    they are stands in their bodies, which the caller reads.
    """
    given = {"source_type": source_type, "after": after, "limit": limit, "most_bytes": most_bytes}
    return [AppWide(row.id, row.headers, bytes(row.body)) for row in conn.execute(_APP_WIDE, given)]


def delete_deliveries(conn: sa.Connection, ids: Collection[int]) -> int:
    """Delete raw deliveries; how many there were."""
    return conn.execute(_DELETE_DELIVERIES, {"ids": list(ids)}).rowcount if ids else 0


def stood_for_by_others(
    conn: sa.Connection, source_type: str, tenants: Collection[str], *, but: str
) -> frozenset[str]:
    """Those of the tenants that another connection stands for too."""
    given = {"source_type": source_type, "tenants": list(tenants), "id": but}
    return frozenset(conn.execute(_OTHERS, given).scalars())


def metadata_of_others(
    conn: sa.Connection, source_type: str, *, but: str
) -> list[Mapping[str, JSON]]:
    """The metadata of every other connection of a source."""
    given = {"source_type": source_type, "id": but}
    return list(conn.execute(_METADATA_OF_OTHERS, given).scalars())


def fed_by(conn: sa.Connection, store_id: str) -> list[tuple[str, bool]]:
    """The connections of a store, in order: (id, whether it feeds no other store)."""
    return [(row.source_id, row.alone) for row in conn.execute(_FED_BY, {"id": store_id})]


def connections_of(conn: sa.Connection, organization_id: str) -> list[str]:
    """All connections of an organization."""
    return list(conn.execute(_CONNECTIONS_OF, {"id": organization_id}).scalars())


def stores_of(conn: sa.Connection, organization_id: str) -> list[str]:
    """All stores of an organization."""
    return list(conn.execute(_STORES_OF, {"id": organization_id}).scalars())


def has_organization(conn: sa.Connection, organization_id: str) -> bool:
    """Whether there is an organization of this id."""
    return bool(conn.execute(_ORGANIZATION, {"id": organization_id}).scalar_one())


def unlink(conn: sa.Connection, store_id: str, connection_id: str) -> None:
    """Let a connection feed the store no longer.

    Whoever read that it does is told when he writes, unless he is writing just now: to wait for
    such, have the store alone (`stores.alone`).
    """
    conn.execute(_UNLINK, {"store_id": store_id, "connection_id": connection_id})
    conn.execute(_LINK_TAKEN, {"store_id": store_id})


def delete_documents_of(conn: sa.Connection, store_id: str, *, limit: int) -> int:
    """Delete some documents of a store, with chunks and references; how many."""
    return conn.execute(_DOCUMENTS_OF, {"id": store_id, "limit": limit}).rowcount


def delete_events_of(conn: sa.Connection, store_id: str, *, limit: int) -> int:
    """Delete some events of a store; how many."""
    return conn.execute(_EVENTS_OF, {"id": store_id, "limit": limit}).rowcount


def delete_ledger_of(conn: sa.Connection, store_id: str, *, limit: int) -> int:
    """Delete some of a store's ledger, with aliases, feeds and what is withheld; how many."""
    return conn.execute(_LEDGER_OF, {"id": store_id, "limit": limit}).rowcount


def delete_store(conn: sa.Connection, store_id: str) -> bool:
    """Delete a store and whatever is left in it, by its foreign keys; whether there was one.

    Empty it in steps first: one statement that deletes a large store outlasts its time-out.
    """
    return conn.execute(_DELETE_STORE, {"id": store_id}).rowcount == 1


def delete_organization(conn: sa.Connection, organization_id: str) -> None:
    """Delete an organization with its workspaces and whatever is left in them."""
    conn.execute(_DELETE_ORGANIZATION, {"id": organization_id})


def held(conn: sa.Connection, connection_ids: Collection[str]) -> dict[str, int]:
    """What connections hold: `documents` that they feed, and raw `deliveries` of their routes."""
    (row,) = conn.execute(_HELD, {"ids": list(connection_ids)}).mappings()
    return dict(row)
