"""Finds whose a delivery is. Pure.

Law: it acts only on connections whose secret verified it and whose scope its payload names; all
else is skipped, with the reason (docs/decisions/0007 and 0014).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ingest.core.bounds import MAX_CHANGES
from ingest.core.errors import BadPayload, BrokenSource, PermanentError
from ingest.core.retry import MAX_LONE_CRASHES
from ingest.flows.connections.directory import Directory
from ingest.flows.deliveries.prepared import Opened, Prepared
from ingest.flows.receiving.payload import read_payload
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store.claiming import ClaimedDelivery
from ingest.store.connections import DISCONNECTED, Connection
from ingest.store.reasons import OUTSIDE

Routed = tuple[Sequence[Connection], Collection[str]]
"""The connections that a delivery may act on now, and the ids of those for which it has to wait."""


def open_delivery(row: ClaimedDelivery) -> Opened | Prepared:
    """Read a delivery's payload; one that cannot be read is dead, with the reason.

    So is one that took its worker down MAX_LONE_CRASHES times while it was alone, unread. Never
    raises one of our errors.
    """
    if row.lone_crashes >= MAX_LONE_CRASHES:
        reason = f"took its worker down {row.lone_crashes} times while it was alone"
        return Prepared(row, verdict=("dead", reason))
    try:
        found = source(row.source_type)
        payload = read_payload(found.descriptor, row.headers, row.body)
        tenants = found.descriptor.tenants(row.headers, payload)
        if len(tenants) > MAX_CHANGES:
            raise BadPayload("$", f"names more than {MAX_CHANGES:,} tenants")
        return Opened(row, found, payload, tenants)
    except BrokenSource as error:
        return Prepared(row, verdict=("dead", f"{error}; then replay it"))
    except PermanentError as error:
        return Prepared(row, verdict=("dead", str(error)))


Named = tuple[set[str], set[tuple[str, str]]]
"""What a directory is read for: the connections that deliveries came in on, and the (source type,
tenant) of those that came app-wide."""


def names_in(rows: Iterable[ClaimedDelivery]) -> Named:
    """What a directory is read for. Only what came app-wide is opened for that, and not kept: of
    500 payloads the trees would take more room than all else.
    """
    own, app_wide = set[str](), list[ClaimedDelivery]()
    for row in rows:
        if row.connection_id is None:
            app_wide.append(row)
        else:
            own.add(row.connection_id)
    return own, names_of(map(open_delivery, app_wide))[1]


def names_of(opened: Iterable[Opened | Prepared]) -> Named:
    """The same of those that are opened, one after the other."""
    connections, tenants = set[str](), set[tuple[str, str]]()
    for one in opened:
        if not isinstance(one, Opened):
            continue
        if one.row.connection_id is None:
            tenants.update((one.row.source_type, tenant) for tenant in one.tenants)
        else:
            connections.add(one.row.connection_id)
    return connections, tenants


def route(opened: Opened, directory: Directory) -> Routed | Prepared:
    """The connections that a delivery is for; its end where there is none.

    That end is `skipped`, with the reason. A paused connection holds nobody else up: it stands
    among those for which the delivery waits; what speaks of the connection itself does not wait,
    for it may be what lets it go on.
    """
    own_route = opened.row.connection_id
    found = (
        _app_wide(opened, directory) if own_route is None else _own(opened, own_route, directory)
    )
    if isinstance(found, str):
        return Prepared(opened.row, verdict=("skipped", found))
    usable = [c for c in found if c.status != DISCONNECTED]
    if not usable:
        return Prepared(opened.row, verdict=("skipped", "the connection is disconnected"))
    if opened.source.descriptor.is_lifecycle(opened.row.headers, opened.payload):
        return usable, ()
    active = [connection for connection in usable if connection.is_active]
    return active, [connection.id for connection in usable if not connection.is_active]


def _app_wide(opened: Opened, directory: Directory) -> Sequence[Connection] | str:
    """The connections that stand for any of what the payload names, each once; or why none does."""
    unowned = opened.source.unowned(opened.row.headers, opened.payload)
    if not opened.tenants:
        title = opened.source.descriptor.title
        return unowned or f"the payload names nothing that a connection to {title} stands for"
    found = {
        connection.id: connection
        for tenant in opened.tenants
        for connection in directory.by_tenant.get((opened.row.source_type, tenant), ())
    }
    if not found:
        why = _unknown(opened.source.descriptor, opened.tenants[0])
        return f"{unowned}; {why}" if unowned else why
    return tuple(found.values())


def _unknown(descriptor: Descriptor, tenant: str) -> str:
    """That nobody stands for it, and what may be missing."""
    named, field = tenant[:100], descriptor.tenant_field(tenant)
    if field is None:
        return f"no connection for {named}; connect it and replay"
    return (
        f"no connection for {named}: none has it as `{field}` in its metadata; set that with "
        "`ingest source update ID --metadata` on the one that it belongs to, or connect it, and "
        "replay"
    )


def _own(opened: Opened, connection_id: str, directory: Directory) -> Sequence[Connection] | str:
    """The connection on whose route it came, where it speaks of what is that one's."""
    connection = directory.by_id.get(connection_id)
    if connection is None:  # purged after the claim, and its deliveries with it
        return "the connection is purged"
    return (connection,) if _is_own(opened, connection) else OUTSIDE


def _is_own(opened: Opened, connection: Connection) -> bool:
    """Whether a payload that came on the connection's own route speaks of what is its.

    One secret may sign for several accounts, and two of them have things of one name.
    """
    descriptor, metadata = opened.source.descriptor, connection.metadata
    tenants = opened.tenants
    if not tenants or not set(tenants).isdisjoint(descriptor.connection_tenants(metadata)):
        return True
    if descriptor.own_names(metadata).isdisjoint(tenants):
        return False
    told, own = descriptor.accounts(opened.payload), descriptor.connection_accounts(metadata)
    return not (told and own) or not told.isdisjoint(own)
