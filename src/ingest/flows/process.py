"""Drains the queue: claim a batch, prepare it, apply it in one transaction, settle it.

A batch is one transaction, and one bad row does not spoil it: an error that a row can cause halves
the batch until the culprit stands alone and is settled alone. A deadlock, a time-out or a lost
connection gives the batch back uncounted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from ingest.core.errors import LeaseLost, Raced, TransientError
from ingest.core.identity import event_id
from ingest.flows import apply as applying
from ingest.flows import binding
from ingest.flows import directory as directories
from ingest.flows.apply import Applied, Work
from ingest.flows.prepare import Opened, Prepared, Target, open_delivery, prepare
from ingest.flows.turns import Turns
from ingest.store import deliveries, drift, events
from ingest.store.deliveries import Claim, Claimed, Verdict
from ingest.store.engine import BadRow, transaction
from ingest.store.events import Event

log = structlog.get_logger(__name__)

BATCH_ROWS = 500
BATCH_BYTES = 4 * 2**20
HANDS = 2
GIVE_BACK_DELAY_S = 2.0
PAUSED_DELAY_S = 300.0
RACES = 5


@dataclass(slots=True)
class Drained:
    """What a drain did: deliveries by status, and whether more is probably due."""

    settled: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    more: bool = False


def drain(
    engine: sa.Engine,
    *,
    go_on: Callable[[], bool],
    on_full: Callable[[], None] = lambda: None,
    rows: int = BATCH_ROWS,
    lease_s: float = deliveries.LEASE_S,
    hands: int = HANDS,
) -> Drained:
    """Process due deliveries until none is left or `go_on` says no; it is asked between batches.

    `on_full` is called when a claim was full, so that another worker can be woken. Each of the
    `hands` is a thread with batches of its own: while one waits for PostgreSQL, another computes.
    """

    turns = Turns()

    def claim() -> Claim:
        with transaction(engine, durable=False) as conn:
            return deliveries.claim(conn, limit=rows, max_bytes=BATCH_BYTES, lease_s=lease_s)

    def one(_: int) -> Drained:
        return _drain_with_one_hand(engine, turns, claim, go_on, on_full)

    if hands == 1:
        return one(0)
    done = Drained()
    with ThreadPoolExecutor(hands, thread_name_prefix="drain") as threads:
        for share in threads.map(one, range(hands)):
            done.settled.update(share.settled)
            done.batches += share.batches
            done.more |= share.more
    return done


def _drain_with_one_hand(
    engine: sa.Engine,
    turns: Turns,
    claim_next: Callable[[], Claim],
    go_on: Callable[[], bool],
    on_full: Callable[[], None],
) -> Drained:
    done = Drained()
    while go_on():
        with turns.shared():
            claim = claim_next()
            if not claim.rows:
                return done
            if claim.full:
                on_full()
            if not claim.alone:
                done.settled.update(process(engine, claim))
        if claim.alone:
            with turns.alone():
                done.settled.update(process(engine, claim))
        done.batches += 1
    done.more = True
    return done


def process(engine: sa.Engine, claim: Claim) -> Counter[str]:
    """Bring one claimed batch to its end; deliveries by terminal status."""
    opened = [open_delivery(row) for row in claim.rows]
    settled: Counter[str] = Counter()
    try:
        with transaction(engine, durable=False) as conn:
            directory = directories.read(conn, *_named(opened))
    except TransientError as error:
        _give_back(engine, claim.token, claim.rows, GIVE_BACK_DELAY_S, str(error))
        return settled
    prepared = [prepare(o, directory) if isinstance(o, Opened) else o for o in opened]
    waiting = [p for p in prepared if p.waiting is not None]
    if waiting:
        rows = [p.row for p in waiting]
        _give_back(engine, claim.token, rows, PAUSED_DELAY_S, str(waiting[0].waiting))
    _settle(engine, claim.token, [p for p in prepared if p.waiting is None], settled)
    log.info("batch_processed", deliveries=len(claim.rows), **settled)
    return settled


def _named(opened: Sequence[Opened | Prepared]) -> tuple[set[str], set[tuple[str, str]]]:
    """The connections that deliveries came in on, and the tenants of those that came app-wide."""
    connections = {o.row.connection_id for o in opened if o.row.connection_id is not None}
    tenants = {
        (o.row.source_type, o.tenant)
        for o in opened
        if isinstance(o, Opened) and o.tenant is not None and o.row.connection_id is None
    }
    return connections, tenants


def _settle(
    engine: sa.Engine, token: str, batch: Sequence[Prepared], settled: Counter[str]
) -> None:
    """One transaction for the batch; halves it where a row is at fault."""
    if not batch:
        return
    try:
        verdicts = _commit(engine, token, batch)
    except BadRow as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            _settle(engine, token, batch[:middle], settled)
            _settle(engine, token, batch[middle:], settled)
            return
        _settle(engine, token, [_dead(batch[0], error)], settled)
        return
    except LeaseLost as error:
        log.warning("lease_lost", deliveries=len(batch), error=str(error))
        return
    except TransientError as error:
        _give_back(engine, token, [p.row for p in batch], GIVE_BACK_DELAY_S, str(error))
        return
    settled.update(verdict.status for verdict in verdicts)


def _commit(engine: sa.Engine, token: str, batch: Sequence[Prepared]) -> list[Verdict]:
    """Events, effects and verdicts together or not at all; a lost race is run again."""
    for attempt in range(RACES):
        try:
            with transaction(engine) as conn:
                verdicts, applied = _apply(conn, batch)
                deliveries.settle(conn, token, verdicts)
        except Raced:
            if attempt == RACES - 1:
                raise
            continue
        fields = [(p.row.source_type, name) for p in batch for name in p.drift]
        binding.bind(engine, applied.keys)
        _report(engine, fields)
        return verdicts
    raise Raced("the batch lost every race")


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
    outcomes: dict[int, list[tuple[str, str | None]]] = {}
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


def _outcome(target: Target, *, new: bool, stale: bool) -> tuple[str, str | None]:
    if target.skip is not None:
        return "skipped", target.skip
    if not new:
        return "duplicate", "the event is recorded already"
    if target.work and not any(item.wanted for item in target.work):
        return "processed", "outside the connection's filter"
    return "processed", "stale: a newer change is known" if stale else None


def _verdict(prepared: Prepared, outcomes: Sequence[tuple[str, str | None]]) -> Verdict:
    """Of several stores: processed if any store was, else skipped, else duplicate."""
    if prepared.verdict is not None:
        return Verdict(prepared.row.id, *prepared.verdict)
    for status in ("processed", "skipped", "duplicate"):
        reasons = [reason for outcome, reason in outcomes if outcome == status]
        if reasons:
            return Verdict(prepared.row.id, status, reasons[0])
    return Verdict(prepared.row.id, "skipped", "the connection feeds no store")


def _give_back(
    engine: sa.Engine, token: str, rows: Sequence[Claimed], delay_s: float, error: str
) -> None:
    """Uncounted, and due again soon; where even this fails, the lease runs out."""
    log.warning("given_back", deliveries=len(rows), error=error)
    try:
        with transaction(engine) as conn:
            ids = [row.id for row in rows]
            deliveries.give_back(conn, token, ids, delay_s=delay_s, error=error)
    except TransientError as failure:
        log.warning("give_back_failed", deliveries=len(rows), error=str(failure))
