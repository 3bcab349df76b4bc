"""Purges a connection: afterwards the database is as if it had never been connected.

In steps, each a transaction: it may be interrupted and run again. Events stay: they are the log.
Raw deliveries of the app-wide route stay too: they belong to no connection.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.flows import binding
from ingest.store import documents, feeds, ledger, purge, references
from ingest.store.engine import transaction

STEP_DOCUMENTS, STEP_DELIVERIES = 1_000, 2_000

Key = tuple[str, str, str]


@dataclass(slots=True)
class Purged:
    """How many documents and deliveries went."""

    documents: int = 0
    deliveries: int = 0


def purge_connection(engine: sa.Engine, connection_id: str) -> Purged:
    """Remove a disconnected source's feeds, what nobody else feeds, its deliveries, and itself.

    It must be disconnected before, so that workers stop acting for it.
    """
    done = Purged()
    while _step(engine, connection_id, done):
        pass
    while deleted := _deliveries(engine, connection_id):
        done.deliveries += deleted
    keys: set[Key] = set()
    with transaction(engine) as conn:
        purge.lock(conn, connection_id)
        while late := purge.step(conn, connection_id, limit=STEP_DOCUMENTS):
            keys |= _withdraw(conn, connection_id, late, done)
        purge.delete(conn, connection_id)
    binding.bind(engine, keys)
    return done


def _step(engine: sa.Engine, connection_id: str, done: Purged) -> bool:
    """Some documents; whether there were any."""
    with transaction(engine) as conn:
        spoken_for = purge.step(conn, connection_id, limit=STEP_DOCUMENTS)
        keys = _withdraw(conn, connection_id, spoken_for, done)
    binding.bind(engine, keys)
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
