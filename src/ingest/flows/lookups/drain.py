"""The loop that drains the look-ups: claim what is due, ask the providers from threads, settle.

Law: no transaction is open while a provider is asked, and nothing waits here for a limit to pass:
what has to wait goes back into its row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.errors import BadSettings, TransientError
from ingest.core.tracing import LOOK_UP, OFF, Tracer
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.fetch import fetch
from ingest.flows.lookups.held import HeldLookup, read_held
from ingest.flows.lookups.outcome import LookedUp, Outcome, failed
from ingest.flows.lookups.settle import settle_lookups
from ingest.store import lookup_admin, lookup_counts, lookups
from ingest.store.claiming import LEASE_S
from ingest.store.engine import transaction
from ingest.store.lookups import ClaimedLookup

log = structlog.get_logger(__name__)

THREADS = 8
RENEW_AGAIN_S = 1.0
"""Between two renewals of the leases; sooner, where the last one failed."""
SOON_S = 2.0
"""What is due so soon is waited for, rather than rung for again."""
PAUSE_S = 0.05
"""How long the loop waits for something to end, before it looks after leases and claims."""
CLAIM_EVERY_S = 0.5
"""How often more is claimed while what runs leaves room; sooner, where something ended."""
IDLE_S = 0.25
"""How long is waited for what is due and may not be claimed: others look up of the same source."""


@dataclass(slots=True)
class Fetched:
    """What a drain did: look-ups by what became of them (a `Kind`), and whether more may be due."""

    ended: Counter[str] = field(default_factory=Counter)
    more: bool = False


Asked = dict[Future[Outcome], HeldLookup]
"""Look-ups by the thread's future that makes them."""


@dataclass(slots=True)
class _Fetching:
    """The threads of a drain and what they look up.

    What they have seen is settled by a thread of its own, a batch at a time, however long that
    takes; meanwhile leases are renewed and more is looked up, as much as there are threads.
    `quiet`: nothing is claimed before all that runs has ended, for a suspect is to be alone.
    `took_s`: for how long each was asked about, by its claim and its id.
    """

    engine: sa.Engine
    clients: Clients
    pool: ThreadPoolExecutor
    settler: ThreadPoolExecutor
    threads: int
    lease_s: float
    tracer: Tracer
    running: Asked = field(default_factory=dict)
    seen: Asked = field(default_factory=dict)
    settling: Asked = field(default_factory=dict)
    settled: Future[Counter[str]] | None = None
    took_s: dict[tuple[str, int], float] = field(default_factory=dict)
    quiet: bool = False
    claim_at: float = 0.0
    renew_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.renew_at = time.monotonic() + self.lease_s / 3

    @property
    def busy(self) -> bool:
        """Whether anything runs, or waits to be settled."""
        return bool(self.running or self.seen or self.settling)

    def may_claim(self) -> bool:
        """Whether there is room for more, and a reason to ask whether there is more."""
        if not self.busy:
            return True
        free = self._room() > 0 and not self.quiet
        return free and time.monotonic() >= self.claim_at

    def _room(self) -> int:
        return self.threads - len(self.running) - len(self.seen)

    def _background_room(self) -> int:
        """Half of the threads are kept for what somebody waits for, however long others take."""
        held = (*self.running.values(), *self.seen.values())
        taken = sum(one.row.background for one in held)
        return max(0, max(1, self.threads // 2) - taken)

    def start(self) -> None:
        """Claim as much as there is room for, and begin to ask.

        Raises `TransientError` where the database is away and nothing runs that is to be settled.
        """
        self.quiet, self.claim_at = False, time.monotonic() + CLAIM_EVERY_S
        try:
            held = self._claim()
        except TransientError as error:
            if not self.busy:
                raise
            log.warning("look_ups_not_claimed", error=str(error))
            return
        for one in held:
            self.running[self.pool.submit(self._fetch, one)] = one

    def _fetch(self, held: HeldLookup) -> Outcome:
        """In the trace of the first delivery that waits for it; what waits too is linked."""
        began, source_type = time.monotonic(), held.connection.source_type
        parent = held.traces[0] if held.traces else None
        links = held.traces[1:]
        with self.tracer.span(
            LOOK_UP, parent=parent, links=links, source=source_type, object=held.row.kind
        ) as span:
            try:
                outcome = fetch(self.clients, held)
            finally:
                self.took_s[held.token, held.row.id] = time.monotonic() - began
            span.tell(outcome=outcome.kind, requests=outcome.calls)
            return outcome

    def _claim(self) -> list[HeldLookup]:
        """What took a worker down is begun while nothing else runs, so that it takes nobody with
        it.
        """
        with transaction(self.engine, durable=False) as conn:
            room, background = self._room(), self._background_room()
            token, claimed = lookups.claim(
                conn, limit=room, background=background, lease_s=self.lease_s
            )
            begun = self._begun(claimed)
            lookups.release(conn, token, [one.id for one in claimed if one not in begun])
            if self.quiet and not self.busy and len(begun) == 1:
                lookups.set_alone(conn, token, begun[0].id)
            held = read_held(conn, token, begun)
            if not self.tracer.is_on:
                return held
            traces = lookups.traces(conn, [one.id for one in begun])
        return [replace(one, traces=traces.get(one.row.id, ())) for one in held]

    def _begun(self, claimed: Sequence[ClaimedLookup]) -> Sequence[ClaimedLookup]:
        """All, or the first suspect alone, or all but the suspects while others run."""
        suspects = [one for one in claimed if one.suspect]
        if not suspects:
            return claimed
        self.quiet = True
        return [one for one in claimed if not one.suspect] if self.busy else suspects[:1]

    def end(self) -> Counter[str]:
        """Wait a moment, and let what ended be settled; what was settled meanwhile."""
        watched: set[Future[Any]] = {*self.running}
        if self.settled is not None:
            watched.add(self.settled)
        ended, _ = wait(watched, timeout=PAUSE_S, return_when=FIRST_COMPLETED)
        for future in [future for future in self.running if future in ended]:
            self.seen[future] = self.running.pop(future)
            self.claim_at = 0.0
        counted = self._collect()
        if self.seen and self.settled is None:
            self.settling, self.seen = self.seen, {}
            self.settled = self.settler.submit(
                _settle, self.engine, self.settling, self.clients.api_urls, self.took_s
            )
        if time.monotonic() > self.renew_at:
            held = (*self.running.values(), *self.seen.values(), *self.settling.values())
            again_s = self.lease_s / 3
            if not _renewed(self.engine, held, self.lease_s):
                again_s = min(again_s, RENEW_AGAIN_S)
            self.renew_at = time.monotonic() + again_s
        return counted

    def _collect(self) -> Counter[str]:
        if self.settled is None or not self.settled.done():
            return Counter()
        counted = self.settled.result()
        self.settled, self.settling = None, {}
        self.claim_at = 0.0
        return counted


def drain_lookups(
    engine: sa.Engine,
    clients: Clients,
    *,
    go_on: Callable[[], bool],
    linger: Callable[[], bool] = lambda: False,
    threads: int = THREADS,
    lease_s: float = LEASE_S,
    tracer: Tracer = OFF,
) -> Fetched:
    """Look up what is due until nothing is, or `go_on` says no; what runs then is still settled.

    While that takes long and `linger` says yes, the other threads go on with more. `threads` is how
    many look-ups are made at once, `lease_s` how long a claim is ours unless it is renewed. What is
    due within SOON_S is waited for. `tracer` is told of each. Blocks until all is settled, and
    closes clients that are out of date. Raises `TransientError` where the database is away and
    nothing runs; a look-up's own error becomes its outcome.
    """
    done = Fetched()
    with (
        ThreadPoolExecutor(threads, thread_name_prefix="fetch") as pool,
        ThreadPoolExecutor(1, thread_name_prefix="settle") as settler,
    ):
        fetching = _Fetching(engine, clients, pool, settler, threads, lease_s, tracer)
        while True:
            stop = not go_on() and not (fetching.running and linger())
            if not stop and fetching.may_claim():
                fetching.start()
            if fetching.busy:
                done.ended.update(fetching.end())
                continue
            clients.close_retired()
            if stop or not _wait_for_next(engine):
                done.more = stop
                return done


def _settle(
    engine: sa.Engine,
    ended: Mapping[Future[Outcome], HeldLookup],
    api_urls: Mapping[str, str],
    took_s: dict[tuple[str, int], float],
) -> Counter[str]:
    """Settle what came, by claim; whatever a thread raised becomes that look-up's outcome."""
    by_token: dict[str, list[LookedUp]] = {}
    timed: list[tuple[str, str, float]] = []
    for future, held in ended.items():
        error = future.exception()
        of = held.connection.source_type
        came_to = future.result() if error is None else failed(error, held.row, source_type=of)
        by_token.setdefault(held.token, []).append(LookedUp(held, came_to))
        timed.append((of, came_to.kind, took_s.pop((held.token, held.row.id))))
    _tell_of_settings(ended)
    counted: Counter[str] = Counter()
    for token, batch in by_token.items():
        counted.update(settle_lookups(engine, token, batch, api_urls))
    if counted:
        log.info("looked_up", **counted)
    _count(engine, timed)
    return counted


def _tell_of_settings(ended: Collection[Future[Outcome]]) -> None:
    """What this process lacks (the key of a token, a proxy) nobody sees in what a provider says."""
    faults = [str(e) for one in ended if isinstance(e := one.exception(), BadSettings)]
    if faults:
        log.error("look_ups_lack_a_setting", look_ups=len(faults), reason=faults[0])


def _count(engine: sa.Engine, timed: Collection[tuple[str, str, float]]) -> None:
    """For the metrics, and in nobody's way: what cannot be counted is not."""
    try:
        with transaction(engine, durable=False) as conn:
            lookup_counts.add(conn, timed)
    except TransientError as error:
        log.warning("look_ups_not_counted", look_ups=len(timed), error=str(error))


def _renewed(engine: sa.Engine, held: Collection[HeldLookup], lease_s: float) -> bool:
    """Whether the leases are renewed; where not, it is tried again soon."""
    by_token: dict[str, list[int]] = {}
    for one in held:
        by_token.setdefault(one.token, []).append(one.row.id)
    try:
        with transaction(engine, durable=False) as conn:
            for token, ids in by_token.items():
                lookups.renew(conn, token, ids, lease_s)
    except TransientError as error:
        log.warning("leases_not_renewed", look_ups=len(held), error=str(error))
        return False
    return True


def _wait_for_next(engine: sa.Engine) -> bool:
    """Wait a moment where something is due soon; whether it is worth to look again."""
    with transaction(engine, durable=False) as conn:
        due_s = lookup_admin.next_due_s(conn)
    if due_s is None or due_s > SOON_S:
        return False
    time.sleep(due_s + 0.01 if due_s > 0.0 else IDLE_S)
    return True
