"""The SQL of sync runs: asked for, begun, ended, shown. Their pages are `sync_parts`.

Of a connection one runs and one waits, at most: unique indexes say so, whoever asks at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.store.rows import as_json

WAITING, RUNNING, DONE = "waiting", "running", "done"
FAILED, STOPPED, CANCELLED = "failed", "stopped", "cancelled"
END = "end"
"""The part that is due once all lists are done; no resource is called so."""
SOURCE_GONE = "its source was disconnected"
"""Why a run is cancelled that nobody wants any more."""


@dataclass(frozen=True, slots=True)
class NewPart:
    """A list of a run that begins: its place, from when it lists (None: all), what was kept."""

    resource: str
    since: datetime | None = None
    kept: JSON = None


_KINDS = "CAST('{incremental,full,backfill}' AS varchar[])"
_MORE = f"array_position({_KINDS}, excluded.kind) > array_position({_KINDS}, r.kind)"
# What waits is one run; what is asked for meanwhile makes it more, and never less: a backfill reads
# all that a full run does, and what that would leave out as unchanged.
_REQUEST = sa.text(f"""
INSERT INTO lightfast_sync_runs AS r (connection_id, kind, asked_by, scope)
VALUES (:connection_id, :kind, :asked_by, :scope)
ON CONFLICT (connection_id) WHERE state = 'waiting' DO UPDATE
  SET kind = CASE WHEN {_MORE} THEN excluded.kind ELSE r.kind END,
      asked_by = CASE WHEN {_MORE} THEN excluded.asked_by ELSE r.asked_by END,
      scope = excluded.scope
RETURNING id
""")
# Whoever begins one locks the connection first, so that two never do at once.
# Those that wait are few, and found by their own index, however many past ones there are.
_TO_START = sa.text("""
WITH waiting AS MATERIALIZED (SELECT id FROM lightfast_sync_runs WHERE state = 'waiting')
SELECT r.id, r.connection_id, r.kind FROM waiting w
JOIN lightfast_sync_runs r ON r.id = w.id
JOIN lightfast_connected_sources s ON s.id = r.connection_id
WHERE r.state = 'waiting' AND s.is_active
  AND NOT EXISTS (SELECT FROM lightfast_sync_runs o
                  WHERE o.connection_id = r.connection_id AND o.state = 'running')
ORDER BY r.id LIMIT :limit FOR NO KEY UPDATE OF r, s SKIP LOCKED
""")
_MAY_START = sa.text("""
SELECT EXISTS (
  SELECT FROM lightfast_sync_runs r JOIN lightfast_connected_sources s ON s.id = r.connection_id
  WHERE r.state = 'waiting' AND s.is_active
    AND NOT EXISTS (SELECT FROM lightfast_sync_runs o
                    WHERE o.connection_id = r.connection_id AND o.state = 'running'))
""")
_START = sa.text("""
UPDATE lightfast_sync_runs r
SET state = 'running', started_at = now(), scope = :scope, fence = nextval('lightfast_fences')
WHERE id = :id AND state = 'waiting'
  AND NOT EXISTS (SELECT FROM lightfast_sync_runs o
                  WHERE o.connection_id = r.connection_id AND o.state = 'running')
RETURNING id
""")
_ADD_PARTS = sa.text("""
INSERT INTO lightfast_sync_parts (run_id, resource, position, since, kept, made_by)
SELECT :id, resource, position, since, kept, :made_by
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(resource varchar, position integer, since timestamptz, kept jsonb)
""")
_LOCK_CONNECTION = sa.text("""
SELECT FROM lightfast_connected_sources
WHERE id = (SELECT connection_id FROM lightfast_sync_runs WHERE id = :id) FOR NO KEY UPDATE
""")
_FINISH = sa.text("""
UPDATE lightfast_sync_runs
SET state = :state, reason = :reason, finished_at = now()
WHERE id = :id AND state IN ('waiting', 'running')
RETURNING connection_id
""")
_NOTE = sa.text("UPDATE lightfast_sync_runs SET plan = CAST(:plan AS jsonb) WHERE id = :id")
_SYNCED = sa.text("""
UPDATE lightfast_connected_sources SET last_synced_at = CURRENT_TIMESTAMP WHERE id = :id
""")
# Its plan is out of date, and what it had seen may be forgotten: confirmed, it would miss all.
_SUPERSEDE = sa.text("""
UPDATE lightfast_sync_runs s
SET state = 'cancelled', reason = 'run ' || r.id || ' listed all since', finished_at = now()
FROM lightfast_sync_runs r
WHERE r.id = :id AND r.kind <> 'incremental'
  AND s.connection_id = r.connection_id AND s.state = 'stopped' AND s.id < r.id
""")
# Lock order: whoever ends a page or a run has its list first.
_LOCK_PARTS = sa.text("""
SELECT FROM lightfast_sync_parts p JOIN lightfast_sync_runs r ON r.id = p.run_id
WHERE r.state = ANY(CAST(:states AS varchar[])) AND p.state = 'due'
  AND (r.id = CAST(:id AS bigint) OR r.connection_id = CAST(:connection_id AS varchar))
ORDER BY p.run_id, p.resource FOR UPDATE OF p
""")
_CANCEL = sa.text("""
UPDATE lightfast_sync_runs SET state = 'cancelled', reason = :reason, finished_at = now()
WHERE state = ANY(CAST(:states AS varchar[]))
  AND (id = CAST(:id AS bigint) OR connection_id = CAST(:connection_id AS varchar))
RETURNING id
""")
# One that was asked for in the moment in which its source was disconnected.
_ORPHANS = sa.text("""
SELECT DISTINCT r.connection_id FROM lightfast_sync_runs r
JOIN lightfast_connected_sources s ON s.id = r.connection_id
WHERE r.state IN ('waiting', 'running', 'stopped') AND s.config_status = 'disconnected'
""")
# A page that is on its way finds that it is no longer anybody's.
_LET_GO = sa.text("""
UPDATE lightfast_sync_parts SET lease_token = NULL, lease_until = NULL
WHERE run_id = ANY(CAST(:ids AS bigint[])) AND state = 'due'
""")
_HAS_SEEN = sa.text(
    "SELECT EXISTS (SELECT FROM lightfast_sync_seen WHERE run_id = CAST(:id AS bigint))"
)
_CONFIRM = sa.text("""
UPDATE lightfast_sync_runs r
SET state = 'running', confirmed = true, reason = NULL, finished_at = NULL
WHERE id = :id AND state = 'stopped'
  AND NOT EXISTS (SELECT FROM lightfast_sync_runs o
                  WHERE o.connection_id = r.connection_id AND o.state = 'running')
RETURNING id
""")
_END_AGAIN = sa.text("""
UPDATE lightfast_sync_parts SET state = 'due', next_attempt_at = now(), cursor = NULL
WHERE run_id = :id AND resource = 'end'
""")
_READ = """
SELECT r.id, r.connection_id, CAST(s.source_type AS text) AS source_type, s.display_name AS name,
       r.kind, r.state, r.asked_by, r.confirmed, r.plan, r.reason, r.requested_at, r.started_at,
       r.finished_at, p.pages, p.calls, p.seen, p.changed, p.deleted, p.errors, p.expected,
       p.last_error, p.due_at
FROM lightfast_sync_runs r
JOIN lightfast_connected_sources s ON s.id = r.connection_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(pages), 0)::bigint AS pages, coalesce(sum(calls), 0)::bigint AS calls,
         coalesce(sum(seen), 0)::bigint AS seen, coalesce(sum(changed), 0)::bigint AS changed,
         coalesce(sum(deleted), 0)::bigint AS deleted, coalesce(sum(errors), 0)::bigint AS errors,
         CASE WHEN bool_and(expected IS NOT NULL OR state = 'done' OR resource = 'end')
              THEN sum(greatest(coalesce(expected, 0), seen))::bigint END AS expected,
         max(last_error) FILTER (WHERE state <> 'done') AS last_error,
         min(next_attempt_at) FILTER (WHERE state = 'due' AND resource <> 'end') AS due_at
  FROM lightfast_sync_parts WHERE run_id = r.id
) p
"""
_LIST = sa.text(f"""{_READ}
WHERE (CAST(:connection_id AS varchar) IS NULL OR r.connection_id = :connection_id)
  AND (CAST(:before AS bigint) IS NULL OR r.id < :before)
ORDER BY r.id DESC LIMIT :limit
""")
_SHOW = sa.text(f"{_READ} WHERE r.id = :id")
_PARTS = sa.text("""
SELECT resource, state, since, gap, started_at, finished_at, expected, pages, calls, seen, changed,
       deleted, errors, attempts, crashes, last_error,
       CASE WHEN state = 'due' THEN next_attempt_at END AS due_at
FROM lightfast_sync_parts WHERE run_id = :id ORDER BY position
""")
# A connection has a hundred a day; of each the last ones are read, by index.
_LATEST = sa.text("""
SELECT r.* FROM unnest(CAST(:ids AS varchar[])) c
CROSS JOIN LATERAL (
  (SELECT connection_id, kind, state, reason, requested_at, started_at, finished_at, id
   FROM lightfast_sync_runs WHERE connection_id = c AND kind <> 'incremental'
   ORDER BY id DESC LIMIT 1)
  UNION ALL
  (SELECT connection_id, kind, state, reason, requested_at, started_at, finished_at, id
   FROM lightfast_sync_runs WHERE connection_id = c AND kind = 'incremental'
   ORDER BY id DESC LIMIT 1)
) r
""")


def request(
    conn: sa.Connection, connection_id: str, *, kind: str, asked_by: str, scope: str
) -> int:
    """Have a run wait for its turn; its id. One that waits already is it, made no smaller.

    `scope`: the digest of the connection's metadata.
    """
    given = {"connection_id": connection_id, "kind": kind, "asked_by": asked_by, "scope": scope}
    found: int = conn.execute(_REQUEST, given).scalar_one()
    return found


def to_start(conn: sa.Connection, *, limit: int = 20) -> list[tuple[int, str, str]]:
    """Runs that may begin: id, connection id, kind. They and their connections are locked."""
    return [tuple(row) for row in conn.execute(_TO_START, {"limit": limit})]


def may_start(conn: sa.Connection) -> bool:
    """Whether a run waits that could begin now; locks nothing."""
    return bool(conn.execute(_MAY_START).scalar_one())


def start(
    conn: sa.Connection, run_id: int, scope: str, parts: Sequence[NewPart], *, made_by: str
) -> bool:
    """Let it run, with these lists; False where another one of its connection does.

    made_by: as documents are made by whoever begins it, who decided by that what was `kept`.
    """
    if conn.execute(_START, {"id": run_id, "scope": scope}).scalar() is None:
        return False
    rows: list[dict[str, object]] = [
        {
            "resource": part.resource,
            "position": position,
            "since": part.since.isoformat() if part.since else None,
            "kept": part.kept,
        }
        for position, part in enumerate(parts)
    ]
    rows.append({"resource": END, "position": len(rows), "since": None, "kept": None})
    conn.execute(_ADD_PARTS, {"id": run_id, "rows": as_json(rows), "made_by": made_by})
    return True


def finish(conn: sa.Connection, run_id: int, state: str, reason: str | None = None) -> None:
    """End a run; one that is done counts as its connection's last.

    Where it listed all, earlier ones that wait for a person are cancelled.
    """
    given = {"id": run_id, "state": state, "reason": reason}
    conn.execute(_LOCK_CONNECTION, {"id": run_id})
    connection_id = conn.execute(_FINISH, given).scalar()
    if connection_id is not None and state in (DONE, STOPPED):
        conn.execute(_SUPERSEDE, {"id": run_id})
        conn.execute(_SYNCED, {"id": connection_id})


def note(conn: sa.Connection, run_id: int, plan: JSON) -> None:
    """Keep with a run what it would prune."""
    conn.execute(_NOTE, {"id": run_id, "plan": orjson.dumps(plan).decode()})


def lock_lists(conn: sa.Connection, connection_id: str) -> None:
    """Lock the lists of a connection's runs: by whoever is to lock the connection, and then to
    cancel them. A page that ends locks its list first too.
    """
    given = {"states": [WAITING, RUNNING], "id": None, "connection_id": connection_id}
    conn.execute(_LOCK_PARTS, given)


def cancel(
    conn: sa.Connection,
    reason: str,
    *,
    run_id: int | None = None,
    connection_id: str | None = None,
    stopped: bool = True,
) -> list[int]:
    """Cancel a run, or all of a connection that have not ended; their ids.

    `stopped`: those too that wait for a person. A page that is on its way is not applied any more.
    """
    states = [WAITING, RUNNING, *([STOPPED] if stopped else [])]
    given = {"reason": reason, "id": run_id, "connection_id": connection_id, "states": states}
    conn.execute(_LOCK_PARTS, given)
    ids = list(conn.execute(_CANCEL, given).scalars())
    if ids:
        conn.execute(_LET_GO, {"ids": ids})
    return ids


def cancel_orphans(conn: sa.Connection) -> int:
    """Cancel what was asked for by sources that are disconnected; how many runs that were."""
    orphans = list(conn.execute(_ORPHANS).scalars())
    return sum(len(cancel(conn, SOURCE_GONE, connection_id=one)) for one in orphans)


def has_seen(conn: sa.Connection, run_id: int) -> bool:
    """Whether it is still known what a run has seen."""
    return bool(conn.execute(_HAS_SEEN, {"id": run_id}).scalar_one())


def confirm(conn: sa.Connection, run_id: int) -> bool:
    """Let a stopped run go on with its plan; False where it is not stopped, or another one runs.

    The connection is locked, so that no other run begins in this moment.
    """
    conn.execute(_LOCK_CONNECTION, {"id": run_id})
    if conn.execute(_CONFIRM, {"id": run_id}).scalar() is None:
        return False
    conn.execute(_END_AGAIN, {"id": run_id})
    return True


def listing(
    conn: sa.Connection,
    connection_id: str | None = None,
    *,
    limit: int = 50,
    before: int | None = None,
) -> list[dict[str, Any]]:
    """Runs as people read them, the newest first, with the sums of their lists.

    before: those of a lower id alone.
    """
    given = {"connection_id": connection_id, "limit": limit, "before": before}
    return [dict(row) for row in conn.execute(_LIST, given).mappings()]


def show(conn: sa.Connection, run_id: int) -> dict[str, Any] | None:
    """A run as `listing` has it, and its `parts`; None where there is none."""
    found = conn.execute(_SHOW, {"id": run_id}).mappings().first()
    if found is None:
        return None
    parts = [dict(row) for row in conn.execute(_PARTS, {"id": run_id}).mappings()]
    return {**found, "parts": parts}


def latest(conn: sa.Connection, connection_ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """Of each connection the last run that listed all, and the last one that did not."""
    return [dict(row) for row in conn.execute(_LATEST, {"ids": connection_ids}).mappings()]
