"""Changes a connection so that what it wants by now is fetched, and what it does not is let go.

A filter that changed needs a listing of its own: what left it loses that feed, what entered it is
fetched, without waiting for the next event. And a connection that is new has everything to fetch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.flows.connections.change import add_stores, change_connection, reconnect
from ingest.flows.connections.leaving import leave_stores, withdraw_from
from ingest.flows.syncs.request import Kind, request_sync, require_listed, scope_of
from ingest.sources.hosts import Reach
from ingest.sources.registry import source
from ingest.store import connections, sync_runs, sync_schedules
from ingest.store.connections import Connection
from ingest.store.engine import transaction


@dataclass(frozen=True, slots=True)
class SourceChange:
    """What a person wants of a connection; what is None stays.

    metadata: laid over what there is; null takes a field away. every_s, full_every_s: seconds
    between two runs, 0 for what its source has. add_stores: those that it is to feed too.
    remove_stores: those that it is to feed no longer.
    """

    name: str | None = None
    metadata: Mapping[str, JSON] | None = None
    every_s: int | None = None
    full_every_s: int | None = None
    add_stores: Collection[str] = ()
    remove_stores: Collection[str] = ()


def change_source(
    engine: sa.Engine, connection_id: str, change: SourceChange, reach: Reach | None = None
) -> int | None:
    """Change a connection; the run that this takes, None for none. The caller rings `sync`.

    What only it fed in a store that it leaves is gone when this returns.

    Other metadata end the runs on their way, which list what was wanted before, in the same
    transaction. Raises what `change_connection` raises, and `BadInput` for a schedule of one that
    is not listed.
    """
    run, left = _changed(engine, connection_id, change, reach)
    withdraw_from(engine, connection_id, left)
    return run


def _changed(
    engine: sa.Engine, connection_id: str, change: SourceChange, reach: Reach | None
) -> tuple[int | None, list[str]]:
    """In one transaction; the run, and the stores that it left."""
    with transaction(engine) as conn:
        if change.metadata is not None:
            sync_runs.lock_lists(conn, connection_id)
        before, after = change_connection(
            conn, connection_id, name=change.name, metadata=change.metadata, reach=reach
        )
        if change.every_s is not None or change.full_every_s is not None:
            require_listed(after)
            sync_schedules.override(
                conn, connection_id, every_s=change.every_s, full_every_s=change.full_every_s
            )
        is_added = add_stores(conn, after, change.add_stores)
        left = leave_stores(conn, after, change.remove_stores)
        if scope_of(before) == scope_of(after):
            asked_by = "a new store"
            run = _run(conn, after, asked_by=asked_by, first=True) if is_added else None
            return run, left
        sync_runs.cancel(conn, "what the connection wants has changed", connection_id=before.id)
        return _run(conn, after, asked_by="a changed filter", first=is_added), left


def reconnect_source(engine: sa.Engine, connection_id: str) -> int | None:
    """Connect a disconnected source again; the run that fetches what was missed, None for none.

    The caller rings `sync`. Raises what `change.reconnect` raises.
    """
    with transaction(engine) as conn:
        return _run(conn, reconnect(conn, connection_id), asked_by="a resumed source", first=True)


def begin_backfill(engine: sa.Engine, connection_id: str) -> int | None:
    """Have all be fetched that stood at the provider before it was connected; None where it is not
    listed, or there is no token. The caller rings `sync`.
    """
    with transaction(engine) as conn:
        found = connections.by_id(conn, [connection_id])[connection_id]
        return _run(conn, found, asked_by="connecting", first=True)


def begin_first(engine: sa.Engine, connection_id: str) -> int | None:
    """As `begin_backfill`, of one that was never listed: it has been given its first token."""
    with transaction(engine) as conn:
        if sync_runs.listing(conn, connection_id, limit=1):
            return None
        found = connections.by_id(conn, [connection_id])[connection_id]
        return _run(conn, found, asked_by="its first token", first=True)


def _run(
    conn: sa.Connection, connection: Connection, *, asked_by: str, first: bool = False
) -> int | None:
    if source(connection.source_type).listing is None or not connection.has_token:
        return None
    kind: Kind = "backfill" if first else "full"
    return request_sync(conn, connection, kind=kind, asked_by=asked_by)
