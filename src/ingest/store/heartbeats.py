"""When a receiver was last there: its heartbeat, and the times at which none was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class ReceiverGap:
    """A time at which no receiver of ours was there; aware, the database's."""

    began_at: datetime
    ended_at: datetime


# The row is locked by the first of several receivers: of one silence one gap is written. In
# statements of their own, as none locks a row that it has written.
_LAST_BEAT = sa.text("SELECT beat_at FROM lightfast_heartbeats WHERE name = :name FOR UPDATE")
_GAP = sa.text("""
INSERT INTO lightfast_receiver_gaps (began_at, ended_at)
SELECT CAST(:beat_at AS timestamptz), now()
WHERE CAST(:beat_at AS timestamptz) < now() - make_interval(secs => :silent_s)
RETURNING began_at
""")
_BEAT = sa.text("""
INSERT INTO lightfast_heartbeats AS h (name, beat_at) VALUES (:name, now())
ON CONFLICT (name) DO UPDATE SET beat_at = greatest(h.beat_at, now())
""")
_LAST = sa.text("SELECT beat_at FROM lightfast_heartbeats WHERE name = :name")
_NOW = sa.text("SELECT now()")
_GAPS = sa.text("""
SELECT began_at, ended_at FROM lightfast_receiver_gaps
WHERE ended_at > coalesce(
  (SELECT min(through) FROM lightfast_sync_marks WHERE connection_id = :connection_id), 'infinity')
ORDER BY began_at
""")
_FORGET = sa.text("""
DELETE FROM lightfast_receiver_gaps WHERE ended_at < now() - make_interval(days => :days)
""")


def beat(conn: sa.Connection, *, silent_s: float) -> datetime | None:
    """Say that a receiver is there; since when none had been, where that is over `silent_s` ago."""
    beat_at = conn.execute(_LAST_BEAT, {"name": RECEIVER}).scalar()
    given = {"beat_at": beat_at, "silent_s": silent_s}
    since: datetime | None = conn.execute(_GAP, given).scalar()
    conn.execute(_BEAT, {"name": RECEIVER})
    return since


def last(conn: sa.Connection) -> datetime | None:
    """When a receiver last said that it is there; None where none ever did."""
    found: datetime | None = conn.execute(_LAST, {"name": RECEIVER}).scalar()
    return found


def now(conn: sa.Connection) -> datetime:
    """The database's clock, at the beginning of the transaction."""
    found: datetime = conn.execute(_NOW).scalar_one()
    return found


def gaps(conn: sa.Connection, connection_id: str) -> list[ReceiverGap]:
    """The gaps that not every list of the connection has behind it, the oldest first."""
    found = conn.execute(_GAPS, {"connection_id": connection_id})
    return [ReceiverGap(*row) for row in found]


def forget(conn: sa.Connection, *, keep_days: int) -> int:
    """Forget gaps that ended so long ago; how many there were."""
    return conn.execute(_FORGET, {"days": keep_days}).rowcount
