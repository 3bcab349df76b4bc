"""Removes a connection with all it told, as if it had never been connected.

In steps, each a transaction: it may be interrupted and run again. What it told goes with it: its
documents, its events, and the raw bodies of the app-wide route that are nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.errors import BadInput, BrokenSource, NotConnected, PermanentError
from ingest.flows.documents.bind import bind, note_keys
from ingest.flows.documents.sight import hide, keys_of, show
from ingest.flows.receiving.payload import read_payload
from ingest.sources.registry import source
from ingest.store import (
    connections,
    documents,
    erasure,
    feeds,
    ledger,
    purge,
    space_names,
    sync_retention,
)
from ingest.store.binding import Owned
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.erasure import AppWide

STEP_DOCUMENTS, STEP_DELIVERIES, STEP_SYNCS = 1_000, 2_000, 10_000
STEP_BODIES, STEP_BYTES = 500, 8 * 2**20
"""Of the app-wide route's raw bodies, which are read to find out whose they are."""

"""(store id, source type, key)."""


@dataclass(slots=True)
class Purged:
    """How many documents, events and raw deliveries went."""

    documents: int = 0
    events: int = 0
    deliveries: int = 0


def purge_connection(
    engine: sa.Engine, connection_id: str, *, whole_account: bool = False
) -> Purged:
    """Remove a disconnected source's feeds, what nobody else feeds, all it told, and itself.

    It must be disconnected before, so that workers stop acting for it. `whole_account`: its owner
    goes too, and so do the bodies of the app-wide route about what of the same account was never
    connected. Of the ledger identities and slugs stay, for others may refer to them
    (docs/decisions/0016). Raises `BadInput`, with nothing removed, where its source is not there or
    cannot be used: nobody else can tell whose a raw delivery is.
    """
    with transaction(engine) as conn:
        _require_source(connections.by_id(conn, [connection_id]).get(connection_id))
    done = Purged()
    while _step(engine, connection_id, done):
        pass
    while deleted := _deliveries(engine, connection_id):
        done.deliveries += deleted
    while _syncs(engine, connection_id):
        pass
    with transaction(engine) as conn:
        found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is not None:
        while _tombstones(engine, found):
            pass
        done.deliveries += _app_wide(engine, found, whole_account=whole_account)
    while _events(engine, connection_id, done):
        pass
    keys: set[Owned] = set()
    with transaction(engine) as conn:
        purge.lock(conn, connection_id)
        while late := purge.step(conn, connection_id, limit=STEP_DOCUMENTS):
            keys |= withdraw_feeds(conn, connection_id, late, done)
        while _some_events(conn, connection_id, done):
            pass  # what a worker had begun before it was disconnected
        purge.delete(conn, connection_id)
        noted = note_keys(conn, keys)
    bind(engine, noted)
    return done


def _require_source(connection: Connection | None) -> None:
    if connection is None:
        return
    try:
        source(connection.source_type)
    except (NotConnected, BrokenSource) as error:
        raise BadInput(
            f"connection {connection.id} cannot be purged without its source, which alone can tell "
            f"whose a raw delivery is: {error}; install what brings it, and purge again"
        ) from error


def _step(engine: sa.Engine, connection_id: str, done: Purged) -> bool:
    """Some documents; whether there were any."""
    with transaction(engine) as conn:
        spoken_for = purge.step(conn, connection_id, limit=STEP_DOCUMENTS)
        noted = note_keys(conn, withdraw_feeds(conn, connection_id, spoken_for, done))
    bind(engine, noted)
    return bool(spoken_for)


def withdraw_feeds(
    conn: sa.Connection, connection_id: str, document_ids: Collection[str], done: Purged
) -> set[Owned]:
    """Take the connection's feeds of these documents away, and what nobody else feeds; counted in
    `done`. The keys that may have another owner now: to be noted before the commit, and bound.
    """
    unfed = purge.unfeed(conn, connection_id, document_ids)
    if not unfed:
        return set()
    keys = keys_of(conn, unfed)
    documents.delete(conn, unfed)
    turned = ledger.cascade(conn, purge.forget(conn, unfed))
    hidden = [document for document, visible in turned if not visible]
    shown = [document for document, visible in turned if visible]
    keys |= keys_of(conn, hidden)
    hide(conn, hidden)
    keys |= show(conn, shown)
    feeds.mark_worked(conn, (), [*hidden, *shown])
    done.documents += sum(unfed.values())
    return keys


def _deliveries(engine: sa.Engine, connection_id: str) -> int:
    with transaction(engine) as conn:
        return purge.delete_deliveries(conn, connection_id, limit=STEP_DELIVERIES)


def _syncs(engine: sa.Engine, connection_id: str) -> bool:
    """Some of its sync runs, and of what they have seen; whether there were any."""
    with transaction(engine) as conn:
        return sync_retention.drop(conn, connection_id, limit=STEP_SYNCS) > 0


def _events(engine: sa.Engine, connection_id: str, done: Purged) -> bool:
    """Some of the events that the connection told; whether there may be more."""
    with transaction(engine) as conn:
        return _some_events(conn, connection_id, done)


def _some_events(conn: sa.Connection, connection_id: str, done: Purged) -> bool:
    """What it told, then what can be nobody else's."""
    told = erasure.facts(conn, connection_id, limit=STEP_DELIVERIES)
    if told:
        done.events += erasure.delete_told(conn, connection_id, told)
        return True
    left = erasure.delete_left(conn, connection_id, limit=STEP_DELIVERIES)
    done.events += left
    return left > 0


def _tombstones(engine: sa.Engine, connection: Connection) -> bool:
    """Some of what it told to be gone and nobody had told before; whether there was any."""
    descriptor = source(connection.source_type).descriptor
    tenant = descriptor.connection_tenants(connection.metadata)[0]
    scope = descriptor.scope(tenant, connection.metadata)
    with transaction(engine) as conn:
        told = purge.unclaimed(
            conn, connection.id, scope=scope, tenant=tenant, limit=STEP_DOCUMENTS
        )
        keys = keys_of(conn, told)
        turned = ledger.cascade(conn, purge.forget(conn, told))
        keys |= show(conn, [document for document, visible in turned if visible])
        if not told:
            space_names.forget(conn, connection.id, scope=scope, tenant=tenant)
        noted = note_keys(conn, keys)
    bind(engine, noted)
    return bool(told)


def _app_wide(engine: sa.Engine, found: Connection, *, whole_account: bool) -> int:
    """The raw bodies of the app-wide route that name what the connection stands for, and nothing
    that another one stands for; how many. Each is read, as nothing else says whose it is.
    """
    with transaction(engine) as conn:
        whose = _Whose(conn, found, whole_account=whole_account)
    deleted, after = 0, 0
    while True:
        with transaction(engine) as conn:
            step = erasure.app_wide(
                conn,
                found.source_type,
                after=after,
                limit=STEP_BODIES,
                most_bytes=STEP_BYTES,
            )
            if not step:
                return deleted
            deleted += erasure.delete_deliveries(conn, whose.own(conn, step))
            after = step[-1].id


class _Whose:
    """Tells whose raw bodies of the app-wide route are.

    One that names no tenant belongs to its account, and is the connection's where that is the last
    one of the account.
    """

    def __init__(self, conn: sa.Connection, connection: Connection, *, whole_account: bool) -> None:
        self._connection, self._whole_account = connection, whole_account
        self._descriptor = descriptor = source(connection.source_type).descriptor
        metadata = connection.metadata
        self._tenants = {*descriptor.connection_tenants(metadata), *descriptor.own_names(metadata)}
        others = erasure.metadata_of_others(conn, descriptor.source_type, but=connection.id)
        others_accounts = {one for told in others for one in descriptor.connection_accounts(told)}
        self._accounts = descriptor.connection_accounts(metadata) - others_accounts

    def own(self, conn: sa.Connection, step: Collection[AppWide]) -> list[int]:
        """Those of the deliveries that are the connection's and nobody else's."""
        named = {one.id: self._named(one) for one in step}
        touching = {id_: tenants for id_, (tenants, is_own) in named.items() if is_own}
        every = {tenant for tenants in touching.values() for tenant in tenants}
        source_type, own_id = self._descriptor.source_type, self._connection.id
        shared = erasure.stood_for_by_others(conn, source_type, every, but=own_id)
        return [id_ for id_, tenants in touching.items() if shared.isdisjoint(tenants)]

    def _named(self, one: AppWide) -> tuple[tuple[str, ...], bool]:
        """The tenants that a body names, and whether it touches the connection.

        One that cannot be read touches nobody.
        """
        try:
            payload = read_payload(self._descriptor, one.headers, one.body)
            tenants = self._descriptor.tenants(one.headers, payload)
            if not self._tenants.isdisjoint(tenants):
                return tenants, True
            of_account = self._whole_account or not tenants
            accounts = self._descriptor.accounts(payload) if of_account else frozenset()
            return tenants, not self._accounts.isdisjoint(accounts)
        except PermanentError:
            return (), False
