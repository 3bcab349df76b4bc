"""The SQL of what a sync run waits for: one row, for whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A run, and what may hinder it.

    ahead: the run of its connection that is on its way, where it waits. is_active, status, problem:
    the connection's. held_s: for how long its provider wants to be left alone. is_worked_on: a page
    is made just now. lists: those that have not ended; due_s: in how many seconds the first of its
    pages is due, or the run could begin; below 0: since when. look_ups: those that it asked for and
    that are to be made, the first of them due in look_ups_due_s. last_error: of a page put off.
    """

    state: str
    connection_id: str
    is_active: bool
    status: str | None
    problem: str | None = None
    ahead: int | None = None
    held_s: float = 0.0
    is_worked_on: bool = False
    lists: int = 0
    due_s: float = 0.0
    last_error: str | None = None
    look_ups: int = 0
    look_ups_due_s: float = 0.0


# Where a list is due, the run's end is not, whatever its own row says.
_READ = sa.text("""
SELECT r.state, r.connection_id, s.is_active, s.config_status, c.problem, o.id,
       CAST(greatest(coalesce(extract(epoch FROM c.held_until - now()), 0), 0)
            AS double precision),
       coalesce(p.is_worked_on, false), coalesce(p.lists, 0),
       CAST(extract(epoch FROM CASE WHEN r.state = 'waiting' THEN r.requested_at
                                    ELSE coalesce(p.list_at, p.end_at, now()) END - now())
            AS double precision),
       p.last_error, l.look_ups,
       CAST(coalesce(extract(epoch FROM l.due_at - now()), 0) AS double precision)
FROM lightfast_sync_runs r
JOIN lightfast_connected_sources s ON s.id = r.connection_id
LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id
LEFT JOIN lightfast_sync_runs o ON o.connection_id = r.connection_id AND o.state = 'running'
  AND r.state = 'waiting'
LEFT JOIN LATERAL (
  SELECT bool_or(lease_until > now()) AS is_worked_on,
         count(*) FILTER (WHERE resource <> 'end') AS lists,
         min(next_attempt_at) FILTER (WHERE resource <> 'end') AS list_at,
         min(next_attempt_at) AS end_at,
         min(last_error) AS last_error
  FROM lightfast_sync_parts WHERE run_id = r.id AND state = 'due'
) p ON true
LEFT JOIN LATERAL (
  SELECT count(*) AS look_ups, min(next_attempt_at) AS due_at FROM lightfast_lookups
  WHERE connection_id = r.connection_id AND run_id = r.id
) l ON true
WHERE r.id = :id
""")


def read(conn: sa.Connection, run_id: int) -> WaitingRun | None:
    """A run and what may hinder it; None where there is none. Locks nothing."""
    found = conn.execute(_READ, {"id": run_id}).first()
    return WaitingRun(*found) if found is not None else None
