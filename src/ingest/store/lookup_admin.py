"""Look-ups as a connection's life and the beat see them: dropped, hurried, due, counted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_DROP_FOR = sa.text("""
DELETE FROM lightfast_lookups
WHERE id IN (SELECT id FROM lightfast_lookups WHERE connection_id = :connection_id
             ORDER BY object FOR UPDATE)
""")
# One that was asked for in the moment in which its source was disconnected.
_DROP_ORPHANS = sa.text("""
DELETE FROM lightfast_lookups
WHERE id IN (SELECT l.id FROM lightfast_lookups l
             JOIN lightfast_connected_sources s ON s.id = l.connection_id
             WHERE s.config_status = 'disconnected'
             ORDER BY l.connection_id, l.object FOR UPDATE OF l SKIP LOCKED)
""")
_HURRY = sa.text("""
UPDATE lightfast_lookups SET next_attempt_at = now()
WHERE id IN (SELECT id FROM lightfast_lookups
             WHERE connection_id = :connection_id AND lease_until IS NULL
               AND next_attempt_at > now()
             ORDER BY object FOR NO KEY UPDATE)
""")
_NEXT = sa.text("""
SELECT CAST(extract(epoch FROM min(d.due_at) - now()) AS double precision)
FROM lightfast_connected_sources s
LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id
CROSS JOIN LATERAL (
  (SELECT l.next_attempt_at AS due_at FROM lightfast_lookups l
   WHERE l.connection_id = s.id AND NOT l.background
     AND (l.lease_until IS NULL OR l.lease_until < now())
   ORDER BY l.next_attempt_at LIMIT 1)
  UNION ALL
  (SELECT greatest(l.next_attempt_at, c.rests_until) FROM lightfast_lookups l
   WHERE l.connection_id = s.id AND l.background
     AND (l.lease_until IS NULL OR l.lease_until < now())
   ORDER BY l.next_attempt_at LIMIT 1)
) d
WHERE s.is_active AND (c.held_until IS NULL OR c.held_until <= now())
""")
_OF_CONNECTION = sa.text("""
SELECT count(*) AS waiting, count(*) FILTER (WHERE last_error IS NOT NULL) AS failing,
       min(asked_at) AS oldest_asked_at, max(last_error) AS last_error
FROM lightfast_lookups WHERE connection_id = :connection_id
""")
# One that is asked for later on, and for which no delivery waits, keeps nobody from being ready.
_UNFINISHED = sa.text("""
SELECT count(*), min(l.last_error) FROM lightfast_lookups l
WHERE l.attempts > 0 OR l.last_error IS NOT NULL
  OR l.next_attempt_at <= now() + make_interval(secs => :soon_s)
  OR EXISTS (SELECT FROM lightfast_lookup_waiters w WHERE w.lookup_id = l.id)
""")
_SOON_S = 6.0
"""More than any source's `gather_s`."""


def drop(conn: sa.Connection, connection_id: str) -> None:
    """Ask no more for this connection; its deliveries wait for nothing."""
    conn.execute(_DROP_FOR, {"connection_id": connection_id})


def drop_orphans(conn: sa.Connection) -> int:
    """Ask no more for disconnected sources; how many look-ups that were."""
    return conn.execute(_DROP_ORPHANS).rowcount


def hurry(conn: sa.Connection, connection_id: str) -> None:
    """Make what waits due now: the token was repaired."""
    conn.execute(_HURRY, {"connection_id": connection_id})


def next_due_s(conn: sa.Connection) -> float | None:
    """Seconds until the next look-up is due (below 0: it is); None where there is none."""
    seconds: float | None = conn.execute(_NEXT).scalar_one()
    return seconds


def of_connection(conn: sa.Connection, connection_id: str) -> dict[str, Any]:
    """`waiting`, `failing`, `oldest_asked_at`, `last_error` of a connection's look-ups."""
    return dict(conn.execute(_OF_CONNECTION, {"connection_id": connection_id}).mappings().one())


def unfinished(conn: sa.Connection) -> tuple[int, str | None]:
    """How many look-ups are to be done, and why one of them waits, if that is known; without those
    that are asked for later on (`Refresh.after_s`).
    """
    count, error = conn.execute(_UNFINISHED, {"soon_s": _SOON_S}).one()
    return count, error
