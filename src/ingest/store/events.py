"""The log of ingestion events: one row for each fact, whatever happens twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.store.rows import as_json


@dataclass(frozen=True, slots=True)
class Event:
    """An event of one store; `id` is the UUIDv5 of the unique key (store, source type, key).

    status: `processed`, or `skipped` where it changed nothing.
    """

    id: str
    store_id: str
    source_type: str
    event_key: str
    event_metadata: Mapping[str, JSON]
    status: str


_ROWS = """
jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id varchar, store_id varchar, source_type source_type, event_key varchar,
  event_metadata jsonb, status varchar)
"""
# The unique indexes close the race of two workers with one fact. No conflict target: with one, the
# race is closed on that index alone, and the loser breaks on the other (the primary key).
_RECORD = sa.text(f"""
INSERT INTO lightfast_ingestion_events
  (id, store_id, source_type, event_key, event_metadata, status)
SELECT id, store_id, source_type, event_key, event_metadata, status FROM {_ROWS}
ON CONFLICT DO NOTHING
RETURNING id
""")
# A replay may turn a skipped event into a processed one; nothing else ever changes an event.
_TURN = sa.text(f"""
UPDATE lightfast_ingestion_events e
SET status = r.status, event_metadata = r.event_metadata, processed_at = CURRENT_TIMESTAMP
FROM {_ROWS}
WHERE e.store_id = r.store_id AND e.source_type = r.source_type AND e.event_key = r.event_key
  AND e.status = 'skipped'
RETURNING r.id
""")


def record(conn: sa.Connection, events: Sequence[Event]) -> set[str]:
    """Write events of distinct keys; the ids of those that are news.

    The unique indexes close the race of two workers with one fact: one of them gets the id. Rows go
    in the order of their keys, so that they wait and do not deadlock. A `skipped` event that is
    processed now is turned, and is news too; nothing else ever changes an event.
    """
    if not events:
        return set()
    ordered = sorted(events, key=lambda e: (e.store_id, e.source_type, e.event_key))
    news = set(conn.execute(_RECORD, {"rows": _plain(ordered)}).scalars())
    known = [e for e in ordered if e.id not in news and e.status == "processed"]
    if known:
        news.update(conn.execute(_TURN, {"rows": _plain(known)}).scalars())
    return news


def _plain(events: Sequence[Event]) -> str:
    return as_json(
        {
            "id": e.id,
            "store_id": e.store_id,
            "source_type": e.source_type,
            "event_key": e.event_key,
            "event_metadata": e.event_metadata,
            "status": e.status,
        }
        for e in events
    )
