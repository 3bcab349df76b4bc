"""Asks for runs, and ends them. Whoever asks rings for them after that."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.core.errors import BadInput, NotConnected
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.sources.registry import source_types
from ingest.store import connections, reprocess_runs, stores
from ingest.store.engine import transaction

BY_A_PERSON = "a person"
UNKNOWN = "there is no reprocess run {id}; `ingest reprocess list` names those there are"


def request_run(engine: sa.Engine, asked: ReprocessRequest, *, asked_by: str = BY_A_PERSON) -> int:
    """Ask for a run; its id. One that asks for the same and has not begun is it.

    Raises `BadInput` for a store or a source that there is not, `NotConnected` for no connection.
    """
    with transaction(engine) as conn:
        require_there(conn, asked)
        return reprocess_runs.request(conn, asked.what, asked.scope, asked_by=asked_by)


def require_there(conn: sa.Connection, asked: ReprocessRequest) -> None:
    """Raise where a run would be about something that there is not, as `request_run`."""
    within = asked.within
    if within.store is not None and not stores.listing(conn, within.store):
        raise BadInput(
            f"there is no store {within.store}; `ingest store list` names those there are"
        )
    if within.source is not None and within.source not in source_types():
        known = ", ".join(source_types())
        raise BadInput(f"there is no source {within.source[:40]!r}; there are {known}")
    if within.connection is not None and not connections.by_id(conn, [within.connection]):
        raise NotConnected(
            f"there is no connection {within.connection}; `ingest source list` names those there "
            "are"
        )


def cancel_run(engine: sa.Engine, run_id: int) -> None:
    """End a run; what it has done stays. Raises `BadInput` where there is none, or it has ended."""
    with transaction(engine) as conn:
        if reprocess_runs.cancel(conn, run_id, "cancelled by a person"):
            return
        found = reprocess_runs.show(conn, run_id)
    if found is None:
        raise BadInput(UNKNOWN.format(id=run_id))
    raise BadInput(f"reprocess run {run_id} has ended already: it is {found['state']}")


def has_ended(state: str) -> bool:
    """Whether a run in this state goes on no more."""
    return state != reprocess_runs.DUE
