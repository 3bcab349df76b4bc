"""The queue as people look after it: what is there, what became of it, once more from the start.

Bodies leave here as text: a person reads them, and JSON holds no bytes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

STATUSES = ("pending", "processed", "skipped", "duplicate", "dead")
LARGEST_ID = 2**63 - 1
REPLAY_ROWS = 2_000
"""A replay of very many is done in steps, so that no step outlasts the statement's time-out."""
DISCARDED = "discarded by a person"

SHORT = """
  id, CAST(source_type AS text) AS source_type, connection_id, delivery_key, status, reason,
  attempts, conflicting, last_error, octet_length(body) AS size, next_attempt_at, lease_until,
  received_at, settled_at
"""
_LIST = sa.text(f"""
SELECT {SHORT} FROM lightfast_webhook_deliveries
WHERE (CAST(:status AS varchar) IS NULL OR status = :status)
  AND (CAST(:source_type AS text) IS NULL OR CAST(source_type AS text) = :source_type)
ORDER BY id DESC LIMIT :limit
""")
_SHOW = sa.text(f"""
SELECT {SHORT}, headers, body, lane, setbacks, overruns, suspect, lone, lone_crashes
FROM lightfast_webhook_deliveries WHERE id = :id
""")
# From the start, but for the time of receipt, by which freshness and order are judged. What is
# pending is on its way already.
AGAIN = """
  status = 'pending', attempts = 0, setbacks = 0, overruns = 0, suspect = false, lone = false,
  lone_crashes = 0, reason = NULL, last_error = NULL, lease_until = NULL, lease_token = NULL,
  settled_at = NULL, next_attempt_at = now()
"""
_REPLAY = sa.text(f"""
UPDATE lightfast_webhook_deliveries SET {AGAIN}
WHERE id = ANY(CAST(:ids AS bigint[])) AND status <> 'pending'
""")
_BY_KEY = sa.text("""
SELECT id FROM lightfast_webhook_deliveries WHERE delivery_key = :key ORDER BY id
""")
_KNOWN = sa.text("""
SELECT id FROM lightfast_webhook_deliveries WHERE id = ANY(CAST(:ids AS bigint[]))
""")
_SETTLED = sa.text("""
SELECT count(*) FROM lightfast_webhook_deliveries
WHERE id = ANY(CAST(:ids AS bigint[])) AND status <> 'pending'
""")
# Settled anew, so that what a person has said of it today is kept for its time too.
_DISCARD = sa.text("""
UPDATE lightfast_webhook_deliveries
SET status = 'skipped', reason = concat_ws(': ', CAST(:said AS text), reason), settled_at = now()
WHERE id IN (SELECT id FROM lightfast_webhook_deliveries
             WHERE status = 'dead' AND (CAST(:ids AS bigint[]) IS NULL OR id = ANY(:ids))
             ORDER BY id LIMIT :limit FOR NO KEY UPDATE)
""")
# Those of the app-wide route have no connection: their reason alone says that they wait for this.
_REPLAY_REASON = sa.text(f"""
UPDATE lightfast_webhook_deliveries d SET {AGAIN}
WHERE status = 'skipped' AND starts_with(reason, :reason)
  AND (connection_id = :connection_id
       OR (connection_id IS NULL AND source_type = (
             SELECT source_type FROM lightfast_connected_sources WHERE id = :connection_id)))
""")
_REPLAY_LATEST = sa.text(f"""
UPDATE lightfast_webhook_deliveries d SET {AGAIN}
WHERE id IN (SELECT id FROM lightfast_webhook_deliveries
             WHERE connection_id = :connection_id AND status = 'skipped' AND reason = :reason
             ORDER BY id DESC LIMIT :most FOR NO KEY UPDATE)
""")
# Those of the app-wide route have no connection: they find out again whether they have to wait.
_HURRY = sa.text("""
UPDATE lightfast_webhook_deliveries d SET next_attempt_at = now()
WHERE status = 'pending' AND lease_until IS NULL AND next_attempt_at > now()
  AND NOT EXISTS (SELECT FROM lightfast_lookup_waiters w WHERE w.delivery_id = d.id)
  AND (connection_id = :connection_id
       OR (connection_id IS NULL AND source_type = (
             SELECT source_type FROM lightfast_connected_sources WHERE id = :connection_id)))
""")
# A day is long for what lost the look-up that it waits for.
_UNPARK = sa.text("""
UPDATE lightfast_webhook_deliveries d SET next_attempt_at = now()
WHERE status = 'pending' AND lease_until IS NULL AND next_attempt_at > now()
  AND last_error = :parked
  AND NOT EXISTS (SELECT FROM lightfast_lookup_waiters w WHERE w.delivery_id = d.id)
""")
# A range of the index, in the order of ids.
_OF_CONNECTION = sa.text("""
SELECT status, count(*) AS deliveries, max(received_at) AS last_received_at
FROM (SELECT status, received_at FROM lightfast_webhook_deliveries
      WHERE connection_id >= :connection_id AND connection_id <= :connection_id
      ORDER BY connection_id DESC, id DESC LIMIT :newest) d
GROUP BY status ORDER BY status
""")
_UNFINISHED = sa.text("""
SELECT count(*), min(last_error) FROM lightfast_webhook_deliveries WHERE status = 'pending'
""")
_COUNT_MARKS = sa.text("SELECT count(*) FROM lightfast_count_marks")


def listing(
    conn: sa.Connection, *, status: str | None, source_type: str | None, limit: int
) -> list[dict[str, Any]]:
    """The newest deliveries, of that status and source where given; without their bodies."""
    given = {"status": status, "source_type": source_type, "limit": limit}
    return [dict(row) for row in conn.execute(_LIST, given).mappings()]


def show(conn: sa.Connection, delivery_id: int) -> dict[str, Any] | None:
    """One delivery, whole; None where there is none of this id."""
    row = conn.execute(_SHOW, {"id": delivery_id}).mappings().one_or_none()
    if row is None:
        return None
    return {**row, "body": bytes(row["body"]).decode("utf-8", "replace")}


def by_key(conn: sa.Connection, key: str) -> list[int]:
    """The deliveries of a provider's delivery id: several where it was sent to several routes, or
    with another body.
    """
    return list(conn.execute(_BY_KEY, {"key": key}).scalars())


def replay(conn: sa.Connection, ids: Collection[int]) -> int:
    """Make settled deliveries of these ids pending again, from the start; how many there were.

    What is pending is on its way already and stays. Attempts and counters begin anew, the time of
    receipt stays: freshness and order are judged by it.
    """
    return conn.execute(_REPLAY, {"ids": list(ids)}).rowcount


def known(conn: sa.Connection, ids: Collection[int]) -> set[int]:
    """Those of these ids that there are."""
    return set(conn.execute(_KNOWN, {"ids": list(ids)}).scalars())


def settled(conn: sa.Connection, ids: Collection[int]) -> int:
    """How many of these are settled."""
    count: int = conn.execute(_SETTLED, {"ids": list(ids)}).scalar_one()
    return count


def discard(conn: sa.Connection, ids: Collection[int] | None = None) -> int:
    """One step: let dead deliveries be skipped, those of these ids or any; how many there were.

    Retention deletes them after their time, as others that were skipped. At most REPLAY_ROWS a
    step: call it until it says 0.
    """
    given = {"ids": None if ids is None else list(ids), "said": DISCARDED, "limit": REPLAY_ROWS}
    return conn.execute(_DISCARD, given).rowcount


def replay_reason(conn: sa.Connection, connection_id: str, reason: str) -> int:
    """Make deliveries pending that were skipped for a reason that begins so; how many there were.

    Those of this connection, and those of its source's app-wide route, of which the reason alone
    says that they wait for this.
    """
    given = {"connection_id": connection_id, "reason": reason}
    return conn.execute(_REPLAY_REASON, given).rowcount


def replay_latest(conn: sa.Connection, connection_id: str, reason: str, *, most: int) -> int:
    """The same of the connection's own route, and of the latest deliveries alone."""
    given = {"connection_id": connection_id, "reason": reason, "most": most}
    return conn.execute(_REPLAY_LATEST, given).rowcount


def hurry(conn: sa.Connection, connection_id: str) -> int:
    """Make deliveries that wait for this connection due now; how many there were.

    Not those that wait for a look-up, which ends them, nor what a worker holds. Those of its
    source's app-wide route find out again whether they have to wait.
    """
    return conn.execute(_HURRY, {"connection_id": connection_id}).rowcount


def unpark(conn: sa.Connection, parked: str) -> int:
    """Make those due that are parked, for that reason, and wait for no look-up; how many.

    A look-up that was lost would let them wait for a day.
    """
    return conn.execute(_UNPARK, {"parked": parked}).rowcount


def of_connection(conn: sa.Connection, connection_id: str, *, newest: int) -> list[dict[str, Any]]:
    """A connection's newest deliveries by status: `status`, `deliveries`, `last_received_at`."""
    given = {"connection_id": connection_id, "newest": newest}
    rows = conn.execute(_OF_CONNECTION, given).mappings()
    return [dict(row) for row in rows]


def unfinished(conn: sa.Connection) -> tuple[int, str | None]:
    """How many deliveries are not settled, and why one of them waits, if that is known."""
    count, error = conn.execute(_UNFINISHED).one()
    return count, error


def count_marks(conn: sa.Connection) -> int:
    """How many document counts are still to be taken."""
    marks: int = conn.execute(_COUNT_MARKS).scalar_one()
    return marks
