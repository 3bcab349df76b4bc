"""Ends a prepared batch: events, effects and verdicts in one transaction, or not at all.

A batch is one transaction, and one bad row does not spoil it: an error that a row can cause halves
the batch until the culprit stands alone and is settled alone. A deadlock, a time-out or a lost
connection gives the batch back uncounted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence

import sqlalchemy as sa
import structlog

from ingest.core.errors import Raced, TransientError
from ingest.core.identity import event_id
from ingest.flows import apply as applying
from ingest.flows import binding
from ingest.flows.apply import Applied, Work
from ingest.flows.prepare import Prepared, Target
from ingest.store import deliveries, drift, events
from ingest.store.deliveries import Claimed, Verdict
from ingest.store.engine import BadRow, MissingRow, transaction
from ingest.store.events import Event

log = structlog.get_logger(__name__)

GIVE_BACK_DELAY_S = 2.0
GIVE_BACK_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
PAUSED_DELAY_S = 900.0
"""Resuming a connection makes what waits for it due at once."""
RACES = 5


def settle(engine: sa.Engine, token: str, batch: Sequence[Prepared]) -> Counter[str]:
    """Bring a batch to its end in one transaction; deliveries by terminal status.

    Halves it where a row is at fault. Whatever may go away by itself gives it back uncounted: a
    deadlock, a row that was deleted meanwhile, leases of which some were taken over.
    """
    if not batch:
        return Counter()
    try:
        return Counter(verdict.status for verdict in _commit(engine, token, batch))
    except MissingRow as error:
        give_back(engine, token, [p.row for p in batch], GIVE_BACK_DELAY_S, str(error))
    except BadRow as error:
        if len(batch) == 1:
            return settle(engine, token, [_dead(batch[0], error)])
        middle = len(batch) // 2
        return settle(engine, token, batch[:middle]) + settle(engine, token, batch[middle:])
    except TransientError as error:
        give_back(engine, token, [p.row for p in batch], GIVE_BACK_DELAY_S, str(error))
    return Counter()


def _commit(engine: sa.Engine, token: str, batch: Sequence[Prepared]) -> list[Verdict]:
    """Events, effects and verdicts together or not at all; a lost race is run again."""
    for attempt in range(RACES):
        try:
            with transaction(engine) as conn:
                verdicts, applied = _apply(conn, batch)
                _end(conn, token, batch, verdicts)
        except Raced:
            if attempt == RACES - 1:
                raise
            continue
        fields = [(p.row.source_type, name) for p in batch for name in p.drift]
        binding.bind(engine, applied.keys)
        _report(engine, fields)
        return [v for p, v in zip(batch, verdicts, strict=True) if p.waiting is None]
    raise Raced("the batch lost every race")


def _end(
    conn: sa.Connection, token: str, batch: Sequence[Prepared], verdicts: Sequence[Verdict]
) -> None:
    """Settle the deliveries; one that a paused connection waits for stays, uncounted.

    What it does for the other connections is done by now, and is found done the next time.
    """
    ends = [v for p, v in zip(batch, verdicts, strict=True) if p.waiting is None]
    deliveries.settle(conn, token, ends)
    held = [p for p in batch if p.waiting is not None]
    if held:
        ids = [p.row.id for p in held]
        deliveries.give_back(conn, token, ids, delay_s=PAUSED_DELAY_S, error=str(held[0].waiting))


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


def _apply(conn: sa.Connection, batch: Sequence[Prepared]) -> tuple[list[Verdict], Applied]:
    shares = [(p, t) for p in batch for t in p.targets]
    news = _record(conn, shares)
    work: list[Work] = []
    spans: list[range] = []
    for _, target in shares:
        spans.append(range(len(work), len(work) + len(target.work)))
        work += target.work
    applied = applying.apply(conn, work)
    outcomes: dict[int, list[tuple[str, str]]] = {}
    for (prepared, target), new, span in zip(shares, news, spans, strict=True):
        stale = bool(span) and applied.stale.issuperset(span)
        outcomes.setdefault(prepared.row.id, []).append(_outcome(target, new=new, stale=stale))
    return [_verdict(p, outcomes.get(p.row.id, [])) for p in batch], applied


def _record(conn: sa.Connection, shares: Sequence[tuple[Prepared, Target]]) -> list[bool]:
    """Write the event of each share, once for each key; whether the share's event is news."""
    found: dict[str, Event] = {}
    ids: list[str] = []
    for prepared, target in shares:
        row, store_id = prepared.row, target.store.id
        key = event_id(store_id, row.source_type, row.delivery_key)
        status = "skipped" if target.skip is not None else "processed"
        known = found.get(key)
        first = known is None or (known.status == "skipped" and status == "processed")
        ids.append(key if first else "")
        if first:
            found[key] = Event(
                key, store_id, row.source_type, row.delivery_key, target.event, status
            )
    news = events.record(conn, list(found.values()))
    return [key in news for key in ids]


def _outcome(target: Target, *, new: bool, stale: bool) -> tuple[str, str]:
    if target.skip is not None:
        return "skipped", target.skip
    if not new:
        return "duplicate", "the event is recorded already"
    if target.work and not any(item.wanted for item in target.work):
        return "processed", "outside the connection's filter"
    return "processed", "stale: a newer change is known" if stale else "applied"


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
