"""One step of a run, raw deliveries before documents: what it did and where it stands, at once.

Law: what is written, what is counted of it and where the run stands by then are one transaction;
with the last of them the run ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.errors import Raced
from ingest.core.values import JSON
from ingest.flows.batches import RACES
from ingest.flows.reprocess import documents
from ingest.flows.reprocess.asked import DELIVERIES, ReprocessRequest, asked_of
from ingest.flows.reprocess.deliveries import replay_some
from ingest.flows.reprocess.looked_at import MOST_SAMPLES, LookedAt, StepPart, parts, sample
from ingest.flows.reprocess.resync import ask_for_resyncs, in_question
from ingest.store import ledger, reprocess_runs, reprocessing
from ingest.store.engine import transaction
from ingest.store.reprocess_runs import ClaimedRun, Moved
from ingest.store.reprocessing import Place

log = structlog.get_logger(__name__)

STEP_DOCUMENTS = 100
TRIES_BEFORE_ALONE = 3
"""Steps that fail become smaller: a third as many documents each time."""
TRIES_ALONE = 5
"""One document that failed so often alone is passed over."""


@dataclass(frozen=True, slots=True)
class RunStep:
    """What a step came to: the run as it stands by then; it ends, or waits for deliveries."""

    run: ClaimedRun
    ends: bool = False
    waits: bool = False
    rings: bool = False


def make_step(
    engine: sa.Engine, run: ClaimedRun, *, api_urls: Mapping[str, str], lease_s: float
) -> RunStep:
    """Make the next step of a claimed run, in transactions of its own.

    Raises `LeaseLost` where the run is another's by now, and what hinders the step; then nothing of
    the part at fault is written, and the run stands before it.
    """
    asked = asked_of(run.what, run.scope)
    if DELIVERIES in asked.what and not run.cursor.get("replayed"):
        return _deliveries(engine, run, asked, lease_s)
    return _documents(engine, run, asked, api_urls=api_urls, lease_s=lease_s)


def _deliveries(
    engine: sa.Engine, run: ClaimedRun, asked: ReprocessRequest, lease_s: float
) -> RunStep:
    with transaction(engine) as conn:
        step = replay_some(conn, asked, run.cursor)
        cursor = {**step.cursor, "replayed": True} if step.ends else step.cursor
        ends = step.ends and not asked.has_text
        moved = _moved(run, cursor, step.counts)
        after = _move(conn, run, moved, asked, ends=ends, lease_s=lease_s)
    return RunStep(after, ends=ends, waits=step.waits, rings=step.rings)


def _documents(
    engine: sa.Engine,
    run: ClaimedRun,
    asked: ReprocessRequest,
    *,
    api_urls: Mapping[str, str],
    lease_s: float,
) -> RunStep:
    """Look, and write in parts. Where one was overtaken the parts before it stay, and the step goes
    on behind them.
    """
    limit = _limit(run.tries)
    if limit == 0:
        return _pass_over(engine, run, asked, lease_s)
    for attempt in range(1, RACES + 1):
        after = _after(run)
        looked = documents.look(engine, asked, after, limit=limit, api_urls=api_urls)
        try:
            for part, ends in _parts(looked, asked):
                run = _write(engine, run, asked, part, looked, ends=ends, lease_s=lease_s)
        except Raced:
            if attempt == RACES:
                raise
        else:
            return RunStep(run, ends=looked.ends)
    raise AssertionError("the last attempt returns or raises")


def _after(run: ClaimedRun) -> Place:
    found: Place = run.cursor.get("after", reprocessing.FIRST)
    return found


def _limit(tries: int) -> int:
    """Of how many documents the step is; 0: the next one is passed over."""
    if tries >= TRIES_BEFORE_ALONE + TRIES_ALONE:
        return 0
    if tries >= TRIES_BEFORE_ALONE:
        return 1
    sizes: int = STEP_DOCUMENTS // 3**tries
    return max(1, sizes)


def _parts(looked: LookedAt, asked: ReprocessRequest) -> Iterator[tuple[StepPart, bool]]:
    """The parts of a step, and whether the run ends with each."""
    *first, last = parts(looked, tells_again=asked.resync)
    yield from ((part, False) for part in first)
    yield last, looked.ends


def _write(
    engine: sa.Engine,
    run: ClaimedRun,
    asked: ReprocessRequest,
    part: StepPart,
    looked: LookedAt,
    *,
    ends: bool,
    lease_s: float,
) -> ClaimedRun:
    def moved(conn: sa.Connection) -> ClaimedRun:
        cursor = {**run.cursor, "after": [*part.until]}
        if part.again:
            named = in_question(conn, [one.standing.row for one in part.again])
            cursor["in_question"] = sorted(named.union(cursor.get("in_question", ())))
        to = _moved(run, cursor, part.counts, part.samples)
        return _move(conn, run, to, asked, ends=ends, lease_s=lease_s)

    return documents.write_part(engine, part, looked.renders, moved)


def _pass_over(
    engine: sa.Engine, run: ClaimedRun, asked: ReprocessRequest, lease_s: float
) -> RunStep:
    """Leave out the one document at which the step fails, visibly."""
    with transaction(engine) as conn:
        following = reprocessing.next_documents(
            conn, asked.within, after=_after(run), limit=1, most_chunks=1
        )
        rows = ledger.read(conn, following.places).values()
        for row in rows:
            log.warning("reprocess_passes_over", run=run.id, document=row.document_id)
        cursor = {**run.cursor, "after": [*following.until]}
        counts = {row.source_type: Counter(failed=1) for row in rows}
        samples = [sample(row, "its step failed again and again") for row in rows]
        moved = _moved(run, cursor, counts, samples)
        after = _move(conn, run, moved, asked, ends=following.ends, lease_s=lease_s)
    return RunStep(after, ends=following.ends)


def _moved(
    run: ClaimedRun,
    cursor: Mapping[str, Any],
    counts: Mapping[str, Mapping[str, int]],
    samples: Sequence[JSON] = (),
) -> Moved:
    """Where the run stands, with what it has counted so far."""
    summed = {name: Counter(told) for name, told in run.counts.items()}
    for name, told in counts.items():
        summed.setdefault(name, Counter()).update(told)
    told_of = [*run.samples, *samples][:MOST_SAMPLES]
    return Moved(cursor, {name: dict(told) for name, told in sorted(summed.items())}, told_of)


def _move(
    conn: sa.Connection,
    run: ClaimedRun,
    to: Moved,
    asked: ReprocessRequest,
    *,
    ends: bool,
    lease_s: float,
) -> ClaimedRun:
    """Note where the run stands; where it ends there, ask for the resyncs that it is to ask for."""
    if ends and asked.resync:
        asks = ask_for_resyncs(conn, to.cursor.get("in_question", ()), asked.within)
        to = replace(to, cursor={**to.cursor, "resyncs": [*asks]})
    reprocess_runs.move(conn, run, replace(to, ends=ends), lease_s=lease_s)
    return replace(run, cursor=to.cursor, counts=to.counts, samples=to.samples, tries=0)
