"""What takes the room: the tables by size, and the deliveries by status. Reads no table whole.

Law: it stays cheap at ten million rows. So rows are PostgreSQL's own estimates, the oldest row is
told only where an index leads to it, and what may be many is counted to a limit or estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.store.tables import METADATA

COUNTED_UP_TO = 100_000
"""Beyond it a number of deliveries is an estimate."""
SMALL_ROWS = 500_000
"""A table of fewer rows is counted by any status; a larger one by those that have an index."""
_INDEXED = frozenset({"pending", "skipped", "dead"})

# A table that nobody has analysed yet says -1, and one that was empty then 0: it is counted.
_TABLES = sa.text("""
SELECT n AS table, CASE WHEN c.reltuples > 0 THEN CAST(c.reltuples AS bigint) ELSE -1 END AS rows,
       pg_relation_size(c.oid) + pg_relation_size(c.oid, 'vm') + pg_relation_size(c.oid, 'fsm')
         AS table_bytes,
       pg_indexes_size(c.oid) AS index_bytes,
       CASE WHEN c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END
         AS toast_bytes
FROM unnest(CAST(:names AS text[])) n JOIN pg_class c ON c.oid = to_regclass(n)
""")
# By the primary key, or in a table that is bounded.
_OLDEST: Mapping[str, str] = {
    "lightfast_webhook_deliveries": "SELECT received_at FROM {} ORDER BY id LIMIT 1",
    "lightfast_lookups": "SELECT asked_at FROM {} ORDER BY id LIMIT 1",
    "lightfast_refused_messages": "SELECT refused_at FROM {} ORDER BY id LIMIT 1",
    "lightfast_count_marks": "SELECT marked_at FROM {} ORDER BY id LIMIT 1",
    "lightfast_source_credentials": "SELECT created_at FROM {} ORDER BY id LIMIT 1",
    "lightfast_sync_runs": "SELECT requested_at FROM {} ORDER BY id LIMIT 1",
    "lightfast_receiver_gaps": "SELECT began_at FROM {} ORDER BY id LIMIT 1",
    "lightfast_schedule_slots": "SELECT min(started_at) FROM {}",
    "lightfast_payload_drift": "SELECT min(first_seen_at) FROM {}",
}
_COUNT = sa.text("""
SELECT count(*) FROM (SELECT FROM lightfast_webhook_deliveries
                      WHERE status = :status LIMIT :most) d
""")
_ROWS = sa.text("""
SELECT reltuples FROM pg_class WHERE oid = to_regclass('lightfast_webhook_deliveries')
""")
# Of the statistics: which share of the rows have a status.
_SHARES = sa.text("""
SELECT v.status, CAST(v.share * greatest(c.reltuples, 0) AS bigint)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'status'
CROSS JOIN LATERAL unnest(CAST(CAST(s.most_common_vals AS text) AS text[]), s.most_common_freqs)
  AS v(status, share)
WHERE c.oid = to_regclass('lightfast_webhook_deliveries')
""")


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table as it lies on the disk, in bytes; `rows` is an estimate.

    oldest: when its oldest row was made, where that can be told without reading it whole.
    """

    table: str
    rows: int
    table_bytes: int
    index_bytes: int
    toast_bytes: int
    oldest: datetime | None = None

    @property
    def total_bytes(self) -> int:
        """With its indexes and what is stored beside it."""
        return self.table_bytes + self.index_bytes + self.toast_bytes


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many deliveries have a status; where that is many, an estimate (not `exact`)."""

    status: str
    deliveries: int
    exact: bool


def tables(conn: sa.Connection) -> list[TableSize]:
    """Our tables and the seed's, the largest first."""
    found = [
        TableSize(
            row.table,
            row.rows if row.rows >= 0 else _count(conn, row.table),
            row.table_bytes,
            row.index_bytes,
            row.toast_bytes,
            _oldest(conn, row.table),
        )
        for row in conn.execute(_TABLES, {"names": list(METADATA.tables)}).all()
    ]
    return sorted(found, key=lambda size: (-size.total_bytes, size.table))


def deliveries(
    conn: sa.Connection,
    statuses: Sequence[str],
    *,
    most: int = COUNTED_UP_TO,
    small_rows: int = SMALL_ROWS,
) -> list[StatusCount]:
    """The deliveries by status, in the order of `statuses`; counted up to `most` of each.

    A table of `small_rows` rows or more is counted by its partial indexes alone.
    """
    shares = {row[0]: row[1] for row in conn.execute(_SHARES)}
    small = conn.execute(_ROWS).scalar_one() < small_rows
    counted: list[StatusCount] = []
    for status in statuses:
        counts = small or status in _INDEXED
        given = {"status": status, "most": most if counts else 0}
        rows = conn.execute(_COUNT, given).scalar_one()
        if counts and rows < most:
            counted.append(StatusCount(status, rows, exact=True))
        else:
            counted.append(StatusCount(status, max(rows, shares.get(status, 0)), exact=False))
    return counted


def _count(conn: sa.Connection, table: str) -> int:
    limited = sa.select(sa.literal(1)).select_from(METADATA.tables[table]).limit(COUNTED_UP_TO)
    counted = sa.select(sa.func.count()).select_from(limited.subquery())
    rows: int = conn.execute(counted).scalar_one()
    return rows


def _oldest(conn: sa.Connection, table: str) -> datetime | None:
    query = _OLDEST.get(table)
    if query is None:
        return None
    oldest: datetime | None = conn.execute(sa.text(query.format(table))).scalar()
    return oldest
