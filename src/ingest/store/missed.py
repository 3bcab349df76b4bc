"""The SQL of missed deliveries: how far a provider's log was looked through, and what it named.

A check is claimed under a lease, one at a time for each connection; what it writes is written under
that lease alone. What the log named stays a row until it is in the queue.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from ingest.core.errors import LeaseLost
from ingest.core.values import JSON
from ingest.store.heartbeats import RECEIVER
from ingest.store.rows import as_json

LEASE_S = 300.0
"""Longer than a tick and the longest request that begins in it."""
EVERY_S = 900.0
"""Between two looks into the log of one connection."""
KEPT_DAYS = 8
"""What is older no provider's log holds any more."""


@dataclass(frozen=True, slots=True)
class MissedCheck:
    """A connection whose provider's log is looked through, under a lease.

    through: up to when it was looked through. is_walked: this look has seen all of the log; cursor:
    where it stands else, None at its beginning. attempts: how often it failed, one time after
    another. heard_s: how long ago a receiver of ours was there; None where none ever said so.
    """

    connection_id: str
    source_type: str
    lease: int
    through: datetime
    is_walked: bool
    cursor: JSON
    attempts: int
    heard_s: float | None


@dataclass(frozen=True, slots=True)
class MissedDelivery:
    """A delivery that the log named and the queue does not hold. missed_at: when it was tried last.

    tries: how often it was tried to be had, this time included.
    """

    delivery_key: str
    handle: str
    missed_at: datetime
    tries: int


_ABLE = """
FROM lightfast_connected_sources s
WHERE s.is_active AND CAST(s.source_type AS text) = ANY(CAST(:source_types AS text[]))
  AND EXISTS (SELECT FROM lightfast_source_credentials k
              WHERE k.connection_id = s.id AND k.kind = 'api_token')
"""
# The seed's times have no zone, and are UTC.
_ENROL = sa.text(f"""
INSERT INTO lightfast_missed_checks (connection_id, through)
SELECT s.id, greatest(s.connected_at AT TIME ZONE 'UTC', now() - make_interval(days => :days))
{_ABLE} AND NOT EXISTS (SELECT FROM lightfast_missed_checks c WHERE c.connection_id = s.id)
ON CONFLICT DO NOTHING
""")
_GAP = "EXISTS (SELECT FROM lightfast_receiver_gaps g WHERE g.ended_at > {since})"
_CLAIM = sa.text(f"""
WITH chosen AS (
  SELECT c.connection_id, source.source_type FROM lightfast_missed_checks c
  JOIN (SELECT s.id, s.source_type {_ABLE}) source ON source.id = c.connection_id
  LEFT JOIN lightfast_connection_conditions d ON d.connection_id = c.connection_id
  WHERE (c.due_at <= now() OR {_GAP.format(since="c.claimed_at")})
    AND (c.lease_until IS NULL OR c.lease_until < now())
    AND (d.held_until IS NULL OR d.held_until <= now())
  ORDER BY c.due_at, c.connection_id LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED
)
UPDATE lightfast_missed_checks c
SET lease = c.lease + 1, lease_until = now() + make_interval(secs => :lease_s),
    claimed_at = now(), attempts = c.attempts + 1,
    stage = CASE c.stage WHEN 'ended' THEN 'walking' ELSE c.stage END,
    began_at = CASE c.stage WHEN 'ended' THEN now() ELSE c.began_at END
FROM chosen k WHERE c.connection_id = k.connection_id
RETURNING c.connection_id, CAST(k.source_type AS text), c.lease, c.through,
          c.stage = 'bringing', c.cursor, c.attempts,
          (SELECT CAST(extract(epoch FROM now() - h.beat_at) AS double precision)
           FROM lightfast_heartbeats h WHERE h.name = :receiver)
""")
_OURS = "connection_id = :connection_id AND lease = :lease"
# What came by the app-wide route was for all connections that it named; what came by another
# connection's own route was for that one alone.
_STORED = """
SELECT FROM lightfast_webhook_deliveries d
WHERE d.delivery_key = {key} AND CAST(d.source_type AS text) = :source_type
  AND (d.connection_id = :connection_id OR d.connection_id IS NULL)
"""
_NAME = sa.text(f"""
WITH told AS (
  SELECT r.delivery_key, r.handle, r.missed_at
  FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(delivery_key text, handle text, missed_at timestamptz)
  WHERE NOT EXISTS ({_STORED.format(key="r.delivery_key")})
), kept AS (
  INSERT INTO lightfast_missed_deliveries AS m (connection_id, delivery_key, handle, missed_at)
  SELECT :connection_id, delivery_key, handle, missed_at FROM told ORDER BY delivery_key
  ON CONFLICT (connection_id, delivery_key) DO UPDATE
    SET handle = excluded.handle, missed_at = greatest(m.missed_at, excluded.missed_at)
  RETURNING (xmax = 0) AS is_new
)
UPDATE lightfast_missed_checks
SET cursor = CAST(:cursor AS jsonb), found = found + (SELECT count(*) FROM kept WHERE is_new)
WHERE {_OURS}
""")
_WALKED = sa.text(f"""
UPDATE lightfast_missed_checks
SET through = greatest(through, began_at), cursor = NULL, stage = 'bringing'
WHERE {_OURS}
""")
_ANEW = sa.text(f"UPDATE lightfast_missed_checks SET cursor = NULL WHERE {_OURS}")
_ARRIVED = sa.text(f"""
DELETE FROM lightfast_missed_deliveries m
WHERE m.connection_id = :connection_id AND EXISTS ({_STORED.format(key="m.delivery_key")})
""")
_TOO_OLD = sa.text(f"""
WITH gone AS (
  DELETE FROM lightfast_missed_deliveries
  WHERE connection_id = :connection_id AND missed_at < now() - make_interval(days => :days)
  RETURNING due_at
)
UPDATE lightfast_missed_checks SET lost = lost + (SELECT count(due_at) FROM gone) WHERE {_OURS}
""")
_NEXT = sa.text("""
WITH chosen AS (
  SELECT delivery_key FROM lightfast_missed_deliveries
  WHERE connection_id = :connection_id AND due_at <= now()
    AND missed_at <= now() - make_interval(secs => :least_age_s)
  ORDER BY tries, missed_at, delivery_key LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE lightfast_missed_deliveries m
SET tries = m.tries + 1, due_at = now() + make_interval(secs => :again_s)
FROM chosen n WHERE m.connection_id = :connection_id AND m.delivery_key = n.delivery_key
RETURNING m.delivery_key, m.handle, m.missed_at, m.tries
""")
_UNTRY = sa.text("""
UPDATE lightfast_missed_deliveries
SET tries = greatest(tries - 1, 0), due_at = now() + make_interval(secs => :again_s)
WHERE connection_id = :connection_id AND delivery_key = :delivery_key
""")
_GIVE_UP = sa.text("""
UPDATE lightfast_missed_deliveries SET due_at = NULL
WHERE connection_id = :connection_id AND delivery_key = :delivery_key
""")
_FORGET = sa.text("""
DELETE FROM lightfast_missed_deliveries
WHERE connection_id = :connection_id AND delivery_key = :delivery_key
""")
_COUNT = sa.text(f"""
UPDATE lightfast_missed_checks
SET redelivered = redelivered + :redelivered, recovered = recovered + :recovered,
    lost = lost + :lost
WHERE {_OURS}
""")
_END = sa.text(f"""
UPDATE lightfast_missed_checks c
SET lease_until = NULL, attempts = 0, last_error = :said, stage = 'ended',
    due_at = CASE WHEN {_GAP.format(since="c.began_at")} THEN now()
                  ELSE now() + make_interval(secs => :every_s) END
WHERE {_OURS}
""")
_PUT_OFF = sa.text(f"""
UPDATE lightfast_missed_checks
SET lease_until = NULL, due_at = now() + make_interval(secs => :wait_s),
    last_error = coalesce(:said, last_error),
    attempts = CASE WHEN :counted THEN attempts ELSE 0 END
WHERE {_OURS}
""")
_SHOW = sa.text("""
SELECT c.through, c.found, c.redelivered, c.recovered, c.lost, c.last_error,
       (SELECT count(*) FROM lightfast_missed_deliveries m
        WHERE m.connection_id = c.connection_id AND m.due_at IS NOT NULL) AS waiting
FROM lightfast_missed_checks c WHERE c.connection_id = :connection_id
""")


def claim(conn: sa.Connection, source_types: Collection[str]) -> MissedCheck | None:
    """Take a connection whose provider's log is to be looked into; None where none is due.

    Of these sources, active, with a token, and not held by its provider's limit. Due every EVERY_S,
    and at once after a time at which no receiver was there. Several workers take several.
    """
    given = {"source_types": list(source_types)}
    conn.execute(_ENROL, {**given, "days": KEPT_DAYS})
    found = conn.execute(_CLAIM, {**given, "lease_s": LEASE_S, "receiver": RECEIVER})
    row = found.one_or_none()
    return MissedCheck(*row) if row is not None else None


def name(
    conn: sa.Connection, check: MissedCheck, found: Sequence[Mapping[str, object]], cursor: JSON
) -> None:
    """Keep what a page of the log names (`delivery_key`, `handle`, `missed_at`), apart from what is
    in the queue already, and where the next page begins. Raises `LeaseLost`.
    """
    by_key = {row["delivery_key"]: row for row in reversed(found)}
    given = {"rows": as_json(by_key.values()), "cursor": orjson.dumps(cursor).decode()}
    _write(conn, _NAME, check, **given, source_type=check.source_type)


def walked(conn: sa.Connection, check: MissedCheck) -> None:
    """The log was looked through to the end of what was asked for. Raises `LeaseLost`."""
    _write(conn, _WALKED, check)


def begin_anew(conn: sa.Connection, check: MissedCheck) -> None:
    """Walk the log from its newest entry again: what the cursor says may lead nowhere any more.

    What was named stays. Raises `LeaseLost`.
    """
    _write(conn, _ANEW, check)


def tidy(conn: sa.Connection, check: MissedCheck) -> None:
    """Forget what is in the queue by now, and what no log holds any more. Raises `LeaseLost`."""
    given = {"connection_id": check.connection_id, "source_type": check.source_type}
    conn.execute(_ARRIVED, given)
    _write(conn, _TOO_OLD, check, days=KEPT_DAYS)


def next_due(
    conn: sa.Connection, check: MissedCheck, *, again_s: float, least_age_s: float
) -> MissedDelivery | None:
    """The next delivery that is to be had, counted as tried before it is; None for none.

    Of those that were missed at least so long ago. Where it does not come it is due again after
    `again_s`; those that were tried less often come first.
    """
    given = {"connection_id": check.connection_id, "again_s": again_s, "least_age_s": least_age_s}
    row = conn.execute(_NEXT, given).one_or_none()
    return MissedDelivery(*row) if row is not None else None


def untry(conn: sa.Connection, check: MissedCheck, delivery_key: str, *, again_s: float) -> None:
    """Take a try back: nothing of the delivery was to blame. It is due after `again_s`."""
    given = {"connection_id": check.connection_id, "delivery_key": delivery_key}
    conn.execute(_UNTRY, {**given, "again_s": again_s})


def redelivered(conn: sa.Connection, check: MissedCheck) -> None:
    """Count one that the provider sends again; it stays until it is here. Raises `LeaseLost`."""
    _count(conn, check, redelivered=1)


def recovered(conn: sa.Connection, check: MissedCheck, delivery_key: str) -> None:
    """Forget one that was read and stored, in that transaction. Raises `LeaseLost`."""
    given = {"connection_id": check.connection_id, "delivery_key": delivery_key}
    conn.execute(_FORGET, given)
    _count(conn, check, recovered=1)


def lost(conn: sa.Connection, check: MissedCheck, delivery_key: str) -> None:
    """Give one up, though the log may go on naming it. Raises `LeaseLost`."""
    given = {"connection_id": check.connection_id, "delivery_key": delivery_key}
    conn.execute(_GIVE_UP, given)
    _count(conn, check, lost=1)


def end(conn: sa.Connection, check: MissedCheck, said: str | None) -> None:
    """The look is at its end; the next is due after EVERY_S. Raises `LeaseLost`.

    said: why something was given up, where it was.
    """
    _write(conn, _END, check, every_s=EVERY_S, said=said)


def put_off(
    conn: sa.Connection, check: MissedCheck, *, wait_s: float, said: str | None, counted: bool
) -> None:
    """Let the look go on where it stands, after so long. Raises `LeaseLost`.

    counted: it failed, and the next such wait may be longer.
    """
    _write(conn, _PUT_OFF, check, wait_s=wait_s, said=said, counted=counted)


def of_connection(conn: sa.Connection, connection_id: str) -> dict[str, Any] | None:
    """What people are shown: `through`, counts (`found`, `redelivered`, `recovered`, `lost`, and
    how many are `waiting`) and `last_error`; None where its provider's log was never looked into.
    """
    row = conn.execute(_SHOW, {"connection_id": connection_id}).mappings().one_or_none()
    return dict(row) if row is not None else None


def _count(conn: sa.Connection, check: MissedCheck, **counted: object) -> None:
    given = {"redelivered": 0, "recovered": 0, "lost": 0, **counted}
    _write(conn, _COUNT, check, **given)


def _write(
    conn: sa.Connection, statement: sa.TextClause, check: MissedCheck, **given: object
) -> None:
    held = {"connection_id": check.connection_id, "lease": check.lease}
    if conn.execute(statement, {**held, **given}).rowcount != 1:
        raise LeaseLost("another worker looks into the log of missed deliveries by now")
