"""Deletes what was kept long enough, a little at each tick of the beat.

Law: each step is a transaction of its own, small enough to hold nobody up, and waits for nobody. A
backlog takes as many ticks as it takes (docs/decisions/0023).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.core.queues import RETAIN_EVERY_S
from ingest.store import retention, schedule
from ingest.store.engine import transaction

GoOn = Callable[[], bool]
"""Whether there is time for one more step."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many rows a tick deleted, and whether it stopped before the end of what is old."""

    deliveries: int = 0
    slots: int = 0
    states: int = 0
    more: bool = False


def retain(engine: sa.Engine, keep_days: int, *, go_on: GoOn) -> Deleted | None:
    """Delete what is old for as long as `go_on` says; None where this tick was another beat's.

    `keep_days`: how long settled deliveries are kept. A tick is RETAIN_EVERY_S long. Raises
    `TransientError` where the database is away; what was deleted until then is.
    """
    with transaction(engine, durable=False) as conn:
        if not schedule.take_slot(conn, "retain", every_s=RETAIN_EVERY_S):
            return None
    return delete_old(engine, keep_days, go_on=go_on)


def delete_old(engine: sa.Engine, keep_days: int, *, go_on: GoOn) -> Deleted:
    """Delete what is old, as `retain`, whosever tick it is.

    Of each kind one step is made in any case, so that no kind waits for another's backlog.
    """
    with transaction(engine, durable=False) as conn:
        slots = schedule.forget(conn, limit=retention.STEP_ROWS)
        states = retention.delete_states(conn)
    deleted, more = 0, True
    after: datetime | None = None
    while more:
        with transaction(engine, durable=False) as conn:
            step, after = retention.delete_settled(conn, keep_days=keep_days, after=after)
        deleted += step
        more = step > 0
        if more and not go_on():
            break
    return Deleted(deleted, slots, states, more)
