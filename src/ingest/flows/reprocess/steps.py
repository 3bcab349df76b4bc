"""One step of a run, raw deliveries before documents: what it did and where it stands, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.errors import Raced
from ingest.core.values import JSON
from ingest.flows.batches import RACES
from ingest.flows.reprocess import documents
from ingest.flows.reprocess.asked import DELIVERIES, ReprocessRequest, asked_of
from ingest.flows.reprocess.deliveries import replay_some
from ingest.flows.reprocess.resync import ask_for_resyncs, tell_again
from ingest.store import reprocess_runs, reprocessing
from ingest.store.engine import transaction
from ingest.store.reprocess_runs import ClaimedRun, Moved

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
    if not asked.has_text:
        return _end(engine, run, asked, lease_s)
    return _documents(engine, run, asked, api_urls=api_urls, lease_s=lease_s)


def _deliveries(
    engine: sa.Engine, run: ClaimedRun, asked: ReprocessRequest, lease_s: float
) -> RunStep:
    with transaction(engine) as conn:
        step = replay_some(conn, asked, run.cursor)
        cursor = {**step.cursor, "replayed": True} if step.ends else step.cursor
        moved = _moved(run, cursor, step.counts)
        reprocess_runs.move(conn, run, moved, lease_s=lease_s)
    return RunStep(_after(run, moved), waits=step.waits, rings=step.rings)


def _documents(
    engine: sa.Engine,
    run: ClaimedRun,
    asked: ReprocessRequest,
    *,
    api_urls: Mapping[str, str],
    lease_s: float,
) -> RunStep:
    limit = _limit(run.tries)
    if limit == 0:
        return _pass_over(engine, run, asked, lease_s)
    for attempt in range(1, RACES + 1):
        try:
            return _make(engine, run, asked, limit=limit, api_urls=api_urls, lease_s=lease_s)
        except Raced:
            if attempt == RACES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _limit(tries: int) -> int:
    """Of how many documents the step is; 0: the next one is passed over."""
    if tries >= TRIES_BEFORE_ALONE + TRIES_ALONE:
        return 0
    if tries >= TRIES_BEFORE_ALONE:
        return 1
    sizes: int = STEP_DOCUMENTS // 3**tries
    return max(1, sizes)


def _make(
    engine: sa.Engine,
    run: ClaimedRun,
    asked: ReprocessRequest,
    *,
    limit: int,
    api_urls: Mapping[str, str],
    lease_s: float,
) -> RunStep:
    after = run.cursor.get("after", reprocessing.FIRST)
    looked = documents.look(engine, asked, after, limit=limit, api_urls=api_urls)
    *first, last = documents.parts(looked)
    for part in first:
        until = part[-1].standing.row.identity
        moved = _moved(run, {**run.cursor, "after": until}, {})
        note = partial(reprocess_runs.move, run=run, to=moved, lease_s=lease_s)
        documents.write_part(engine, part, looked.renders, note)
        run = _after(run, moved)
    moved = _moved(run, {**run.cursor, "after": looked.until}, looked.counts, looked.samples)
    if asked.resync:
        with transaction(engine) as conn:
            tell_again(conn, looked.unmade)
    note = partial(reprocess_runs.move, run=run, to=moved, lease_s=lease_s)
    documents.write_part(engine, last, looked.renders, note)
    run = _after(run, moved)
    return _end(engine, run, asked, lease_s) if looked.ends else RunStep(run)


def _pass_over(
    engine: sa.Engine, run: ClaimedRun, asked: ReprocessRequest, lease_s: float
) -> RunStep:
    """Leave out the one document at which the step fails, visibly."""
    after = run.cursor.get("after", reprocessing.FIRST)
    with transaction(engine) as conn:
        found, ends = reprocessing.next_documents(
            conn, asked.within, after=after, limit=1, most_chunks=1
        )
        until = found[0] if found else after
        log.warning("reprocess_passes_over", run=run.id, document=until)
        counts = {"": Counter(failed=len(found))}
        samples: list[JSON] = [{"document": until, "reason": "its step failed again and again"}]
        moved = _moved(run, {**run.cursor, "after": until}, counts, samples)
        reprocess_runs.move(conn, run, moved, lease_s=lease_s)
    run = _after(run, moved)
    return _end(engine, run, asked, lease_s) if ends else RunStep(run)


def _end(engine: sa.Engine, run: ClaimedRun, asked: ReprocessRequest, lease_s: float) -> RunStep:
    """End the run, and ask for the resyncs that it is to ask for."""
    with transaction(engine) as conn:
        asks = ask_for_resyncs(conn, run.counts, asked) if asked.resync else []
        cursor: dict[str, Any] = {**run.cursor, "resyncs": asks} if asks else {**run.cursor}
        moved = replace(_moved(run, cursor, {}), ends=True)
        reprocess_runs.move(conn, run, moved, lease_s=lease_s)
    return RunStep(_after(run, moved), ends=True)


def _moved(
    run: ClaimedRun,
    cursor: Mapping[str, Any],
    counts: Mapping[str, Mapping[str, int]],
    samples: list[JSON] | None = None,
) -> Moved:
    """Where the run stands, with what it has counted so far."""
    summed = {name: Counter(told) for name, told in run.counts.items()}
    for name, told in counts.items():
        summed.setdefault(name, Counter()).update(told)
    told_of = [*run.samples, *(samples or ())][: documents.MOST_SAMPLES]
    return Moved(cursor, {name: dict(told) for name, told in sorted(summed.items())}, told_of)


def _after(run: ClaimedRun, moved: Moved) -> ClaimedRun:
    return replace(run, cursor=moved.cursor, counts=moved.counts, samples=moved.samples, tries=0)
