"""Changes a connection: its name, and what of its provider it wants.

What it stands for is its identity, and so stays: another repository is another connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.values import JSON
from ingest.flows.connections import rereading
from ingest.flows.connections.connect import (
    check_host,
    check_name,
    connection_metadata,
    require_agreement,
    require_stores,
)
from ingest.flows.connections.lifecycle import activate, require_connected, unknown
from ingest.sources.contract import Source
from ingest.sources.hosts import Reach
from ingest.sources.registry import source
from ingest.store import conditions, connections, flags
from ingest.store.connections import CONFIGURED, Connection


def change_connection(
    conn: sa.Connection,
    connection_id: str,
    *,
    name: str | None = None,
    metadata: Mapping[str, JSON] | None = None,
    reach: Reach | None = None,
) -> tuple[Connection, Connection]:
    """Give a connection another name, or other fields of its metadata; as it was, and as it is.

    metadata: laid over what there is; null takes a field away. Its further names of the same thing
    (an installation, a slug) may be others by it, and find the connection from then on.
    In the caller's transaction, which locks the connection. Raises `NotConnected` for none,
    `BadInput` for what cannot be, and where it would stand for something else.
    """
    conditions.lock(conn, connection_id)
    before = require_connected(conn, connection_id)
    after = before
    if name is not None:
        check_name(name)
        after = replace(after, name=name)
    if metadata is not None:
        after = replace(after, metadata=_laid_over(before, metadata))
        _require_same_thing(conn, before, after)
        check_host(source(before.source_type).descriptor, after.metadata, reach or Reach())
    connections.change(conn, connection_id, name=after.name, metadata=after.metadata)
    if _tenants(before) != _tenants(after):
        connections.rescope(conn, after, _tenants(after))
    _reread(conn, before, after)
    return before, after


def _reread(conn: sa.Connection, before: Connection, after: Connection) -> None:
    """What stands in its stores may refer to it by prefixes that it owns from now on."""
    descriptor = source(after.source_type).descriptor
    new = rereading.owns(descriptor, after.metadata) - rereading.owns(descriptor, before.metadata)
    if new:
        fed = connections.stores_of(conn, [after.id]).get(after.id, [])
        rereading.reread(conn, fed, asked_by="a connection's change")


def _laid_over(before: Connection, metadata: Mapping[str, JSON]) -> dict[str, JSON]:
    laid = {**before.metadata, **metadata}
    told = {name: value for name, value in laid.items() if value is not None}
    return connection_metadata(source(before.source_type).descriptor, told)


def _require_same_thing(conn: sa.Connection, before: Connection, after: Connection) -> None:
    found = source(before.source_type)
    if _identity(found, before) != _identity(found, after):
        raise BadInput(
            f"connection {before.id} would stand for something else at {found.descriptor.title}; "
            "connect that as a source of its own"
        )
    fed = connections.stores_of(conn, [before.id]).get(before.id, [])
    require_agreement(conn, found.descriptor, after.metadata, fed, but=before.id)


def add_stores(conn: sa.Connection, connection: Connection, store_ids: Collection[str]) -> bool:
    """Let a connection feed these stores too; whether any of them is new to it.

    In the caller's transaction. Raises `BadInput` for a store that is not there or another
    organization's, and for what `require_agreement` refuses.
    """
    fed = connections.stores_of(conn, [connection.id]).get(connection.id, [])
    new = [store_id for store_id in dict.fromkeys(store_ids) if store_id not in fed]
    if not new:
        return False
    descriptor = source(connection.source_type).descriptor
    require_stores(conn, new, organization_id=connection.organization_id)
    require_agreement(conn, descriptor, connection.metadata, new, but=connection.id)
    connections.link(conn, connection.id, new)
    if rereading.owns(descriptor, connection.metadata):
        rereading.reread(conn, new, asked_by="a connection")
    return True


def reconnect(conn: sa.Connection, connection_id: str) -> Connection:
    """Let a disconnected connection receive and act again; as it is now.

    In the caller's transaction, which locks it. Raises `NotConnected` for none, `BadInput` where
    its place is taken by now.
    """
    conditions.lock(conn, connection_id)
    found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None:
        raise unknown(connection_id)
    descriptor = source(found.source_type).descriptor
    fed = connections.stores_of(conn, [connection_id]).get(connection_id, [])
    require_agreement(conn, descriptor, found.metadata, fed, but=connection_id)
    activate(conn, connection_id)
    flags.clear(conn, connection_id)
    if rereading.owns(descriptor, found.metadata):
        rereading.reread(conn, fed, asked_by="a connection")
    return replace(found, is_active=True, status=CONFIGURED)


def _identity(found: Source, connection: Connection) -> tuple[str, str]:
    """The scope of all that it tells, and its own tenant."""
    tenant = _tenants(connection)[0]
    return found.descriptor.scope(tenant, connection.metadata), tenant


def _tenants(connection: Connection) -> tuple[str, ...]:
    descriptor = source(connection.source_type).descriptor
    return descriptor.connection_tenants(connection.metadata)
