"""Delivery rows to documents with one worker process, beside the limit and the naive way.

The real mix first: bodies of the size that providers send, with references, which all three write
and bind. Small bodies are a row below. Alternating runs, the median of each; the ratios are what
counts, since machines differ. Also: duplicates against new ones, and the worker's memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psycopg

from bench import mix, naive, real
from bench.contestants import Timing, keep_final_rows
from bench.mix import Connections
from bench.rows import rows_of
from bench.stage import Stage, add, empty, fill, requeue, stage
from ingest.store.deliveries import Arrival

Mix = Callable[[int, Connections, int], Iterator[Arrival]]
"""So many deliveries for these connections, out of a seed."""


def _real(count: int, connections: Connections, seed: int) -> Iterator[Arrival]:
    return real.arrivals(count, connections, seed=seed)


def _small(count: int, connections: Connections, seed: int) -> Iterator[Arrival]:
    return mix.arrivals(count, mix.MIX, connections, seed=seed)


SERIES: Mapping[str, Mix] = {"real": _real, "small": _small}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some ten minutes, `quick` about one."""

    runs: int = 5
    deliveries: int = 5000
    naive_deliveries: int = 1500
    memory_deliveries: int = 100_000

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, deliveries=2000, naive_deliveries=300, memory_deliveries=10_000)


def throughput(plan: Plan) -> dict[str, object]:
    """The figures, in deliveries a second, by series; those of the real mix at the top."""
    with stage() as place:
        series = {name: _series(place, made, plan) for name, made in SERIES.items()}
        written = _written(place, plan)
        duplicates = _duplicates(place, plan)
        memory = _memory(place, plan)
    headline = series["real"]
    return {
        **{name: headline[name] for name in ("ours", "limit", "bulk_limit", "naive")},
        **written,
        "series": series,
        "duplicates": duplicates,
        "memory_mib": memory,
    }


def _written(place: Stage, plan: Plan) -> dict[str, float]:
    """What the real mix left, and how large its bodies were; asserted to be what it says."""
    arrivals = list(real.arrivals(plan.deliveries, place.connections))
    fill(place, arrivals)
    timed("ours", place)
    rows, said = rows_of(place.database_url), real.expected(plan.deliveries)
    assert {name: rows[name] for name in said} == said, f"{rows} is not {said}"
    return {
        "references_written": rows["references"],
        "references_bound": rows["bound"],
        "chunks": rows["chunks"],
        "body_bytes": round(sum(len(a.body) for a in arrivals) / len(arrivals)),
    }


def _series(place: Stage, made: Mix, plan: Plan) -> dict[str, float]:
    rates: dict[str, list[float]] = {"ours": [], "limit": [], "bulk_limit": [], "naive": []}
    used: dict[str, list[float]] = {"ours": [], "limit": [], "bulk_limit": []}
    with tempfile.TemporaryDirectory() as directory:
        kept = Path(directory) / "rows.json"
        for run in range(plan.runs):
            fill(place, made(plan.deliveries, place.connections, run))
            timings = {"ours": timed("ours", place)}
            rows = rows_of(place.database_url)
            keep_final_rows(place.database_url, kept)
            for bare in ("limit", "bulk_limit"):
                requeue(place)
                timings[bare] = timed(bare, place, str(kept))
                assert rows_of(place.database_url) == rows, f"{bare} leaves other rows than ours"
            for who, timing in timings.items():
                rates[who].append(timing.rate)
                used[who].append(timing.cpu_s / timing.deliveries * 10_000)
            fill(place, made(plan.naive_deliveries, place.connections, run))
            rates["naive"].append(_naive(place))
    found = {name: round(median(values), 1) for name, values in rates.items()}
    found["of_limit"] = round(found["ours"] / found["limit"], 3)
    found["of_bulk_limit"] = round(found["ours"] / found["bulk_limit"], 3)
    found["times_naive"] = round(found["ours"] / found["naive"], 2)
    for who, seconds in used.items():
        found[f"{who}_cpu_s_per_10000"] = round(median(seconds), 2)
    return found


def _duplicates(place: Stage, plan: Plan) -> dict[str, float]:
    """Deliveries a second from the door to their end: new ones, and the same sent once more.

    `known_events` are another thing: the same event with another body, which passes through all
    of the work again (a replay may have to mend something) and only finds nothing to write.
    """
    new, again, known = [], [], []
    for run in range(plan.runs):
        arrivals = list(real.arrivals(plan.deliveries, place.connections, seed=run))
        empty(place)
        new.append(_from_the_door(place, arrivals))
        again.append(_from_the_door(place, arrivals))
        other = [replace(a, body=a.body + b" ", body_hash=a.body_hash[::-1]) for a in arrivals]
        _refill(place, other)
        known.append(timed("ours", place).rate)
    rates = {"new": median(new), "duplicates": median(again), "known_events": median(known)}
    found = {name: round(rate, 1) for name, rate in rates.items()}
    return {**found, "times": round(rates["duplicates"] / rates["new"], 2)}


def _from_the_door(place: Stage, arrivals: list[Arrival]) -> float:
    """Stored in groups as the receiver does, then drained by one worker process."""
    started = time.perf_counter()
    add(place, arrivals)
    stored_s = time.perf_counter() - started
    return len(arrivals) / (stored_s + timed("ours", place).seconds)


def _refill(place: Stage, arrivals: list[Arrival]) -> None:
    """A queue of only these, with what was processed before left standing."""
    with psycopg.connect(place.database_url) as conn:
        conn.execute("TRUNCATE lightfast_webhook_deliveries CASCADE")
    add(place, arrivals)


def _memory(place: Stage, plan: Plan) -> dict[str, float]:
    """Peak memory of a worker over few and over many deliveries."""
    few = plan.memory_deliveries // 10
    fill(place, real.arrivals(few, place.connections))
    small = timed("ours", place).peak_mib
    fill(place, real.arrivals(plan.memory_deliveries, place.connections))
    large = timed("ours", place).peak_mib
    empty(place)
    return {str(few): round(small, 1), str(plan.memory_deliveries): round(large, 1)}


def timed(who: str, place: Stage, *arguments: str) -> Timing:
    """Run a contestant in a fresh process."""
    command = [sys.executable, "-m", "bench.contestants", who, place.database_url, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def _naive(place: Stage) -> float:
    """Publish first, then let one worker process consume; its own clock, without the start."""
    with psycopg.connect(place.database_url) as conn:
        ids = [row[0] for row in conn.execute("SELECT id FROM lightfast_webhook_deliveries")]
    naive.app.conf.update(broker_url=place.redis_url)
    with naive.app.producer_pool.acquire(block=True) as producer:
        for delivery_id in ids:
            naive.ingest.apply_async((delivery_id,), producer=producer)
    with celery_worker(place), psycopg.connect(place.database_url, autocommit=True) as conn:
        until = time.monotonic() + 60 + len(ids) / 20
        while time.monotonic() < until:
            row = conn.execute(_PROGRESS).fetchone()
            assert row is not None
            if row[0] == 0:
                return float((len(ids) - 1) / row[1])
            time.sleep(0.1)
    raise RuntimeError("the naive worker did not finish; look at its log")


_PROGRESS = """
SELECT count(*) FILTER (WHERE status = 'pending'),
       extract(epoch FROM max(settled_at) - min(settled_at))
FROM lightfast_webhook_deliveries
"""


@contextmanager
def celery_worker(place: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """One naive worker process, started; it ends with the block."""
    environment = {
        **os.environ,
        "DATABASE_URL": place.database_url,
        "REDIS_URL": place.redis_url,
    }
    options = "worker -Q naive -c 1 -P prefork --without-gossip --without-mingle -l ERROR"
    command = [sys.executable, "-m", "celery", "-A", "bench.naive", *options.split()]
    with subprocess.Popen(command, env=environment) as worker:
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(30)
