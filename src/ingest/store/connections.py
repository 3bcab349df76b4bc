"""Connections, the stores that they feed and the tenants that they stand for."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.core.values import JSON

CONFIGURED, PAUSED, DISCONNECTED = "configured", "paused", "disconnected"
REFUSED = "refused"
"""Paused by us: the provider lets the token in no longer."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connected source; `status` is its config status."""

    id: str
    source_type: str
    name: str
    metadata: Mapping[str, JSON]
    is_active: bool
    status: str | None
    organization_id: str
    workspace_id: str | None
    has_token: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """A store and how it chunks and embeds."""

    id: str
    embedding_model: str
    embedding_dim: int
    chunk_max_tokens: int
    chunk_overlap: int


_CONNECTION = """
  s.id, CAST(s.source_type AS text), s.display_name, s.source_metadata, s.is_active,
  s.config_status, s.organization_id, s.workspace_id,
  EXISTS (SELECT FROM lightfast_source_credentials k
          WHERE k.connection_id = s.id AND k.kind = 'api_token') AS has_token
"""
_BY_ID = sa.text(f"""
SELECT {_CONNECTION} FROM lightfast_connected_sources s
WHERE s.id = ANY(CAST(:ids AS varchar[]))
""")
# Whoever purges one waits for us, or we for him, and then it is gone.
_STANDING = sa.text("""
SELECT id FROM lightfast_connected_sources
WHERE id = ANY(CAST(:ids AS varchar[])) AND config_status IS DISTINCT FROM 'disconnected'
ORDER BY id FOR KEY SHARE
""")
_BY_TENANT = sa.text(f"""
SELECT {_CONNECTION}, c.tenant FROM lightfast_connected_sources s
JOIN lightfast_connection_scopes c ON c.connection_id = s.id
WHERE c.source_type = :source_type AND c.tenant = ANY(CAST(:tenants AS text[]))
ORDER BY s.id
""")
_STORES_OF = sa.text("""
SELECT l.source_id AS connection_id, l.store_id FROM lightfast_store_sources l
WHERE l.source_id = ANY(CAST(:ids AS varchar[])) ORDER BY l.source_id, l.store_id
""")
_STORES = sa.text("""
SELECT id, embedding_model, embedding_dim, chunk_max_tokens, chunk_overlap
FROM lightfast_stores WHERE id = ANY(CAST(:ids AS varchar[]))
""")
# Disconnected sources own their prefixes no longer; the seed lets the status be null.
_NEIGHBOURS = sa.text("""
SELECT DISTINCT l.store_id, CAST(s.source_type AS text) AS source_type, s.source_metadata
FROM lightfast_store_sources l JOIN lightfast_connected_sources s ON s.id = l.source_id
WHERE l.store_id = ANY(CAST(:ids AS varchar[])) AND s.config_status IS DISTINCT FROM 'disconnected'
""")
_INSERT = sa.text("""
INSERT INTO lightfast_connected_sources
  (id, organization_id, workspace_id, source_type, display_name, source_metadata, config_status)
SELECT :id, w.organization_id, w.id, CAST(:source_type AS source_type), :name,
       CAST(:metadata AS jsonb), 'configured'
FROM lightfast_stores st JOIN lightfast_workspaces w ON w.id = st.workspace_id
WHERE st.id = :store_id
""")
_SCOPE = sa.text("""
INSERT INTO lightfast_connection_scopes (connection_id, source_type, tenant)
SELECT DISTINCT CAST(:id AS varchar), CAST(:source_type AS source_type), t
FROM unnest(CAST(:tenants AS text[])) t
""")
_LINK = sa.text("""
INSERT INTO lightfast_store_sources (id, store_id, source_id) VALUES (:id, :store_id, :source_id)
ON CONFLICT (store_id, source_id) DO NOTHING
""")
_STATUS = sa.text("""
UPDATE lightfast_connected_sources
SET is_active = :is_active, config_status = :status, updated_at = CURRENT_TIMESTAMP
WHERE id = :id
""")
_LIST = sa.text("""
SELECT s.id, CAST(s.source_type AS text) AS source_type, s.display_name AS name,
       s.organization_id, s.workspace_id, s.source_metadata AS metadata, s.is_active,
       s.config_status AS status, s.document_count, s.last_synced_at, s.last_ingested_at,
       s.connected_at,
       array(SELECT l.store_id FROM lightfast_store_sources l
             WHERE l.source_id = s.id ORDER BY 1) AS stores
FROM lightfast_connected_sources s
WHERE CAST(:id AS varchar) IS NULL OR s.id = :id
ORDER BY s.connected_at, s.id
""")


def by_id(conn: sa.Connection, ids: Collection[str]) -> dict[str, Connection]:
    """The connections of these ids."""
    if not ids:
        return {}
    rows = (Connection(*row) for row in conn.execute(_BY_ID, {"ids": list(ids)}))
    return {row.id: row for row in rows}


def standing(conn: sa.Connection, ids: Collection[str]) -> frozenset[str]:
    """Those of the connections that are there and not disconnected; they stay until the commit."""
    if not ids:
        return frozenset()
    return frozenset(conn.execute(_STANDING, {"ids": sorted(ids)}).scalars())


def by_tenant(
    conn: sa.Connection, source_type: str, tenants: Collection[str]
) -> dict[str, list[Connection]]:
    """The connections that stand for these tenants of one source, by tenant."""
    found: dict[str, list[Connection]] = {}
    given = {"source_type": source_type, "tenants": list(tenants)}
    for row in conn.execute(_BY_TENANT, given):
        found.setdefault(row.tenant, []).append(Connection(*row[:9]))
    return found


def stores_of(conn: sa.Connection, connection_ids: Collection[str]) -> dict[str, list[str]]:
    """The stores that each connection feeds."""
    found: dict[str, list[str]] = {}
    for row in conn.execute(_STORES_OF, {"ids": list(connection_ids)}):
        found.setdefault(row.connection_id, []).append(row.store_id)
    return found


def stores(conn: sa.Connection, ids: Collection[str]) -> dict[str, Store]:
    """The stores of these ids."""
    rows = (Store(*row) for row in conn.execute(_STORES, {"ids": list(ids)}))
    return {row.id: row for row in rows}


def neighbours(
    conn: sa.Connection, store_ids: Collection[str]
) -> list[tuple[str, str, Mapping[str, JSON]]]:
    """(store, source type, metadata) of every connection of these stores: who owns which prefix."""
    rows = conn.execute(_NEIGHBOURS, {"ids": list(store_ids)})
    return [(row.store_id, row.source_type, row.source_metadata) for row in rows]


def create(
    conn: sa.Connection,
    *,
    source_type: str,
    name: str,
    metadata: Mapping[str, JSON],
    tenants: Collection[str],
    store_ids: Collection[str],
) -> str:
    """Connect a source to stores; the organization and workspace are the first store's."""
    connection_id = str(uuid.uuid4())
    stored = orjson.dumps(dict(metadata)).decode()
    first, *_ = store_ids
    named = {"id": connection_id, "source_type": source_type}
    conn.execute(_INSERT, {**named, "name": name, "metadata": stored, "store_id": first})
    conn.execute(_SCOPE, {**named, "tenants": list(tenants)})
    for store_id in store_ids:
        link = {"id": str(uuid.uuid4()), "store_id": store_id, "source_id": connection_id}
        conn.execute(_LINK, link)
    return connection_id


def set_status(conn: sa.Connection, connection_id: str, *, is_active: bool, status: str) -> bool:
    """Pause, resume or disconnect; False where there is no such connection."""
    given = {"id": connection_id, "is_active": is_active, "status": status}
    return conn.execute(_STATUS, given).rowcount == 1


def listing(conn: sa.Connection, connection_id: str | None = None) -> list[dict[str, Any]]:
    """Connections as people and programs read them: all, or the one of that id."""
    rows = conn.execute(_LIST, {"id": connection_id}).mappings()
    return [dict(row) for row in rows]
