"""Sync runs: how far each is, what one would take away, its confirmation and its end."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.core.errors import NotFound
from ingest.core.queues import SYNC_QUEUE
from ingest.flows.syncs.control import cancel_run, confirm_run, has_ended
from ingest.flows.syncs.hindrance import waits_for
from ingest.flows.syncs.progress import progress
from ingest.store import connections, sync_runs
from ingest.store.engine import transaction
from ingest.store.sync_runs import STOPPED

log = structlog.get_logger(__name__)

ROWS = 50
SAID = {
    "confirmed": "It goes on: what its plan names is looked up, and deleted where it is gone.",
    "cancelled": "It has ended; what it applied stays.",
}


def listed(asked: ConsoleRequest) -> ConsolePage:
    """A page of them, the newest first."""
    connection_id = asked.query.get("connection")
    with transaction(asked.program.engine, durable=False) as conn:
        rows = sync_runs.listing(conn, connection_id, limit=ROWS + 1, before=asked.before())
        named = connections.listing(conn)
    rows, more = rows[:ROWS], rows[ROWS:]
    older = asked.next_page("before", rows[-1]["id"]) if more else None
    names = {one["id"]: one["name"] for one in named}
    return ConsolePage("syncs.html", {"rows": rows, "older": older, "names": names})


def shown(asked: ConsoleRequest) -> ConsolePage:
    """One of them, with its lists."""
    id_ = asked.number("id")
    with transaction(asked.program.engine, durable=False) as conn:
        found = sync_runs.show(conn, id_)
        if found is None:
            raise NotFound(f"there is no sync run {asked.path['id'][:80]}")
        hindrance = waits_for(conn, id_)
    filled = {
        "one": found,
        "progress": progress({**found, "waits_for": hindrance}, datetime.now(UTC)),
        "asks": found["state"] == STOPPED,
        "may_be_cancelled": not has_ended(found["state"]) or found["state"] == STOPPED,
        "said": SAID.get(asked.query.get("said", "")),
    }
    return ConsolePage("sync.html", filled)


def confirm(asked: ConsoleRequest) -> str:
    """Let a stopped run take away what its plan names."""
    id_ = _known(asked)
    confirm_run(asked.program.engine, id_)
    log.info("console_confirmed", run=id_, by=asked.visitor)
    asked.ring(SYNC_QUEUE)
    return f"/syncs/{id_}?said=confirmed"


def cancel(asked: ConsoleRequest) -> str:
    """End it."""
    id_ = _known(asked)
    cancel_run(asked.program.engine, id_)
    log.info("console_cancelled", run=id_, by=asked.visitor)
    asked.ring(SYNC_QUEUE)
    return f"/syncs/{id_}?said=cancelled"


def _known(asked: ConsoleRequest) -> int:
    """The id in the path; raises `NotFound` where nothing has it."""
    id_ = asked.number("id")
    with transaction(asked.program.engine, durable=False) as conn:
        if sync_runs.show(conn, id_) is None:
            raise NotFound(f"there is no sync run {asked.path['id'][:80]}")
    return id_
