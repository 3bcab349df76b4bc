"""Changes a connection: its name, and what of its provider it wants.

What it stands for is its identity, and so stays: another repository is another connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.values import JSON
from ingest.flows.connections import agreement, rereading
from ingest.flows.connections.connect import check_host, check_name, connection_metadata
from ingest.flows.connections.lifecycle import require_connected
from ingest.sources.contract import Source
from ingest.sources.hosts import Reach
from ingest.sources.registry import source
from ingest.store import conditions, connections, stores
from ingest.store.connections import Connection


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
    stores.lock(conn, fed)
    for conflict in agreement.conflicts(conn, found.descriptor, after.metadata, fed):
        if conflict.other.id != before.id:
            raise BadInput(f"{conflict}; {agreement.REMEDY}")


def _identity(found: Source, connection: Connection) -> tuple[str, str]:
    """The scope of all that it tells, and its own tenant."""
    tenant = _tenants(connection)[0]
    return found.descriptor.scope(tenant, connection.metadata), tenant


def _tenants(connection: Connection) -> tuple[str, ...]:
    descriptor = source(connection.source_type).descriptor
    return descriptor.connection_tenants(connection.metadata)
