"""What the change feed costs whoever writes documents, and how late it is for whoever reads.

The same deliveries are drained with the triggers and without, in turn: rates, and what the worker
and the database used of the processors, which other programs on the machine move less. Then once
more while a consumer reads. The worth of a figure is its ratio.
"""

from __future__ import annotations

import resource
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

import psycopg

from bench import mix
from bench.cpu import database_cpu_s
from bench.stage import Stage, fill, stage
from bench.throughput import timed
from ingest.changes import ALL, Changes, FellBehind
from ingest.store.engine import connect

TOLD = ("lightfast_docs_documents", "lightfast_document_chunks", "lightfast_withheld_documents")
WITH, WITHOUT, READ = "with", "without", "read"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some ten minutes."""

    runs: int = 9
    deliveries: int = 5000

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, deliveries=2000)


@dataclass(slots=True)
class Runs:
    """Of each run: deliveries a second, and processor seconds of worker and database."""

    rates: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    database_s: list[float] = field(default_factory=list)


def changes(plan: Plan) -> dict[str, object]:
    """The figures; `cost` is the part of the processor time that the triggers take."""
    found = {WITHOUT: Runs(), WITH: Runs(), READ: Runs()}
    lags: list[float] = []
    with stage() as place:
        fill(place, mix.arrivals(plan.deliveries, mix.MIX, place.connections, seed=99))
        timed("ours", place)  # to get warm
        for run in range(plan.runs):
            for how in (WITHOUT, WITH) if run % 2 else (WITH, WITHOUT):
                _run(place, plan, run, found[how], told=how == WITH)
            with _Reader(place) as reader:
                _run(place, plan, run, found[READ], told=True)
            lags += reader.lags
        outbox = _outbox(place)
    pairs = zip(found[WITH].cpu_s, found[WITHOUT].cpu_s, strict=True)
    rates = zip(found[WITH].rates, found[WITHOUT].rates, strict=True)
    return {
        "cost": round(1 - 1 / median(one / other for one, other in pairs), 3),
        "cost_of_rate": round(1 - median(one / other for one, other in rates), 3),
        **{f"rate_{how}": round(median(runs.rates), 1) for how, runs in found.items()},
        **{f"cpu_s_{how}": round(median(runs.cpu_s), 2) for how, runs in found.items()},
        **{f"database_s_{how}": round(median(runs.database_s), 2) for how, runs in found.items()},
        "lag_ms_median": round(1000 * median(lags), 1),
        "lag_ms_p99": round(1000 * sorted(lags)[int(len(lags) * 0.99)], 1),
        **outbox,
    }


def _run(place: Stage, plan: Plan, run: int, into: Runs, *, told: bool) -> None:
    fill(place, mix.arrivals(plan.deliveries, mix.MIX, place.connections, seed=run))
    _switch(place, on=told)
    before_s, database_s = _children_s(), database_cpu_s(place.database_url)
    into.rates.append(timed("ours", place).rate)
    into.database_s.append(database_cpu_s(place.database_url) - database_s)
    into.cpu_s.append(_children_s() - before_s + into.database_s[-1])


def _switch(place: Stage, *, on: bool) -> None:
    """Turn the triggers on or off; what a run before told is forgotten."""
    word = "ENABLE" if on else "DISABLE"
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        for table in TOLD:
            conn.execute(f"ALTER TABLE {table} {word} TRIGGER USER".encode())
        conn.execute("TRUNCATE lightfast_document_outbox")


def _children_s() -> float:
    """Processor seconds of all processes that we have waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _outbox(place: Stage) -> dict[str, object]:
    """How large the outbox of one run is."""
    with psycopg.connect(place.database_url) as conn:
        row = conn.execute(
            "SELECT count(*), sum(documents), pg_total_relation_size('lightfast_document_outbox')"
            " FROM lightfast_document_outbox"
        ).fetchone()
    assert row is not None
    assert row[1] > 0
    return {"outbox_rows": row[0], "outbox_documents": int(row[1]), "outbox_bytes": row[2]}


class _Reader(threading.Thread):
    """A consumer that reads and acknowledges for as long as the block lasts."""

    def __init__(self, place: Stage) -> None:
        super().__init__()
        self._url = place.database_url
        self._ended = threading.Event()
        self.lags: list[float] = []

    def __enter__(self) -> _Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(1)
        self._ended.set()
        self.join()

    def run(self) -> None:
        engine = connect(self._url)
        with Changes(engine, "bench", stores=ALL, start=0) as feed:
            feed.snapshot()
            while not self._ended.is_set():
                try:
                    batch = feed.read(wait_s=0.2)
                except FellBehind:  # the tables were emptied for this run
                    continue
                now = datetime.now(UTC)
                if not batch.snapshot:
                    self.lags += [(now - one.updated_at).total_seconds() for one in batch.changes]
                feed.ack(batch)
        engine.dispose()
