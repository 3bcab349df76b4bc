"""The SQL of runs that make anew what is stored: asked for, claimed under a lease, moved on, ended.

Lock order: documents, deliveries, then the run. What a step wrote and where it stands by then are
one transaction, so that whoever is killed leaves nothing half done and nothing counted twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.core.errors import LeaseLost
from ingest.core.values import JSON
from ingest.store.claiming import LEASE_S

DUE, DONE, FAILED, CANCELLED = "due", "done", "failed", "cancelled"
REASON_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that this process works at until its lease runs out; the columns of its row.

    tries: how often the step at this cursor failed or took its process down.
    """

    id: int
    what: Sequence[str]
    scope: Mapping[str, JSON]
    cursor: Mapping[str, Any]
    counts: Mapping[str, Mapping[str, int]]
    samples: Sequence[JSON]
    tries: int
    token: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a run stands after a step, and what it has come to by then."""

    cursor: Mapping[str, Any]
    counts: Mapping[str, Mapping[str, int]]
    samples: Sequence[JSON]
    ends: bool = False


_HAS = sa.text("""
SELECT EXISTS (SELECT FROM lightfast_document_ledger WHERE store_id = :store_id AND state = 'live')
""")
# One that has not begun is the one, whoever asks for the same.
_REQUEST = sa.text("""
INSERT INTO lightfast_reprocess_runs AS r (what, scope, asked_by, next_attempt_at)
VALUES (CAST(:what AS varchar[]), CAST(:scope AS jsonb), :asked_by,
        now() + make_interval(secs => :after_s))
ON CONFLICT (what, scope) WHERE state = 'due' AND started_at IS NULL DO UPDATE
  SET next_attempt_at = greatest(r.next_attempt_at, excluded.next_attempt_at)
RETURNING id
""")
_CLAIM = sa.text("""
WITH chosen AS (
  SELECT id FROM lightfast_reprocess_runs
  WHERE state = 'due' AND next_attempt_at <= now()
    AND (lease_until IS NULL OR lease_until < now())
    AND (CAST(:only AS bigint) IS NULL OR id = CAST(:only AS bigint))
  ORDER BY next_attempt_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE lightfast_reprocess_runs r
SET started_at = coalesce(r.started_at, now()),
    tries = r.tries + CASE WHEN r.lease_until IS NOT NULL THEN 1 ELSE 0 END,
    lease_token = CAST(:token AS uuid), lease_until = now() + make_interval(secs => :lease_s)
FROM chosen k WHERE r.id = k.id
RETURNING r.id, r.what, r.scope, coalesce(r.cursor, '{}'), r.counts, r.samples, r.tries,
          CAST(r.lease_token AS text)
""")
_OURS = "id = :id AND lease_token = CAST(:token AS uuid) AND state = 'due'"
_MOVE = sa.text(f"""
UPDATE lightfast_reprocess_runs
SET cursor = CAST(:cursor AS jsonb), counts = CAST(:counts AS jsonb),
    samples = CAST(:samples AS jsonb), steps = steps + 1, tries = 0, last_error = NULL,
    state = CASE WHEN :ends THEN 'done' ELSE 'due' END,
    finished_at = CASE WHEN :ends THEN now() END,
    lease_until = CASE WHEN :ends THEN NULL ELSE now() + make_interval(secs => :lease_s) END
WHERE {_OURS}
""")
_LET_GO = sa.text(f"""
UPDATE lightfast_reprocess_runs
SET lease_until = NULL, lease_token = NULL, last_error = :error,
    tries = tries + CASE WHEN :counted THEN 1 ELSE 0 END,
    next_attempt_at = now() + make_interval(secs => :delay_s)
WHERE {_OURS}
""")
_FAIL = sa.text(f"""
UPDATE lightfast_reprocess_runs
SET state = 'failed', reason = :reason, finished_at = now(), lease_until = NULL, lease_token = NULL
WHERE {_OURS}
""")
_CANCEL = sa.text("""
UPDATE lightfast_reprocess_runs
SET state = 'cancelled', reason = :reason, finished_at = now(), lease_until = NULL,
    lease_token = NULL
WHERE id = :id AND state = 'due' RETURNING id
""")
_NEXT = sa.text("""
SELECT CAST(extract(epoch FROM min(next_attempt_at) - now()) AS double precision)
FROM lightfast_reprocess_runs
WHERE state = 'due' AND (lease_until IS NULL OR lease_until < now() OR id = CAST(:only AS bigint))
  AND (CAST(:only AS bigint) IS NULL OR id = CAST(:only AS bigint))
""")
_SHOWN = """
SELECT id, what, scope, state, asked_by, counts, samples, steps, tries, reason, last_error,
       requested_at, started_at, finished_at, coalesce(cursor -> 'resyncs', '[]') AS resyncs,
       lease_until IS NOT NULL AND lease_until >= now() AS working
FROM lightfast_reprocess_runs
"""
_SHOW = sa.text(f"{_SHOWN} WHERE id = :id")
_LIST = sa.text(f"{_SHOWN} ORDER BY id DESC LIMIT :limit")
_FORGET = sa.text("""
DELETE FROM lightfast_reprocess_runs WHERE id IN (
  SELECT id FROM lightfast_reprocess_runs
  WHERE state <> 'due' AND finished_at < now() - make_interval(days => :days)
  LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


def has_documents(conn: sa.Connection, store_id: str) -> bool:
    """Whether anything lives in a store, in sight or withheld."""
    return bool(conn.execute(_HAS, {"store_id": store_id}).scalar_one())


def request(
    conn: sa.Connection,
    what: Sequence[str],
    scope: Mapping[str, JSON],
    *,
    asked_by: str,
    after_s: float = 0.0,
) -> int:
    """Ask for a run, due in `after_s` seconds; its id. The same one that has not begun is it."""
    given = {
        "what": list(what),
        "scope": orjson.dumps(dict(scope)).decode(),
        "asked_by": asked_by,
        "after_s": after_s,
    }
    found: int = conn.execute(_REQUEST, given).scalar_one()
    return found


def claim(
    conn: sa.Connection, *, lease_s: float = LEASE_S, only: int | None = None
) -> ClaimedRun | None:
    """Take a run that is due, of all or the one of that id; None where there is none.

    SKIP LOCKED: two claims never wait for one another. Who is gone leaves it to its lease.
    """
    given = {"token": str(uuid.uuid4()), "lease_s": lease_s, "only": only}
    row = conn.execute(_CLAIM, given).one_or_none()
    return None if row is None else ClaimedRun(*row)


def move(conn: sa.Connection, run: ClaimedRun, to: Moved, *, lease_s: float = LEASE_S) -> None:
    """Note where the run stands, in the step's own transaction; the lease begins anew.

    Raises `LeaseLost` where it is another's by now, or nobody's: then the step is rolled back.
    """
    given = {
        "id": run.id,
        "token": run.token,
        "cursor": orjson.dumps(dict(to.cursor)).decode(),
        "counts": orjson.dumps(dict(to.counts)).decode(),
        "samples": orjson.dumps(list(to.samples)).decode(),
        "ends": to.ends,
        "lease_s": lease_s,
    }
    if conn.execute(_MOVE, given).rowcount == 0:
        raise LeaseLost(f"reprocess run {run.id} is another worker's by now, or was cancelled")


def let_go(
    conn: sa.Connection,
    run: ClaimedRun,
    *,
    delay_s: float = 0.0,
    error: str | None = None,
    counted: bool = False,
) -> None:
    """Leave the run to whoever comes next, after `delay_s`. `counted`: the step failed."""
    given = {
        "id": run.id,
        "token": run.token,
        "delay_s": delay_s,
        "error": error and error[:REASON_CHARS],
        "counted": counted,
    }
    conn.execute(_LET_GO, given)


def fail(conn: sa.Connection, run: ClaimedRun, reason: str) -> None:
    """End the run for good; what it has done stays."""
    conn.execute(_FAIL, {"id": run.id, "token": run.token, "reason": reason[:REASON_CHARS]})


def cancel(conn: sa.Connection, run_id: int, reason: str) -> bool:
    """End a run that goes on or waits; False where it has ended, or there is none."""
    return conn.execute(_CANCEL, {"id": run_id, "reason": reason}).one_or_none() is not None


def next_due_s(conn: sa.Connection, *, only: int | None = None) -> float | None:
    """In how many seconds the next run is due, below 0 where one is; None where there is none.

    only: this one alone, also while another process works at it.
    """
    found: float | None = conn.execute(_NEXT, {"only": only}).scalar_one()
    return found


def show(conn: sa.Connection, run_id: int) -> dict[str, Any] | None:
    """One run, as people read it; None where there is none of this id."""
    row = conn.execute(_SHOW, {"id": run_id}).mappings().one_or_none()
    return None if row is None else dict(row)


def listing(conn: sa.Connection, *, limit: int) -> list[dict[str, Any]]:
    """Runs as people read them, the newest first."""
    return [dict(row) for row in conn.execute(_LIST, {"limit": limit}).mappings()]


def forget(conn: sa.Connection, *, keep_days: int, limit: int) -> int:
    """Delete some runs that ended so long ago; how many."""
    return conn.execute(_FORGET, {"days": keep_days, "limit": limit}).rowcount
