"""What the indexes that only readers need cost whoever writes: processor time, and log written.

The same deliveries of new documents are worked off in turn with all indexes and without those;
counted are the seconds of the database's processes and of the worker, and the bytes of the
write-ahead log, which other programs of the machine do not change. Linux alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psycopg

from bench import mix
from bench.cpu import database_cpu_s
from bench.stage import Stage, fill, stage
from ingest.flows.deliveries.drain import drain_deliveries

OURS = (
    "idx_docs_created",
    "idx_docs_updated",
    "idx_docs_state",
    "idx_docs_status",
    "idx_docs_children",
    "idx_references_pointing",
    "idx_ledger_kind",
    "idx_deliveries_duplicate",
)
BEFORE = {
    "idx_ledger_store": "ON lightfast_document_ledger (store_id)",
    "idx_references_target": "ON lightfast_document_references (target_document_id)",
}
"""What two of them took the place of."""
_WRITTEN = "SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS bigint)"
_DEFINITION = "SELECT pg_get_indexdef(CAST(CAST(%s AS text) AS regclass))"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    runs: int = 5
    deliveries: int = 6_000

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, deliveries=1_000)


def reading(plan: Plan) -> dict[str, object]:
    """Milliseconds of processor and bytes of log a delivery: with, without, and the share."""
    with stage() as place:
        _worked_off(place, plan)  # to get warm
        found = _both_ways(place, plan)
    per = 1 / plan.deliveries
    database = {name: median(r.database_s for r in runs) * per for name, runs in found.items()}
    whole = {
        name: median(r.database_s + r.worker_s for r in runs) * per for name, runs in found.items()
    }
    log = {name: median(r.log_bytes for r in runs) * per for name, runs in found.items()}
    return {
        "deliveries": plan.deliveries,
        "database_ms": {name: round(s * 1000, 3) for name, s in database.items()},
        "database_and_worker_ms": {name: round(s * 1000, 3) for name, s in whole.items()},
        "log_bytes": {name: round(size) for name, size in log.items()},
        "of_database": round(database["with"] / database["without"], 3),
        "of_all": round(whole["with"] / whole["without"], 3),
        "of_log": round(log["with"] / log["without"], 3),
    }


def _both_ways(place: Stage, plan: Plan) -> dict[str, list[Cost]]:
    """With our indexes, and with those of before in their place; in turn."""
    ours = _definitions(place)
    before = [f"CREATE INDEX {name} {what}" for name, what in BEFORE.items()]
    found: dict[str, list[Cost]] = {"with": [], "without": []}
    for _ in range(plan.runs):
        found["with"].append(_worked_off(place, plan))
        _do(place, [*before, *(f"DROP INDEX {name}" for name in OURS)])
        found["without"].append(_worked_off(place, plan))
        _do(place, [*(f"DROP INDEX {name}" for name in BEFORE), *ours])
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """What working off all deliveries took."""

    database_s: float
    worker_s: float
    log_bytes: int


def _worked_off(place: Stage, plan: Plan) -> Cost:
    arrivals = mix.arrivals(plan.deliveries, mix.MIX, place.connections)
    assert fill(place, arrivals) == plan.deliveries
    before, database, own = _log(place), database_cpu_s(place.database_url), time.process_time()
    drain_deliveries(place.engine, go_on=lambda: True, threads=1)
    worker_s = time.process_time() - own
    return Cost(database_cpu_s(place.database_url) - database, worker_s, _log(place) - before)


def _log(place: Stage) -> int:
    with psycopg.connect(place.database_url) as conn:
        row = conn.execute(_WRITTEN).fetchone()
    assert row is not None
    return int(row[0])


def _definitions(place: Stage) -> list[str]:
    with psycopg.connect(place.database_url) as conn:
        rows = [conn.execute(_DEFINITION, (name,)).fetchone() for name in OURS]
    return [row[0] for row in rows if row is not None]


def _do(place: Stage, statements: Sequence[str]) -> None:
    with psycopg.connect(place.database_url) as conn:
        for statement in statements:
            conn.execute(statement.encode())
