"""What a vacuum of the large tables, at autovacuum's pace, takes from who works beside it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import psycopg.errors

TABLES = (
    "lightfast_webhook_deliveries",
    "lightfast_docs_documents",
    "lightfast_document_chunks",
    "lightfast_document_references",
    "lightfast_document_ledger",
    "lightfast_document_feeds",
    "lightfast_ingestion_events",
    "lightfast_trail_steps",
)
SAMPLES_A_SECOND = 50
# As autovacuum's defaults have it; what a table has of its own counts for autovacuum alone.
_PACE = (b"SET vacuum_cost_delay = '2ms'", b"SET vacuum_cost_limit = 200")


@dataclass(slots=True)
class Beside:
    """What was seen meanwhile. tables: how many were vacuumed, the last one in part. waits: of the
    others' sessions that were at work, what they waited for (`-` where for nothing), in samples.
    """

    tables: int = 0
    waits: Counter[str] = field(default_factory=Counter)

    def shares(self) -> dict[str, float]:
        """Of all samples, the most frequent first; those of at least a hundredth."""
        total = self.waits.total()
        return {
            name: round(count / total, 2)
            for name, count in self.waits.most_common()
            if count >= total / 100
        }


@contextmanager
def vacuuming(url: str, *, vacuums: bool = True) -> Iterator[Beside]:
    """Vacuum one table after the other, again and again, while the block runs; without `vacuums`
    only look at what the others wait for.
    """
    seen, over = Beside(), threading.Event()
    with psycopg.connect(url, autocommit=True) as conn:
        jobs = [threading.Thread(target=_watch, args=(url, seen, over))]
        if vacuums:
            jobs.append(threading.Thread(target=_vacuum, args=(conn, seen, over)))
        for job in jobs:
            job.start()
        try:
            yield seen
        finally:
            over.set()
            conn.cancel()
            for job in jobs:
                job.join()


def _vacuum(conn: psycopg.Connection, seen: Beside, over: threading.Event) -> None:
    for setting in _PACE:
        conn.execute(setting)
    while not over.is_set():
        seen.tables += 1
        with suppress(psycopg.errors.QueryCanceled):
            conn.execute(f"VACUUM {TABLES[seen.tables % len(TABLES)]}".encode())


def _watch(url: str, seen: Beside, over: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        while not over.wait(1 / SAMPLES_A_SECOND):
            seen.waits.update(row[0] for row in conn.execute(_WAITS))


_WAITS = """
SELECT coalesce(wait_event_type || ': ' || wait_event, '-') FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND query NOT LIKE 'VACUUM%' AND datname = current_database()
"""
