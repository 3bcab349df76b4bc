"""The log of ingestion events: one row for each fact, whatever happens twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.store.rows import as_json


@dataclass(frozen=True, slots=True)
class Event:
    """An event of one store; `id` is the UUIDv5 of the unique key (store, source type, key)."""

    id: str
    store_id: str
    source_type: str
    event_key: str
    event_metadata: Mapping[str, JSON]
    status: str


# The unique index closes the race of two workers with one fact. A replay may turn a skipped event
# into a processed one; nothing else ever changes an event.
_RECORD = sa.text("""
INSERT INTO lightfast_ingestion_events AS e
  (id, store_id, source_type, event_key, event_metadata, status)
SELECT id, store_id, source_type, event_key, event_metadata, status
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  id varchar, store_id varchar, source_type source_type, event_key varchar,
  event_metadata jsonb, status varchar)
ON CONFLICT (store_id, source_type, event_key) DO UPDATE
  SET status = excluded.status, event_metadata = excluded.event_metadata,
      processed_at = CURRENT_TIMESTAMP
  WHERE e.status = 'skipped' AND excluded.status = 'processed'
RETURNING id
""")


def record(conn: sa.Connection, events: Sequence[Event]) -> set[str]:
    """Write events of distinct keys, in the order of the keys; the ids of those that are news."""
    if not events:
        return set()
    ordered = sorted(events, key=lambda e: (e.store_id, e.source_type, e.event_key))
    rows = as_json(
        {
            "id": e.id,
            "store_id": e.store_id,
            "source_type": e.source_type,
            "event_key": e.event_key,
            "event_metadata": e.event_metadata,
            "status": e.status,
        }
        for e in ordered
    )
    return set(conn.execute(_RECORD, {"rows": rows}).scalars())
