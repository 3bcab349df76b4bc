"""Learns what a connection's own thing is called by now, as documents of its show it.

A provider renames a project and tells nobody; the next thing that is told of bears the new name.
The name is kept in the connection's metadata, so that keys with it are the connection's, and what
was left out for want of it is heard again. What stands is found by either name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa
import structlog

from ingest.core.changes import Upsert
from ingest.core.errors import TransientError
from ingest.core.folding import Statement
from ingest.core.values import JSON
from ingest.flows.connections import rereading
from ingest.flows.documents.bind import bind, note_keys
from ingest.flows.documents.keys import named
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store import conditions, connections, feeds, queue_admin
from ingest.store.binding import Noted, Owned
from ingest.store.connections import Connection
from ingest.store.engine import BadRow, transaction
from ingest.store.reasons import OUTSIDE

log = structlog.get_logger(__name__)

STEP = 1_000
"""Documents that get their further keys in one statement."""
MOST_HEARD_AGAIN = 1_000
"""Deliveries, the latest ones, of those that named nothing of the connection's."""


def learn(engine: sa.Engine, said: Iterable[Statement]) -> None:
    """Keep the names that these statements teach their connections; never raises.

    After the commit that applied them, in a transaction of its own for each connection. What could
    not be kept is logged, and taught by whatever comes next.
    """
    told: dict[str, list[Upsert]] = {}
    for one in said:
        if one.teaches and isinstance(one.change, Upsert):
            told.setdefault(one.connection_id, []).append(one.change)
    for connection_id in sorted(told):
        try:
            with transaction(engine) as conn:
                noted = _learn(conn, connection_id, told[connection_id])
            bind(engine, noted)
        except (BadRow, TransientError) as error:
            log.warning("name_not_learned", connection=connection_id, error=str(error))


def _learn(conn: sa.Connection, connection_id: str, told: Sequence[Upsert]) -> Noted | None:
    conditions.lock(conn, connection_id)
    before = connections.by_id(conn, [connection_id]).get(connection_id)
    if before is None:  # purged meanwhile
        return None
    descriptor = source(before.source_type).descriptor
    metadata = _taught(descriptor, before.metadata, told)
    if metadata == before.metadata:
        return None
    after = replace(before, metadata=metadata)
    connections.change(conn, connection_id, name=after.name, metadata=metadata)
    if _names(descriptor, after) == _names(descriptor, before):  # it only has one of them again
        return None
    connections.rescope(conn, after, descriptor.connection_tenants(metadata))
    queue_admin.replay_latest(conn, connection_id, OUTSIDE, most=MOST_HEARD_AGAIN)
    if _prefixes(descriptor, after) - _prefixes(descriptor, before):
        fed = connections.stores_of(conn, [connection_id]).get(connection_id, [])
        rereading.reread(conn, fed, asked_by="a name that was learned")
    log.info("name_learned", connection=connection_id)
    return note_keys(conn, _called(conn, descriptor, after))


def _names(descriptor: Descriptor, connection: Connection) -> frozenset[str]:
    metadata = connection.metadata
    return descriptor.own_names(metadata) | {*descriptor.connection_tenants(metadata)}


def _prefixes(descriptor: Descriptor, connection: Connection) -> frozenset[str]:
    metadata = connection.metadata
    return descriptor.owned_prefixes(metadata) | descriptor.former_prefixes(metadata)


def _taught(
    descriptor: Descriptor, metadata: Mapping[str, JSON], told: Sequence[Upsert]
) -> Mapping[str, JSON]:
    for one in sorted(told, key=lambda upsert: upsert.version):
        metadata = {**metadata, **descriptor.learned(metadata, one)}
    return metadata


def _called(conn: sa.Connection, descriptor: Descriptor, connection: Connection) -> set[Owned]:
    """Let what stands be found by its keys under every name; these keys."""
    found: set[Owned] = set()
    after, source_type = "", connection.source_type
    while step := feeds.fed_keys(conn, connection.id, after=after, limit=STEP):
        added = [
            {"document_id": id_, "alias": alias, "store_id": store, "source_type": source_type}
            for id_, store, key in step
            for alias in sorted(descriptor.keys_by_names(connection.metadata, key))
        ]
        fresh = feeds.change_aliases(conn, added, [])
        found |= {named(store, source_type, alias) for _, store, _, alias in fresh}
        after = step[-1][0]
    return found
