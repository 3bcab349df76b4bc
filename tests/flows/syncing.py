"""Sync runs in this process, from their request to their end; nothing waits for its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.syncs.control import sync_connection
from ingest.flows.syncs.drain import drain_pages
from ingest.flows.syncs.request import Kind
from ingest.store import lookup_admin, sync_runs
from ingest.store.engine import transaction

_PAGES_DUE = (
    "UPDATE lightfast_sync_parts SET next_attempt_at = now()",
    "UPDATE lightfast_connection_conditions SET held_until = NULL, rests_until = NULL",
)
_LOOKUPS_DUE = "UPDATE lightfast_lookups SET next_attempt_at = now(), patient_until = now()"
_TURNS = 200


def synced(
    engine: sa.Engine, clients: Clients, connections: Iterable[str], kind: Kind = "full"
) -> list[dict[str, Any]]:
    """How a run of each connection ends, as it is shown: with all that is looked up for it, and
    confirmed where it asks.
    """
    asked = [sync_connection(engine, one, kind=kind, asked_by="a test") for one in connections]
    for _ in range(_TURNS):
        _turn(engine, clients, asked)
        looked_up = _look_up(engine, clients)
        shown = [_shown(engine, run) for run in asked]
        on_its_way = [one for one in shown if one["state"] in ("waiting", "running", "stopped")]
        if not looked_up and not on_its_way:
            return shown
    raise AssertionError(f"no end: {[_shown(engine, run) for run in asked]}")


def _turn(engine: sa.Engine, clients: Clients, runs: Sequence[int]) -> None:
    with transaction(engine) as conn:
        for statement in _PAGES_DUE:
            conn.execute(sa.text(statement))
        for run in runs:
            sync_runs.confirm(conn, run)
    drain_pages(engine, clients, go_on=lambda: True)


def _look_up(engine: sa.Engine, clients: Clients) -> bool:
    """Look up what is asked for by now; whether there was anything."""
    with transaction(engine) as conn:
        conn.execute(sa.text(_LOOKUPS_DUE))
        asked, _ = lookup_admin.unfinished(conn)
    turns = iter(range(asked + 4))
    drain_lookups(engine, clients, go_on=lambda: next(turns, None) is not None)
    return asked > 0


def _shown(engine: sa.Engine, run: int) -> dict[str, Any]:
    with transaction(engine) as conn:
        return sync_runs.show(conn, run) or {}
