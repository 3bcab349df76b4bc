"""Runs that make anew what is stored, worked at in the test's own process to their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.flows.documents.bind import bind_pending
from ingest.flows.reprocess.asked import FROM_TEXT, ReprocessRequest
from ingest.flows.reprocess.drain import Drain
from ingest.flows.reprocess.request import request_run
from ingest.store import reprocess_runs
from ingest.store.engine import transaction
from ingest.store.reprocess_runs import DONE, DUE
from tests.flows.snapshot import Snapshot

_DUE = sa.text("UPDATE lightfast_reprocess_runs SET next_attempt_at = now() WHERE id = :id")


def drained(engine: sa.Engine, run: int, *, lease_s: float = 30.0) -> dict[str, Any]:
    """Work at a run, due or not yet, and at what waits for it, to its end; as people see it."""
    with transaction(engine) as conn:
        conn.execute(_DUE, {"id": run})
    Drain(engine, lambda: True, lease_s=lease_s, pause=lambda _s: None).run(only=run)
    with transaction(engine) as conn:
        found = reprocess_runs.show(conn, run)
    assert found is not None
    return found


def reprocess(engine: sa.Engine, what: Sequence[str] = FROM_TEXT) -> dict[str, Any]:
    """Make anew what is stored, all of it; the run in the end."""
    found = drained(engine, request_run(engine, ReprocessRequest(tuple(what))))
    assert found["state"] == DONE, found
    bind_pending(engine)
    return found


def compared(taken: Snapshot) -> Snapshot:
    """A snapshot without what a run leaves to whoever said it: by which code the word of a feed was
    read, or that of a deletion.
    """
    return {table: {key: _made(row) for key, row in rows.items()} for table, rows in taken.items()}


def _made(row: Mapping[str, Any]) -> Mapping[str, Any]:
    is_document = row.get("state") == "live"
    return {name: value for name, value in row.items() if name != "revision" or is_document}


def worked_off(engine: sa.Engine) -> list[int]:
    """Work at every run that waits, due or not yet; their ids."""
    with transaction(engine) as conn:
        waiting = [r["id"] for r in reprocess_runs.listing(conn, limit=100) if r["state"] == DUE]
    for run in waiting:
        assert drained(engine, run)["state"] == DONE
    return waiting
