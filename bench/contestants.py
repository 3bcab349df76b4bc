"""Three ways from delivery rows to documents, each timed inside a process of its own.

ours: the worker's drain. limit: a bare psycopg script that writes the very same final rows, kept
from a run of ours, bound references included, 500 documents to a transaction, with nothing left to
compute. bulk_limit: the same by the fastest statements that we know of. naive (in `bench.naive`):
one Celery task and one transaction for each event, the same rows and chunks, bound too.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg

from bench.stage import REFERENCES, RESULT_TABLES
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.documents.bind import bind_pending
from ingest.store.engine import connect
from ingest.warm import warm

BATCH = 500


@dataclass(frozen=True, slots=True)
class Timing:
    """Deliveries settled, the seconds that took, the processor time that the process used for it,
    and its peak memory in MiB.
    """

    deliveries: int
    seconds: float
    cpu_s: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.seconds


def ours(database_url: str) -> Timing:
    """One worker process draining the queue; like a worker's, it is warm before the first row."""
    engine = connect(database_url)
    warm()
    started, used = time.perf_counter(), time.process_time()
    done = drain_deliveries(engine, go_on=lambda: True)
    bind_pending(engine)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - used
    engine.dispose()
    return Timing(done.settled.total(), seconds, cpu_s, peak_mib())


def limit(database_url: str, kept: Path) -> Timing:
    """The bare script: one `executemany` a table, then 500 deliveries settled, then the commit."""
    batches = []
    for ids, tables in _kept(kept):
        writes = [(_plain_insert(t, rows), [_values(r) for r in rows]) for t, rows in tables]
        batches.append((ids, writes))
    with psycopg.connect(database_url) as conn, conn.cursor() as cursor:
        started, used = time.perf_counter(), time.process_time()
        for ids, writes in batches:
            for statement, values in writes:
                cursor.executemany(statement, values)
            cursor.execute(_SETTLE, [ids])
            conn.commit()
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - used
    return Timing(sum(len(ids) for ids, _ in batches), seconds, cpu_s, peak_mib())


def bulk_limit(database_url: str, kept: Path) -> Timing:
    """The same with one statement a table and batch, its rows unfolded by PostgreSQL."""
    batches = [
        (ids, [(_INSERT.format(table=t).encode(), orjson.dumps(rows).decode()) for t, rows in ts])
        for ids, ts in _kept(kept)
    ]
    with psycopg.connect(database_url) as conn:
        started, used = time.perf_counter(), time.process_time()
        for ids, writes in batches:
            for statement, rows in writes:
                conn.execute(statement, [rows])
            conn.execute(_SETTLE, [ids])
            conn.commit()
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - used
    return Timing(sum(len(ids) for ids, _ in batches), seconds, cpu_s, peak_mib())


def _kept(kept: Path) -> list[tuple[list[int], list[tuple[str, list[dict[str, Any]]]]]]:
    return [
        (b["ids"], [(t, orjson.loads(b["tables"][t])) for t in RESULT_TABLES if t in b["tables"]])
        for b in orjson.loads(kept.read_bytes())
    ]


def _plain_insert(table: str, rows: list[dict[str, Any]]) -> bytes:
    columns = list(rows[0])
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})".encode()


def _values(row: dict[str, Any]) -> list[Any]:
    return [orjson.dumps(v).decode() if isinstance(v, dict | list) else v for v in row.values()]


def keep_final_rows(database_url: str, kept: Path) -> None:
    """Keep what ours left, for the limit: for each batch the deliveries' ids and the rows."""
    with psycopg.connect(database_url) as conn:
        conn.execute(_NUMBER)
        ids = [row[0] for row in conn.execute(_DELIVERY_IDS)]
        batches: list[dict[str, Any]] = [
            {"ids": ids[first : first + BATCH], "tables": {}} for first in range(0, len(ids), BATCH)
        ]
        for table in RESULT_TABLES:
            query = _REFERENCES if table == REFERENCES else _ROWS
            owner = _OWNER.get(table, "document_id")
            for number, rows in conn.execute(query.format(table=table, owner=owner).encode()):
                batches[number]["tables"][table] = rows
    kept.write_bytes(orjson.dumps(batches))


def peak_mib() -> float:
    """The most memory that this process ever held (`ru_maxrss` has its parent's before `exec`)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


_OWNER = {"lightfast_docs_documents": "id", "lightfast_ingestion_events": "id"}
_NUMBER = """
CREATE TEMPORARY TABLE numbered AS
SELECT id AS owner, (row_number() OVER (ORDER BY ctid) - 1) / 500 AS batch
FROM lightfast_docs_documents
UNION ALL
SELECT id, (row_number() OVER (ORDER BY ctid) - 1) / 500 FROM lightfast_ingestion_events
"""
_DELIVERY_IDS = "SELECT id FROM lightfast_webhook_deliveries WHERE status <> 'pending' ORDER BY id"
_ROWS = """
SELECT n.batch, jsonb_agg(to_jsonb(t))::text FROM {table} t
JOIN numbered n ON n.owner = t.{owner} GROUP BY n.batch ORDER BY n.batch
"""
# What it is bound to has to be there first.
_REFERENCES = """
SELECT greatest(n.batch, m.batch), jsonb_agg(to_jsonb(t))::text FROM {table} t
JOIN numbered n ON n.owner = t.document_id LEFT JOIN numbered m ON m.owner = t.target_document_id
GROUP BY 1 ORDER BY 1
"""
_INSERT = "INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
_SETTLE = """
UPDATE lightfast_webhook_deliveries
SET status = 'processed', settled_at = now(), attempts = attempts + 1 WHERE id = ANY(%s)
"""

if __name__ == "__main__":
    who, url, *rest = sys.argv[1:]
    limits = {"limit": limit, "bulk_limit": bulk_limit}
    timing = limits[who](url, Path(rest[0])) if who in limits else ours(url)
    sys.stdout.write(json.dumps(asdict(timing)) + "\n")
