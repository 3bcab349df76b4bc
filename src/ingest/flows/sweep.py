"""The periodic jobs: ring for rows that are due and unheard, and put right what lags behind.

Celery's beat calls them. Each tick runs once, however many beats there are: it takes a slot, a
unique row of the database, first.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from ingest.core.queues import (
    FETCH_QUEUE,
    INGEST_QUEUE,
    REPROCESS_BELL,
    SWEEP_EVERY_S,
    SYNC_QUEUE,
    TIDY_EVERY_S,
)
from ingest.flows.documents.bind import bind_pending
from ingest.store import (
    credentials,
    deliveries,
    feeds,
    lookup_admin,
    queue_admin,
    reprocess_runs,
    schedule,
    sync_parts,
    sync_runs,
)
from ingest.store.engine import transaction
from ingest.store.reasons import PARKED

Ring = Callable[[str], object]
"""Wakes a worker of the named queue (`bell.ring`); never raises for a broker that is away."""


def sweep(engine: sa.Engine, ring: Ring) -> bool:
    """Ring for each queue of which anything is due, and for runs; whether this tick was ours.

    A tick is SWEEP_EVERY_S long; where another beat had it, nothing is looked at. `ring` is called
    after the commit. Raises `TransientError` where the database is away.
    """
    with transaction(engine, durable=False) as conn:
        if not schedule.take_slot(conn, "sweep", every_s=SWEEP_EVERY_S):
            return False
        due = deliveries.anything_due(conn)
        next_look_up_s = lookup_admin.next_due_s(conn)
        next_page_s = sync_parts.next_due_s(conn)
        begins = sync_runs.may_start(conn)
        next_run_s = reprocess_runs.next_due_s(conn)
    if due:
        ring(INGEST_QUEUE)
    if next_look_up_s is not None and next_look_up_s <= 0:
        ring(FETCH_QUEUE)
    if begins or (next_page_s is not None and next_page_s <= 0):
        ring(SYNC_QUEUE)
    if next_run_s is not None and next_run_s <= 0:
        ring(REPROCESS_BELL)
    return True


def tidy(engine: sa.Engine) -> bool:
    """Put right what lags behind; whether this tick was ours.

    Expired secrets, sync runs of nobody, parked deliveries, document counts, references. A tick is
    TIDY_EVERY_S long. Each job has transactions of its own; what one raises (`TransientError`)
    leaves those after it to the next tick.
    """
    with transaction(engine) as conn:
        if not schedule.take_slot(conn, "tidy", every_s=TIDY_EVERY_S):
            return False
    forget_expired(engine)
    cancel_orphans(engine)
    unpark(engine)
    settle_counts(engine)
    bind_pending(engine)
    return True


def forget_expired(engine: sa.Engine) -> None:
    """Delete the stored secrets that have expired; they verify nothing since then."""
    with transaction(engine) as conn:
        credentials.forget_expired(conn)


def cancel_orphans(engine: sa.Engine) -> None:
    """Cancel the sync runs of disconnected sources, which nobody would begin or confirm."""
    with transaction(engine) as conn:
        sync_runs.cancel_orphans(conn)


def unpark(engine: sa.Engine) -> None:
    """Find what waits for a look-up that nobody will make, and let it be processed again.

    Look-ups of disconnected sources are dropped first; then what is parked without one is due.
    """
    with transaction(engine) as conn:
        lookup_admin.drop_orphans(conn)
    with transaction(engine) as conn:
        queue_admin.unpark(conn, PARKED)


def settle_counts(engine: sa.Engine) -> None:
    """Bring the counts of connections that were worked on up to date.

    `document_count` and `last_ingested_at`, counted from the feeds (docs/decisions/0004). Does
    nothing where another worker is counting; the marks wait for the next call.
    """
    with transaction(engine) as conn:
        feeds.settle_counts(conn)
