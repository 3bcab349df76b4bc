"""Binds references to the documents that own their keys: after the commit that moved a key.

Then, of two workers, one with the target and one with the reference, the later sees both.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
import structlog

from ingest.core.errors import TransientError
from ingest.store import references
from ingest.store.engine import BadRow, transaction

log = structlog.get_logger(__name__)

ATTEMPTS = 5


def bind(engine: sa.Engine, keys: Collection[tuple[str, str, str]]) -> None:
    """Point every reference to these (store, source type, key) at its owner; never raises.

    A target that goes in the same moment fails the statement: then it is run again, and finds the
    next owner. What is lost all the same is logged, and bound by the beat.
    """
    if not keys:
        return
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction(engine, durable=False) as conn:
                references.bind(conn, keys)
            return
        except (BadRow, TransientError) as error:
            if attempt == ATTEMPTS:
                log.warning("references_not_bound", keys=len(keys), error=str(error))
