"""Binds references to the documents that own their keys: after the commit that moved a key.

Then, of two workers, one with the target and one with the reference, the later sees both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import sqlalchemy as sa
import structlog

from ingest.core.errors import Costly, TransientError
from ingest.store import references
from ingest.store.engine import BadRow, transaction

log = structlog.get_logger(__name__)

ATTEMPTS = 5


def bind(engine: sa.Engine, keys: Collection[tuple[str, str, str]]) -> None:
    """Point every reference to these (store, source type, key) at its owner; never raises."""
    if keys:
        _patiently(engine, lambda conn: references.bind(conn, keys))


def bind_pending(engine: sa.Engine) -> None:
    """Bind what a dead worker left unbound; never raises."""
    _patiently(engine, references.bind_pending)


def _patiently(engine: sa.Engine, statement: Callable[[sa.Connection], object]) -> None:
    """A target that goes in the same moment fails the statement: run again, it finds the next.

    What is lost all the same is logged, and bound by the beat. What is too dear is not run again:
    that would be as dear.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction(engine, durable=False) as conn:
                statement(conn)
            return
        except (BadRow, TransientError) as error:
            if attempt == ATTEMPTS or isinstance(error, Costly):
                log.warning("references_not_bound", error=str(error))
                return
