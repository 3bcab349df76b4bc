"""The loop that drains the queue: claim a batch, route and normalise it, settle it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import MappingProxyType

import sqlalchemy as sa
import structlog

from ingest.core.errors import TransientError
from ingest.core.tracing import BATCH, OFF, TRACEPARENT, Tracer
from ingest.flows.connections import directory
from ingest.flows.deliveries.gate import Gate
from ingest.flows.deliveries.lease import Lease, renewing
from ingest.flows.deliveries.normalise import prepare
from ingest.flows.deliveries.prepared import Opened, Prepared
from ingest.flows.deliveries.route import names_in, open_delivery
from ingest.flows.deliveries.settle import give_back, settle_deliveries
from ingest.store import claiming
from ingest.store.claiming import Claim, ClaimedDelivery
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

BATCH_ROWS = 500
BATCH_BYTES = 4 * 2**20
"""Of bodies, in one claim."""
THREADS = 2
"""Of one drain: while one waits for PostgreSQL, the other computes (docs/decisions/0003)."""
FEW_ROWS, FEW_BYTES = 16, 2**18
"""So much is done sooner by one thread than two get out of one another's way."""
LOOK_AGAIN_S = 0.25
"""How soon a thread that found nothing looks again, while another is busy with what is dear."""


@dataclass(slots=True)
class Drained:
    """What a drain did: deliveries by terminal status, claimed batches, whether more may be due.

    What was given back, or waits, has no terminal status and is not counted.
    """

    settled: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Draining:
    """What the threads of a drain share. `on_full`, `on_asked` as in `drain`."""

    engine: sa.Engine
    go_on: Callable[[], bool]
    on_full: Callable[[], object]
    on_asked: Callable[[], object]
    rows: int
    lease_s: float
    api_urls: Mapping[str, str]
    tracer: Tracer
    gate: Gate = field(default_factory=Gate)

    def run(self, on_much: Callable[[], object] = lambda: None) -> Drained:
        """One thread's share: batches of its own until none is left. `on_much` is called whenever
        there is enough for others.
        """
        done = Drained()
        had_dear = False
        while self.go_on():
            with self.gate.shared(), ExitStack() as turn:
                dear = turn.enter_context(self.gate.dear())
                claim = self._claim(alone=False, dear=dear, dear_first=not had_dear)
                had_dear = claim.dear
                if not claim.dear:
                    turn.close()
                if claim.full:
                    self.on_full()
                if _is_much(claim):
                    on_much()
                done.settled.update(self._process(claim))
            if claim.suspects:
                with self.gate.alone():
                    done.settled.update(self._process(self._claim(alone=True)))
            elif not claim.rows:
                if dear:
                    return done
                self.gate.is_over(within_s=LOOK_AGAIN_S)
                continue
            done.batches += 1
        done.more = True
        return done

    def _claim(self, *, alone: bool, dear: bool = True, dear_first: bool = False) -> Claim:
        """What is due: an ordinary batch (with `dear`, what is dear too, or first), or one suspect
        while nothing else runs.
        """
        with transaction(self.engine, durable=False) as conn:
            return claiming.claim(
                conn,
                limit=self.rows,
                max_bytes=BATCH_BYTES,
                lease_s=self.lease_s,
                alone=alone,
                dear=dear,
                dear_first=dear_first,
            )

    def _process(self, claim: Claim) -> Counter[str]:
        return process(
            self.engine, claim, self.on_asked, api_urls=self.api_urls, tracer=self.tracer
        )


def drain_deliveries(  # noqa: PLR0913 - who drains says how, what it may, and whom it tells
    engine: sa.Engine,
    *,
    go_on: Callable[[], bool],
    on_full: Callable[[], object] = lambda: None,
    on_asked: Callable[[], object] = lambda: None,
    rows: int = BATCH_ROWS,
    lease_s: float = claiming.LEASE_S,
    threads: int = THREADS,
    api_urls: Mapping[str, str] = MappingProxyType({}),
    tracer: Tracer = OFF,
) -> Drained:
    """Process due deliveries until none is left or `go_on` says no; it is asked between batches.

    on_full: called when a claim was full, so that another worker can be woken.
    on_asked: called after a commit with which something is to be looked up, to ring for that.
    rows: the most of one claim.
    lease_s: how long a claim is ours unless it is renewed, beside what its bytes add.
    threads: each has batches of its own, and calls the functions that are given; while one has what
        is dear, the others have not. The caller's is the first; the others come where there is
        more to do than a few deliveries.
    api_urls: the configured bases of APIs, by source type: a provider's pages are on their hosts.
    tracer: of batches, and of each delivery in the trace that its request began.
    Blocks until all threads are done. Raises `TransientError` where nothing can be claimed, since
    the database is away; what fails later is given back.
    """
    draining = _Draining(engine, go_on, on_full, on_asked, rows, lease_s, api_urls, tracer)
    with ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="drain") as pool:
        others: list[Future[Drained]] = []

        def call_others() -> None:
            if not others:
                others.extend(pool.submit(draining.run) for _ in range(threads - 1))

        done = draining.run(call_others)
        for share in [other.result() for other in others]:
            done.settled.update(share.settled)
            done.batches += share.batches
            done.more |= share.more
    return done


def _is_much(claim: Claim) -> bool:
    """Whether it keeps a thread so long that another should look for what comes meanwhile."""
    size = sum(len(row.body) for row in claim.rows)
    return claim.full or claim.dear or len(claim.rows) > FEW_ROWS or size > FEW_BYTES


def process(
    engine: sa.Engine,
    claim: Claim,
    on_asked: Callable[[], object] = lambda: None,
    *,
    api_urls: Mapping[str, str] = MappingProxyType({}),
    tracer: Tracer = OFF,
) -> Counter[str]:
    """Bring one claimed batch to its end; deliveries by terminal status.

    The lease is renewed meanwhile, by a thread of its own. What cannot be settled now is given back
    and not counted. `on_asked`, `api_urls` and `tracer` as in `drain_deliveries`.
    """
    if not claim.rows:
        return Counter()
    lease = Lease(claim.token, claim.lease_s)
    begun = (row.headers[TRACEPARENT] for row in claim.rows if TRACEPARENT in row.headers)
    with (
        renewing(engine, lease, [row.id for row in claim.rows]),
        tracer.span(BATCH, links=begun, deliveries=len(claim.rows)) as span,
    ):
        settled = _process(engine, lease, claim.rows, on_asked, api_urls=api_urls, tracer=tracer)
        span.tell(**settled)
    log.info("batch_processed", deliveries=len(claim.rows), **settled)
    return settled


def _process(
    engine: sa.Engine,
    lease: Lease,
    rows: Sequence[ClaimedDelivery],
    on_asked: Callable[[], object],
    *,
    api_urls: Mapping[str, str],
    tracer: Tracer,
) -> Counter[str]:
    names = names_in(rows)
    try:
        with transaction(engine, durable=False) as conn:
            book = directory.read_directory(conn, *names, api_urls=api_urls)
    except TransientError as error:
        give_back(engine, lease, rows, error)
        return Counter()
    prepared = [_prepared(row, book) for row in rows]
    return settle_deliveries(engine, lease, prepared, on_asked, tracer)


def _prepared(row: ClaimedDelivery, book: directory.Directory) -> Prepared:
    """One delivery read and prepared; its payload is not kept."""
    opened = open_delivery(row)
    return prepare(opened, book) if isinstance(opened, Opened) else opened
