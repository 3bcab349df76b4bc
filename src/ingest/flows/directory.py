"""Who a batch of deliveries is for: the connections, their stores, and what the stores own.

Read once for each batch, so that a source that was paused or disconnected a moment ago is heeded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.flows.drafts import StoreConfig
from ingest.sources.registry import all_sources
from ingest.store import connections
from ingest.store.connections import Connection


@dataclass(frozen=True, slots=True)
class Directory:
    """Connections by id and by (source type, tenant), and the stores that each of them feeds."""

    by_id: Mapping[str, Connection]
    by_tenant: Mapping[tuple[str, str], Collection[Connection]]
    stores: Mapping[str, Collection[StoreConfig]]


def read(
    conn: sa.Connection, ids: Collection[str], tenants: Iterable[tuple[str, str]]
) -> Directory:
    """The directory for these connection ids and these (source type, tenant) pairs."""
    by_id = connections.by_id(conn, ids)
    by_tenant: dict[tuple[str, str], list[Connection]] = {}
    wanted: dict[str, set[str]] = {}
    for source_type, tenant in tenants:
        wanted.setdefault(source_type, set()).add(tenant)
    for source_type, names in wanted.items():
        for tenant, found in connections.by_tenant(conn, source_type, names).items():
            by_tenant[source_type, tenant] = found
    every = {*by_id, *(c.id for found in by_tenant.values() for c in found)}
    links = connections.stores_of(conn, every) if every else {}
    configs = _configs(conn, {store for stores in links.values() for store in stores})
    stores = {c: [configs[s] for s in stores] for c, stores in links.items()}
    return Directory(by_id, by_tenant, stores)


def _configs(conn: sa.Connection, store_ids: Collection[str]) -> dict[str, StoreConfig]:
    if not store_ids:
        return {}
    owned: dict[str, dict[str, set[str]]] = {store: {} for store in store_ids}
    sources = all_sources()
    for store_id, source_type, metadata in connections.neighbours(conn, store_ids):
        if source_type in sources:
            prefixes = sources[source_type].descriptor.owned_prefixes(metadata)
            owned[store_id].setdefault(source_type, set()).update(prefixes)
    return {
        store.id: StoreConfig(
            id=store.id,
            embedding_model=store.embedding_model,
            embedding_dim=store.embedding_dim,
            chunk_max_tokens=store.chunk_max_tokens,
            chunk_overlap=store.chunk_overlap,
            owned=owned[store.id],
        )
        for store in connections.stores(conn, store_ids).values()
    }
