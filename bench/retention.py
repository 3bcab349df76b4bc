"""What deleting old deliveries costs those who store and claim new ones beside it.

The same loop (store a batch, claim it, settle it; each commit as in production) over the same table
of old deliveries: alone, beside retention at the beat's pace, and beside retention without a pause,
in turn. The first figures are those of an empty table. The ratios are what counts.
"""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from statistics import median

import psycopg

from bench import mix
from bench.receiver import quantile_ms
from bench.stage import Stage, fill, stage
from ingest.core.queues import RETAIN_EVERY_S
from ingest.flows.retention import delete_old
from ingest.store import deliveries
from ingest.store.claiming import claim
from ingest.store.deliveries import Arrival, Verdict
from ingest.store.engine import connect, transaction
from ingest.worker import RETAIN_S

KEEP_DAYS, BATCH, MAX_BYTES = 30, 50, 64 * 2**20
AT_MOST = 1_000_000
"""New deliveries of one run, each with a number of its own."""
ALONE, AT_BEATS_PACE, WITHOUT_PAUSE = "alone", "at_the_beats_pace", "without_a_pause"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some eight minutes."""

    runs: int = 6
    seconds: float = 8.0
    old: int = 2_000_000
    kinds: int = 1_000

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, seconds=5.0, old=400_000)


@dataclass(slots=True)
class Run:
    """What one run stored, claimed and settled, and how long each step of a batch took."""

    seconds: float = 0.0
    rows: int = 0
    deleted: int = 0
    stored_s: list[float] = field(default_factory=list)
    claimed_s: list[float] = field(default_factory=list)


def retention(plan: Plan) -> dict[str, object]:
    """Deliveries a second and p99 of the steps: empty, and beside each pace of retention."""
    with stage() as place:
        numbers = itertools.count(10 * AT_MOST, AT_MOST)
        _run(place, plan, numbers, ALONE)  # to get warm, and to have statistics
        _settle_down(place)
        empty = [_run(place, plan, numbers, ALONE) for _ in range(plan.runs)]
        _fill(place, plan)
        found: dict[str, list[Run]] = {ALONE: [], AT_BEATS_PACE: [], WITHOUT_PAUSE: []}
        for _ in range(plan.runs):
            for pace, runs in found.items():
                runs.append(_run(place, plan, numbers, pace))
        body_bytes = _body_bytes(place)
    beside = {pace: _figures(runs) for pace, runs in found.items()}
    return {
        "old": plan.old,
        "old_body_bytes": body_bytes,
        "empty": _figures(empty),
        **beside,
        "of_empty": _ratio(found[ALONE], empty),
        "of_alone_at_the_beats_pace": _ratio(found[AT_BEATS_PACE], found[ALONE]),
        "of_alone_without_a_pause": _ratio(found[WITHOUT_PAUSE], found[ALONE]),
        "deleted_per_second": round(
            median(run.deleted / run.seconds for run in found[WITHOUT_PAUSE])
        ),
    }


def _fill(place: Stage, plan: Plan) -> None:
    """Old deliveries with bodies of the mix, settled 30 to 40 days ago."""
    kinds = mix.arrivals(plan.kinds, mix.MIX, place.connections, first=5_000_000)
    fill(place, kinds)
    parts = plan.old // plan.kinds
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        ids = conn.execute(_MADE_OLD).fetchone()
        assert ids is not None
        given = {"first": ids[0], "last": ids[1], "parts": parts}
        for part in range(1, parts):
            conn.execute(_MULTIPLY, {**given, "part": part})
    _settle_down(place)
    assert _old(place) == plan.old, _old(place)


def _settle_down(place: Stage) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE lightfast_webhook_deliveries")
        conn.execute("CHECKPOINT")


def _run(place: Stage, plan: Plan, numbers: Iterator[int], pace: str) -> Run:
    """One run of the loop; beside it another process deletes, at that pace."""
    arrivals = mix.arrivals(AT_MOST, mix.MIX, place.connections, first=next(numbers))
    before, run = _old(place), Run()
    deleting = _deleting(place.database_url, plan.seconds, pace)
    began = time.monotonic()
    while (spent := time.monotonic() - began) < plan.seconds:
        run.rows += _step(place, run, list(itertools.islice(arrivals, BATCH)))
    run.seconds = spent
    if deleting is not None:
        deleting.join()
    run.deleted = before - _old(place)
    assert (run.deleted > 0) == (pace != ALONE), run.deleted
    assert pace == ALONE or _old(place) > 0, "all is deleted: nothing was measured at the end"
    return run


def _step(place: Stage, run: Run, batch: Sequence[Arrival]) -> int:
    """Store, claim and settle one batch; how many rows it was."""
    began = time.monotonic()
    with transaction(place.engine) as conn:
        deliveries.insert(conn, batch)
    stored = time.monotonic()
    with transaction(place.engine, durable=False) as conn:
        claimed = claim(conn, limit=BATCH, max_bytes=MAX_BYTES)
    run.stored_s.append(stored - began)
    run.claimed_s.append(time.monotonic() - stored)
    verdicts = [Verdict(row.id, "processed", "") for row in claimed.rows]
    with transaction(place.engine) as conn:
        deliveries.settle(conn, claimed.token, verdicts)
    return len(verdicts)


def _deleting(url: str, seconds: float, pace: str) -> BaseProcess | None:
    if pace == ALONE:
        return None
    every_s = RETAIN_EVERY_S if pace == AT_BEATS_PACE else 0.0
    spawned = multiprocessing.get_context("spawn")
    ready = spawned.Event()
    process = spawned.Process(target=_delete, args=(url, seconds, every_s, ready))
    process.start()
    ready.wait(60)
    return process


def _delete(url: str, seconds: float, every_s: float, ready: Event) -> None:
    """What a worker does at each tick."""
    engine = connect(url)
    with transaction(engine):
        ready.set()
    ends_at = time.monotonic() + seconds
    while (tick := time.monotonic()) < ends_at:
        delete_old(engine, KEEP_DAYS, go_on=_for(RETAIN_S))
        next_at = min(tick + every_s, ends_at)
        time.sleep(max(0.0, next_at - time.monotonic()))
    engine.dispose()


def _for(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


def _old(place: Stage) -> int:
    with psycopg.connect(place.database_url) as conn:
        row = conn.execute(_COUNT, [KEEP_DAYS]).fetchone()
    return row[0] if row else 0


def _body_bytes(place: Stage) -> int:
    with psycopg.connect(place.database_url) as conn:
        row = conn.execute(_SIZE).fetchone()
    return row[0] if row else 0


def _figures(runs: Sequence[Run]) -> dict[str, float]:
    stored = [s for run in runs for s in run.stored_s]
    claimed = [s for run in runs for s in run.claimed_s]
    return {
        "per_second": round(median(run.rows / run.seconds for run in runs)),
        "store_p50_ms": quantile_ms(stored, 0.5),
        "store_p99_ms": quantile_ms(stored, 0.99),
        "claim_p50_ms": quantile_ms(claimed, 0.5),
        "claim_p99_ms": quantile_ms(claimed, 0.99),
    }


def _ratio(runs: Sequence[Run], base: Sequence[Run]) -> float:
    """Deliveries a second beside it, of those without."""
    one, other = (median(run.rows / run.seconds for run in those) for those in (runs, base))
    return round(one / other, 2)


_MADE_OLD = """
WITH made AS (
  UPDATE lightfast_webhook_deliveries
  SET status = 'processed', settled_at = now() - interval '40 days' RETURNING id
)
SELECT min(id), max(id) FROM made
"""
_MULTIPLY = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, connection_id, delivery_key, body_hash, headers, body, status, lane, received_at,
   settled_at)
SELECT source_type, connection_id, %(part)s || '-' || id, body_hash, headers, body, status, lane,
       received_at, settled_at + make_interval(secs => 864000.0 * %(part)s / %(parts)s)
FROM lightfast_webhook_deliveries WHERE id BETWEEN %(first)s AND %(last)s
"""
_COUNT = """
SELECT count(*) FROM lightfast_webhook_deliveries
WHERE status IN ('processed', 'skipped', 'duplicate')
  AND settled_at < now() - make_interval(days => %s)
"""
_SIZE = """
SELECT CAST(avg(octet_length(body)) AS integer)
FROM (SELECT body FROM lightfast_webhook_deliveries LIMIT 10000) d
"""
