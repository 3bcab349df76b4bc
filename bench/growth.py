"""What growth costs: one database at 10,000, 100,000 and 1,000,000 documents. Linux alone.

The queue, the trail, events, ledger, references and all other tables that processing writes grow
along (`bench.multiply`), with all indexes of the schema, over 20 stores and 59 connections. At each
size new deliveries of the real mix are worked off by one worker process, then edits of documents
that lie all over the tables; reads are timed that a person waits for, and the beat's jobs.

Law: what was counted is asserted to have happened. Beside each rate stands the processor time of
worker and database, which other programs of the machine move less. Ratios are of the largest size
and a second database of the smallest one, in turn.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import psycopg
import structlog

from bench import multiply, real
from bench.beside_vacuum import Beside, vacuuming
from bench.cpu import database_cpu_s
from bench.disk import disk_of
from bench.grown_reads import Reads, reads_of
from bench.multiply import Place
from bench.rows import rows_of
from bench.stage import Stage, stage
from bench.throughput import timed
from ingest.flows.retention import delete_changes
from ingest.flows.sweep import settle_counts
from ingest.store import deliveries
from ingest.store.deliveries import Arrival
from ingest.store.engine import transaction

LEAST_OF_RATE, MOST_MS = 0.8, 50.0
"""What the largest size is to keep of the smallest's rate; what a read may take at any."""
_GROUP = 500
_SOWN, _NEW = 3_000_000, 2_000_000
"""The numbers of what is sown among the copies, and of what is new."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is about half an hour, most of it filling.

    `template` deliveries are processed and multiplied to each of `sizes`. Of each size `runs` times
    `new` deliveries are worked off, and as many edits: of `new` documents that are sown among the
    copies in `slices`. Each read is made `visits` times.
    """

    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    template: int = multiply.TEMPLATE
    runs: int = 3
    new: int = 2_000
    slices: int = 10
    visits: int = 7

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(sizes=(2_000, 20_000), template=500, runs=1, new=500, visits=3)


@dataclass(frozen=True, slots=True)
class Work:
    """What so many deliveries took: seconds by the clock, of the worker's process and of all of
    PostgreSQL's, bytes of write-ahead log and pages that stand whole in it.
    """

    deliveries: int
    seconds: float
    worker_s: float
    database_s: float
    log_bytes: int
    pages: int

    def each(self) -> dict[str, float]:
        """For one delivery, times in milliseconds."""
        return {
            "per_second": round(self.deliveries / self.seconds),
            "worker_ms": round(1000 * self.worker_s / self.deliveries, 3),
            "database_ms": round(1000 * self.database_s / self.deliveries, 3),
            "log_bytes": round(self.log_bytes / self.deliveries),
            "whole_pages": round(self.pages / self.deliveries, 2),
        }


@dataclass(slots=True)
class _Course:
    """The run: numbers that are free yet, and what was sown, by which edits are made."""

    stage: Stage
    plan: Plan
    parts: Iterator[int]
    sown: int = _SOWN
    next: int = _NEW

    def process(self, arrivals: Sequence[Arrival]) -> Work:
        """Store them, and have one worker process work them off."""
        for at in range(0, len(arrivals), _GROUP):
            with transaction(self.stage.engine) as conn:
                answers = deliveries.insert(conn, arrivals[at : at + _GROUP])
            assert all(is_new for _, is_new in answers)
        url = self.stage.database_url
        cpu_s, log, pages = database_cpu_s(url), *_log(url)
        timing = timed("ours", self.stage)
        assert timing.deliveries == len(arrivals), timing
        after = _log(url)
        used = database_cpu_s(url) - cpu_s
        return Work(
            timing.deliveries, timing.seconds, timing.cpu_s, used, after[0] - log, after[1] - pages
        )

    def new(self, count: int, first: int, seed: int) -> list[Arrival]:
        return list(real.arrivals(count, self.stage.connections, seed=seed, first=first))


def growth(plan: Plan) -> dict[str, object]:
    """Rates and processor time, milliseconds of reads, and the disk, by the number of documents."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with stage() as place, stage() as small:
        return measured(place, small, plan)


def measured(place: Stage, small: Stage, plan: Plan) -> dict[str, object]:
    """The same of two empty databases of the caller's; the second one stays at the smallest size,
    so that both are measured in the same minutes.
    """
    course, other = (_Course(one, plan, iter(range(1, multiply.PARTS))) for one in (place, small))
    template = _template(course)
    rates: dict[str, dict[str, dict[str, float]]] = {"new": {}, "edits": {}}
    reads: dict[str, Reads] = {}
    disk: dict[str, dict[str, int]] = {}
    beside: dict[str, dict[str, object]] = {}
    first = 0
    for size in plan.sizes:
        label = f"{size:,}"
        first = _grow(course, template, size)
        disk[label] = _sizes(place.database_url)
        rates["new"][label], rates["edits"][label] = _work(course, first)
        reads[label] = reads_of(place, plan.visits)
        beside[label] = _beside_vacuum(course)
    smallest, largest = f"{plan.sizes[0]:,}", f"{plan.sizes[-1]:,}"
    sown = _grow(other, _template(other), plan.sizes[0])
    in_turn = _in_turn({smallest: (other, sown), largest: (course, first)})
    ratios = {what: _ratios(by[smallest], by[largest]) for what, by in in_turn.items()}
    ms = {name: {size: reads[size][name]["ms"] for size in reads} for name in reads[largest]}
    return {
        "of_the_smallest": ratios,
        "over_50_ms": sorted(name for name, by_size in ms.items() if by_size[largest] > MOST_MS),
        "tables": {
            "new deliveries": rates["new"],
            "edits": rates["edits"],
            "new deliveries, in turn": in_turn["new"],
            "edits, in turn": in_turn["edits"],
            "beside a vacuum": beside,
            "milliseconds": ms,
            f"at {largest}": reads[largest],
            "MB on disk": _turned(disk),
        },
    }


def _template(course: _Course) -> Place:
    """What is multiplied: really received and processed, bound, its changes told."""
    count, place = course.plan.template, course.stage
    course.process(course.new(count, multiply.FIRST, seed=1))
    delete_changes(place.engine, 1)  # gives positions
    rows, said = rows_of(place.database_url), real.expected(count, first=multiply.FIRST)
    assert {name: rows[name] for name in said} == said, f"{rows} is not {said}"
    return multiply.take_template(place)


def _grow(course: _Course, template: Place, size: int) -> int:
    """Fill up to so many documents, a slice of what will be edited after each slice of copies; the
    number of the first of those.
    """
    plan, url = course.plan, course.stage.database_url
    indexes = multiply.without_late_indexes(template)
    _autovacuum(url, on=False)
    first, each = course.sown, plan.new // plan.slices
    before, of_template = rows_of(url), _of_template(url)
    missing = size - before["documents"] - each * plan.slices
    copied = 0
    for nth in range(1, plan.slices + 1):
        wanted = missing * nth // plan.slices - copied
        copied += multiply.multiply(template, course.parts, wanted) if wanted > 0 else 0
        course.process(course.new(each, course.sown, seed=course.sown))
        course.sown += each
    multiply.build(template, indexes)
    said, copies = Counter[str](), copied // template.documents
    for nth in range(plan.slices):
        said += real.expected(each, first=first + nth * each)
    rows = rows_of(url)
    for name in ("documents", "mentions", "bound"):
        grown = rows[name] - before[name]
        assert grown == said[name] + copies * of_template[name], (name, grown, said, of_template)
    assert rows["chunks"] > rows["events"] >= rows["documents"] >= 0.9 * size, rows
    settle_counts(course.stage.engine)
    _autovacuum(url, on=True)
    return first


def _of_template(url: str) -> Counter[str]:
    """What one copy adds, by the names of `rows_of`."""
    with psycopg.connect(url) as conn:
        row = conn.execute(_OF_TEMPLATE).fetchone()
    assert row is not None
    return Counter(dict(zip(("documents", "mentions", "bound"), row, strict=True)))


def _work(course: _Course, sown: int) -> tuple[dict[str, float], dict[str, float]]:
    """One delivery of something new, and one edit; the median of the runs, the first one apart."""
    plan, url = course.plan, course.stage.database_url
    fresh, edits = [], []
    course.process(course.new(plan.new, course.next, seed=course.next))  # to get warm
    course.next += plan.new
    for run in range(plan.runs):
        before = rows_of(url)
        fresh.append(course.process(course.new(plan.new, course.next, seed=course.next)))
        said = real.expected(plan.new, first=course.next)
        course.next += plan.new
        after = rows_of(url)
        assert {n: after[n] - before[n] for n in said} == said, (before, after, said)
        texts = _changed(url)
        edits.append(course.process(_edits(course, sown, run)))
        assert rows_of(url)["documents"] == after["documents"]
        assert _changed(url) - texts >= 0.9 * plan.new, "edits that changed no text"
    return _median(fresh), _median(edits)


def _in_turn(
    courses: Mapping[str, tuple[_Course, int]],
) -> dict[str, dict[str, dict[str, float]]]:
    """The same work in one database after the other, again and again: new deliveries, and edits of
    what was sown from that number on.
    """
    found = {what: {size: list[Work]() for size in courses} for what in ("new", "edits")}
    plan = next(iter(courses.values()))[0].plan
    for run in range(plan.runs + 1):
        for size, (course, sown) in courses.items():
            new = course.process(course.new(plan.new, course.next, seed=course.next))
            course.next += plan.new
            edits = course.process(_edits(course, sown, plan.runs + run))
            if run:  # the first one is to get warm
                found["new"][size].append(new)
                found["edits"][size].append(edits)
    return {what: {size: _median(w) for size, w in by.items()} for what, by in found.items()}


def _beside_vacuum(course: _Course) -> dict[str, object]:
    """Deliveries a second alone and beside a vacuum, in turn, and what the worker's sessions wait
    for.
    """
    plan, found = course.plan, dict[bool, list[tuple[Work, Beside]]]({False: [], True: []})
    for _ in range(plan.runs):
        for vacuums, runs in found.items():
            arrivals = course.new(plan.new, course.next, seed=course.next)
            course.next += plan.new
            with vacuuming(course.stage.database_url, vacuums=vacuums) as seen:
                runs.append((course.process(arrivals), seen))
    alone, beside = ([work.each()["per_second"] for work, _ in found[is_so]] for is_so in found)
    waits = sum((seen.waits for _, seen in found[True]), Counter[str]())
    return {
        "alone": median(alone),
        "beside": median(beside),
        "of_alone": round(median(beside) / median(alone), 2),
        "tables_vacuumed": sum(seen.tables for _, seen in found[True]),
        "waited_alone": Beside(0, sum((s.waits for _, s in found[False]), Counter())).shares(),
        "waited_beside": Beside(0, waits).shares(),
    }


def _edits(course: _Course, first: int, run: int) -> list[Arrival]:
    """The same things with other texts, told a year later and more."""
    told = course.new(course.plan.new, first, seed=first + run + 1)
    year = str(2026 + run).encode()
    return [
        replace(
            one,
            delivery_key=f"{one.delivery_key}-edit-{run}",
            body=one.body.replace(b'"2025-', b'"' + year + b"-"),
            body_hash=bytes((run + 1, *one.body_hash[1:])),
        )
        for one in told
    ]


def _median(work: Sequence[Work]) -> dict[str, float]:
    each = [one.each() for one in work]
    return {name: median(one[name] for one in each) for name in each[0]}


def _ratios(small: dict[str, float], large: dict[str, float]) -> dict[str, float]:
    """Of the rate, and of the processor time of both: 1 is no growth."""
    cpu = [one["worker_ms"] + one["database_ms"] for one in (small, large)]
    return {
        "rate": round(large["per_second"] / small["per_second"], 2),
        "processor_time": round(cpu[1] / cpu[0], 2),
    }


def _sizes(url: str) -> dict[str, int]:
    """Megabytes of each table and each index, those of at least one."""
    sizes: dict[str, int] = {}
    for table, size in disk_of(url).items():
        sizes[table] = size.heap
        sizes[f"{table} (TOAST)"] = size.toast
        sizes |= size.by_index
    return {name: round(size / 1e6) for name, size in sizes.items() if size >= 5e5}


def _turned(disk: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    last = [*disk.values()][-1]
    names = sorted(last, key=lambda name: -last[name])
    total = {size: sum(one.values()) for size, one in disk.items()}
    return {
        "all": total,
        **{name: {size: disk[size].get(name, 0) for size in disk} for name in names},
    }


def _log(url: str) -> tuple[int, int]:
    with psycopg.connect(url) as conn:
        row = conn.execute(_LOG).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _changed(url: str) -> int:
    """How many changes of a document's text were told."""
    with psycopg.connect(url) as conn:
        row = conn.execute(_CHANGED).fetchone()
    return int(row[0]) if row else 0


def _autovacuum(url: str, *, on: bool) -> None:
    """While the tables are filled it would only be in the way; their fillers put them in order."""
    change = "RESET autovacuum" if on else "SET autovacuum = off"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"ALTER SYSTEM {change}".encode())
        conn.execute("SELECT pg_reload_conf()")
    time.sleep(0.2)


_LOG = """
SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS bigint), (SELECT wal_fpi FROM pg_stat_wal)
"""
_OF_TEMPLATE = """
SELECT (SELECT count(*) FROM growth.docs_documents),
       count(*), count(target_document_id)
FROM growth.document_references WHERE kind = 'mention'
"""
# Of the outbox, which has a bit of each column that an update changed: 16 is the text's hash.
_CHANGED = """
SELECT count(*) FROM lightfast_document_outbox o, unnest(o.fields) f
WHERE o.said = 'changed' AND f & 16 <> 0
"""
