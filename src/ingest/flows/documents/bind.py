"""Binds references to the documents that own their keys: after the commit that moved a key.

Then, of two workers, one with the target and one with the reference, the later sees both. The keys
are noted in the transaction that moves them, so that a worker that dies in between leaves word.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

import sqlalchemy as sa
import structlog

from ingest.core.errors import Costly, TransientError
from ingest.sources.registry import all_sources
from ingest.store import references
from ingest.store.engine import BadRow, transaction
from ingest.store.references import Noted, Owned

log = structlog.get_logger(__name__)

ATTEMPTS = 5

T = TypeVar("T")


def note_keys(conn: sa.Connection, keys: Collection[tuple[str, str, str]]) -> Noted | None:
    """Write down, in the transaction that moves these (store, source type, key), that they are to
    be bound after it.
    """
    return references.note(conn, [Owned(*key, _is_guarded(*key[1:])) for key in sorted(keys)])


def _is_guarded(source_type: str, key: str) -> bool:
    """Whether such a key has a prefix that somebody owns; a source that is gone has none."""
    found = all_sources().get(source_type)
    return found is not None and found.descriptor.prefix_of(key) is not None


def bind(engine: sa.Engine, noted: Noted | None) -> None:
    """Point every reference to these keys at its owner; never raises."""
    if noted is not None:
        _patiently(engine, lambda conn: references.bind(conn, noted))


def bind_pending(engine: sa.Engine) -> None:
    """Bind what dead workers left; never raises."""
    while _patiently(engine, references.bind_pending):
        pass


def _patiently(engine: sa.Engine, statement: Callable[[sa.Connection], T]) -> T | None:
    """A target that goes in the same moment fails the statement: run again, it finds the next.

    What is lost all the same is logged, and bound by the beat. What is too dear is not run again:
    that would be as dear.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction(engine, durable=False) as conn:
                return statement(conn)
        except (BadRow, TransientError) as error:
            if attempt == ATTEMPTS or isinstance(error, Costly):
                log.warning("references_not_bound", error=str(error))
                return None
    return None
