"""Deletes what was kept long enough, a little at each tick of the beat.

Law: each step is a transaction of its own, small enough to hold nobody up, and waits for nobody. A
backlog takes as many ticks as it takes (docs/decisions/0023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from ingest.core.queues import RETAIN_EVERY_S
from ingest.store import (
    clocks,
    heartbeats,
    outbox,
    reprocess_runs,
    retention,
    schedule,
    sync_retention,
    trails,
)
from ingest.store.engine import transaction

GoOn = Callable[[], bool]
"""Whether there is time for one more step."""


KEEP_RUNS_DAYS = 30
"""Runs that have ended (of syncs, of what was made anew), and times without a receiver."""
STEP_RUNS, STEP_SEEN = 200, 5_000
"""Of one step; a run has some lists, and what it has seen are rows of forty bytes."""
KEEP_CHANGES_DAYS, MOST_CHANGES = 7, 5_000_000
"""For how long what was told of documents is kept, and of how many documents at most: a consumer
that is further behind begins with a snapshot. About a gigabyte."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many rows a tick deleted, and whether it stopped before the end of what is old.

    seen: what sync runs that have ended had seen. runs, gaps: see KEEP_RUNS_DAYS. changes: rows of
    the outbox. trail: steps and tries of the trail.
    """

    deliveries: int = 0
    slots: int = 0
    states: int = 0
    seen: int = 0
    runs: int = 0
    gaps: int = 0
    changes: int = 0
    trail: int = 0
    more: bool = False


def retain(
    engine: sa.Engine,
    keep_days: int,
    *,
    keep_changes_days: int = KEEP_CHANGES_DAYS,
    go_on: GoOn,
) -> Deleted | None:
    """Delete what is old for as long as `go_on` says; None where this tick was another beat's.

    `keep_days`: how long settled deliveries are kept. A tick is RETAIN_EVERY_S long. Raises
    `TransientError` where the database is away; what was deleted until then is.
    """
    with transaction(engine, durable=False) as conn:
        if not schedule.take_slot(conn, "retain", every_s=RETAIN_EVERY_S):
            return None
    return delete_old(engine, keep_days, keep_changes_days=keep_changes_days, go_on=go_on)


def delete_old(
    engine: sa.Engine,
    keep_days: int,
    *,
    keep_changes_days: int = KEEP_CHANGES_DAYS,
    go_on: GoOn,
) -> Deleted:
    """Delete what is old, as `retain`, whosever tick it is.

    Of each kind one step is made in any case, so that no kind waits for another's backlog.
    """
    with transaction(engine, durable=False) as conn:
        done = Deleted(
            slots=schedule.forget(conn, limit=retention.STEP_ROWS),
            states=retention.delete_states(conn),
            runs=sync_retention.forget(conn, keep_days=KEEP_RUNS_DAYS, limit=STEP_RUNS),
            gaps=heartbeats.forget(conn, keep_days=KEEP_RUNS_DAYS),
        )
        reprocess_runs.forget(conn, keep_days=KEEP_RUNS_DAYS, limit=STEP_RUNS)
        clocks.forget(conn)
    steps = _DeletionSteps(engine, keep_days, keep_changes_days)
    left = dict(steps.each())
    counts = dict.fromkeys(left, 0)
    while left:
        for name, step in [*left.items()]:
            rows, more = step()
            counts[name] += rows
            if not more:
                del left[name]
        if not go_on():
            break
    return replace(done, **counts, more=bool(left))


@dataclass(slots=True)
class _DeletionSteps:
    """What is deleted a step at a time, as long as there is time: each says how many rows it was,
    and whether there may be more.
    """

    engine: sa.Engine
    keep_days: int
    keep_changes_days: int
    after: datetime | None = None

    def each(self) -> Iterator[tuple[str, Callable[[], tuple[int, bool]]]]:
        """By the field of `Deleted`."""
        yield "seen", self._seen
        yield "deliveries", self._deliveries
        yield "changes", self._changes
        yield "trail", self._trail

    def _seen(self) -> tuple[int, bool]:
        with transaction(self.engine, durable=False) as conn:
            step = sync_retention.forget_seen(conn, limit=STEP_SEEN)
        return step, step > 0

    def _deliveries(self) -> tuple[int, bool]:
        with transaction(self.engine, durable=False) as conn:
            step, self.after = retention.delete_settled(
                conn, keep_days=self.keep_days, after=self.after
            )
        return step, step > 0

    def _trail(self) -> tuple[int, bool]:
        with transaction(self.engine, durable=False) as conn:
            return trails.forget(conn, keep_days=self.keep_days)

    def _changes(self) -> tuple[int, bool]:
        step = delete_changes(self.engine, self.keep_changes_days)
        return step, step >= outbox.STEP_ROWS


def delete_changes(engine: sa.Engine, keep_days: int, *, keep: int = MOST_CHANGES) -> int:
    """One step of the outbox: what is older than so many days, or below the last `keep` documents.

    What nobody has read has its positions first, so that it grows old whether anybody reads or not.
    """
    with transaction(engine) as conn:
        outbox.give_positions(conn)
    with transaction(engine, durable=False) as conn:
        return outbox.prune(conn, keep_days=keep_days, keep=keep)
