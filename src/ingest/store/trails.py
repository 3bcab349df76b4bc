"""The trail: what deliveries, look-ups and sync runs did to which documents, and the way back.

Written in the transaction that does it, kept for as long as settled deliveries are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.lean import lean
from ingest.store.rows import as_json

STEP_ROWS = 2_000
"""Rows of each table that one step of retention deletes."""

_RECORD = sa.text("""
INSERT INTO lightfast_trail_steps
  (document_id, connection_id, delivery_id, lookup_id, run_id, did, hash_before, hash_after)
SELECT document_id, connection_id, delivery_id, lookup_id, run_id, did, hash_before, hash_after
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  document_id varchar, connection_id varchar, delivery_id bigint, lookup_id bigint, run_id bigint,
  did varchar, hash_before varchar, hash_after varchar)
""")
_ASK = sa.text("""
INSERT INTO lightfast_delivery_lookups (delivery_id, lookup_id)
SELECT * FROM unnest(CAST(:deliveries AS bigint[]), CAST(:lookups AS bigint[]))
ON CONFLICT DO NOTHING
""")
_TRY = sa.text("""
INSERT INTO lightfast_lookup_attempts
  (lookup_id, connection_id, kind, external_id, attempt, outcome, error, run_id)
SELECT lookup_id, connection_id, kind, external_id, attempt, outcome, error, run_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
  lookup_id bigint, connection_id varchar, kind varchar, external_id text, attempt integer,
  outcome varchar, error text, run_id bigint)
""")
# By the digest of its body, which each connection that told it keeps with the event's key.
_EVENTS_OF = """
SELECT e.id, e.store_id, k.connection_id, e.event_key, e.status, e.processed_at
FROM lightfast_connected_sources s
JOIN lightfast_connection_facts k ON k.connection_id = s.id
  AND k.fact = CASE WHEN octet_length(d.body_hash) >= 16
    THEN CAST(encode(substring(d.body_hash FROM 1 FOR 16), 'hex') AS uuid) END
JOIN lightfast_store_sources l ON l.source_id = s.id
JOIN lightfast_ingestion_events e ON e.store_id = l.store_id AND e.source_type = d.source_type
  AND e.event_key = k.event_key
WHERE s.source_type = d.source_type AND (d.connection_id IS NULL OR s.id = d.connection_id)
"""
_EVENTS = sa.text(f"""
SELECT e.* FROM lightfast_webhook_deliveries d CROSS JOIN LATERAL ({_EVENTS_OF}) e
WHERE d.id = :id ORDER BY e.store_id, e.id
""")
_LOOKUPS = """
SELECT a.lookup_id AS id, coalesce(l.connection_id, t.connection_id) AS connection_id,
       coalesce(l.kind, t.kind) AS kind, coalesce(l.external_id, t.external_id) AS external_id,
       CASE WHEN l.id IS NOT NULL THEN 'waiting' ELSE t.outcome END AS state,
       coalesce(l.attempts, t.attempt) AS attempts, coalesce(l.last_error, t.error) AS last_error,
       l.next_attempt_at, t.at AS last_attempt_at
FROM {asked} LEFT JOIN lightfast_lookups l ON l.id = a.lookup_id
LEFT JOIN LATERAL (
  SELECT * FROM lightfast_lookup_attempts t WHERE t.lookup_id = a.lookup_id
  ORDER BY t.id DESC LIMIT 1) t ON true
"""
_OF_DELIVERY = sa.text(
    _LOOKUPS.format(
        asked="(SELECT lookup_id FROM lightfast_delivery_lookups WHERE delivery_id = :id) a"
    )
    + "ORDER BY a.lookup_id"
)
_ONE = sa.text(_LOOKUPS.format(asked="(SELECT CAST(:id AS bigint) AS lookup_id) a"))
# What waits, and what was tried, each by the index of its connection where one is named.
_LIST = sa.text(
    _LOOKUPS.format(
        asked="""(
  (SELECT l.id AS lookup_id FROM lightfast_lookups l
   WHERE CAST(:connection_id AS varchar) IS NULL OR l.connection_id = :connection_id
   ORDER BY l.id DESC LIMIT :limit)
  UNION
  (SELECT t.lookup_id FROM lightfast_lookup_attempts t
   WHERE CAST(:connection_id AS varchar) IS NULL OR t.connection_id = :connection_id
   ORDER BY t.id DESC LIMIT :limit)) a"""
    )
    + """
JOIN lightfast_connected_sources s ON s.id = coalesce(l.connection_id, t.connection_id)
WHERE (CAST(:source_type AS text) IS NULL OR CAST(s.source_type AS text) = :source_type)
  AND (NOT :failing OR coalesce(l.last_error, t.error) IS NOT NULL)
ORDER BY a.lookup_id DESC LIMIT :limit
"""
)
_ATTEMPTS = sa.text("""
SELECT lookup_id, at, attempt, outcome, error, run_id FROM lightfast_lookup_attempts
WHERE lookup_id = ANY(CAST(:ids AS bigint[])) ORDER BY id
""")
_ASKERS = sa.text("""
SELECT delivery_id FROM lightfast_delivery_lookups WHERE lookup_id = :id ORDER BY delivery_id
""")
_STEP = """
SELECT t.at, t.did, t.hash_before, t.hash_after, t.document_id, t.connection_id, t.delivery_id,
       t.lookup_id, t.run_id
"""
_DOCUMENTS = sa.text(f"""
{_STEP}, g.store_id, g.kind, coalesce(g.source_id, g.external_id) AS source_id
FROM (SELECT * FROM lightfast_trail_steps WHERE delivery_id = ANY(CAST(:deliveries AS bigint[]))
      UNION
      SELECT * FROM lightfast_trail_steps WHERE lookup_id = ANY(CAST(:lookups AS bigint[]))) t
JOIN lightfast_document_ledger g ON g.document_id = t.document_id
ORDER BY t.id LIMIT :limit
""")
_HISTORY = sa.text(f"""
{_STEP}, d.delivery_key, d.status, e.id AS event_id, e.event_key
FROM lightfast_trail_steps t
LEFT JOIN lightfast_webhook_deliveries d ON d.id = t.delivery_id
LEFT JOIN lightfast_document_ledger g ON g.document_id = t.document_id
LEFT JOIN LATERAL (
  SELECT * FROM ({_EVENTS_OF}) e
  WHERE e.store_id = g.store_id AND e.connection_id = t.connection_id LIMIT 1) e ON true
WHERE t.document_id = :id ORDER BY t.id DESC LIMIT :limit
""")
_KNOWN = sa.text("SELECT EXISTS (SELECT FROM lightfast_document_ledger WHERE document_id = :id)")
_OLDEST = sa.text("SELECT at FROM lightfast_trail_steps ORDER BY id LIMIT 1")
# Ids are given in the order of time, but for what commits late: it goes with a later step.
_FORGET = """
DELETE FROM {table} WHERE id IN (
  SELECT id FROM (SELECT id, at FROM {table} ORDER BY id LIMIT :rows) s
  WHERE at < now() - make_interval(days => :keep_days))
"""
_FORGETS = tuple(
    sa.text(_FORGET.format(table=name))
    for name in ("lightfast_trail_steps", "lightfast_lookup_attempts")
)
_FORGET_OF = sa.text("""
DELETE FROM lightfast_trail_steps
WHERE connection_id = :connection_id AND document_id = ANY(CAST(:ids AS varchar[]))
""")


@lean
class TrailStep:
    """What one delivery, look-up or sync run did to a document; `did` as `schema.sql` says."""

    document_id: str
    connection_id: str | None
    did: str
    hash_before: str | None
    hash_after: str | None
    delivery_id: int | None = None
    lookup_id: int | None = None
    run_id: int | None = None


def record(conn: sa.Connection, steps: Sequence[TrailStep]) -> None:
    """Write steps, in the transaction that does what they say."""
    if steps:
        conn.execute(_RECORD, {"rows": as_json(asdict(one) for one in steps)})


def asked(conn: sa.Connection, pairs: Collection[tuple[int, int]]) -> None:
    """Note which delivery asked for which look-up: (delivery id, look-up id)."""
    if pairs:
        ordered = sorted(pairs)
        given = {"deliveries": [one for one, _ in ordered], "lookups": [one for _, one in ordered]}
        conn.execute(_ASK, given)


def tried(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note tries of look-ups (`lookup_id`, `connection_id`, `kind`, `external_id`, `attempt`,
    `outcome`, `error`, `run_id`).
    """
    if rows:
        conn.execute(_TRY, {"rows": as_json(rows)})


def events_of_delivery(conn: sa.Connection, delivery_id: int) -> list[dict[str, Any]]:
    """The events that a delivery told, of each store: `id`, `store_id`, `connection_id`,
    `event_key`, `status`, `processed_at`. One that was told before is among them.
    """
    return [dict(row) for row in conn.execute(_EVENTS, {"id": delivery_id}).mappings()]


def lookups_of_delivery(conn: sa.Connection, delivery_id: int) -> list[dict[str, Any]]:
    """The look-ups that a delivery asked for, as `look_up` has them."""
    rows = [dict(row) for row in conn.execute(_OF_DELIVERY, {"id": delivery_id}).mappings()]
    return _with_attempts(conn, rows)


def look_up(conn: sa.Connection, lookup_id: int) -> dict[str, Any] | None:
    """One look-up with its `tries` and the `deliveries` that asked for it; None where it is not
    known (any more).

    Its `state` is `waiting`, or what its last try came to.
    """
    row = dict(conn.execute(_ONE, {"id": lookup_id}).mappings().one())
    if row["connection_id"] is None:
        return None
    (told,) = _with_attempts(conn, [row])
    return {**told, "deliveries": list(conn.execute(_ASKERS, {"id": lookup_id}).scalars())}


def look_ups(
    conn: sa.Connection,
    *,
    connection_id: str | None = None,
    source_type: str | None = None,
    failing: bool = False,
    limit: int,
) -> list[dict[str, Any]]:
    """The newest look-ups, those that wait and those that were tried; `failing`: with an error."""
    given = {
        "connection_id": connection_id,
        "source_type": source_type,
        "failing": failing,
        "limit": limit,
    }
    return [dict(row) for row in conn.execute(_LIST, given).mappings()]


def documents_of(
    conn: sa.Connection,
    *,
    delivery_ids: Collection[int] = (),
    lookup_ids: Collection[int] = (),
    limit: int,
) -> list[dict[str, Any]]:
    """What deliveries and look-ups did to which documents, oldest first."""
    given = {"deliveries": list(delivery_ids), "lookups": list(lookup_ids), "limit": limit}
    return [dict(row) for row in conn.execute(_DOCUMENTS, given).mappings()]


def history(conn: sa.Connection, document_id: str, *, limit: int) -> list[dict[str, Any]] | None:
    """What touched a document, newest first, with delivery, event, look-up or run; None for none.

    A document that is deleted has a history too, as long as that is kept.
    """
    if not conn.execute(_KNOWN, {"id": document_id}).scalar_one():
        return None
    given = {"id": document_id, "limit": limit}
    return [dict(row) for row in conn.execute(_HISTORY, given).mappings()]


def oldest(conn: sa.Connection) -> datetime | None:
    """The time of the oldest step that is kept; None while there is none."""
    found: datetime | None = conn.execute(_OLDEST).scalar()
    return found


def forget(conn: sa.Connection, *, keep_days: int) -> tuple[int, bool]:
    """One step of retention: (rows deleted, whether there may be more)."""
    given = {"keep_days": keep_days, "rows": STEP_ROWS}
    counts = [conn.execute(one, given).rowcount for one in _FORGETS]
    return sum(counts), max(counts) >= STEP_ROWS


def forget_of(conn: sa.Connection, connection_id: str, document_ids: Collection[str]) -> None:
    """Erase what a connection did to these documents."""
    conn.execute(_FORGET_OF, {"connection_id": connection_id, "ids": list(document_ids)})


def _with_attempts(conn: sa.Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows:
        return []
    tries: dict[int, list[dict[str, Any]]] = {}
    for row in conn.execute(_ATTEMPTS, {"ids": [one["id"] for one in rows]}).mappings():
        told = dict(row)
        tries.setdefault(told.pop("lookup_id"), []).append(told)
    return [{**one, "tries": tries.get(one["id"], [])} for one in rows]
