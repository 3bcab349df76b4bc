"""Lets a connection feed a store no longer: what it alone fed there goes, the rest stays.

In steps, each a transaction: it may be interrupted, and asked for again.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.flows.connections.purge import STEP_DOCUMENTS, Purged, withdraw_feeds
from ingest.flows.documents.bind import bind, note_keys
from ingest.store import connections, erasure, feeds, purge, stores
from ingest.store.connections import Connection
from ingest.store.engine import transaction


def leave_stores(
    conn: sa.Connection, connection: Connection, store_ids: Collection[str]
) -> list[str]:
    """Take the connection off these stores, after those that write there; they themselves.

    In the caller's transaction, which locks the connection; then `withdraw_from` has to follow.
    Raises `BadInput` for a store that it does not feed, and where it would feed none.
    """
    fed = connections.stores_of(conn, [connection.id]).get(connection.id, [])
    leaving = list(dict.fromkeys(store_ids))
    strange = [one for one in leaving if one not in fed]
    if strange:
        raise BadInput(
            f"connection {connection.id} does not feed {', '.join(strange)}; it feeds "
            f"{', '.join(fed)}"
        )
    if leaving and set(fed) == {*leaving}:
        raise BadInput(
            f"connection {connection.id} would feed no store; to end it: ingest source disconnect "
            f"{connection.id}"
        )
    for store_id in sorted(leaving):
        stores.alone(conn, store_id)
        erasure.unlink(conn, store_id, connection.id)
    return leaving


def withdraw_from(engine: sa.Engine, connection_id: str, store_ids: Collection[str]) -> int:
    """Take its feeds out of stores that it has left; how many documents went, fed by nobody else.

    The last look is one that everybody waits for who writes for the connection.
    """
    if not store_ids:
        return 0
    done = Purged()
    after: str | None = ""
    while after is not None:
        after = _step(engine, connection_id, store_ids, after, done)
    with transaction(engine) as conn:
        purge.lock(conn, connection_id)
        late = purge.step_in(conn, connection_id, store_ids, after="", limit=STEP_DOCUMENTS)
        noted = note_keys(conn, withdraw_feeds(conn, connection_id, late, done))
        feeds.mark_counts(conn, [connection_id])
    bind(engine, noted)
    return done.documents


def _step(
    engine: sa.Engine, connection_id: str, store_ids: Collection[str], after: str, done: Purged
) -> str | None:
    """Some documents; the last one's id, None where there are no more."""
    with transaction(engine) as conn:
        found = purge.step_in(conn, connection_id, store_ids, after=after, limit=STEP_DOCUMENTS)
        noted = note_keys(conn, withdraw_feeds(conn, connection_id, found, done))
    bind(engine, noted)
    return found[-1] if found else None
