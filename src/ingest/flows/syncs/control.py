"""What people do with runs: ask for one, cancel one, confirm what one would take away."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.flows.connections.lifecycle import require_connected
from ingest.flows.syncs.request import Kind, request_sync
from ingest.store import sync_runs
from ingest.store.engine import transaction
from ingest.store.sync_runs import RUNNING, STOPPED, WAITING

UNKNOWN = "there is no sync run {id}; `ingest sync list` names those there are"


def sync_connection(engine: sa.Engine, connection_id: str, *, kind: Kind, asked_by: str) -> int:
    """Ask for a run; its id. The caller rings the queue `sync`.

    Raises `NotConnected` for no connection, `BadInput` for one that cannot be synced.
    """
    with transaction(engine) as conn:
        connection = require_connected(conn, connection_id)
        return request_sync(conn, connection, kind=kind, asked_by=asked_by)


def cancel_run(engine: sa.Engine, run_id: int) -> None:
    """End a run that waits, runs, or is stopped; what it applied stays.

    Raises `BadInput` where there is none, or it has ended.
    """
    with transaction(engine) as conn:
        if not sync_runs.cancel(conn, "cancelled by a person", run_id=run_id):
            state = _state(conn, run_id)
            raise BadInput(f"sync run {run_id} has ended already: it is {state}")


def confirm_run(engine: sa.Engine, run_id: int) -> None:
    """Let a stopped run go on: what its plan names is looked up, and deleted where it is gone.

    The caller rings the queue `sync`. Raises `BadInput` where it is not stopped, or another run of
    its connection is on its way.
    """
    with transaction(engine) as conn:
        state = _state(conn, run_id)
        if state != STOPPED:
            raise BadInput(f"sync run {run_id} waits for nobody: it is {state}")
        if not sync_runs.has_seen(conn, run_id):
            raise BadInput(
                f"sync run {run_id} is out of date: a later one has listed all; look at that one"
            )
        if not sync_runs.confirm(conn, run_id):
            raise BadInput(
                f"another run of its connection is on its way; confirm run {run_id} once that has "
                "ended"
            )


def _state(conn: sa.Connection, run_id: int) -> str:
    found = sync_runs.show(conn, run_id)
    if found is None:
        raise BadInput(UNKNOWN.format(id=run_id))
    return str(found["state"])


def has_ended(state: str) -> bool:
    """Whether a run in this state goes on no more by itself."""
    return state not in {WAITING, RUNNING}
