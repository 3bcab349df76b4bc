"""Pauses, resumes and disconnects a connection; each in one transaction, but for its sync runs."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.core.errors import BadInput, NotConnected
from ingest.store import (
    conditions,
    connections,
    flags,
    lookup_admin,
    queue_admin,
    sync_parts,
    sync_runs,
)
from ingest.store.connections import CONFIGURED, DISCONNECTED, PAUSED, Connection
from ingest.store.engine import transaction
from ingest.store.reasons import DENIED


def pause_source(engine: sa.Engine, connection_id: str) -> None:
    """Let a connection's deliveries wait; they are still received.

    A worker that has read it as active may still finish its batch. Raises as `require_connected`.
    """
    with transaction(engine) as conn:
        require_connected(conn, connection_id)
        connections.set_status(conn, connection_id, is_active=False, status=PAUSED)


def resume_source(engine: sa.Engine, connection_id: str) -> int:
    """Go on, with what waited first; how many deliveries are due by that.

    Its condition (a problem that is shown, a time for which its provider wants to be left alone)
    and its flags are cleared, what was denied is asked for once more, and its look-ups and the
    pages of its sync run are due too. The caller rings; else the sweep does. Raises as
    `require_connected`.
    """
    with transaction(engine) as conn:
        require_connected(conn, connection_id)
        activate(conn, connection_id)
        flags.clear(conn, connection_id)
        return hurry(conn, connection_id)


def activate(conn: sa.Connection, connection_id: str) -> None:
    """Let a connection that was paused act again; nothing is wrong with it, as far as we know."""
    connections.set_status(conn, connection_id, is_active=True, status=CONFIGURED)
    conditions.clear(conn, connection_id)


def hurry(conn: sa.Connection, connection_id: str) -> int:
    """Make due what waited for the connection, and what was denied to it; how many deliveries.

    In the caller's transaction, in the order of locks: look-ups, pages, deliveries. The caller
    rings; else the sweep does.
    """
    lookup_admin.hurry(conn, connection_id)
    sync_parts.hurry(conn, connection_id)
    due = queue_admin.replay_reason(conn, connection_id, DENIED)
    return due + queue_admin.hurry(conn, connection_id)


def disconnect_source(engine: sa.Engine, connection_id: str) -> None:
    """Receive no more, and act no more for a connection; its documents stay.

    Its look-ups are dropped, its waiting deliveries due at once, to be skipped (the caller rings),
    and its sync runs cancelled: a page that is on its way is not applied. A run that a crash left,
    or that is asked for in this moment, `sweep.tidy` cancels. Raises `NotConnected` for none; for a
    disconnected one nothing changes.
    """
    with transaction(engine) as conn:
        if not connections.set_status(conn, connection_id, is_active=False, status=DISCONNECTED):
            raise unknown(connection_id)
        lookup_admin.drop(conn, connection_id)
        queue_admin.hurry(conn, connection_id)
    with transaction(engine) as conn:  # who ends a run holds that, and then the connection
        sync_runs.cancel(conn, sync_runs.SOURCE_GONE, connection_id=connection_id)


def require_connected(conn: sa.Connection, connection_id: str) -> Connection:
    """The connection; raises `NotConnected` for none, `BadInput` for a disconnected one."""
    found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None:
        raise unknown(connection_id)
    if found.status == DISCONNECTED:
        raise BadInput(
            f"connection {connection_id} is disconnected; connect it again with: ingest source "
            f"resume {connection_id}"
        )
    return found


def unknown(connection_id: str) -> NotConnected:
    """The word for a connection that there is not."""
    return NotConnected(
        f"there is no connection {connection_id}; `ingest source list` names those there are"
    )
