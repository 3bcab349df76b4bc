"""What providers tell of connections themselves: an app that is suspended, a repository taken away.

It is shown as a flag of the connection, and taken back when the provider says so; a connection that
was paused by a refusal meanwhile goes on. Law: of one thing the newest word stands, in whatever
order they come; what a person paused stays paused.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
import structlog

from ingest.flows.connections.lifecycle import activate
from ingest.sources.contract import Notice
from ingest.store import conditions, connections, flags
from ingest.store.connections import REFUSED
from ingest.store.flags import Word

log = structlog.get_logger(__name__)


def heed(conn: sa.Connection, told: Sequence[tuple[str, Notice]]) -> list[str]:
    """Show what is wrong, and no more what is right again; the connections that go on by that.

    What waited for these is to be made due by the end of the transaction (`lifecycle.hurry`). The
    connections are locked first, in the order of their ids.
    """
    for connection_id in sorted({id_ for id_, _ in told}):
        conditions.lock(conn, connection_id)
    words = [
        Word(connection_id, one.name, one.problem, one.at_micros or 0)
        for connection_id, one in told
    ]
    right = sorted({id_ for id_, problem in flags.tell(conn, words) if problem is None})
    for connection_id, connection in sorted(connections.by_id(conn, right).items()):
        flags.clear(conn, connection_id, flags.DENIED)
        if connection.status == REFUSED:
            log.info("connection_goes_on", connection=connection_id)
            activate(conn, connection_id)
    return right
