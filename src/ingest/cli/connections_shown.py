"""What commands show of a connection, and that there is one."""

from __future__ import annotations

from ingest.cli import output
from ingest.cli.session import Session
from ingest.flows.connections.shown import unknown_connection
from ingest.store import connections
from ingest.store.engine import transaction

COLUMNS = ("id", "source_type", "name", "status", "stores", "document_count", "last_ingested_at")


def require_known(current: Session, connection_id: str) -> None:
    """Raise `NotConnected` for no connection."""
    with transaction(current.engine) as conn:
        if not connections.by_id(conn, [connection_id]):
            raise unknown_connection(connection_id)


def is_disconnected(current: Session, connection_id: str) -> bool:
    """Whether a connection is there and disconnected."""
    with transaction(current.engine) as conn:
        found = connections.by_id(conn, [connection_id]).get(connection_id)
    return found is not None and found.status == connections.DISCONNECTED


def tell(current: Session, connection_id: str, *, as_json: bool) -> None:
    """Print a connection in short."""
    with transaction(current.engine) as conn:
        (row,) = connections.listing(conn, connection_id)
    output.record({name: row[name] for name in COLUMNS}, as_json=as_json)
