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
    """A connected source, as the columns of its row have it.

    metadata: what was given when it was connected, in the source's terms (`Descriptor.connection`).
    is_active: False while it is PAUSED, REFUSED or DISCONNECTED; the seed lets `status` be None.
    has_token: whether an API token is stored, expired or not.
    """

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
    """A store, and how its documents are cut (in cl100k tokens) and embedded.

    links_taken: how often a connection was taken off it.
    """

    id: str
    embedding_model: str
    embedding_dim: int
    chunk_max_tokens: int
    chunk_overlap: int
    links_taken: int


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
SELECT l.source_id AS connection_id, l.store_id, s.links_taken
FROM lightfast_store_sources l JOIN lightfast_stores s ON s.id = l.store_id
WHERE l.source_id = ANY(CAST(:ids AS varchar[])) ORDER BY l.source_id, l.store_id
""")
_STORES = sa.text("""
SELECT id, embedding_model, embedding_dim, chunk_max_tokens, chunk_overlap, links_taken
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
ON CONFLICT DO NOTHING
""")
_UNSCOPE = sa.text("""
DELETE FROM lightfast_connection_scopes
WHERE connection_id = :id AND tenant <> ALL(CAST(:tenants AS text[]))
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
_CHANGE = sa.text("""
UPDATE lightfast_connected_sources
SET display_name = :name, source_metadata = CAST(:metadata AS jsonb),
    updated_at = CURRENT_TIMESTAMP
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
    """The connections of these ids, by id; one that is not there is missing. Locks nothing."""
    if not ids:
        return {}
    rows = (Connection(*row) for row in conn.execute(_BY_ID, {"ids": list(ids)}))
    return {row.id: row for row in rows}


def standing(conn: sa.Connection, ids: Collection[str]) -> frozenset[str]:
    """Those of the connections that are there and not disconnected.

    They are locked FOR KEY SHARE in the order of ids, until the commit: whoever purges one waits
    for us, or we for him, and then it is gone.
    """
    if not ids:
        return frozenset()
    return frozenset(conn.execute(_STANDING, {"ids": sorted(ids)}).scalars())


def by_tenant(
    conn: sa.Connection, source_type: str, tenants: Collection[str]
) -> dict[str, list[Connection]]:
    """The connections that stand for these tenants of one source, by tenant, in the order of ids.

    A tenant may have several, also disconnected ones; one that nobody stands for is missing.
    """
    found: dict[str, list[Connection]] = {}
    given = {"source_type": source_type, "tenants": list(tenants)}
    for row in conn.execute(_BY_TENANT, given):
        found.setdefault(row.tenant, []).append(Connection(*row[:9]))
    return found


def stores_of(conn: sa.Connection, connection_ids: Collection[str]) -> dict[str, list[str]]:
    """The ids of the stores that each connection feeds, in order, by connection."""
    return links_of(conn, connection_ids)[0]


def links_of(
    conn: sa.Connection, connection_ids: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The same, and by store how often a connection had been taken off it in that very moment."""
    found: dict[str, list[str]] = {}
    taken: dict[str, int] = {}
    for row in conn.execute(_STORES_OF, {"ids": list(connection_ids)}):
        found.setdefault(row.connection_id, []).append(row.store_id)
        taken[row.store_id] = row.links_taken
    return found, taken


def stores(conn: sa.Connection, ids: Collection[str]) -> dict[str, Store]:
    """The stores of these ids."""
    rows = (Store(*row) for row in conn.execute(_STORES, {"ids": list(ids)}))
    return {row.id: row for row in rows}


def neighbours(
    conn: sa.Connection, store_ids: Collection[str]
) -> list[tuple[str, str, Mapping[str, JSON]]]:
    """Of these stores every connection that is not disconnected: (store id, source type, metadata).

    Their metadata says who owns which prefix of a key there.
    """
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
    """Connect a source to stores, of which there is at least one; the new connection's id.

    The organization and workspace are those of the first store. `tenants` are what it stands for,
    as `Descriptor.connection_tenants` says. Raises `MissingRow` where a store is not there.
    """
    connection_id = str(uuid.uuid4())
    stored = orjson.dumps(dict(metadata)).decode()
    first, *_ = store_ids
    named = {"id": connection_id, "source_type": source_type}
    conn.execute(_INSERT, {**named, "name": name, "metadata": stored, "store_id": first})
    conn.execute(_SCOPE, {**named, "tenants": list(tenants)})
    link(conn, connection_id, store_ids)
    return connection_id


def link(conn: sa.Connection, connection_id: str, store_ids: Collection[str]) -> None:
    """Let a connection feed these stores too."""
    for store_id in store_ids:
        told = {"id": str(uuid.uuid4()), "store_id": store_id, "source_id": connection_id}
        conn.execute(_LINK, told)


def set_status(conn: sa.Connection, connection_id: str, *, is_active: bool, status: str) -> bool:
    """Pause, resume or disconnect; False where there is no such connection.

    `status` is one of CONFIGURED, PAUSED, REFUSED and DISCONNECTED. The row is locked until the
    commit.
    """
    given = {"id": connection_id, "is_active": is_active, "status": status}
    return conn.execute(_STATUS, given).rowcount == 1


def change(
    conn: sa.Connection, connection_id: str, *, name: str, metadata: Mapping[str, JSON]
) -> None:
    """Give a connection this name and this metadata; what it stands for stays."""
    stored = orjson.dumps(dict(metadata)).decode()
    conn.execute(_CHANGE, {"id": connection_id, "name": name, "metadata": stored})


def rescope(conn: sa.Connection, connection: Connection, tenants: Collection[str]) -> None:
    """Let a connection stand for these tenants alone."""
    given = {"id": connection.id, "tenants": list(tenants)}
    conn.execute(_UNSCOPE, given)
    conn.execute(_SCOPE, {**given, "source_type": connection.source_type})


def listing(conn: sa.Connection, connection_id: str | None = None) -> list[dict[str, Any]]:
    """Connections as people and programs read them, in the order in which they were connected.

    All, or the one of that id (a list of one, or of none). Each has `id`, `source_type`, `name`,
    `organization_id`, `workspace_id`, `metadata`, `is_active`, `status`, `document_count`, three
    times and the ids of its `stores`; never a secret.
    """
    rows = conn.execute(_LIST, {"id": connection_id}).mappings()
    return [dict(row) for row in rows]
