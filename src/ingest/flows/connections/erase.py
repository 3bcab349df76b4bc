"""Erases stores and organizations, with the connections that are theirs alone.

In steps, each a transaction: it may be interrupted and run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.errors import NotConnected
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.flows.connections.purge import purge_connection
from ingest.store import erasure, feeds, stores
from ingest.store.engine import transaction

STEP_ROWS = 1_000


@dataclass(slots=True)
class Erased:
    """How much went, of each kind."""

    organizations: int = 0
    stores: int = 0
    connections: int = 0
    documents: int = 0
    events: int = 0
    deliveries: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """How much would go, of each kind: for a person to be asked about."""

    stores: int
    connections: int
    documents: int
    deliveries: int


def held_by_connection(engine: sa.Engine, connection_id: str) -> Held:
    """What goes with a connection, at most: a document that others feed stays."""
    with transaction(engine) as conn:
        held = erasure.held(conn, [connection_id])
    return Held(0, 1, held["documents"], held["deliveries"])


def held_by_store(engine: sa.Engine, store_id: str) -> Held:
    """What goes with a store; raises `NotConnected` where there is none."""
    with transaction(engine) as conn:
        documents = _documents_in(conn, store_id)
        own = [id_ for id_, alone in erasure.fed_by(conn, store_id) if alone]
        return Held(1, len(own), documents, erasure.held(conn, own)["deliveries"])


def held_by_organization(engine: sa.Engine, organization_id: str) -> Held:
    """What goes with an organization; raises `NotConnected` where there is none."""
    with transaction(engine) as conn:
        _require_organization(conn, organization_id)
        own = erasure.connections_of(conn, organization_id)
        fed = erasure.stores_of(conn, organization_id)
        documents = sum(row["documents"] for one in fed for row in stores.listing(conn, one))
        return Held(len(fed), len(own), documents, erasure.held(conn, own)["deliveries"])


def erase_connection(engine: sa.Engine, connection_id: str) -> Erased:
    """Disconnect a source and purge it: see `purge_connection`.

    Raises `NotConnected` where there is no such connection.
    """
    done = Erased()
    _purge(engine, connection_id, done)
    return done


def erase_store(engine: sa.Engine, store_id: str) -> Erased:
    """Remove a store with all it holds, and the connections that feed no other one.

    Connections that feed others too go on without it. Raises `NotConnected` where there is none.
    """
    done = Erased()
    with transaction(engine) as conn:
        _documents_in(conn, store_id)
    _erase_store(engine, store_id, done)
    return done


def erase_organization(engine: sa.Engine, organization_id: str) -> Erased:
    """Remove an organization: its connections, its stores, its workspaces, and itself.

    With each connection go the raw bodies of the app-wide route that name its account, also what
    of it was never connected. Raises `NotConnected` where there is none.
    """
    done = Erased()
    with transaction(engine) as conn:
        _require_organization(conn, organization_id)
        own = erasure.connections_of(conn, organization_id)
        fed = erasure.stores_of(conn, organization_id)
    for connection_id in own:
        _purge(engine, connection_id, done, whole_account=True)
    for store_id in fed:
        _erase_store(engine, store_id, done)
    with transaction(engine) as conn:
        erasure.delete_organization(conn, organization_id)
    done.organizations += 1
    return done


def _purge(
    engine: sa.Engine, connection_id: str, done: Erased, *, whole_account: bool = False
) -> None:
    disconnect_source(engine, connection_id)
    gone = purge_connection(engine, connection_id, whole_account=whole_account)
    done.connections += 1
    done.documents += gone.documents
    done.events += gone.events
    done.deliveries += gone.deliveries


def _erase_store(engine: sa.Engine, store_id: str, done: Erased) -> None:
    """Sources first: what feeds others too is let go of the store, the rest is purged."""
    with transaction(engine) as conn:
        fed_by = erasure.fed_by(conn, store_id)
        shared = [connection_id for connection_id, alone in fed_by if not alone]
        for connection_id in shared:
            erasure.unlink(conn, store_id, connection_id)
        feeds.mark_counts(conn, shared)
    for connection_id, alone in fed_by:
        if alone:
            _purge(engine, connection_id, done)
    done.documents += _in_steps(engine, store_id, erasure.delete_documents_of)
    done.events += _in_steps(engine, store_id, erasure.delete_events_of)
    _in_steps(engine, store_id, erasure.delete_ledger_of)
    with transaction(engine) as conn:
        done.stores += erasure.delete_store(conn, store_id)


def _in_steps(engine: sa.Engine, store_id: str, delete: Callable[..., int]) -> int:
    deleted = 0
    while True:
        with transaction(engine) as conn:
            step = delete(conn, store_id, limit=STEP_ROWS)
        if not step:
            return deleted
        deleted += step


def _documents_in(conn: sa.Connection, store_id: str) -> int:
    """How many documents the store holds; raises `NotConnected` where there is none."""
    found = stores.listing(conn, store_id)
    if not found:
        raise NotConnected(
            f"there is no store {store_id}; `ingest store list` names those there are"
        )
    documents: int = found[0]["documents"]
    return documents


def _require_organization(conn: sa.Connection, organization_id: str) -> None:
    if not erasure.has_organization(conn, organization_id):
        raise NotConnected(
            f"there is no organization {organization_id}; `ingest store list` names those there are"
        )
