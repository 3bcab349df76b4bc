"""Bells and slots: one wake-up message at a time, and each tick of the beat once."""

from __future__ import annotations

import sqlalchemy as sa

# Rung again only after it was heard, or after the message must be taken for lost. The worker says
# that it heard before it claims, so a row that was committed before the ringing is never missed.
_RING = sa.text("""
INSERT INTO lightfast_bells AS b (queue, rung_at) VALUES (:queue, clock_timestamp())
ON CONFLICT (queue) DO UPDATE SET rung_at = clock_timestamp()
  WHERE b.rung_at IS NULL OR b.rung_at <= b.heard_at
     OR b.rung_at < clock_timestamp() - make_interval(secs => :lost_after_s)
RETURNING true
""")
_HEAR = sa.text("""
INSERT INTO lightfast_bells AS b (queue, heard_at) VALUES (:queue, clock_timestamp())
ON CONFLICT (queue) DO UPDATE SET heard_at = clock_timestamp()
""")
_SLOT = sa.text("""
INSERT INTO lightfast_schedule_slots (schedule, slot)
SELECT :schedule, CAST(floor(extract(epoch FROM now()) / :every_s) AS bigint)
ON CONFLICT DO NOTHING RETURNING slot
""")
# Of every schedule, those that are not there any more too.
_FORGET = sa.text("""
DELETE FROM lightfast_schedule_slots WHERE (schedule, slot) IN (
  SELECT schedule, slot FROM lightfast_schedule_slots
  WHERE started_at < now() - interval '1 day' LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


def ring(conn: sa.Connection, queue: str, *, lost_after_s: float = 5.0) -> bool:
    """Whether a wake-up message has to be published now; else one is on its way.

    One that is not heard within `lost_after_s` is taken for lost. Of two that ring at once, one
    publishes. Call it after the commit of what is due.
    """
    given = {"queue": queue, "lost_after_s": lost_after_s}
    return conn.execute(_RING, given).scalar() is not None


def hear(conn: sa.Connection, queue: str) -> None:
    """Note that a worker got the message and is about to claim.

    Committed before the claim: what is rung after it is published again, so that no row is missed.
    """
    conn.execute(_HEAR, {"queue": queue})


def take_slot(conn: sa.Connection, schedule: str, *, every_s: float) -> bool:
    """Whether this tick of the schedule is ours; there is one every `every_s` seconds.

    The database's clock counts, and the unique row decides between several beats. Slots are
    kept for a day (`forget`).
    """
    return conn.execute(_SLOT, {"schedule": schedule, "every_s": every_s}).scalar() is not None


def forget(conn: sa.Connection, *, limit: int) -> int:
    """Forget slots of more than a day ago, so many at most; how many there were.

    Of whichever schedule: one that nobody takes any more is forgotten too.
    """
    return conn.execute(_FORGET, {"limit": limit}).rowcount
