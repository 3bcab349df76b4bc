"""Purges a connection: afterwards the database is as if it had never been connected.

In steps, each a transaction: it may be interrupted and run again. What it told goes with it: its
documents, its events, and the raw bodies of the app-wide route that are nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.errors import PermanentError
from ingest.flows import binding
from ingest.flows import payload as payloads
from ingest.sources.contract import Descriptor
from ingest.sources.registry import source
from ingest.store import connections, documents, erasure, feeds, ledger, purge, references
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.erasure import AppWide

STEP_DOCUMENTS, STEP_DELIVERIES = 1_000, 2_000
STEP_BODIES, STEP_BYTES = 500, 8 * 2**20
"""Of the app-wide route's raw bodies, which are read to find out whose they are."""

Key = tuple[str, str, str]


@dataclass(slots=True)
class Purged:
    """How many documents, events and raw deliveries went."""

    documents: int = 0
    events: int = 0
    deliveries: int = 0


def purge_connection(engine: sa.Engine, connection_id: str) -> Purged:
    """Remove a disconnected source's feeds, what nobody else feeds, all it told, and itself.

    It must be disconnected before, so that workers stop acting for it.
    """
    done = Purged()
    while _step(engine, connection_id, done):
        pass
    while deleted := _deliveries(engine, connection_id):
        done.deliveries += deleted
    done.deliveries += _app_wide(engine, connection_id)
    done.events += _events(engine, connection_id)
    keys: set[Key] = set()
    with transaction(engine) as conn:
        purge.lock(conn, connection_id)
        while late := purge.step(conn, connection_id, limit=STEP_DOCUMENTS):
            keys |= _withdraw(conn, connection_id, late, done)
        purge.delete(conn, connection_id)
        noted = references.note(conn, keys)
    binding.bind(engine, noted)
    return done


def _step(engine: sa.Engine, connection_id: str, done: Purged) -> bool:
    """Some documents; whether there were any."""
    with transaction(engine) as conn:
        spoken_for = purge.step(conn, connection_id, limit=STEP_DOCUMENTS)
        noted = references.note(conn, _withdraw(conn, connection_id, spoken_for, done))
    binding.bind(engine, noted)
    return bool(spoken_for)


def _withdraw(
    conn: sa.Connection, connection_id: str, document_ids: Collection[str], done: Purged
) -> set[Key]:
    """Take the connection's feeds away; the keys that may have another owner now."""
    unfed = purge.unfeed(conn, connection_id, document_ids)
    if not unfed:
        return set()
    keys = references.keys_of(conn, unfed)
    documents.delete(conn, unfed)
    turned = ledger.cascade(conn, purge.forget(conn, unfed))
    hidden = [document for document, visible in turned if not visible]
    shown = [document for document, visible in turned if visible]
    keys |= references.keys_of(conn, hidden)
    documents.withhold(conn, hidden)
    documents.release(conn, shown)
    feeds.mark_counts(conn, (), [*hidden, *shown])
    done.documents += sum(unfed.values())
    return keys | references.keys_of(conn, shown)


def _deliveries(engine: sa.Engine, connection_id: str) -> int:
    with transaction(engine) as conn:
        return purge.delete_deliveries(conn, connection_id, limit=STEP_DELIVERIES)


def _events(engine: sa.Engine, connection_id: str) -> int:
    """What the connection told, and what can be nobody else's; how many events."""
    deleted, after = 0, erasure.FIRST_FACT
    while True:
        with transaction(engine) as conn:
            told = erasure.facts(conn, connection_id, after=after, limit=STEP_DELIVERIES)
            if not told:
                break
            deleted += erasure.delete_told(conn, connection_id, told)
            after = told[-1][0]
    while True:
        with transaction(engine) as conn:
            left = erasure.delete_left(conn, connection_id, limit=STEP_DELIVERIES)
        if not left:
            return deleted
        deleted += left


def _app_wide(engine: sa.Engine, connection_id: str) -> int:
    """The raw bodies of the app-wide route that name what the connection stands for, and nothing
    that another one stands for; how many. Each is read, as nothing else says whose it is.
    """
    with transaction(engine) as conn:
        found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None:
        return 0
    descriptor = source(found.source_type).descriptor
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
            own = _own(conn, descriptor, found, step)
            deleted += erasure.delete_deliveries(conn, own)
            after = step[-1].id


def _own(
    conn: sa.Connection, descriptor: Descriptor, connection: Connection, step: Collection[AppWide]
) -> list[int]:
    """Those of the deliveries that are the connection's and nobody else's."""
    tenants = {
        *descriptor.connection_tenants(connection.metadata),
        *descriptor.own_names(connection.metadata),
    }
    named = {one.id: _named(descriptor, one) for one in step}
    touching = {id_: names for id_, names in named.items() if not tenants.isdisjoint(names)}
    every = {name for names in touching.values() for name in names}
    shared = erasure.stood_for_by_others(conn, descriptor.source_type, every, but=connection.id)
    return [id_ for id_, names in touching.items() if shared.isdisjoint(names)]


def _named(descriptor: Descriptor, one: AppWide) -> tuple[str, ...]:
    """What a raw body names; one that cannot be read names nothing."""
    try:
        payload = payloads.read(descriptor, one.headers, one.body)
        return descriptor.tenants(one.headers, payload)
    except PermanentError:
        return ()
