"""Rings the bell: one message for all that is due, after the commit, and never twice at once."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
import structlog

from ingest.core.errors import TransientError
from ingest.store import schedule
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

INGEST_QUEUE, FETCH_QUEUE, SYNC_QUEUE = "ingest", "fetch", "sync"
QUEUES = (INGEST_QUEUE, FETCH_QUEUE, SYNC_QUEUE)
"""As the program calls them; on a shared broker an environment's prefix stands before each."""
Publish = Callable[[str], None]
"""Sends a wake-up message to the named queue; raises `TransientError` where the broker is away."""


def ring(engine: sa.Engine, publish: Publish, queue: str = INGEST_QUEUE) -> bool:
    """Wake a worker unless a wake-up is on its way; whether a message was sent.

    Never raises for a broker or database that is away: what was not heard is swept.
    """
    try:
        with transaction(engine, durable=False) as conn:
            if not schedule.ring(conn, queue):
                return False
        publish(queue)
    except TransientError as error:
        log.warning("bell_not_rung", queue=queue, error=str(error))
        return False
    return True
