"""The loop that makes pages: claim a list that is due, ask its provider, apply, move on.

One page at a time, so that one which takes its process down takes no other along. Law: no
transaction is open while a provider is asked, and nothing waits here for a limit to pass.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from ingest.core.errors import LeaseLost, PermanentError, RateLimited, TransientError
from ingest.core.tracing import OFF, PAGE, Tracer
from ingest.flows.lookups.clients import Clients
from ingest.flows.syncs import pruning
from ingest.flows.syncs.ending import end_run
from ingest.flows.syncs.failing import settle_failure
from ingest.flows.syncs.fetch import ReadPage, fetch_page
from ingest.flows.syncs.held import HeldPart, claim_part
from ingest.flows.syncs.joining import Ask, CountedPage
from ingest.flows.syncs.request import begin_due
from ingest.flows.syncs.settle import settle_page
from ingest.sources.listing import Page, PageRequest
from ingest.sources.spending import spending
from ingest.store import sync_parts
from ingest.store.claiming import LEASE_S
from ingest.store.engine import transaction
from ingest.store.sync_runs import END

log = structlog.get_logger(__name__)

SOON_S = 2.0
"""What is due so soon is waited for, rather than rung for again."""
IDLE_S = 0.25
LOOK_S = 1.0
"""While one page follows the other, so often runs that wait are looked for, and others called."""
CRASHES = 10
"""A page that took its process down so often, one time after another, ends its list."""


@dataclass(slots=True)
class Paged:
    """What a drain did: `pages` made, documents `changed`, what was `put_off`, and so on; whether
    more may be due.
    """

    ended: Counter[str] = field(default_factory=Counter)
    more: bool = False


def drain_pages(
    engine: sa.Engine,
    clients: Clients,
    *,
    go_on: Callable[[], bool],
    on_more: Callable[[], object] = lambda: None,
    on_asked: Callable[[], object] = lambda: None,
    most_share: float = pruning.MOST_SHARE,
    lease_s: float = LEASE_S,
    tracer: Tracer = OFF,
) -> Paged:
    """Make the pages that are due until none is, or `go_on` says no.

    on_more: called when a page is begun, and every LOOK_S while others follow it, for another
    process to look for more. on_asked: called after a page that may have asked for look-ups.
    most_share: see `pruning`. lease_s: how long a page is ours unless it is renewed. tracer: of
    each page. Blocks; raises `TransientError` where the database is away.
    """
    done, look_at = Paged(), 0.0
    with ThreadPoolExecutor(1, thread_name_prefix="page") as pool:
        while go_on():
            is_due = time.monotonic() >= look_at
            if is_due:
                begin_due(engine)
            with transaction(engine, durable=False) as conn:
                held = claim_part(conn, lease_s, api_urls=clients.api_urls)
            if held is None:
                if is_due and not _wait_for_next(engine):
                    return done
                look_at = 0.0
                continue
            if is_due:
                on_more()
                look_at = time.monotonic() + LOOK_S
            work = _Work(engine, clients, held, most_share, tracer)
            done.ended += _one(work, pool, lease_s)
            if work.asked:
                on_asked()
            clients.close_retired()
    done.more = True
    return done


@dataclass(slots=True)
class _Work:
    """One page, or one step of a run's end; `calls` are the requests that it took so far.

    asked: whether it may have asked for look-ups. limited: what hinders the page behind it.
    """

    engine: sa.Engine
    clients: Clients
    held: HeldPart
    most_share: float
    tracer: Tracer
    calls: int = 0
    asked: bool = True
    limited: RateLimited | None = None

    def do(self) -> Counter[str]:
        """Ask and settle, in a span; raises whatever hinders it."""
        row, source_type = self.held.row, self.held.connection.source_type
        with self.tracer.span(
            PAGE, source=source_type, run=row.run_id, resource=row.resource
        ) as span:
            counted = self._do()
            span.tell(requests=self.calls, **counted)
        return counted

    def _do(self) -> Counter[str]:
        row = self.held.row
        if row.crashes >= CRASHES:
            raise PermanentError(f"the page took its worker down {row.crashes} times")
        if row.resource == END:
            end_run(self.engine, self.held, most_share=self.most_share)
            return Counter()
        read = self._ask()
        counted = settle_page(self.engine, self.held, read, calls=self.calls)
        self.asked, self.limited = counted["asked"] > 0, read.limited
        log.info("page_applied", run=row.run_id, resource=row.resource, **counted)
        return counted

    def _ask(self) -> ReadPage:
        token = self.clients.opened(self.held.sealed)
        budget = self.clients.budget_of(self.held.connection, token)

        def counted(list_page: Callable[[PageRequest], Page]) -> Ask:
            def ask(request: PageRequest) -> CountedPage:
                with spending(budget, background=True) as spent:
                    try:
                        page = list_page(request)
                    finally:
                        self.calls += spent.calls
                return CountedPage(page, max(spent.calls, 1))

            return ask

        return fetch_page(self.clients, self.held, counted)


def _one(work: _Work, pool: ThreadPoolExecutor, lease_s: float) -> Counter[str]:
    """In a thread; meanwhile the lease is renewed here."""
    future = pool.submit(work.do)
    while not wait([future], timeout=lease_s / 3).done:
        _renew(work.engine, work.held, lease_s)
    error = future.exception()
    if error is not None:
        return Counter({settle_failure(work.engine, work.held, error, work.calls).kind: 1})
    ended = future.result() + Counter({"pages": 1})
    if work.limited is not None:
        ended[settle_failure(work.engine, work.held, work.limited, 0).kind] += 1
    return ended


def _renew(engine: sa.Engine, held: HeldPart, lease_s: float) -> None:
    try:
        with transaction(engine, durable=False) as conn:
            sync_parts.renew(conn, held.row, lease_s)
    except (TransientError, LeaseLost) as error:
        log.warning("lease_not_renewed", resource=held.row.resource, error=str(error))


def _wait_for_next(engine: sa.Engine) -> bool:
    """Wait a moment where a page is due soon; whether it is worth to look again."""
    with transaction(engine, durable=False) as conn:
        due_s = sync_parts.next_due_s(conn)
    if due_s is None or due_s > SOON_S:
        return False
    time.sleep(due_s + 0.01 if due_s > 0.0 else IDLE_S)
    return True
