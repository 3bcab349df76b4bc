"""When a receiver was last there: its heartbeat, and the times at which none was."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

RECEIVER = "receiver"

# The row is locked by the first of several receivers: of one silence one gap is written.
_BEAT = sa.text("""
WITH before AS (
  SELECT beat_at FROM lightfast_heartbeats WHERE name = :name FOR UPDATE
), gap AS (
  INSERT INTO lightfast_receiver_gaps (began_at, ended_at)
  SELECT beat_at, now() FROM before
  WHERE beat_at < now() - make_interval(secs => :silent_s)
  RETURNING began_at
)
INSERT INTO lightfast_heartbeats (name, beat_at) VALUES (:name, now())
ON CONFLICT (name) DO UPDATE SET beat_at = greatest(lightfast_heartbeats.beat_at, now())
RETURNING (SELECT began_at FROM gap)
""")
_LAST = sa.text("SELECT beat_at FROM lightfast_heartbeats WHERE name = :name")
_NOW = sa.text("SELECT now()")
# A gap is behind a connection once a listing that began after it has ended well.
_UNHEARD = sa.text("""
SELECT min(g.began_at) FROM lightfast_receiver_gaps g
WHERE g.ended_at > coalesce(
  (SELECT min(m.through) FROM lightfast_sync_marks m WHERE m.connection_id = :connection_id),
  '-infinity')
""")
_FORGET = sa.text("""
DELETE FROM lightfast_receiver_gaps WHERE ended_at < now() - make_interval(days => :days)
""")


def beat(conn: sa.Connection, *, silent_s: float) -> datetime | None:
    """Say that a receiver is there; since when none had been, where that is over `silent_s` ago."""
    given = {"name": RECEIVER, "silent_s": silent_s}
    found: datetime | None = conn.execute(_BEAT, given).scalar_one()
    return found


def last(conn: sa.Connection) -> datetime | None:
    """When a receiver last said that it is there; None where none ever did."""
    found: datetime | None = conn.execute(_LAST, {"name": RECEIVER}).scalar()
    return found


def now(conn: sa.Connection) -> datetime:
    """The database's clock, at the beginning of the transaction."""
    found: datetime = conn.execute(_NOW).scalar_one()
    return found


def unheard_since(conn: sa.Connection, connection_id: str) -> datetime | None:
    """The beginning of the oldest gap that no complete listing of the connection lies behind."""
    given = {"connection_id": connection_id}
    found: datetime | None = conn.execute(_UNHEARD, given).scalar_one()
    return found


def forget(conn: sa.Connection, *, keep_days: int) -> int:
    """Forget gaps that ended so long ago; how many there were."""
    return conn.execute(_FORGET, {"days": keep_days}).rowcount
