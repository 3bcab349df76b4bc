"""The SQL between two runs: how their lists ended, from where the next ones list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from ingest.core.values import JSON


@dataclass(frozen=True, slots=True)
class SyncMark:
    """What the last complete listing of a resource left.

    through: when it began; whole_at: when the last one began that listed all. Both the database's.
    """

    scope: str
    through: datetime
    whole_at: datetime | None
    made_by: str | None
    kept: JSON


@dataclass(frozen=True, slots=True)
class Finished:
    """A list of a run that has ended."""

    resource: str
    state: str
    since: datetime | None
    seen: int
    gap: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class RunLookups:
    """The look-ups of a run: whether any is still to be made, how many fail time after time, and
    with what.
    """

    wait: bool
    failing: int = 0
    said: str | None = None


_MARKS = sa.text("""
SELECT resource, scope, through, whole_at, made_by, kept FROM lightfast_sync_marks
WHERE connection_id = :connection_id
""")
_MARK = sa.text("""
INSERT INTO lightfast_sync_marks AS m
  (connection_id, resource, scope, through, whole_at, made_by, kept)
SELECT r.connection_id, p.resource, r.scope, p.started_at,
       CASE WHEN p.since IS NULL AND p.gap IS NULL THEN p.started_at END,
       CASE WHEN p.since IS NULL AND p.gap IS NULL THEN p.made_by END,
       CAST(:kept AS jsonb)
FROM lightfast_sync_parts p JOIN lightfast_sync_runs r ON r.id = p.run_id
WHERE p.run_id = :run_id AND p.resource = :resource AND (p.since IS NULL OR p.gap IS NULL)
ON CONFLICT (connection_id, resource) DO UPDATE
  SET through = excluded.through,
      whole_at = coalesce(excluded.whole_at,
                          CASE WHEN m.scope = excluded.scope THEN m.whole_at END),
      made_by = coalesce(excluded.made_by,
                         CASE WHEN m.scope = excluded.scope THEN m.made_by END),
      kept = excluded.kept, scope = excluded.scope
""")
_FINISHED = sa.text("""
SELECT resource, state, since, seen, gap, last_error FROM lightfast_sync_parts
WHERE run_id = :run_id AND resource <> 'end' ORDER BY position
""")
_WAIT = sa.text("""
SELECT EXISTS (SELECT FROM lightfast_lookups
               WHERE connection_id = :connection_id AND run_id = :run_id
                 AND (attempts < :tries OR last_error IS NULL))
""")
_FAILING = sa.text("""
SELECT count(*), min(last_error) FROM lightfast_lookups
WHERE connection_id = :connection_id AND run_id = :run_id
""")


def marks(conn: sa.Connection, connection_id: str) -> dict[str, SyncMark]:
    """The marks of a connection, by resource."""
    rows = conn.execute(_MARKS, {"connection_id": connection_id})
    return {row[0]: SyncMark(*row[1:]) for row in rows}


def mark(conn: sa.Connection, run_id: int, resource: str, *, kept: JSON) -> None:
    """Let the next run begin where this list began; to be called where it ends.

    A list with a gap moves nothing where it was no listing of all, and counts as none where it was.
    """
    given = {"run_id": run_id, "resource": resource, "kept": orjson.dumps(kept).decode()}
    conn.execute(_MARK, given)


def finished(conn: sa.Connection, run_id: int) -> list[Finished]:
    """The lists of a run, as they ended."""
    return [Finished(*row) for row in conn.execute(_FINISHED, {"run_id": run_id})]


def asked(conn: sa.Connection, connection_id: str, run_id: int, *, tries: int) -> RunLookups:
    """What is left of the look-ups that a run asked for; `failing` are those that failed `tries`
    times, one after another, and are counted where no other is left.
    """
    given = {"connection_id": connection_id, "run_id": run_id}
    if conn.execute(_WAIT, {**given, "tries": tries}).scalar_one():
        return RunLookups(wait=True)
    failing, said = conn.execute(_FAILING, given).one()
    return RunLookups(wait=False, failing=failing, said=said)
