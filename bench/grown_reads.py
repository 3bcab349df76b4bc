"""What must not grow with the database: reads of people and programs, and the jobs of the beat."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa

from bench.cpu import database_cpu_s
from bench.multiply import QUIET
from bench.stage import STORE, Stage
from ingest.flows import sweep
from ingest.flows.connections.shown import shown_connection
from ingest.flows.documents.bind import bind_pending
from ingest.flows.documents.find import find_documents
from ingest.flows.retention import delete_old
from ingest.queries import Documents, lists
from ingest.queries.lists import Wanted
from ingest.settings import DEFAULT_KEEP_DELIVERIES_DAYS
from ingest.store import (
    deliveries,
    delivery_filter,
    feeds,
    gauges,
    health,
    lookup_admin,
    reprocess_runs,
    retention,
    sync_parts,
    sync_runs,
)
from ingest.store.delivery_filter import DeliveryFilter
from ingest.store.engine import transaction
from ingest.store.reasons import TOKENLESS

Ask = Callable[[sa.Connection], object]
Reads = dict[str, dict[str, float]]
"""Of each by its name: `ms` by the clock (median), `cpu_ms` of both processes."""
DAY_S = 86_400.0
_LIMIT = 100
_README = Path(__file__).parent.parent / "README.md"
_MENTIONING = """
SELECT d.id, d.source_id FROM lightfast_docs_documents d
WHERE d.relationships -> 'mentions' ? 'github' AND d.store_id = %s LIMIT 1
"""


def reads_of(place: Stage, visits: int) -> Reads:
    """Each of them, made once and then so many times; a job finds what a drain leaves it."""
    with transaction(place.engine) as conn:
        document, key = conn.exec_driver_sql(_MENTIONING, (STORE,)).one()
    found: Reads = {}
    for name, ask in _reads(place, document, key).items():
        found[name] = _timed(place, partial(_asked, place, ask), visits)
    for name, job in _jobs(place).items():
        found[name] = _timed(place, job, visits)
    return found


def mentioned() -> str:
    """The README's sample for everything that a document mentions, with `%s` for its id."""
    text = _README.read_text("utf-8")
    (sample,) = re.findall(r"-- everything that this document mentions.*?;", text, re.DOTALL)
    return str(sample).replace("$1", "%s")


def _reads(place: Stage, document: str, key: str) -> Mapping[str, Ask]:
    own, listing = place.connections, delivery_filter.listing
    sample = mentioned()
    return {
        "a document by its id": lambda c: Documents(c, STORE).by_id(document),
        "a document by its key": lambda c: Documents(c, STORE).by_external_id("github", key),
        "docs list": lambda c: lists.listed(c, Wanted(), limit=_LIMIT),
        "docs list, a kind of a store": lambda c: lists.listed(
            c, Wanted(store_id=STORE, kind="comment"), limit=_LIMIT
        ),
        "docs find": lambda c: find_documents(c, key),
        "everything it mentions": lambda c: c.exec_driver_sql(sample, (document,)).all(),
        "deliveries list": lambda c: listing(c, DeliveryFilter(), limit=_LIMIT),
        "deliveries list, a quiet source": lambda c: listing(
            c, DeliveryFilter(source_type=QUIET), limit=_LIMIT
        ),
        "deliveries list, a busy source": lambda c: listing(
            c, DeliveryFilter(source_type="github"), limit=_LIMIT
        ),
        "deliveries list, duplicates": lambda c: listing(
            c, DeliveryFilter(status="duplicate"), limit=_LIMIT
        ),
        "deliveries list, a busy connection": lambda c: listing(
            c, DeliveryFilter(connection_id=own.github), limit=_LIMIT
        ),
        "deliveries list, a quiet connection": lambda c: listing(
            c, DeliveryFilter(connection_id=_quiet(c)), limit=_LIMIT
        ),
        "source show, busy": lambda c: shown_connection(c, own.github),
        "source show, quiet": lambda c: shown_connection(c, _quiet(c)),
        "doctor: received": health.received,
        "doctor: have told": health.have_told,
        "doctor: skipped for a reason": lambda c: health.skipped_for(c, TOKENLESS),
        "doctor: dead": lambda c: health.dead(c, recent_s=DAY_S),
        "doctor: oldest due": health.oldest_due_s,
        "doctor: what retention has before it": lambda c: retention.due(
            c, keep_days=DEFAULT_KEEP_DELIVERIES_DAYS
        ),
        "metrics": gauges.read,
        "metrics, each minute": gauges.read_costly,
        "sweep": _sweep,
    }


def _jobs(place: Stage) -> Mapping[str, Callable[[], object]]:
    """What has transactions of its own."""
    engine = place.engine
    return {
        "settle_counts, after a drain": partial(_settle, place, feeds.mark_worked),
        "settle_counts, all counted anew": partial(_settle, place, feeds.mark_counts),
        "settle_counts, nothing marked": lambda: sweep.settle_counts(engine),
        "bind_pending, nothing new": lambda: bind_pending(engine),
        "tidy: unpark": lambda: sweep.unpark(engine),
        "tidy: expired secrets": lambda: sweep.forget_expired(engine),
        "tidy: orphaned runs": lambda: sweep.cancel_orphans(engine),
        "retention, a step of each": lambda: delete_old(
            engine, DEFAULT_KEEP_DELIVERIES_DAYS, go_on=lambda: False
        ),
    }


def _settle(place: Stage, mark: Callable[[sa.Connection, list[str]], None]) -> None:
    """Of the busiest connection, as a drain marks it, or as it is marked to be counted."""
    with transaction(place.engine) as conn:
        mark(conn, [place.connections.github])
    sweep.settle_counts(place.engine)


def _sweep(conn: sa.Connection) -> None:
    """What a sweep asks, whosever tick it is."""
    deliveries.anything_due(conn)
    lookup_admin.next_due_s(conn)
    sync_parts.next_due_s(conn)
    sync_runs.may_start(conn)
    reprocess_runs.next_due_s(conn)


def _quiet(conn: sa.Connection) -> str:
    found: Any = conn.exec_driver_sql(
        "SELECT id FROM lightfast_connected_sources WHERE source_type = %s", (QUIET,)
    ).scalar_one()
    return str(found)


def _asked(place: Stage, ask: Ask) -> None:
    with transaction(place.engine) as conn:
        ask(conn)


def _timed(place: Stage, job: Callable[[], object], visits: int) -> dict[str, float]:
    job()
    used, took = _cpu_s(place), []
    for _ in range(visits):
        began = time.perf_counter()
        job()
        took.append(time.perf_counter() - began)
    cpu_s = _cpu_s(place) - used
    return {"ms": round(1000 * median(took), 1), "cpu_ms": round(1000 * cpu_s / visits, 1)}


def _cpu_s(place: Stage) -> float:
    return time.process_time() + database_cpu_s(place.database_url)
