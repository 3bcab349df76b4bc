"""Drains the queue: claim a batch, prepare it, apply it in one transaction, settle it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa
import structlog

from ingest.core.errors import TransientError
from ingest.flows.connections import directory as directories
from ingest.flows.deliveries.lease import Hold, kept
from ingest.flows.deliveries.normalise import Opened, Prepared, open_delivery, prepare
from ingest.flows.deliveries.settle import give_back, settle
from ingest.flows.deliveries.turns import Turns
from ingest.store import claiming
from ingest.store.claiming import Claim, Claimed
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

BATCH_ROWS = 500
BATCH_BYTES = 4 * 2**20
HANDS = 2
LOOK_AGAIN_S = 0.25
"""How soon a hand that found nothing looks again, while another one is busy with what is dear."""


@dataclass(slots=True)
class Drained:
    """What a drain did: deliveries by status, and whether more is probably due."""

    settled: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Bells:
    """Whom a drain wakes: another worker, and those who look things up."""

    on_full: Callable[[], object]
    on_asked: Callable[[], object]


class ClaimNext(Protocol):
    """Claims what is due: an ordinary batch (with `dear`, what is dear too, or first), or one
    suspect while nothing else runs.
    """

    def __call__(self, *, alone: bool, dear: bool = True, dear_first: bool = False) -> Claim: ...


def drain(
    engine: sa.Engine,
    *,
    go_on: Callable[[], bool],
    on_full: Callable[[], object] = lambda: None,
    on_asked: Callable[[], object] = lambda: None,
    rows: int = BATCH_ROWS,
    lease_s: float = claiming.LEASE_S,
    hands: int = HANDS,
) -> Drained:
    """Process due deliveries until none is left or `go_on` says no; it is asked between batches.

    `on_full` is called when a claim was full, so that another worker can be woken, `on_asked` when
    there is something to look up. Each of the `hands` is a thread with batches of its own: while
    one waits for PostgreSQL, another computes; and while one has what is dear, the others have not.
    """
    turns = Turns()

    def claim(*, alone: bool, dear: bool = True, dear_first: bool = False) -> Claim:
        with transaction(engine, durable=False) as conn:
            return claiming.claim(
                conn,
                limit=rows,
                max_bytes=BATCH_BYTES,
                lease_s=lease_s,
                alone=alone,
                dear=dear,
                dear_first=dear_first,
            )

    def one(_: int) -> Drained:
        return _drain_with_one_hand(engine, turns, claim, go_on, Bells(on_full, on_asked))

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
    claim_next: ClaimNext,
    go_on: Callable[[], bool],
    bells: Bells,
) -> Drained:
    done = Drained()
    had_dear = False
    while go_on():
        with turns.shared(), ExitStack() as turn:
            dear = turn.enter_context(turns.dear())
            claim = claim_next(alone=False, dear=dear, dear_first=not had_dear)
            had_dear = claim.dear
            if not claim.dear:
                turn.close()
            if claim.full:
                bells.on_full()
            if claim.rows:
                done.settled.update(process(engine, claim, bells.on_asked))
        if claim.suspects:
            with turns.alone():
                done.settled.update(process(engine, claim_next(alone=True), bells.on_asked))
        elif not claim.rows:
            if dear:
                return done
            turns.is_over(within_s=LOOK_AGAIN_S)
            continue
        done.batches += 1
    done.more = True
    return done


def process(
    engine: sa.Engine, claim: Claim, on_asked: Callable[[], object] = lambda: None
) -> Counter[str]:
    """Bring one claimed batch to its end; deliveries by terminal status."""
    if not claim.rows:
        return Counter()
    hold = Hold(claim.token, claim.lease_s)
    with kept(engine, hold, [row.id for row in claim.rows]):
        settled = _processed(engine, hold, claim.rows, on_asked)
    log.info("batch_processed", deliveries=len(claim.rows), **settled)
    return settled


def _processed(
    engine: sa.Engine, hold: Hold, rows: Sequence[Claimed], on_asked: Callable[[], object]
) -> Counter[str]:
    opened = [open_delivery(row) for row in rows]
    try:
        with transaction(engine, durable=False) as conn:
            directory = directories.read(conn, *_named(opened))
    except TransientError as error:
        give_back(engine, hold, rows, error)
        return Counter()
    prepared = [prepare(o, directory) if isinstance(o, Opened) else o for o in opened]
    return settle(engine, hold, prepared, on_asked)


def _named(opened: Sequence[Opened | Prepared]) -> tuple[set[str], set[tuple[str, str]]]:
    """The connections that deliveries came in on, and the tenants of those that came app-wide."""
    connections = {o.row.connection_id for o in opened if o.row.connection_id is not None}
    tenants = {
        (o.row.source_type, tenant)
        for o in opened
        if isinstance(o, Opened) and o.row.connection_id is None
        for tenant in o.tenants
    }
    return connections, tenants
