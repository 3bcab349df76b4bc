"""What one delivery of the real mix costs: processor time, write-ahead log, commits, disk.

Everything is on: all indexes, references and their binding, the change feed's triggers, the index
for searching. Deliveries are stored in small groups and processed in small batches, as they come
where nothing piles up; and once in large ones, as a worker takes them that catches up. Processor
time and bytes are counted, which other programs of the machine move less than a rate. Linux alone.

Law: what was counted is asserted to have happened. Of each step: how many documents, references and
pending deliveries there are after it.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg
import structlog

from bench import real
from bench.cpu import database_cpu_s
from bench.disk import Disk, by_index, disk_of, grown, per_delivery
from bench.rows import rows_of
from bench.stage import Stage, stage
from ingest.flows.deliveries.drain import BATCH_ROWS, drain_deliveries
from ingest.flows.documents.bind import bind_pending
from ingest.flows.retention import delete_old
from ingest.settings import DEFAULT_KEEP_CHANGES_DAYS, DEFAULT_KEEP_DELIVERIES_DAYS
from ingest.store import deliveries, text_search
from ingest.store.deliveries import Arrival
from ingest.store.engine import transaction
from ingest.warm import warm

KEEP_DAYS, KEEP_CHANGES_DAYS = DEFAULT_KEEP_DELIVERIES_DAYS, DEFAULT_KEEP_CHANGES_DAYS
A_BILLION, DAY_S = 1_000_000_000, 86_400
QUEUE, OUTBOX = "lightfast_webhook_deliveries", "lightfast_document_outbox"
LANGUAGE = "english"
_LEAVES_S = 30.0
"""A session that was closed has ended within this."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some three minutes.

    `rounds` of `deliveries` fill the tables, the latter half of them is counted. `group`: so many
    are stored by one transaction; `batch`: so many are processed by one. `touched` new deliveries
    come after each of `checkpoints`: few, so that nearly every page is written whole to the log.
    """

    rounds: int = 6
    deliveries: int = 1_000
    group: int = 10
    batch: int = 20
    checkpoints: int = 3
    touched: int = 100

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(rounds=2, deliveries=200, checkpoints=1, touched=50)


@dataclass(slots=True)
class Cost:
    """What so many deliveries took: seconds of our process and of all of PostgreSQL's, bytes of
    write-ahead log, pages that stand whole in it, transactions, and how often it was flushed to
    the disk.
    """

    deliveries: int = 0
    own_s: float = 0.0
    database_s: float = 0.0
    log_bytes: int = 0
    full_pages: int = 0
    commits: int = 0
    flushes: int = 0

    def each(self) -> dict[str, float]:
        """For one delivery, times in milliseconds."""
        return {
            "deliveries": self.deliveries,
            "own_ms": round(1000 * self.own_s / self.deliveries, 3),
            "database_ms": round(1000 * self.database_s / self.deliveries, 3),
            "log_bytes": round(self.log_bytes / self.deliveries),
            "full_pages": round(self.full_pages / self.deliveries, 2),
            "commits": round(self.commits / self.deliveries, 3),
            "flushes": round(self.flushes / self.deliveries, 3),
        }


@dataclass(frozen=True, slots=True)
class _Counts:
    own_s: float
    database_s: float
    log_bytes: int
    full_pages: int
    commits: int
    flushes: int


@dataclass(slots=True)
class _Course:
    """The run: where it plays, how much, and the number of the next new delivery."""

    place: Stage
    plan: Plan
    next: int = 0
    costs: dict[str, Cost] = field(default_factory=dict)

    def new(self, count: int) -> list[Arrival]:
        """So many deliveries of things that were not there before."""
        first, self.next = self.next, self.next + count
        return list(real.arrivals(count, self.place.connections, seed=first, first=first))

    def receive(self, arrivals: Sequence[Arrival], name: str, *, group: int = 0) -> int:
        """Store them as the receiver does; how many were accepted."""
        size, accepted = group or self.plan.group, 0
        with self.counted(name, len(arrivals)):
            for at in range(0, len(arrivals), size):
                with transaction(self.place.engine) as conn:
                    answers = deliveries.insert(conn, arrivals[at : at + size])
                accepted += sum(is_new for _, is_new in answers)
        return accepted

    def process(self, count: int, name: str, *, batch: int = 0) -> None:
        """Work off what is due, which is so many, and bind what points at it."""
        with self.counted(name, count):
            done = drain_deliveries(
                self.place.engine, go_on=lambda: True, rows=batch or self.plan.batch
            )
            bind_pending(self.place.engine)
        assert done.settled == Counter(processed=count), done.settled

    @contextmanager
    def counted(self, name: str, count: int) -> Iterator[None]:
        """What the block takes is added to the costs of this name."""
        before = _counts(self.place)
        yield
        after, cost = _counts(self.place), self.costs.setdefault(name, Cost())
        cost.deliveries += count
        cost.own_s += after.own_s - before.own_s
        cost.database_s += after.database_s - before.database_s
        cost.log_bytes += after.log_bytes - before.log_bytes
        cost.full_pages += after.full_pages - before.full_pages
        cost.commits += after.commits - before.commits
        cost.flushes += after.flushes - before.flushes


def costs(plan: Plan) -> dict[str, object]:
    """Milliseconds, bytes and commits of one delivery by what is done with it, and its disk."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with stage() as place:
        with psycopg.connect(place.database_url, autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET autovacuum = off")  # it is done by us, and counted
            conn.execute("SELECT pg_reload_conf()")
        warm()
        return measured(place, plan)


def measured(place: Stage, plan: Plan) -> dict[str, object]:
    """The same of an empty database of the caller's."""
    text_search.build(place.engine, LANGUAGE)
    course = _Course(place, plan)
    empty = disk_of(place.database_url)
    received, filled = _fill(course)
    received, disk = grown(empty, received), grown(empty, disk_of(place.database_url))
    _again(course)
    _after_checkpoints(course)
    _in_large_batches(course)
    _without_search(course)
    _delete(course)
    each = {name: cost.each() for name, cost in course.costs.items()}
    kept = per_delivery(disk, filled.deliveries)
    return {
        "body_bytes": round(filled.body_bytes / filled.deliveries),
        "chunks": round(filled.chunks / filled.deliveries, 2),
        "references": round(filled.references / filled.deliveries, 2),
        "tables": {
            "of one delivery": each,
            "bytes on disk of one, received": per_delivery(received, plan.deliveries),
            "bytes on disk of one, processed": kept,
            "bytes on disk of one, by index": by_index(disk, filled.deliveries),
            "of a billion a month": billion(each, kept),
        },
    }


def billion(
    each: Mapping[str, Mapping[str, float]], disk: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    """What a billion deliveries in 30 days come to, if all were of new things, and if all were
    edits; on average, over the day. Vacuum and retention are in it, receiving over HTTP is not.
    """
    second = A_BILLION / (KEEP_DAYS * DAY_S)
    rows = {}
    for label, prefix in (("all new", ""), ("all edits", "edit_")):
        receipt, processing = each[f"{prefix}receipt"], each[f"{prefix}processing"]
        of_ours = (receipt, processing, each["deletion"])
        steps = (*of_ours, each["vacuum"])
        rows[label] = {
            "per_second": round(second),
            "worker_cores": round(processing["own_ms"] * second / 1000, 2),
            "database_cores": round(sum(s["database_ms"] for s in steps) * second / 1000, 2),
            "log_gb_a_day": round(sum(s["log_bytes"] for s in steps) * second * DAY_S / 1e9),
            "commits_per_second": round(sum(s["commits"] for s in of_ours) * second),
            "flushes_per_second": round(sum(s["flushes"] for s in of_ours) * second),
        }
    fresh = [each[f"{step}_after_checkpoint"] for step in ("receipt", "processing")]
    rows["all new"]["log_gb_a_day_if_all_pages_whole"] = round(
        sum(s["log_bytes"] for s in (*fresh, each["vacuum"], each["deletion"]))
        * (second * DAY_S / 1e9)
    )
    rows["all new"]["pages_per_second"] = round(sum(s["full_pages"] for s in fresh) * second)
    queue, outbox = disk[QUEUE]["total"], disk[OUTBOX]["total"] if OUTBOX in disk else 0
    stays = disk["all"]["total"] - queue - outbox
    rows["all new"]["deliveries_tb"] = round(queue / 1000, 2)
    rows["all new"]["outbox_tb"] = round(outbox / 1000 * KEEP_CHANGES_DAYS / KEEP_DAYS, 2)
    rows["all new"]["documents_tb_a_month"] = round(stays / 1000, 2)
    return rows


@dataclass(frozen=True, slots=True)
class _Filled:
    deliveries: int
    body_bytes: int
    chunks: int
    references: int


def _fill(course: _Course) -> tuple[dict[str, Disk], _Filled]:
    """Rounds of receiving and processing, each followed by a vacuum in autovacuum's place; the
    tables' sizes when nothing but the first round's receipt had happened.
    """
    plan, place = course.plan, course.place
    received: dict[str, Disk] = {}
    bodies, said = 0, Counter[str]()
    for number in range(plan.rounds):
        counts = number >= plan.rounds // 2
        arrivals = course.new(plan.deliveries)
        bodies += sum(len(arrival.body) for arrival in arrivals)
        assert course.receive(arrivals, "receipt" if counts else "warm") == plan.deliveries
        received = received or disk_of(place.database_url)
        course.process(plan.deliveries, "processing" if counts else "warm")
        with course.counted("vacuum" if counts else "warm", plan.deliveries):
            _vacuum(place)
        said += real.expected(plan.deliveries, first=course.next - plan.deliveries)
    total, rows = plan.rounds * plan.deliveries, rows_of(place.database_url)
    assert {name: rows[name] for name in said} == said, f"{rows} is not {said}"
    assert rows["events"] == total < rows["chunks"], rows
    del course.costs["warm"]
    return received, _Filled(total, bodies, rows["chunks"], rows["references"])


def _again(course: _Course) -> None:
    """The last round once more: to the byte, told by other deliveries, and edited."""
    plan, place = course.plan, course.place
    first = course.next - plan.deliveries
    last = list(real.arrivals(plan.deliveries, place.connections, seed=first, first=first))
    before = rows_of(place.database_url)
    assert course.receive(last, "duplicate") == 0
    told = [_told_anew(arrival, "again") for arrival in last]
    assert course.receive(told, "unchanged_receipt") == len(told)
    course.process(len(told), "unchanged_processing")
    after = rows_of(place.database_url)
    assert after - before == Counter(events=len(told)), after - before
    written = _texts(place)
    other = real.arrivals(plan.deliveries, place.connections, seed=first + 1, first=first)
    edits = [_later(_told_anew(arrival, "edit")) for arrival in other]
    assert course.receive(edits, "edit_receipt") == len(edits)
    course.process(len(edits), "edit_processing")
    after = rows_of(place.database_url)
    assert after["documents"] == before["documents"], after
    assert _texts(place) - written >= len(edits), "edits that changed no text"


def _told_anew(arrival: Arrival, how: str) -> Arrival:
    """The same of the same thing, by another delivery."""
    key = f"{arrival.delivery_key}-{how}"
    return replace(arrival, delivery_key=key, body_hash=arrival.body_hash[::-1])


def _later(arrival: Arrival) -> Arrival:
    """With times of a month later."""
    return replace(arrival, body=arrival.body.replace(b"2025-01-", b"2025-02-"))


def _after_checkpoints(course: _Course) -> None:
    """Few new deliveries after each checkpoint: the first change of a page logs it whole."""
    for _ in range(course.plan.checkpoints):
        arrivals = course.new(course.plan.touched)
        _checkpoint(course.place)
        course.receive(arrivals, "receipt_after_checkpoint")
        _checkpoint(course.place)
        course.process(len(arrivals), "processing_after_checkpoint")


def _in_large_batches(course: _Course) -> None:
    """As a worker takes them that has to catch up."""
    arrivals = course.new(course.plan.deliveries)
    course.receive(arrivals, "receipt_in_large_groups", group=100)
    course.process(len(arrivals), "processing_in_large_batches", batch=BATCH_ROWS)


def _without_search(course: _Course) -> None:
    """What a delivery costs whoever has not asked for the index of words."""
    assert text_search.drop(course.place.engine)
    arrivals = course.new(course.plan.deliveries)
    course.receive(arrivals, "receipt_without_search")
    course.process(len(arrivals), "processing_without_search")


def _delete(course: _Course) -> None:
    """What retention takes when their time is over."""
    place = course.place
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        made_old = conn.execute(_MADE_OLD).rowcount
    _vacuum(place)
    with course.counted("deletion", made_old):
        deleted = delete_old(place.engine, KEEP_DAYS, go_on=lambda: True).deliveries
    assert deleted == made_old, (deleted, made_old)


def _vacuum(place: Stage) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        conn.execute("VACUUM (ANALYZE)")


def _checkpoint(place: Stage) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        conn.execute("CHECKPOINT")


def _counts(place: Stage) -> _Counts:
    """Everything so far. What our sessions did is told to the statistics when they end."""
    place.engine.dispose()
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        until = time.monotonic() + _LEAVES_S
        while (others := conn.execute(_OTHERS).fetchone()) != (0,):
            assert time.monotonic() < until, f"{others} sessions do not end"
            time.sleep(0.05)
        row = conn.execute(_COUNTED).fetchone()
    assert row is not None
    return _Counts(time.process_time(), database_cpu_s(place.database_url), *row)


def _texts(place: Stage) -> int:
    """How many documents' texts were ever changed."""
    with psycopg.connect(place.database_url) as conn:
        row = conn.execute(_CHANGED).fetchone()
    return int(row[0]) if row else 0


_OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
  AND datname = current_database() AND pid <> pg_backend_pid()
"""
_COUNTED = """
SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS bigint),
       (SELECT wal_fpi FROM pg_stat_wal),
       (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
       (SELECT CAST(sum(fsyncs) AS bigint) FROM pg_stat_io WHERE object = 'wal')
"""
# Of the outbox, which has a bit of each column that an update changed: 16 is the text's hash.
_CHANGED = """
SELECT count(*) FROM lightfast_document_outbox o, unnest(o.fields) f
WHERE o.said = 'changed' AND f & 16 <> 0
"""
_MADE_OLD = """
UPDATE lightfast_webhook_deliveries SET settled_at = now() - interval '40 days'
WHERE status IN ('processed', 'skipped', 'duplicate')
"""
