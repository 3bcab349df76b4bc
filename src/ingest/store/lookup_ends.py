"""The SQL of look-ups that end: which deliveries end with them, what they leave, what goes on.

Of held rows alone (`lookups.require_held`). Lock order: look-ups, deliveries by their ids.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.store.rows import as_json


@dataclass(frozen=True, slots=True)
class Waiter:
    """A delivery that ends now, its events, and who told them (of an earlier version's: None)."""

    lookup_id: int
    delivery_id: int
    events: Sequence[Mapping[str, Any]]
    tellers: Sequence[str] | None


_SERVED = sa.text("""
DELETE FROM lightfast_lookup_waiters w USING lightfast_lookups l
WHERE w.lookup_id = l.id AND l.id = ANY(CAST(:ids AS bigint[])) AND w.asked <= l.taken
RETURNING w.lookup_id, w.delivery_id, w.events, w.tellers
""")
_SERVED_OTHERWISE = sa.text("""
DELETE FROM lightfast_lookup_waiters WHERE delivery_id = ANY(CAST(:ids AS bigint[]))
""")
_LOCK_DELIVERIES = sa.text("""
SELECT FROM lightfast_webhook_deliveries
WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE
""")
_STILL_WAITING = sa.text("""
SELECT DISTINCT delivery_id FROM lightfast_lookup_waiters
WHERE delivery_id = ANY(CAST(:ids AS bigint[]))
""")
_DONE = sa.text("""
DELETE FROM lightfast_lookups WHERE id = ANY(CAST(:ids AS bigint[])) AND asked = taken
""")
_ONCE_MORE = sa.text("""
UPDATE lightfast_lookups
SET lease_until = NULL, lease_token = NULL, crashes = 0, suspect = false, lone = false,
    attempts = 0, setbacks = 0, overruns = 0, last_error = NULL, next_attempt_at = now()
WHERE id = ANY(CAST(:ids AS bigint[]))
""")
_KEEP = sa.text("""
INSERT INTO lightfast_lookup_states (connection_id, object, state)
SELECT connection_id, object, state FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(connection_id varchar, object uuid, state jsonb)
ON CONFLICT (connection_id, object) DO UPDATE SET state = excluded.state
""")


def finish(
    conn: sa.Connection, ids: Collection[int], hopeless: Collection[int] = ()
) -> list[Waiter]:
    """End held look-ups; the deliveries that end with them, each with its events.

    What was asked for meanwhile is looked up once more, and its deliveries go on waiting. A
    delivery that a hopeless one ends waits for no other any more. Deliveries are locked: of two
    look-ups that end one at once, the second waits, and then sees that it is the last.
    """
    served = [Waiter(*row) for row in conn.execute(_SERVED, {"ids": list(ids)})]
    deliveries = sorted({waiter.delivery_id for waiter in served})
    still: set[int] = set()
    if deliveries:
        conn.execute(_LOCK_DELIVERIES, {"ids": deliveries})
        ended = [waiter.delivery_id for waiter in served if waiter.lookup_id in hopeless]
        conn.execute(_SERVED_OTHERWISE, {"ids": ended})
        still = set(conn.execute(_STILL_WAITING, {"ids": deliveries}).scalars())
    conn.execute(_DONE, {"ids": list(ids)})
    once_more(conn, ids)
    return [waiter for waiter in served if waiter.delivery_id not in still]


def once_more(conn: sa.Connection, ids: Collection[int]) -> None:
    """Let go of held look-ups that go on: there is more to read, or it was asked for again."""
    conn.execute(_ONCE_MORE, {"ids": list(ids)})


def keep(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Remember what look-ups left for the next ones (`connection_id`, `object`, `state`)."""
    if rows:
        conn.execute(_KEEP, {"rows": as_json(rows)})
