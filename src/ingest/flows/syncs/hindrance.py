"""Says what a sync run waits for, so that nobody who looks at one has to guess."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.flows.connections.inactive import waits_inactive
from ingest.store import sync_waits
from ingest.store.sync_runs import RUNNING, WAITING
from ingest.store.sync_waits import WaitingRun

UNHEARD_S = 5.0
"""So long something may be due before nobody seems to be there to do it."""
SOON_S = 1.0
NO_SYNCER = "a syncer: is one running? (`ingest up`, or a Celery worker of the queue `sync`)"
NO_FETCHER = "is a fetcher running? (`ingest up`, or a Celery worker of the queue `fetch`)"


def waits_for(conn: sa.Connection, run_id: int) -> str | None:
    """What a run waits for, and what to do about it; None where it goes on, or has ended."""
    found = sync_waits.read(conn, run_id)
    return hindrance(found) if found is not None else None


def hindrance(run: WaitingRun) -> str | None:
    """The same of what is known of a run. Pure."""
    if run.state not in {WAITING, RUNNING}:
        return None
    if run.state == WAITING and run.ahead is not None:
        return f"run {run.ahead} of its connection, which goes first"
    if not run.is_active:
        return waits_inactive(run.connection_id, run.status, run.problem)
    if run.state == RUNNING and run.held_s > SOON_S:
        return f"its provider, for {run.held_s:.0f} s more"
    if run.is_worked_on:
        return None
    return _of_lists(run) if run.state == RUNNING else _nobody(run.due_s)


def _of_lists(run: WaitingRun) -> str | None:
    if not run.lists and run.look_ups:
        asked = f"{run.look_ups:,} look-ups"
        return f"{asked}; {NO_FETCHER}" if run.look_ups_due_s < -UNHEARD_S else asked
    if run.due_s > SOON_S:
        return f"{run.due_s:.0f} s, to try again: {run.last_error or 'as it was told'}"
    return _nobody(run.due_s)


def _nobody(due_s: float) -> str | None:
    return NO_SYNCER if due_s < -UNHEARD_S else None
