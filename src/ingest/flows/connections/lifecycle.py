"""A connection's life after it was made: paused, resumed, disconnected; each in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.core.errors import BadInput, NotConnected
from ingest.store import conditions, connections, lookups, queue_admin
from ingest.store.connections import CONFIGURED, DISCONNECTED, PAUSED, Connection
from ingest.store.engine import transaction


def pause_source(engine: sa.Engine, connection_id: str) -> None:
    """Let deliveries wait; they are still received."""
    with transaction(engine) as conn:
        require_connected(conn, connection_id)
        connections.set_status(conn, connection_id, is_active=False, status=PAUSED)


def resume_source(engine: sa.Engine, connection_id: str) -> int:
    """Go on, with what waited first; how many deliveries that were. The caller rings."""
    with transaction(engine) as conn:
        require_connected(conn, connection_id)
        connections.set_status(conn, connection_id, is_active=True, status=CONFIGURED)
        conditions.clear(conn, connection_id)
        lookups.hurry(conn, connection_id)
        return queue_admin.hurry(conn, connection_id)


def disconnect_source(engine: sa.Engine, connection_id: str) -> None:
    """Receive no more, and act no more for it; its documents stay."""
    with transaction(engine) as conn:
        if not connections.set_status(conn, connection_id, is_active=False, status=DISCONNECTED):
            raise _unknown(connection_id)
        lookups.drop(conn, connection_id)
        queue_admin.hurry(conn, connection_id)


def require_connected(conn: sa.Connection, connection_id: str) -> Connection:
    """The connection; raises `NotConnected` for none, `BadInput` for a disconnected one."""
    found = connections.by_id(conn, [connection_id]).get(connection_id)
    if found is None:
        raise _unknown(connection_id)
    if found.status == DISCONNECTED:
        raise BadInput(f"connection {connection_id} is disconnected; connect the source again")
    return found


def _unknown(connection_id: str) -> NotConnected:
    return NotConnected(
        f"there is no connection {connection_id}; `ingest source list` names those there are"
    )
