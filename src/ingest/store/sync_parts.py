"""The SQL of a run's lists: claimed a page at a time under a lease, moved on, put off, ended.

Lock order: documents, look-ups, parts, connections, runs. A page and its cursor are one
transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.core.errors import LeaseLost
from ingest.core.values import JSON
from ingest.store.claiming import LEASE_S

MOST_SETBACKS = 5
"""That are counted of a list; each page that is made takes one back."""
EACH = 2
"""Lists of one connection at a time, however many workers."""


@dataclass(frozen=True, slots=True)
class ClaimedPart:
    """A list of a run whose next page a worker makes until its lease runs out.

    fence, sent_at: the database's, from before the first request. scope: the run's.
    since: from when it lists; None: all. run_fence: drawn when the run began. setbacks: how many
    of the last pages failed, or took their worker down, less those that were made since.
    """

    run_id: int
    resource: str
    connection_id: str
    kind: str
    scope: str
    confirmed: bool
    run_fence: int
    run_started_at: datetime
    since: datetime | None
    cursor: JSON
    kept: JSON
    attempts: int
    crashes: int
    setbacks: int
    pages: int
    fence: int
    sent_at: datetime
    token: str


_CLAIM = sa.text("""
WITH held AS (
  SELECT r.connection_id, count(*) AS parts FROM lightfast_sync_parts p
  JOIN lightfast_sync_runs r ON r.id = p.run_id
  WHERE p.state = 'due' AND p.lease_until >= now() GROUP BY r.connection_id
), chosen AS (
  SELECT p.run_id, p.resource, r.connection_id, r.kind, r.scope, r.confirmed, r.fence,
         r.started_at
  FROM lightfast_sync_parts p
  JOIN lightfast_sync_runs r ON r.id = p.run_id AND r.state = 'running'
  JOIN lightfast_connected_sources s ON s.id = r.connection_id AND s.is_active
  LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id
  LEFT JOIN held h ON h.connection_id = s.id
  WHERE p.state = 'due' AND p.next_attempt_at <= now()
    AND (p.lease_until IS NULL OR p.lease_until < now())
    AND (c.held_until IS NULL OR c.held_until <= now())
    AND coalesce(h.parts, 0) < :each
    AND (p.resource <> 'end' OR NOT EXISTS (
      SELECT FROM lightfast_sync_parts o
      WHERE o.run_id = p.run_id AND o.resource <> 'end' AND o.state = 'due'))
  ORDER BY coalesce(h.parts, 0), p.next_attempt_at, p.run_id, p.position
  LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE lightfast_sync_parts p
SET attempts = attempts + 1, started_at = coalesce(p.started_at, clock_timestamp()),
    crashes = crashes + CASE WHEN lease_until IS NOT NULL THEN 1 ELSE 0 END,
    setbacks = least(setbacks + CASE WHEN lease_until IS NOT NULL THEN 1 ELSE 0 END,
                     :most_setbacks),
    lease_token = CAST(:token AS uuid), lease_until = now() + make_interval(secs => :lease_s)
FROM chosen k WHERE p.run_id = k.run_id AND p.resource = k.resource
RETURNING p.run_id, p.resource, k.connection_id, k.kind, k.scope, k.confirmed, k.fence,
          k.started_at, p.since, p.cursor, p.kept, p.attempts, p.crashes, p.setbacks,
          CAST(p.pages AS integer), nextval('lightfast_fences'), clock_timestamp(),
          CAST(p.lease_token AS text)
""")
_OURS = """
run_id = :run_id AND resource = :resource AND lease_token = CAST(:token AS uuid)
  AND state = 'due'
"""
_MIXED = ""
"""In the place of `made_by` where not all pages of a list were made alike: it is like no other."""
_RENEW = sa.text(f"""
UPDATE lightfast_sync_parts SET lease_until = now() + make_interval(secs => :lease_s)
WHERE {_OURS}
""")
# One that was claimed in the moment in which its run was cancelled is nobody's either.
_HELD = sa.text(f"""
SELECT FROM lightfast_sync_parts p WHERE {_OURS}
  AND EXISTS (SELECT FROM lightfast_sync_runs r WHERE r.id = p.run_id AND r.state = 'running')
FOR UPDATE
""")
_ADVANCE = sa.text(f"""
UPDATE lightfast_sync_parts
SET cursor = CAST(:cursor AS jsonb), pages = pages + 1,
    calls = calls + :calls, seen = seen + :seen, changed = changed + :changed,
    deleted = deleted + :deleted, errors = errors + :errors,
    expected = coalesce(:expected, expected), gap = coalesce(gap, :gap),
    last_error = coalesce(:said, last_error),
    made_by = CASE WHEN CAST(:made_by AS varchar) IS NULL THEN made_by
                   WHEN coalesce(made_by, :made_by) = :made_by THEN :made_by
                   ELSE :mixed END,
    state = CASE WHEN :ends THEN 'done' ELSE 'due' END,
    finished_at = CASE WHEN :ends THEN now() END,
    next_attempt_at = now(), lease_until = NULL, lease_token = NULL,
    attempts = 0, crashes = 0, setbacks = greatest(setbacks - 1, 0)
WHERE {_OURS}
""")
_PUT_OFF = sa.text(f"""
UPDATE lightfast_sync_parts
SET lease_until = NULL, lease_token = NULL, crashes = 0, last_error = :error,
    attempts = CASE WHEN :counted THEN attempts ELSE greatest(attempts - 1, 0) END,
    setbacks = least(setbacks + CASE WHEN :setback THEN 1 ELSE 0 END, :most_setbacks),
    calls = calls + :calls, next_attempt_at = now() + make_interval(secs => :delay_s)
WHERE {_OURS}
""")
_FAIL = sa.text(f"""
UPDATE lightfast_sync_parts
SET state = 'failed', finished_at = now(), last_error = :error, errors = errors + 1,
    calls = calls + :calls, lease_until = NULL, lease_token = NULL
WHERE {_OURS}
""")
_COUNT = sa.text("""
UPDATE lightfast_sync_parts
SET changed = changed + :changed, deleted = deleted + :deleted, errors = errors + :errors,
    calls = calls + :calls, next_attempt_at = least(next_attempt_at, now())
WHERE run_id = :run_id AND resource = 'end'
""")
_NEXT = sa.text("""
SELECT CAST(extract(epoch FROM min(p.next_attempt_at) - now()) AS double precision)
FROM lightfast_sync_parts p
JOIN lightfast_sync_runs r ON r.id = p.run_id AND r.state = 'running'
JOIN lightfast_connected_sources s ON s.id = r.connection_id AND s.is_active
LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id
WHERE p.state = 'due' AND (p.lease_until IS NULL OR p.lease_until < now())
  AND (c.held_until IS NULL OR c.held_until <= now())
  AND (p.resource <> 'end' OR NOT EXISTS (
    SELECT FROM lightfast_sync_parts o
    WHERE o.run_id = p.run_id AND o.resource <> 'end' AND o.state = 'due'))
""")
_HURRY = sa.text("""
UPDATE lightfast_sync_parts SET next_attempt_at = now()
WHERE (run_id, resource) IN (
  SELECT p.run_id, p.resource FROM lightfast_sync_parts p
  JOIN lightfast_sync_runs r ON r.id = p.run_id
  WHERE r.connection_id = :connection_id AND r.state = 'running' AND p.state = 'due'
    AND p.lease_until IS NULL AND p.next_attempt_at > now()
  ORDER BY p.run_id, p.resource FOR NO KEY UPDATE OF p SKIP LOCKED)
""")
_SEE = sa.text("""
INSERT INTO lightfast_sync_seen (run_id, identity)
SELECT :run_id, i FROM unnest(CAST(:identities AS uuid[])) i
ON CONFLICT DO NOTHING
""")


def claim(conn: sa.Connection, *, each: int = EACH, lease_s: float = LEASE_S) -> ClaimedPart | None:
    """Take one list whose next page is due; None where there is none.

    lease_s: after a crash the next worker waits this long; who works renews it. SKIP LOCKED: two
    claims never wait for one another, and may go over `each` by one.
    """
    given = {
        "token": str(uuid.uuid4()),
        "each": each,
        "lease_s": lease_s,
        "most_setbacks": MOST_SETBACKS,
    }
    found = conn.execute(_CLAIM, given).first()
    return ClaimedPart(*found) if found is not None else None


def renew(conn: sa.Connection, part: ClaimedPart, lease_s: float = LEASE_S) -> None:
    """Let the lease last `lease_s` seconds from now, if it is ours still."""
    conn.execute(_RENEW, _named(part) | {"lease_s": lease_s})


def lock(conn: sa.Connection, part: ClaimedPart) -> bool:
    """Lock the part before its run or its connection; whether it is still ours, and its run's."""
    return conn.execute(_HELD, _named(part)).first() is not None


def require_held(conn: sa.Connection, part: ClaimedPart) -> None:
    """Raise `LeaseLost` unless the part is still ours and its run goes on; locks it."""
    if not lock(conn, part):
        raise LeaseLost(f"a page of {part.resource} belongs to another worker, or to nobody")


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a page came to: the next one's cursor (None: there is none), and what it counted."""

    cursor: JSON = None
    ends: bool = False
    calls: int = 0
    seen: int = 0
    changed: int = 0
    deleted: int = 0
    errors: int = 0
    expected: int | None = None
    gap: str | None = None
    said: str | None = None
    made_by: str | None = None


def advance(conn: sa.Connection, part: ClaimedPart, to: Advanced) -> None:
    """Move on to the next page, or end the list; what it took so long to get there is forgotten."""
    given: dict[str, Any] = {name: getattr(to, name) for name in Advanced.__slots__}
    more = {"cursor": orjson.dumps(to.cursor).decode(), "mixed": _MIXED}
    conn.execute(_ADVANCE, _named(part) | given | more)


def put_off(
    conn: sa.Connection,
    part: ClaimedPart,
    delay_s: float,
    error: str | None = None,
    *,
    counted: bool = False,
    setback: bool = False,
    calls: int = 0,
) -> None:
    """Let go; the page is due after `delay_s`. `counted`: the next wait is longer; `setback`: the
    next pages are to be smaller.
    """
    given = {
        "delay_s": delay_s,
        "error": error,
        "counted": counted,
        "setback": setback,
        "most_setbacks": MOST_SETBACKS,
        "calls": calls,
    }
    conn.execute(_PUT_OFF, _named(part) | given)


def fail(conn: sa.Connection, part: ClaimedPart, error: str, *, calls: int = 0) -> None:
    """End the list for good, as it will fail the same way for ever."""
    conn.execute(_FAIL, _named(part) | {"error": error, "calls": calls})


def count(
    conn: sa.Connection,
    run_id: int,
    *,
    changed: int = 0,
    deleted: int = 0,
    errors: int = 0,
    calls: int = 0,
) -> None:
    """Count what look-ups of a run came to; its end is due, as they may have been the last."""
    given = {"changed": changed, "deleted": deleted, "errors": errors, "calls": calls}
    conn.execute(_COUNT, given | {"run_id": run_id})


def hurry(conn: sa.Connection, connection_id: str) -> None:
    """Make the pages due now that wait: the token was repaired. One that is worked on stays."""
    conn.execute(_HURRY, {"connection_id": connection_id})


def next_due_s(conn: sa.Connection) -> float | None:
    """Seconds until the next page is due (below 0: it is); None where there is none."""
    seconds: float | None = conn.execute(_NEXT).scalar_one()
    return seconds


def see(conn: sa.Connection, run_id: int, identities: list[str]) -> None:
    """Remember what a run that lists all has seen, by the ledger's identities."""
    if identities:
        conn.execute(_SEE, {"run_id": run_id, "identities": identities})


def _named(part: ClaimedPart) -> dict[str, Any]:
    return {"run_id": part.run_id, "resource": part.resource, "token": part.token}
