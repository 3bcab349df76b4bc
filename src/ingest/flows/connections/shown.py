"""A connection as people are shown it: how it stands, what came of it, and never a secret."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ingest.core.errors import NotConnected
from ingest.store import (
    conditions,
    connections,
    credentials,
    drift,
    flags,
    lookup_admin,
    missed,
    queue_admin,
    sync_runs,
    sync_schedules,
)

COUNTED = 10_000
"""Of a connection's newest deliveries: counting all of a million would take a second."""
_RUNS = 5
"""The newest, in what is shown of a connection."""
_OF_A_RUN = (
    "id",
    "kind",
    "state",
    "seen",
    "changed",
    "deleted",
    "errors",
    "reason",
    "plan",
    "last_error",
    "started_at",
    "finished_at",
)


def unknown_connection(connection_id: str) -> NotConnected:
    """The word for a connection that there is not."""
    return NotConnected(
        f"there is no connection {connection_id}; `ingest source list` names those there are"
    )


def shown_connection(
    conn: sa.Connection, connection_id: str, *, newest: int = COUNTED
) -> dict[str, Any]:
    """All that is shown of a connection, and never a secret; raises `NotConnected` for none.

    newest: so many of its newest deliveries are counted, as `deliveries_counted` says.
    """
    found = connections.listing(conn, connection_id)
    if not found:
        raise unknown_connection(connection_id)
    secrets = credentials.kinds(conn, connection_id)
    deliveries = queue_admin.of_connection(conn, connection_id, newest=newest)
    unknown = drift.fields(conn, found[0]["source_type"])
    condition = conditions.read(conn, connection_id)
    flagged = flags.read(conn, connection_id)
    look_ups = lookup_admin.of_connection(conn, connection_id)
    runs = sync_runs.listing(conn, connection_id, limit=_RUNS)
    schedule = sync_schedules.read(conn, connection_id)
    seen = missed.of_connection(conn, connection_id)
    return {
        **found[0],
        "problem": condition.get("problem"),
        "problem_at": condition.get("problem_at"),
        "held_until": condition.get("held_until"),
        "flags": flagged,
        "look_ups": look_ups,
        "syncs": [{name: run[name] for name in _OF_A_RUN} for run in runs],
        "sync_every_s": schedule["every_s"],
        "full_sync_every_s": schedule["full_every_s"],
        "secrets": secrets,
        "missed_deliveries": seen,
        "deliveries": {row["status"]: row["deliveries"] for row in deliveries},
        "deliveries_counted": sum(row["deliveries"] for row in deliveries),
        "unknown_fields": unknown,
        "last_received_at": max((row["last_received_at"] for row in deliveries), default=None),
    }
