"""Reads whom a batch of deliveries is for: the connections, their stores, and what these own.

Read once for each batch, so that a source that was paused or disconnected a moment ago is heeded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.flows.documents.render import StoreConfig
from ingest.sources.registry import all_sources
from ingest.store import connections
from ingest.store.connections import Connection


@dataclass(frozen=True, slots=True)
class Directory:
    """Connections by id and by (source type, tenant), and the stores that each of them feeds.

    Paused and disconnected connections too: whoever acts asks for their status.
    stores: by connection id; one that feeds none has no entry.
    taken: by connection id, the prefixes of keys that other tenants of its stores own.
    """

    by_id: Mapping[str, Connection]
    by_tenant: Mapping[tuple[str, str], Collection[Connection]]
    stores: Mapping[str, Collection[StoreConfig]]
    taken: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_directory(
    conn: sa.Connection,
    ids: Collection[str],
    tenants: Iterable[tuple[str, str]] = (),
    *,
    api_urls: Mapping[str, str] = MappingProxyType({}),
) -> Directory:
    """The directory for these connection ids and these (source type, tenant) pairs.

    `by_id` holds what was asked for by id alone; what is not there is left out. `api_urls` are the
    configured bases of APIs, by source type: a provider's pages are on their hosts. Locks nothing.
    """
    by_id = connections.by_id(conn, ids)
    by_tenant = _by_tenant(conn, tenants)
    every = by_id | {c.id: c for found in by_tenant.values() for c in found}
    links, taken_off = connections.links_of(conn, every) if every else ({}, {})
    fed = {store for stores in links.values() for store in stores}
    neighbours = connections.neighbours(conn, fed) if fed else []
    owners = _owners(neighbours)
    configs = _configs(conn, fed, owners, _pages(neighbours, api_urls))
    # As of the links: a connection that was taken off since is noticed by whoever writes.
    configs = {id_: replace(one, links_taken=taken_off[id_]) for id_, one in configs.items()}
    stores = {c: [configs[s] for s in stores] for c, stores in links.items()}
    taken = {c: _taken(every[c], owners, stores) for c, stores in links.items()}
    return Directory(by_id, by_tenant, stores, taken)


def read_stores(
    conn: sa.Connection,
    store_ids: Collection[str],
    *,
    api_urls: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, StoreConfig]:
    """What these stores want and own, by id, whoever feeds them; `api_urls` as above.

    One that is not there is missing. Locks nothing.
    """
    neighbours = connections.neighbours(conn, store_ids) if store_ids else []
    return _configs(conn, {*store_ids}, _owners(neighbours), _pages(neighbours, api_urls))


def _by_tenant(
    conn: sa.Connection, tenants: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[Connection]]:
    wanted: dict[str, set[str]] = {}
    for source_type, tenant in tenants:
        wanted.setdefault(source_type, set()).add(tenant)
    return {
        (source_type, tenant): found
        for source_type, names in wanted.items()
        for tenant, found in connections.by_tenant(conn, source_type, names).items()
    }


_Owners = Mapping[tuple[str, str], Mapping[str, Collection[str]]]
"""The tenants that own a prefix: by (store, source type), by prefix. None of a former one."""
_Neighbour = tuple[str, str, Mapping[str, JSON]]
"""A connection of a store: the store, its source type, its metadata."""


def _owners(neighbours: Iterable[_Neighbour]) -> _Owners:
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    sources = all_sources()
    for store_id, source_type, metadata in neighbours:
        if source_type in sources:
            descriptor = sources[source_type].descriptor
            tenant = descriptor.connection_tenants(metadata)[0]
            claims = [(prefix, {tenant}) for prefix in descriptor.owned_prefixes(metadata)]
            claims += [(prefix, set()) for prefix in descriptor.former_prefixes(metadata)]
            for prefix, owning in claims:
                owners = found.setdefault((store_id, source_type), {})
                owners.setdefault(prefix, set()).update(owning)
    return found


def _taken(connection: Connection, owners: _Owners, stores: Iterable[str]) -> frozenset[str]:
    """What others own and the connection's own tenant does not."""
    found = all_sources().get(connection.source_type)
    if found is None:  # its package is gone, or broken: nothing of it is worked on
        return frozenset()
    descriptor = found.descriptor
    tenant = descriptor.connection_tenants(connection.metadata)[0]
    return frozenset(
        prefix
        for store in stores
        for prefix, tenants in owners.get((store, connection.source_type), {}).items()
        if tenants and tenant not in tenants
    )


def _configs(
    conn: sa.Connection,
    store_ids: Collection[str],
    owners: _Owners,
    pages: Mapping[str, Mapping[str, Collection[str]]],
) -> dict[str, StoreConfig]:
    if not store_ids:
        return {}
    owned: dict[str, dict[str, Collection[str]]] = {store: {} for store in store_ids}
    for (store_id, source_type), prefixes in owners.items():
        owned[store_id][source_type] = prefixes.keys()
    return {
        store.id: StoreConfig(
            id=store.id,
            embedding_model=store.embedding_model,
            embedding_dim=store.embedding_dim,
            chunk_max_tokens=store.chunk_max_tokens,
            chunk_overlap=store.chunk_overlap,
            owned=owned[store.id],
            links_taken=store.links_taken,
            pages=pages.get(store.id, {}),
        )
        for store in connections.stores(conn, store_ids).values()
    }


def _pages(
    neighbours: Iterable[_Neighbour], api_urls: Mapping[str, str]
) -> dict[str, dict[str, set[str]]]:
    """By store and source type, what the pages of its connections are known by."""
    found: dict[str, dict[str, set[str]]] = {}
    sources = all_sources()
    for store_id, source_type, metadata in neighbours:
        if source_type in sources:
            descriptor = sources[source_type].descriptor
            names = descriptor.owned_pages(metadata, api_urls.get(source_type, ""))
            found.setdefault(store_id, {}).setdefault(source_type, set()).update(names)
    return found
