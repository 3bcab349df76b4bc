"""Ends a prepared batch: events, effects and verdicts in one transaction, or not at all.

What is dear is rendered before it begins, and a batch that would write very much is several. One
bad row does not spoil a batch: an error that a row can cause halves it until the culprit stands
alone and is settled alone. What the database gave up for its cost is tried again with less beside
it, and is dead when it was alone often enough. A deadlock or a lost connection is nobody's fault:
it is counted, and tried again for ever.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.bounds import cut_remark
from ingest.core.errors import Costly, IngestError, TransientError
from ingest.core.identity import event_id
from ingest.core.retry import MAX_OVERRUNS, given_back_s
from ingest.flows.deliveries import unsigned_times as once
from ingest.flows.deliveries.lease import Hold
from ingest.flows.deliveries.normalise import Prepared, Target
from ingest.flows.documents import apply as applying
from ingest.flows.documents import bind as binding
from ingest.flows.documents import prerender as ahead
from ingest.flows.documents.apply import Applied, Work
from ingest.flows.documents.render import Renders
from ingest.flows.lookups import request as asking
from ingest.flows.lookups.request import Ask, Wait
from ingest.sources.registry import source
from ingest.store import conditions, deliveries, drift, events, facts
from ingest.store.claiming import Claimed
from ingest.store.deliveries import Later, Verdict
from ingest.store.engine import BadRow, MissingRow, transaction
from ingest.store.events import Event
from ingest.store.facts import Fact

log = structlog.get_logger(__name__)

GIVE_BACK_PAUSE_S = 1.0
GIVE_BACK_S = 15 * 60.0
PARKED, PARKED_DELAY_S = "waits for a look-up", 86_400.0
"""The look-up ends it; were that lost, it would be asked for again after a day."""
PAUSED, PAUSED_DELAY_S = "the connection is paused", 900.0
"""Resuming a connection makes what waits for it due at once."""


@dataclass(frozen=True, slots=True)
class _Means:
    """What a batch is ended with; `on_asked` is called after a commit that holds look-ups."""

    engine: sa.Engine
    hold: Hold
    renders: Renders
    on_asked: Callable[[], object]

    def give_back(self, batch: Sequence[Prepared], error: IngestError) -> None:
        give_back(self.engine, self.hold, [p.row for p in batch], error)


def settle(
    engine: sa.Engine,
    hold: Hold,
    batch: Sequence[Prepared],
    on_asked: Callable[[], object] = lambda: None,
) -> Counter[str]:
    """Bring a batch to its end; deliveries by terminal status. What fails is given back.

    `on_asked` is called after a commit that holds look-ups.
    """
    means = _Means(engine, hold, Renders(), on_asked)
    try:
        ahead.render(engine, [work for p in batch for work in _work(p)], means.renders)
    except TransientError as error:
        means.give_back(batch, error)
        return Counter()
    ended: Counter[str] = Counter()
    for part in ahead.parts(batch, _work, means.renders):
        ended += _settle(means, part)
    return ended


def _settle(means: _Means, batch: Sequence[Prepared]) -> Counter[str]:
    """One transaction, or, where a row is at fault, one for each half."""
    try:
        ended, asked = _commit(means, batch)
    except MissingRow as error:
        means.give_back(batch, error)
    except BadRow as error:
        if len(batch) == 1:
            return _settle(means, [_dead(batch[0], error)])
        middle = len(batch) // 2
        return _settle(means, batch[:middle]) + _settle(means, batch[middle:])
    except TransientError as error:
        if isinstance(error, Costly) and _is_too_dear(batch):
            return _settle(means, [_too_dear(batch[0], error)])
        means.give_back(batch, error)
    else:
        if asked:
            means.on_asked()
        return Counter(verdict.status for verdict in ended)
    return Counter()


def _work(prepared: Prepared) -> list[Work]:
    return [work for target in prepared.targets for work in target.work]


def _commit(means: _Means, batch: Sequence[Prepared]) -> tuple[list[Verdict], bool]:
    """Events, effects, look-ups and verdicts together or not at all; a lost race is run again.

    The verdicts, and whether there is something to look up.
    """
    engine, renders = means.engine, means.renders

    def run() -> tuple[list[Verdict], _Outcome, bool]:
        with transaction(engine) as conn:
            paused = conditions.paused(conn, {id_ for p in batch for id_ in p.waiting})
            outcome = _apply(conn, batch, renders)
            asked = asking.request(conn, outcome.asks, outcome.waits)
            for connection_id, problem in (w for p in batch for w in p.withdrawn):
                conditions.flag(conn, connection_id, problem)
            return _end(conn, means.hold.token, batch, outcome, paused), outcome, asked

    def look_again() -> None:
        ahead.render(engine, [work for p in batch for work in _work(p)], renders)

    ended, outcome, asked = ahead.race(run, look_again)
    binding.bind(engine, outcome.applied.noted)
    _report(engine, [(p.row.source_type, name) for p in batch for name in p.drift])
    return ended, asked


def _end(
    conn: sa.Connection,
    token: str,
    batch: Sequence[Prepared],
    outcome: _Outcome,
    paused: frozenset[str],
) -> list[Verdict]:
    """Settle the deliveries; one that waits for a paused connection or a look-up stays, uncounted.

    What it does for other connections is done by now, and is found done the next time. One whose
    connection goes on by now is due at once: whoever resumed it has not seen this delivery.
    """
    looked_up = {wait.delivery_id for wait in outcome.waits}
    waits_s = {
        p.row.id: 0.0 if paused.isdisjoint(p.waiting) else PAUSED_DELAY_S
        for p in batch
        if p.waiting
    }
    ends = [v for v in outcome.verdicts if v.id not in waits_s and v.id not in looked_up]
    deliveries.settle(conn, token, ends)
    if waits_s:
        deliveries.give_back(conn, token, list(starmap(Later, waits_s.items())), error=PAUSED)
    parked = [Later(id_, PARKED_DELAY_S) for id_ in looked_up - waits_s.keys()]
    if parked:
        deliveries.give_back(conn, token, parked, error=PARKED)
    return ends


def _dead(culprit: Prepared, error: BadRow) -> Prepared:
    """The row that stands alone with its error; raises that error where it was dead already."""
    if culprit.verdict is not None:
        raise error
    return Prepared(culprit.row, verdict=("dead", str(error)))


def _is_too_dear(batch: Sequence[Prepared]) -> bool:
    """Whether it stands alone, and the database has given it up often enough."""
    alone = len(batch) == 1 and batch[0].verdict is None
    return alone and batch[0].row.overruns + 1 >= MAX_OVERRUNS


def _too_dear(culprit: Prepared, error: Costly) -> Prepared:
    """The end of what the database gave up again and again, the last times while it was alone."""
    times = culprit.row.overruns + 1
    reason = f"given up {times} times for its cost ({error}); replay it once the database has room"
    return Prepared(culprit.row, verdict=("dead", reason))


def _report(engine: sa.Engine, fields: Collection[tuple[str, str]]) -> None:
    """Count unknown fields. The deliveries are settled by now, so nothing here may undo that."""
    if not fields:
        return
    try:
        with transaction(engine, durable=False) as conn:
            drift.report(conn, fields)
    except (BadRow, TransientError) as error:
        log.warning("drift_not_reported", fields=len(fields), error=str(error))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a batch came to: a verdict for each delivery, what is looked up, who waits for that."""

    verdicts: list[Verdict]
    applied: Applied
    asks: list[Ask]
    waits: list[Wait]


def _apply(conn: sa.Connection, told: Sequence[Prepared], renders: Renders) -> _Outcome:
    batch = _as_told_first(conn, told)
    shares = [(p, t) for p in batch for t in p.targets]
    news = _record(conn, shares)
    repeated = _repeated(conn, shares)
    work: list[Work] = []
    spans: list[range] = []
    for index, (_, target) in enumerate(shares):
        said = () if index in repeated else target.work
        spans.append(range(len(work), len(work) + len(said)))
        work += said
    applied = applying.apply(conn, work, renders)
    outcomes: dict[int, list[tuple[str, str]]] = {}
    for (prepared, target), new, span in zip(shares, news, spans, strict=True):
        stale = bool(span) and applied.stale.issuperset(span)
        remarks = (target.remark, cut_remark(c for at in span for c in applied.cuts.get(at, ())))
        outcome = _outcome(target, remarks, new=new, stale=stale)
        outcomes.setdefault(prepared.row.id, []).append(outcome)
    verdicts = [_verdict(p, outcomes.get(p.row.id, [])) for p in batch]
    asks = [one for p, target in shares if not target.waits or p.waiting for one in target.asks]
    asks += [again for index in applied.doubtful if (again := _again(work[index])) is not None]
    return _Outcome(verdicts, applied, asks, _waits(batch))


def _repeated(conn: sa.Connection, shares: Sequence[tuple[Prepared, Target]]) -> frozenset[int]:
    """The shares that were said earlier, at a time that nobody signs."""
    asked = [
        (index, once.Share(target.connection_id, _fact(prepared), prepared.row.id, target.work))
        for index, (prepared, target) in enumerate(shares)
        if target.once and target.work
    ]
    found = once.repeated(conn, [share for _, share in asked])
    return frozenset(i for (i, _), is_repeated in zip(asked, found, strict=True) if is_repeated)


def _as_told_first(conn: sa.Connection, batch: Sequence[Prepared]) -> Sequence[Prepared]:
    """The batch with the event keys under which its facts were told first.

    A body that was captured and is sent again under another id is the fact that it was.
    """
    known = facts.tell(
        conn,
        [
            Fact(target.connection_id, _fact(prepared), target.event_key)
            for prepared in batch
            for target in prepared.targets
        ],
    )
    if not known:
        return batch

    def keyed(prepared: Prepared, target: Target) -> Target:
        key = known.get((target.connection_id, _fact(prepared)))
        return target if key is None else replace(target, event_key=key)

    return [replace(p, targets=[keyed(p, target) for target in p.targets]) for p in batch]


def _fact(prepared: Prepared) -> str:
    """Half of the digest is enough to tell bodies apart."""
    return str(uuid.UUID(bytes=prepared.row.body_hash[:16]))


def _again(doubtful: Work) -> Ask | None:
    """The look-up that settles the doubt."""
    if doubtful.again is None:
        return None
    found = source(doubtful.change.identity.source_type)
    return asking.ask(found, doubtful.connection_id, doubtful.again)


def _waits(batch: Sequence[Prepared]) -> list[Wait]:
    """The deliveries of which nothing is known before their look-ups are done.

    One that waits for a paused connection too is none: those look-ups would end it without that
    connection. It asks, stays, and asks once more with it.
    """
    return [
        Wait(
            prepared.row.id,
            [one for target in waiting for one in target.asks],
            [_told_event(prepared, target) for target in waiting],
            [target.connection_id for target in waiting],
        )
        for prepared in batch
        if not prepared.waiting
        and (waiting := [target for target in prepared.targets if target.waits])
    ]


def _told_event(prepared: Prepared, target: Target) -> dict[str, Any]:
    """The event in the columns of the log."""
    source_type = prepared.row.source_type
    return {
        "id": event_id(target.store.id, source_type, target.event_key),
        "store_id": target.store.id,
        "source_type": source_type,
        "event_key": target.event_key,
        "event_metadata": dict(target.event),
    }


def _record(conn: sa.Connection, shares: Sequence[tuple[Prepared, Target]]) -> list[bool]:
    """Write the event of each share, once for each key; whether the share's event is news.

    What waits for a look-up is recorded with it.
    """
    found: dict[str, Event] = {}
    ids: list[str] = []
    for prepared, target in shares:
        told = _told_event(prepared, target)
        key = told["id"]
        status = "skipped" if target.skip is not None else "processed"
        known = found.get(key)
        first = known is None or (known.status == "skipped" and status == "processed")
        first = first and not target.waits
        ids.append(key if first else "")
        if first:
            found[key] = Event(**told, status=status)
    news = events.record(conn, list(found.values()))
    return [key in news for key in ids]


def _outcome(target: Target, remarks: Sequence[str], *, new: bool, stale: bool) -> tuple[str, str]:
    if target.skip is not None:
        return "skipped", target.skip
    if target.waits:
        return "processed", PARKED
    if not new:
        return "duplicate", "the event is recorded already"
    if target.work and not any(item.wanted for item in target.work):
        return "processed", "outside the connection's filter"
    ended = "stale: a newer change is known" if stale else "applied"
    return "processed", "; ".join([ended, *filter(None, remarks)])


def _verdict(prepared: Prepared, outcomes: Sequence[tuple[str, str]]) -> Verdict:
    """Of several stores: processed if any store was, else skipped, else duplicate."""
    if prepared.verdict is not None:
        return Verdict(prepared.row.id, *prepared.verdict)
    for status in ("processed", "skipped", "duplicate"):
        reasons = [reason for outcome, reason in outcomes if outcome == status]
        if reasons:
            return Verdict(prepared.row.id, status, reasons[0])
    return Verdict(prepared.row.id, "skipped", "the connection feeds no store")


def give_back(engine: sa.Engine, hold: Hold, rows: Sequence[Claimed], error: IngestError) -> None:
    """As a setback, and due again after a while that grows with each.

    It is tried until the database is back, so that its absence is not taken for the crash of a
    worker; whoever still works has nothing else to do without it.
    """
    log.warning("given_back", deliveries=len(rows), error=str(error))
    costly = isinstance(error, Costly)
    waits_s = [
        given_back_s(row.id, setbacks=row.setbacks, overruns=row.overruns, costly=costly)
        for row in rows
    ]
    later = [Later(row.id, wait_s) for row, wait_s in zip(rows, waits_s, strict=True)]
    ends_at = time.monotonic() + GIVE_BACK_S
    while True:
        try:
            with transaction(engine) as conn:
                deliveries.give_back(
                    conn, hold.token, later, error=str(error), setback=True, overrun=costly
                )
        except TransientError as failure:
            log.warning("give_back_failed", deliveries=len(rows), error=str(failure))
            if time.monotonic() > ends_at:
                return
            time.sleep(GIVE_BACK_PAUSE_S)
        else:
            return
