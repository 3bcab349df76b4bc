"""The SQL of sinks: which there are, whose turn it is, who pushes, and how that went.

Law: one pusher at a time for each sink, under a lease; what he notes without it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson
import sqlalchemy as sa

_COLUMNS = "name, kind, target, options, secret, stores, source_types, attempts, taken"
_ADD = sa.text("""
INSERT INTO lightfast_change_sinks (name, kind, target, options, secret, stores, source_types)
VALUES (:name, :kind, :target, CAST(:options AS jsonb), :secret, :stores, :source_types)
ON CONFLICT DO NOTHING
""")
_DUE = """
  NOT d.paused AND d.next_attempt_at <= clock_timestamp()
    AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
"""
_ARE_DUE = sa.text(f"SELECT EXISTS (SELECT FROM lightfast_change_sinks d WHERE {_DUE})")
# Of several pushers each gets other ones.
_CLAIM = sa.text(f"""
UPDATE lightfast_change_sinks s
SET lease_token = CAST(:token AS uuid),
    lease_until = clock_timestamp() + make_interval(secs => :lease_s)
WHERE s.name IN (
  SELECT d.name FROM lightfast_change_sinks d WHERE {_DUE}
  ORDER BY d.next_attempt_at LIMIT :limit FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
""")
_HELD = "name = :name AND lease_token = CAST(:token AS uuid) AND NOT paused"
_RENEW = sa.text(f"""
UPDATE lightfast_change_sinks
SET lease_until = clock_timestamp() + make_interval(secs => :lease_s) WHERE {_HELD}
""")
_TAKEN = sa.text(f"""
UPDATE lightfast_change_sinks
SET taken = taken || CAST(:message AS text), delivered = delivered + :changes,
    delivered_at = clock_timestamp(), attempts = 0, problem = NULL
WHERE {_HELD}
""")
_WHOLE = sa.text(f"UPDATE lightfast_change_sinks SET taken = '{{}}' WHERE {_HELD}")
_FREE = "lease_token = NULL, lease_until = NULL"
_PUT_OFF = sa.text(f"""
UPDATE lightfast_change_sinks
SET attempts = attempts + 1, problem = :problem, {_FREE},
    next_attempt_at = clock_timestamp() + make_interval(secs => :wait_s)
WHERE {_HELD}
""")
# It stands behind those that wait for longer; nothing went wrong this time.
_RELEASE = sa.text(f"""
UPDATE lightfast_change_sinks
SET next_attempt_at = clock_timestamp(), attempts = 0, problem = NULL, {_FREE} WHERE {_HELD}
""")
_PAUSE = sa.text(f"""
UPDATE lightfast_change_sinks SET paused = true, problem = coalesce(:problem, problem), {_FREE}
WHERE name = :name
""")
_RESUME = sa.text("""
UPDATE lightfast_change_sinks
SET paused = false, problem = NULL, attempts = 0, next_attempt_at = clock_timestamp(),
    taken = CASE WHEN :anew THEN '{}' ELSE taken END
WHERE name = :name
""")
_BEHIND = sa.text(f"""
UPDATE lightfast_change_sinks SET fell_behind_at = clock_timestamp(), taken = '{{}}' WHERE {_HELD}
""")
_EXISTS = sa.text("SELECT EXISTS (SELECT FROM lightfast_change_sinks WHERE name = :name)")
_LOCK = sa.text("""
SELECT kind, options, secret FROM lightfast_change_sinks WHERE name = :name FOR UPDATE
""")
_RESEAL = sa.text("""
UPDATE lightfast_change_sinks SET secret = :secret, options = CAST(:options AS jsonb)
WHERE name = :name
""")
_REMOVE = sa.text("DELETE FROM lightfast_change_sinks WHERE name = :name")
_SHOW = sa.text("""
SELECT name, kind, target, options, stores, source_types, paused, problem, attempts,
       next_attempt_at, delivered, delivered_at, fell_behind_at, created_at,
       coalesce(lease_until > clock_timestamp(), false) AS is_pushed,
       CAST(extract(epoch FROM clock_timestamp() - greatest(next_attempt_at, lease_until))
            AS double precision) AS due_s
FROM lightfast_change_sinks ORDER BY name
""")


@dataclass(frozen=True, slots=True)
class Sink:
    """Where a consumer's changes are pushed to.

    kind: `redis-stream`, `celery-task`, `webhook`. options: of the kind, none of them secret.
    secret: encrypted JSON. stores, source_types: None is all. attempts: failed ones in a row.
    taken: ids of messages of the batch that comes next, which the sink has already.
    """

    name: str
    kind: str
    target: str
    options: Mapping[str, str]
    secret: bytes | None = field(repr=False)
    stores: Sequence[str] | None
    source_types: Sequence[str] | None
    attempts: int = 0
    taken: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SealedSink:
    """What may be changed of a sink that stands."""

    kind: str
    options: Mapping[str, str]
    secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SinkShown:
    """A sink as people see it; due_s: for so long it waits for a pusher (negative: not yet)."""

    name: str
    kind: str
    target: str
    options: Mapping[str, str]
    stores: Sequence[str] | None
    source_types: Sequence[str] | None
    paused: bool
    problem: str | None
    attempts: int
    next_attempt_at: datetime
    delivered: int
    delivered_at: datetime | None
    fell_behind_at: datetime | None
    created_at: datetime
    is_pushed: bool
    due_s: float


@dataclass(frozen=True, slots=True)
class HeldSink:
    """What may be noted of a sink under its lease, in the caller's transaction; else nothing is."""

    name: str
    token: str

    def renew(self, conn: sa.Connection, lease_s: float) -> bool:
        """Hold it for so long from now on; False where it is another's by now, or paused."""
        return conn.execute(_RENEW, self._given(lease_s=lease_s)).rowcount == 1

    def taken(self, conn: sa.Connection, message: str, changes: int) -> None:
        """A message of so many changes was taken: what went wrong before is over."""
        conn.execute(_TAKEN, self._given(message=message, changes=changes))

    def whole(self, conn: sa.Connection) -> None:
        """All messages of a batch were taken, and it is acknowledged."""
        conn.execute(_WHOLE, self._given())

    def put_off(self, conn: sa.Connection, problem: str, wait_s: float) -> bool:
        """It failed, and is tried again in so many seconds; False where it is not ours any more."""
        given = self._given(problem=problem, wait_s=wait_s)
        return conn.execute(_PUT_OFF, given).rowcount == 1

    def fell_behind(self, conn: sa.Connection) -> None:
        """What came next was deleted: it gets a snapshot."""
        conn.execute(_BEHIND, self._given())

    def release(self, conn: sa.Connection) -> None:
        """Let the next pusher have it."""
        conn.execute(_RELEASE, self._given())

    def _given(self, **more: object) -> dict[str, object]:
        return {"name": self.name, "token": self.token, **more}


def add(conn: sa.Connection, sink: Sink) -> bool:
    """Write a sink down; False where there is one of that name."""
    given = {
        "name": sink.name,
        "kind": sink.kind,
        "target": sink.target,
        "options": orjson.dumps(dict(sink.options)).decode(),
        "secret": sink.secret,
        "stores": None if sink.stores is None else [*sink.stores],
        "source_types": None if sink.source_types is None else [*sink.source_types],
    }
    return conn.execute(_ADD, given).rowcount == 1


def claim(conn: sa.Connection, *, token: str, lease_s: float, limit: int) -> list[Sink]:
    """Sinks that are due, for whoever has this token; those that waited longest first."""
    given = {"token": token, "lease_s": lease_s, "limit": limit}
    return [Sink(**row) for row in conn.execute(_CLAIM, given).mappings()]


def are_due(conn: sa.Connection) -> bool:
    """Whether a pusher that came now would have anything to push to."""
    return bool(conn.execute(_ARE_DUE).scalar())


def pause(conn: sa.Connection, name: str, problem: str | None = None) -> bool:
    """Push nothing more; whether there is such a sink. Whoever pushes loses the lease."""
    return conn.execute(_PAUSE, {"name": name, "problem": problem}).rowcount == 1


def resume(conn: sa.Connection, name: str, *, anew: bool = False) -> bool:
    """Push again, at once; whether there is such a sink. anew: what it took counts no more."""
    return conn.execute(_RESUME, {"name": name, "anew": anew}).rowcount == 1


def exists(conn: sa.Connection, name: str) -> bool:
    """Whether there is such a sink."""
    return bool(conn.execute(_EXISTS, {"name": name}).scalar())


def lock(conn: sa.Connection, name: str) -> SealedSink | None:
    """A sink that is to be changed in this transaction; None where there is none."""
    row = conn.execute(_LOCK, {"name": name}).one_or_none()
    return None if row is None else SealedSink(*row)


def reseal(conn: sa.Connection, name: str, secret: bytes, options: Mapping[str, str]) -> None:
    """Give a sink another secret and other options."""
    written = orjson.dumps(dict(options)).decode()
    conn.execute(_RESEAL, {"name": name, "secret": secret, "options": written})


def remove(conn: sa.Connection, name: str) -> bool:
    """Forget a sink with its secret; whether there was one."""
    return conn.execute(_REMOVE, {"name": name}).rowcount == 1


def show(conn: sa.Connection) -> list[SinkShown]:
    """Every sink by name, without what may be secret."""
    return [SinkShown(**row) for row in conn.execute(_SHOW).mappings()]
