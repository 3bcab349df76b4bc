"""Ends a prepared batch: events, effects and verdicts in one transaction, or not at all.

A batch is one transaction, and one bad row does not spoil it: an error that a row can cause halves
the batch until the culprit stands alone and is settled alone. A deadlock, a time-out or a lost
connection gives the batch back uncounted.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.errors import Raced, TransientError
from ingest.core.identity import event_id
from ingest.flows import apply as applying
from ingest.flows import asking, binding
from ingest.flows.apply import Applied, Work
from ingest.flows.asking import Ask, Wait
from ingest.flows.prepare import Prepared, Target
from ingest.sources.registry import source
from ingest.store import conditions, deliveries, drift, events, facts
from ingest.store.deliveries import Claimed, Verdict
from ingest.store.engine import BadRow, MissingRow, transaction
from ingest.store.events import Event
from ingest.store.facts import Fact

log = structlog.get_logger(__name__)

GIVE_BACK_DELAY_S = 2.0
GIVE_BACK_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
PARKED, PARKED_DELAY_S = "waits for a look-up", 86_400.0
"""The look-up ends it; were that lost, it would be asked for again after a day."""
PAUSED_DELAY_S = 900.0
"""Resuming a connection makes what waits for it due at once."""
RACES = 5


def settle(
    engine: sa.Engine,
    token: str,
    batch: Sequence[Prepared],
    on_asked: Callable[[], object] = lambda: None,
) -> Counter[str]:
    """Bring a batch to its end in one transaction; deliveries by terminal status.

    Halves it where a row is at fault. Whatever may go away by itself gives it back uncounted: a
    deadlock, a row that was deleted meanwhile, leases of which some were taken over. `on_asked` is
    called after a commit that holds look-ups.
    """
    if not batch:
        return Counter()
    try:
        ended, asked = _commit(engine, token, batch)
        if asked:
            on_asked()
        return Counter(verdict.status for verdict in ended)
    except MissingRow as error:
        give_back(engine, token, [p.row for p in batch], GIVE_BACK_DELAY_S, str(error))
    except BadRow as error:
        if len(batch) == 1:
            return settle(engine, token, [_dead(batch[0], error)], on_asked)
        middle = len(batch) // 2
        return settle(engine, token, batch[:middle], on_asked) + settle(
            engine, token, batch[middle:], on_asked
        )
    except TransientError as error:
        give_back(engine, token, [p.row for p in batch], GIVE_BACK_DELAY_S, str(error))
    return Counter()


def _commit(engine: sa.Engine, token: str, batch: Sequence[Prepared]) -> tuple[list[Verdict], bool]:
    """Events, effects, look-ups and verdicts together or not at all; a lost race is run again.

    The verdicts, and whether there is something to look up.
    """
    for attempt in range(RACES):
        try:
            with transaction(engine) as conn:
                outcome = _apply(conn, batch)
                asked = asking.request(conn, outcome.asks, outcome.waits)
                for connection_id, problem in (w for p in batch for w in p.withdrawn):
                    conditions.flag(conn, connection_id, problem)
                ended = _end(conn, token, batch, outcome)
        except Raced:
            if attempt == RACES - 1:
                raise
            continue
        fields = [(p.row.source_type, name) for p in batch for name in p.drift]
        binding.bind(engine, outcome.applied.keys)
        _report(engine, fields)
        return ended, asked
    raise Raced("the batch lost every race")


def _end(
    conn: sa.Connection, token: str, batch: Sequence[Prepared], outcome: _Outcome
) -> list[Verdict]:
    """Settle the deliveries; one that a paused connection or a look-up waits for stays, uncounted.

    What it does for other connections is done by now, and is found done the next time.
    """
    looked_up = {wait.delivery_id for wait in outcome.waits}
    paused = {p.row.id: p.waiting for p in batch if p.waiting is not None}
    ends = [v for v in outcome.verdicts if v.id not in paused and v.id not in looked_up]
    deliveries.settle(conn, token, ends)
    if paused:
        error = str(next(iter(paused.values())))
        deliveries.give_back(conn, token, [*paused], delay_s=PAUSED_DELAY_S, error=error)
    parked = [*(looked_up - paused.keys())]
    if parked:
        deliveries.give_back(conn, token, parked, delay_s=PARKED_DELAY_S, error=PARKED)
    return ends


def _dead(culprit: Prepared, error: BadRow) -> Prepared:
    """The row that stands alone with its error; raises that error where it was dead already."""
    if culprit.verdict is not None:
        raise error
    return Prepared(culprit.row, verdict=("dead", str(error)))


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


def _apply(conn: sa.Connection, told: Sequence[Prepared]) -> _Outcome:
    batch = _as_told_first(conn, told)
    shares = [(p, t) for p in batch for t in p.targets]
    news = _record(conn, shares)
    work: list[Work] = []
    spans: list[range] = []
    for (_, target), new in zip(shares, news, strict=True):
        said = () if target.once and not new else target.work
        spans.append(range(len(work), len(work) + len(said)))
        work += said
    applied = applying.apply(conn, work)
    outcomes: dict[int, list[tuple[str, str]]] = {}
    for (prepared, target), new, span in zip(shares, news, spans, strict=True):
        stale = bool(span) and applied.stale.issuperset(span)
        outcomes.setdefault(prepared.row.id, []).append(_outcome(target, new=new, stale=stale))
    verdicts = [_verdict(p, outcomes.get(p.row.id, [])) for p in batch]
    asks = [
        one
        for p, target in shares
        if not target.waits or p.waiting is not None
        for one in target.asks
    ]
    asks += [again for index in applied.doubtful if (again := _again(work[index])) is not None]
    return _Outcome(verdicts, applied, asks, _waits(batch))


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
        )
        for prepared in batch
        if prepared.waiting is None
        and (waiting := [target for target in prepared.targets if target.waits])
    ]


def _told_event(prepared: Prepared, target: Target) -> dict[str, Any]:
    """The event as the waiting delivery keeps it, in the columns of the log."""
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


def _outcome(target: Target, *, new: bool, stale: bool) -> tuple[str, str]:
    if target.skip is not None:
        return "skipped", target.skip
    if target.waits:
        return "processed", PARKED
    if not new:
        return "duplicate", "the event is recorded already"
    if target.work and not any(item.wanted for item in target.work):
        return "processed", "outside the connection's filter"
    ended = "stale: a newer change is known" if stale else "applied"
    return "processed", f"{ended}; {target.remark}" if target.remark else ended


def _verdict(prepared: Prepared, outcomes: Sequence[tuple[str, str]]) -> Verdict:
    """Of several stores: processed if any store was, else skipped, else duplicate."""
    if prepared.verdict is not None:
        return Verdict(prepared.row.id, *prepared.verdict)
    for status in ("processed", "skipped", "duplicate"):
        reasons = [reason for outcome, reason in outcomes if outcome == status]
        if reasons:
            return Verdict(prepared.row.id, status, reasons[0])
    return Verdict(prepared.row.id, "skipped", "the connection feeds no store")


def give_back(
    engine: sa.Engine, token: str, rows: Sequence[Claimed], delay_s: float, error: str
) -> None:
    """Uncounted, and due again soon.

    It is tried for a minute, so that a database that is away for a while is not taken for the
    crash of a worker; after that the lease runs out.
    """
    log.warning("given_back", deliveries=len(rows), error=error)
    ids = [row.id for row in rows]
    for pause_s in (*GIVE_BACK_PAUSES_S, None):
        try:
            with transaction(engine) as conn:
                deliveries.give_back(conn, token, ids, delay_s=delay_s, error=error)
        except TransientError as failure:
            log.warning("give_back_failed", deliveries=len(rows), error=str(failure))
            if pause_s is not None:
                time.sleep(pause_s)
        else:
            return
