"""What the tables know of one document: what it points at, who spoke of it, what became of it.

Law: nothing is written, and nothing is read without an end: of a connection the newest deliveries
are looked through, of the outbox its newest rows, and whoever asks is told how far back that is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.folding import LedgerRow
from ingest.store import ledger
from ingest.store.claiming import ClaimedDelivery

MOST_DELIVERIES = 2_000
"""Of each connection, the newest that are looked through."""
MOST_BYTES = 32 * 2**20
"""Of bodies that are read, the newest first."""
MOST_TOLD = 200_000
"""Rows of the outbox, the newest, that are looked through."""

_IDENTITY = sa.text("""
SELECT CAST(identity AS text) FROM lightfast_document_ledger WHERE document_id = :id
""")
# By the index of targets' documents and that of keys: others that have the key, while none owns it.
_POINTERS = sa.text("""
SELECT r.kind, CAST(r.target_source AS text) AS target_source, r.target_key, r.origin, r.evidence,
       r.bind_key, r.target_document_id, t.source_id AS shown, l.kind AS target_kind,
       CASE WHEN r.target_document_id IS NULL THEN (
         SELECT count(*) FROM lightfast_docs_documents o
         WHERE o.source_type = r.target_source AND o.source_id = r.target_key
           AND o.store_id = r.store_id AND o.id <> r.document_id) ELSE 0 END AS holders
FROM lightfast_document_references r
LEFT JOIN lightfast_docs_documents t ON t.id = r.target_document_id
LEFT JOIN lightfast_document_ledger l ON l.document_id = t.id
WHERE r.document_id = :id
ORDER BY r.kind = 'mention', r.kind, r.target_source, r.target_key
""")
_STATES = sa.text("""
SELECT CAST(identity AS text) AS identity,
       CASE WHEN state = 'live' AND NOT visible THEN 'hidden' ELSE state END AS state
FROM lightfast_document_ledger WHERE identity = ANY(CAST(:identities AS uuid[]))
""")
_TOLD = sa.text("""
SELECT o.written_at, o.transaction_id, o.said, o.source_ids[at.n] AS source_id,
       o.content_hashes[at.n] AS content_hash, o.config_hashes[at.n] AS config_hash,
       coalesce(o.fields[at.n], 0) AS fields
FROM (SELECT * FROM lightfast_document_outbox ORDER BY id DESC LIMIT :most) o
CROSS JOIN LATERAL (SELECT array_position(o.document_ids, CAST(:id AS text)) AS n) at
WHERE at.n IS NOT NULL ORDER BY o.id
""")
_KEPT = sa.text("""
SELECT min(written_at) FROM (
  SELECT written_at FROM lightfast_document_outbox ORDER BY id DESC LIMIT :most) o
""")
# Of each connection that spoke of it, and of the app-wide route; those by the index of connections.
_LATEST = sa.text("""
SELECT d.id, d.received_at, d.place FROM (
  SELECT connection_id FROM lightfast_document_feeds WHERE document_id = :id
) f CROSS JOIN LATERAL (
  SELECT d.id, d.received_at, row_number() OVER (ORDER BY d.id DESC) AS place
  FROM lightfast_webhook_deliveries d
  WHERE d.connection_id = f.connection_id ORDER BY d.id DESC LIMIT :most) d
UNION ALL
SELECT * FROM (
  SELECT d.id, d.received_at, row_number() OVER (ORDER BY d.id DESC)
  FROM lightfast_webhook_deliveries d
  WHERE d.connection_id IS NULL AND d.source_type = CAST(:source_type AS source_type)
  ORDER BY d.id DESC LIMIT :most) d
""")
# A transaction has one time: what it settled and what it changed bear the same.
_DELIVERIES = sa.text("""
SELECT id, CAST(source_type AS text) AS source_type, connection_id, delivery_key, headers, body,
       attempts, lone_crashes, received_at, body_hash, status, reason, last_error, settled_at
FROM (
  SELECT d.*, sum(octet_length(body)) OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING) AS so_far
  FROM (
    SELECT * FROM lightfast_webhook_deliveries
    WHERE id = ANY(CAST(:ids AS bigint[])) AND position(CAST(:names AS bytea) IN body) > 0
    UNION
    SELECT * FROM lightfast_webhook_deliveries
    WHERE settled_at = ANY(CAST(:times AS timestamptz[]))
      AND status IN ('processed', 'skipped', 'duplicate')
      AND source_type = CAST(:source_type AS source_type)
  ) d
) d WHERE so_far <= :bytes ORDER BY id
""")
# Every order of texts has these within the bounds; which they are is looked at once more.
_EVENTS = sa.text("""
SELECT id, event_key, status, processed_at AT TIME ZONE 'UTC' AS processed_at, event_metadata
FROM lightfast_ingestion_events
WHERE store_id = :store_id AND source_type = CAST(:source_type AS source_type)
  AND event_key >= :prefix AND event_key <= :prefix || 'zzzz' AND starts_with(event_key, :prefix)
UNION
SELECT id, event_key, status, processed_at AT TIME ZONE 'UTC', event_metadata
FROM lightfast_ingestion_events WHERE id = ANY(CAST(:ids AS varchar[]))
""")


@dataclass(frozen=True, slots=True)
class StandingPointer:
    """A reference of a document, and what it is bound to: the columns of its row, and of the target
    `shown` (its key) and `target_kind`. holders: how many have its key while none owns it.
    """

    kind: str
    target_source: str
    target_key: str
    origin: str
    evidence: str
    bind_key: str | None
    target_document_id: str | None
    shown: str | None
    target_kind: str | None
    holders: int


@dataclass(frozen=True, slots=True)
class ToldRow:
    """What the outbox says of a document: the columns of one of its rows, at the document's place.

    fields: the columns that changed, a bit each (`outbox.fields_of`).
    """

    written_at: datetime
    transaction_id: int
    said: str
    source_id: str
    content_hash: str
    config_hash: str | None
    fields: int


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """A delivery that is kept, and where it stands."""

    row: ClaimedDelivery
    status: str
    reason: str | None
    last_error: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """A row of the event log."""

    id: str
    event_key: str
    status: str
    processed_at: datetime
    event_metadata: dict[str, Any]


def row_of(conn: sa.Connection, document_id: str) -> LedgerRow | None:
    """The ledger's row of a document, in sight or not; None where none was ever heard of."""
    identity = conn.execute(_IDENTITY, {"id": document_id}).scalar()
    return None if identity is None else ledger.read(conn, [identity]).get(identity)


def pointers(conn: sa.Connection, document_id: str) -> list[StandingPointer]:
    """What a document points at: edges before mentions."""
    rows = conn.execute(_POINTERS, {"id": document_id}).mappings()
    return [StandingPointer(**row) for row in rows]


def states(conn: sa.Connection, identities: Collection[str]) -> dict[str, str]:
    """How these identities stand: `live`, `hidden`, `deleted`, or `unknown` where they were only
    named; of what was never heard of there is none.
    """
    if not identities:
        return {}
    rows = conn.execute(_STATES, {"identities": sorted(identities)})
    return {row.identity: row.state for row in rows}


def told(conn: sa.Connection, document_id: str) -> tuple[list[ToldRow], datetime | None]:
    """What the outbox says of a document, the oldest first, and from when on it was looked through;
    None where nothing was told at all.
    """
    given = {"id": document_id, "most": MOST_TOLD}
    rows = [ToldRow(**row) for row in conn.execute(_TOLD, given).mappings()]
    return rows, conn.execute(_KEPT, {"most": MOST_TOLD}).scalar()


def deliveries(
    conn: sa.Connection, row: LedgerRow, names: bytes, times: Sequence[datetime]
) -> tuple[list[KeptDelivery], datetime | None]:
    """Deliveries that may speak of a document, the oldest first: those that hold `names`, and those
    that were settled at these times; and from when on they were looked through, None for all that
    are kept.
    """
    asked = {"id": row.document_id, "source_type": row.source_type, "most": MOST_DELIVERIES}
    latest = conn.execute(_LATEST, asked).all()
    full = [one.received_at for one in latest if one.place == MOST_DELIVERIES]
    given = {
        "ids": [one.id for one in latest],
        "names": names,
        "times": [*times],
        "source_type": row.source_type,
        "bytes": MOST_BYTES,
    }
    found = [_kept(dict(one)) for one in conn.execute(_DELIVERIES, given).mappings()]
    return found, max(full, default=None)


def events(
    conn: sa.Connection, row: LedgerRow, prefix: str, ids: Collection[str]
) -> list[KeptEvent]:
    """The events of these ids, and those of the document's store and source whose key begins so."""
    given = {
        "store_id": row.store_id,
        "source_type": row.source_type,
        "prefix": prefix,
        "ids": sorted(ids),
    }
    return [KeptEvent(**one) for one in conn.execute(_EVENTS, given).mappings()]


def _kept(told: dict[str, Any]) -> KeptDelivery:
    ends = {name: told.pop(name) for name in ("status", "reason", "last_error", "settled_at")}
    told["body"], told["body_hash"] = bytes(told["body"]), bytes(told["body_hash"])
    return KeptDelivery(ClaimedDelivery(**told), **ends)
