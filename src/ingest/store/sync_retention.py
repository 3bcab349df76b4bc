"""The SQL that deletes past sync runs, and what they have seen, in small steps.

Law: what a run that has not ended rests on stays, and so does what the plan of the next one does.
"""

from __future__ import annotations

import sqlalchemy as sa

# Of ended runs alone: whoever confirms a stopped one needs to know what it saw. The runs that have
# such rows are few, and found by steps through the primary key.
_FORGET_SEEN = sa.text("""
WITH RECURSIVE held(run_id) AS (
  SELECT min(run_id) FROM lightfast_sync_seen
  UNION ALL
  SELECT (SELECT min(run_id) FROM lightfast_sync_seen WHERE run_id > h.run_id)
  FROM held h WHERE h.run_id IS NOT NULL
), ended AS (
  SELECT h.run_id FROM held h
  WHERE (SELECT r.state FROM lightfast_sync_runs r WHERE r.id = h.run_id)
    IN ('done', 'failed', 'cancelled')
  LIMIT 1
)
DELETE FROM lightfast_sync_seen WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM lightfast_sync_seen WHERE run_id = (SELECT run_id FROM ended)
  LIMIT :limit FOR UPDATE SKIP LOCKED))
""")
# Of each kind a connection keeps its last one: the plan rests on it.
_FORGET = sa.text("""
DELETE FROM lightfast_sync_runs WHERE id IN (
  SELECT r.id FROM lightfast_sync_runs r
  WHERE r.state IN ('done', 'failed', 'cancelled')
    AND r.finished_at < now() - make_interval(days => :days)
    AND CASE WHEN r.kind = 'incremental' THEN EXISTS (
          SELECT FROM lightfast_sync_runs l
          WHERE l.connection_id = r.connection_id AND l.kind = 'incremental' AND l.id > r.id)
        ELSE EXISTS (
          SELECT FROM lightfast_sync_runs l
          WHERE l.connection_id = r.connection_id AND l.kind = r.kind AND l.id > r.id
            AND l.kind <> 'incremental')
        END
  ORDER BY r.finished_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")
_DROP_SEEN = sa.text("""
DELETE FROM lightfast_sync_seen WHERE ctid = ANY(ARRAY(
  SELECT n.ctid FROM lightfast_sync_runs r JOIN lightfast_sync_seen n ON n.run_id = r.id
  WHERE r.connection_id = :connection_id LIMIT :limit))
""")
_DROP = sa.text("""
DELETE FROM lightfast_sync_runs WHERE id IN (
  SELECT id FROM lightfast_sync_runs WHERE connection_id = :connection_id ORDER BY id LIMIT :limit)
""")


def forget_seen(conn: sa.Connection, *, limit: int) -> int:
    """Forget what an ended run has seen, so many rows at most; how many there were."""
    return conn.execute(_FORGET_SEEN, {"limit": limit}).rowcount


def forget(conn: sa.Connection, *, keep_days: int, limit: int) -> int:
    """Forget runs that ended so long ago, so many at most; how many there were.

    Of each connection and kind the last one stays.
    """
    return conn.execute(_FORGET, {"days": keep_days, "limit": limit}).rowcount


def drop(conn: sa.Connection, connection_id: str, *, limit: int) -> int:
    """Delete some of what a connection's runs have seen, then of the runs; how many rows."""
    given = {"connection_id": connection_id, "limit": limit}
    return conn.execute(_DROP_SEEN, given).rowcount or conn.execute(_DROP, given).rowcount
