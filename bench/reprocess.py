"""How fast what is stored is made anew, what that costs, and what live work beside it notices.

Documents of the mix are processed, then cut anew for another chunk size, read anew by a newer
extraction, looked at where nothing differs, and processed once more from their raw deliveries; each
by one process. Then deliveries come at a steady pace, without a run and beside one.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from statistics import median

import sqlalchemy as sa

from bench import mix
from bench.receiver import quantile_ms
from bench.stage import STORE, Stage, fill, stage
from ingest.core import revisions
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.reprocess.asked import CHUNKS, DELIVERIES, REFERENCES, ReprocessRequest
from ingest.flows.reprocess.drain import Drain
from ingest.flows.reprocess.request import has_ended, request_run
from ingest.store import deliveries, reprocess_runs
from ingest.store.engine import connect, transaction

_WANTS = sa.text("UPDATE lightfast_stores SET chunk_max_tokens = :tokens WHERE id = :store")
STARTS_S = 5.0
"""Until another process is at work."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some ten minutes."""

    documents: int = 20_000
    live: int = 600
    each_s: float = 0.05

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(documents=2_000, live=100)


@dataclass(frozen=True, slots=True)
class _Pass:
    """What one pass over all documents came to; rss: the process's peak so far, in MiB."""

    counts: dict[str, int]
    wall_s: float
    cpu_s: float
    rss: float

    def figures(self) -> dict[str, object]:
        """Documents a second, and what one costs its process."""
        looked = self.counts.get("looked") or self.counts["replayed"]
        return {
            **self.counts,
            "per_second": round(looked / self.wall_s),
            "own_cpu_ms_each": round(1_000 * self.cpu_s / looked, 2),
            "peak_mib": round(self.rss),
        }


def reprocess(plan: Plan) -> dict[str, object]:
    """Figures of each pass, and the latency of live deliveries without and beside a run."""
    with stage() as place:
        fill(place, mix.arrivals(plan.documents, mix.MIX, place.connections))
        drain_deliveries(place.engine, go_on=lambda: True)
        _want(place, 128)
        cut = _pass(place, (CHUNKS,))
        assert cut.counts["rechunked"] == cut.counts["looked"] >= plan.documents
        same = _pass(place, (CHUNKS, REFERENCES))
        assert set(same.counts) == {"looked"}
        revisions.EXTRACTION += 1
        read = _pass(place, (REFERENCES,))
        replayed = _pass(place, (DELIVERIES,))
        assert replayed.counts["replayed"] == plan.documents
        alone = _live(place, plan, plan.documents)
        _want(place, 256)
        with _beside(place):
            beside = _live(place, plan, plan.documents + plan.live)
        return {
            "documents": plan.documents,
            "rechunk": cut.figures(),
            "look": same.figures(),
            "reread": read.figures(),
            "replay": replayed.figures(),
            "live_alone": _latencies(alone),
            "live_beside_a_run": _latencies(beside),
        }


def _want(place: Stage, tokens: int) -> None:
    with transaction(place.engine) as conn:
        conn.execute(_WANTS, {"tokens": tokens, "store": STORE})


def _pass(place: Stage, what: Sequence[str]) -> _Pass:
    """In this process, waiting for nothing; with the queue's own work, where that is its way."""
    engine = place.engine
    run = request_run(engine, ReprocessRequest(tuple(what)))
    wall, cpu = time.monotonic(), time.process_time()
    Drain(
        engine,
        lambda: not has_ended(_state(engine, run)[0]),
        on_replayed=lambda: drain_deliveries(engine, go_on=lambda: True, threads=1),
        pause=lambda _s: None,
    ).run(only=run)
    wall_s, cpu_s = time.monotonic() - wall, time.process_time() - cpu
    state, counts = _state(engine, run)
    assert state == reprocess_runs.DONE, state
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _Pass(counts, wall_s, cpu_s, rss)


def _state(engine: sa.Engine, run: int) -> tuple[str, dict[str, int]]:
    with transaction(engine, durable=False) as conn:
        found = reprocess_runs.show(conn, run)
    assert found is not None
    summed: dict[str, int] = {}
    for told in found["counts"].values():
        for name, count in told.items():
            summed[name] = summed.get(name, 0) + count
    return found["state"], summed


def _live(place: Stage, plan: Plan, first: int) -> list[float]:
    """Seconds from before each delivery's commit to its end, one each `each_s`, by a worker that is
    awake.
    """
    arrivals = mix.arrivals(plan.live, mix.MIX, place.connections, first=first)
    took: list[float] = []
    for arrival in arrivals:
        began = time.monotonic()
        with transaction(place.engine) as conn:
            deliveries.insert(conn, [arrival])
        drain_deliveries(place.engine, go_on=lambda: True, threads=1)
        took.append(time.monotonic() - began)
        time.sleep(max(0.0, plan.each_s - took[-1]))
    return took


@contextmanager
def _beside(place: Stage) -> Iterator[None]:
    """Another process makes a run's steps meanwhile."""
    context = multiprocessing.get_context("spawn")
    over = context.Event()
    request_run(place.engine, ReprocessRequest((CHUNKS,)))
    process = context.Process(target=_work, args=(place.database_url, over))
    process.start()
    time.sleep(STARTS_S)
    try:
        yield
    finally:
        over.set()
        process.join()


def _work(database_url: str, over: Event) -> None:
    Drain(connect(database_url), lambda: not over.is_set()).run()


def _latencies(took: list[float]) -> dict[str, float]:
    return {"p50_ms": round(1_000 * median(took), 1), "p99_ms": quantile_ms(took, 0.99)}
