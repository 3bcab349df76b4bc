"""The SQL of the plan: which connections might be synced, and what each one's past runs left.

Nothing is decided here. Of each connection a few rows are read, by index, however many runs it had.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class SyncHistory:
    """A connection that could be synced and has no run on its way, and what decides whether it is.

    incremental_s, full_s: seconds between two runs, where it has its own; None: as its source says.
    asked_at: when its last run of any kind was asked for or begun. whole_at, whole_state: when the
    last one that lists all was last asked for, begun or ended, and its state. listed: the lists
    that were complete once. All times are the database's, aware.
    """

    connection_id: str
    source_type: str
    connected_at: datetime
    incremental_s: int | None = None
    full_s: int | None = None
    asked_at: datetime | None = None
    whole_at: datetime | None = None
    whole_state: str | None = None
    listed: Collection[str] = ()


# The seed's times have no zone, and are UTC.
_READ = sa.text("""
SELECT s.id, CAST(s.source_type AS text), s.connected_at AT TIME ZONE 'UTC',
       k.incremental_s, k.full_s, l.asked_at, w.whole_at, w.state,
       array(SELECT m.resource FROM lightfast_sync_marks m WHERE m.connection_id = s.id)
FROM lightfast_connected_sources s
LEFT JOIN lightfast_sync_schedules k ON k.connection_id = s.id
LEFT JOIN LATERAL (
  SELECT greatest(requested_at, started_at) AS asked_at FROM lightfast_sync_runs
  WHERE connection_id = s.id ORDER BY id DESC LIMIT 1
) l ON true
LEFT JOIN LATERAL (
  SELECT greatest(requested_at, started_at, finished_at) AS whole_at, state
  FROM lightfast_sync_runs
  WHERE connection_id = s.id AND kind <> 'incremental' ORDER BY id DESC LIMIT 1
) w ON true
WHERE s.is_active AND CAST(s.source_type AS text) = ANY(CAST(:source_types AS text[]))
  AND (CAST(:ids AS varchar[]) IS NULL OR s.id = ANY(CAST(:ids AS varchar[])))
  AND EXISTS (SELECT FROM lightfast_source_credentials c
              WHERE c.connection_id = s.id AND c.kind = 'api_token')
  AND NOT EXISTS (SELECT FROM lightfast_sync_runs r
                  WHERE r.connection_id = s.id AND r.state = 'waiting')
  AND NOT EXISTS (SELECT FROM lightfast_sync_runs r
                  WHERE r.connection_id = s.id AND r.state = 'running')
ORDER BY s.id
""")
# Whoever begins a run or plans one holds the connection; neither waits for the other.
_LOCK = sa.text("""
SELECT id FROM lightfast_connected_sources WHERE id = ANY(CAST(:ids AS varchar[]))
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
""")


def histories(
    conn: sa.Connection, source_types: Collection[str], ids: Collection[str] | None = None
) -> list[SyncHistory]:
    """The connections of these sources (of these `ids`) that are active, have a token, and have no
    run that runs or waits; in the order of ids. Locks nothing.
    """
    given = {"source_types": list(source_types), "ids": None if ids is None else list(ids)}
    rows = conn.execute(_READ, given)
    return [SyncHistory(*row) for row in rows]


def lock(conn: sa.Connection, ids: Collection[str]) -> list[str]:
    """Lock the connections until the commit; those that nobody else has locked.

    What is read of them afterwards stays so: no other plan adds a run, and none of theirs begins.
    """
    return list(conn.execute(_LOCK, {"ids": sorted(ids)}).scalars())
