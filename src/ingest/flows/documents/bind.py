"""Binds references to the documents that own their keys: after the commit that moved a key.

Then, of two workers, one with the target and one with the reference, the later sees both. The keys
are noted in the transaction that moves them, so that what a worker that dies in between has left is
bound by the beat (docs/decisions/0004 and 0018).
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
"""Of one binding, before it is left to the beat."""

T = TypeVar("T")


def note_keys(conn: sa.Connection, keys: Collection[tuple[str, str, str]]) -> Noted | None:
    """Note, in the transaction that moves these keys, that they are to be bound after it.

    Each is (store id, source type, key). The caller commits, then gives the note to `bind`. None
    for no keys.
    """
    return references.note(conn, [Owned(*key, _is_guarded(*key[1:])) for key in sorted(keys)])


def _is_guarded(source_type: str, key: str) -> bool:
    """Whether such a key has a prefix that somebody owns; a source that is gone has none."""
    found = all_sources().get(source_type)
    return found is not None and found.descriptor.prefix_of(key) is not None


def bind(engine: sa.Engine, noted: Noted | None) -> None:
    """Point every reference to these keys at its owner; never raises.

    After the commit that noted them, in a transaction of its own; None does nothing. What cannot
    be bound now is logged and stays noted, for `bind_pending`.
    """
    if noted is not None:
        _patiently(engine, lambda conn: references.bind(conn, noted))


def bind_pending(engine: sa.Engine) -> None:
    """Bind what is still noted, as dead workers left it; never raises.

    In steps, each a transaction, until nothing is noted or a step fails.
    """
    while _patiently(engine, references.bind_pending):
        pass


def _patiently(engine: sa.Engine, statement: Callable[[sa.Connection], T]) -> T | None:
    """What a statement gives in a transaction of its own; None where it fails all the same.

    A target that goes in the same moment fails it: run again, it finds the next. What is lost then
    is logged, and bound by the beat. What the database gives up for its cost is not run again.
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
