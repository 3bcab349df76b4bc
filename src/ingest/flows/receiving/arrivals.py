"""Stores verified requests as rows of the queue, in one durable transaction, before any answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
import sqlalchemy as sa

from ingest.core.answers import Delivery
from ingest.core.errors import IngestError, TransientError, Unavailable
from ingest.core.tracing import TRACEPARENT, Span
from ingest.store import deliveries
from ingest.store.deliveries import Arrival
from ingest.store.engine import SessionLost, transaction

ANSWERS_WITHIN_S = 20.0
"""Storing waits for a lock less long; a database that is silent for longer is taken to be gone, so
that what comes in goes to one that is not."""

Stored = tuple[int, bool]
"""A delivery's id, and whether it is accepted; else it was known."""
Insert = Callable[[Sequence[Arrival]], list[Stored]]
"""Stores arrivals, all or none, in their order; raises `BadRow` or `Unavailable`."""


def insert_into(engine: sa.Engine) -> Insert:
    """An `Insert` into this database: one durable transaction; raises `BadRow`, else `Unavailable`.

    Safe for threads. Commits before it returns; a row that is known already is no error.
    A deadlock or a session that was lost (its server shut down, or became a standby) costs one more
    try, an absent server none.
    """

    def insert(arrivals: Sequence[Arrival]) -> list[Stored]:
        with transaction(engine, answers_within_s=ANSWERS_WITHIN_S) as conn:
            return deliveries.insert(conn, arrivals)

    def insert_again(arrivals: Sequence[Arrival]) -> list[Stored]:
        try:
            return insert(arrivals)
        except SessionLost:
            pass
        except Unavailable:
            raise
        except TransientError:
            pass
        try:
            return insert(arrivals)
        except Unavailable:
            raise
        except TransientError as error:
            raise Unavailable(str(error)) from error

    return insert_again


def answer_of(stored: Stored) -> Delivery:
    """The answer for a stored delivery: accepted, or a duplicate where it was known."""
    id_, accepted = stored
    return Delivery(id_, "accepted" if accepted else "duplicate")


def traced(arrival: Arrival, span: Span) -> Arrival:
    """The arrival with what its trace goes on by among its headers, where somebody records it.

    What comes with a request under that name is never kept.
    """
    if span.traceparent is None:
        return arrival
    headers = {**orjson.loads(arrival.headers), TRACEPARENT: span.traceparent}
    return replace(arrival, headers=orjson.dumps(headers).decode())


def unstorable(error: IngestError) -> Unavailable:
    """What the sender of a row that the database refuses is told: to come back.

    Its connection is being purged, or the schema is behind; both end by themselves.
    """
    return Unavailable(f"the delivery cannot be stored now: {error}")
