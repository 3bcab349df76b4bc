"""The SQL that finds which settled raw deliveries a run replays, and what became of them.

Law: a step reads so many rows at most, by their ids, however few of them are its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.store.queue_admin import DISCARDED

WINDOW = 5_000
"""Deliveries that a step looks at, at most, to find those that a run is about."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which deliveries are replayed: of these sources, received at or after `since` and before
    `until` (None: whenever), of these connections (None: of all).
    """

    sources: Collection[str]
    connections: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextDeliveries:
    """A step's deliveries in order, behind which the next step begins, and whether none is."""

    ids: Sequence[int]
    until: int
    ends: bool


# One of the app-wide route names no connection. It is of those that its body was told to, and of
# those that stand for what it names first: nobody may have been there for it the last time.
_WHICH = """
  w.status <> 'pending'
  AND NOT starts_with(coalesce(w.reason, ''), :discarded)
  AND NOT starts_with(coalesce(w.reason, ''), 'took its worker down')
  AND CAST(w.source_type AS text) = ANY(CAST(:sources AS text[]))
  AND (CAST(:since AS timestamptz) IS NULL OR w.received_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR w.received_at < :until)
  AND (CAST(:connections AS varchar[]) IS NULL
    OR w.connection_id = ANY(CAST(:connections AS varchar[]))
    OR (w.connection_id IS NULL AND (
      w.lane IN (
        SELECT concat(CAST(c.source_type AS text), ':', c.tenant)
        FROM lightfast_connection_scopes c
        WHERE c.connection_id = ANY(CAST(:connections AS varchar[])))
      OR EXISTS (
        SELECT FROM lightfast_connection_facts k
        WHERE k.connection_id = ANY(CAST(:connections AS varchar[]))
          AND k.fact = CAST(encode(substring(w.body_hash FROM 1 FOR 16), 'hex') AS uuid)))))
"""
_BEHIND = "FROM lightfast_webhook_deliveries WHERE id > :after AND id <= :last ORDER BY id"
_NEXT = sa.text(f"""
WITH looked AS MATERIALIZED (
  SELECT id, source_type, connection_id, status, reason, lane, body_hash, received_at
  {_BEHIND} LIMIT :window
)
SELECT w.id FROM looked w WHERE {_WHICH} ORDER BY w.id LIMIT :limit
""")
_WINDOW_ENDS = sa.text(f"SELECT id {_BEHIND} OFFSET :window - 1 LIMIT 1")
_COUNT = sa.text(f"""
SELECT CAST(w.source_type AS text), w.status, count(*) FROM lightfast_webhook_deliveries w
WHERE {_WHICH} GROUP BY 1, 2 ORDER BY 1, 2
""")
_LAST = sa.text("SELECT coalesce(max(id), 0) FROM lightfast_webhook_deliveries")
_BECAME = sa.text("""
SELECT CAST(source_type AS text), status, count(*) FROM lightfast_webhook_deliveries
WHERE id = ANY(CAST(:ids AS bigint[])) GROUP BY 1, 2
""")
# What waits for a look-up or for a paused connection is not waited for here.
_UNDER_WAY = sa.text("""
SELECT count(*) FROM lightfast_webhook_deliveries
WHERE id = ANY(CAST(:ids AS bigint[])) AND status = 'pending'
  AND next_attempt_at <= now() + make_interval(secs => :within_s)
""")


def next_deliveries(
    conn: sa.Connection, which: Which, *, after: int, last: int, limit: int
) -> NextDeliveries:
    """Settled deliveries behind `after`, up to `last`: so many at most of the next WINDOW.

    What a person discarded, and what took its worker down, stays.
    """
    place = {"after": after, "last": last, "window": WINDOW}
    ids = list(conn.execute(_NEXT, {**_given(which), **place, "limit": limit}).scalars())
    if len(ids) == limit:
        return NextDeliveries(ids, ids[-1], ends=False)
    end = conn.execute(_WINDOW_ENDS, place).scalar()
    return NextDeliveries(ids, last if end is None else end, ends=end is None)


def last_delivery(conn: sa.Connection) -> int:
    """The id of the newest delivery."""
    found: int = conn.execute(_LAST).scalar_one()
    return found


def count_deliveries(conn: sa.Connection, which: Which) -> list[tuple[str, str, int]]:
    """How many settled deliveries these are: (source type, status, how many). Reads them all."""
    return [(a, b, c) for a, b, c in conn.execute(_COUNT, _given(which))]


def became(conn: sa.Connection, ids: Collection[int]) -> list[tuple[str, str, int]]:
    """What these deliveries are by now: (source type, status, how many)."""
    return [(a, b, c) for a, b, c in conn.execute(_BECAME, {"ids": list(ids)})]


def under_way(conn: sa.Connection, ids: Collection[int], *, within_s: float) -> int:
    """How many of these deliveries wait for a worker, now or so soon."""
    given = {"ids": list(ids), "within_s": within_s}
    found: int = conn.execute(_UNDER_WAY, given).scalar_one()
    return found


def _given(which: Which) -> dict[str, Any]:
    connections = which.connections
    return {
        "sources": sorted(which.sources),
        "connections": None if connections is None else sorted(connections),
        "since": which.since,
        "until": which.until,
        "discarded": DISCARDED,
    }
