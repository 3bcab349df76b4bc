"""Looks things up: claims what is due, asks the providers from threads, lands what they say.

Law: no transaction is open while a provider is asked, and nothing waits here for a limit to pass:
what has to wait goes back into its row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.errors import TransientError
from ingest.core.identity import Identity
from ingest.flows.connections import directory as directories
from ingest.flows.lookups import outcome
from ingest.flows.lookups import settle as landing
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.made_by import made_by
from ingest.flows.lookups.outcome import Ended, Landing
from ingest.sources.contract import Ask, Found
from ingest.sources.registry import source
from ingest.store import credentials, lookups
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.lookups import Claimed

log = structlog.get_logger(__name__)

THREADS = 8
RENEW_S = lookups.LEASE_S / 3
RENEW_AGAIN_S = 1.0
SOON_S = 2.0
"""What is due so soon is waited for, rather than rung for again."""
PAUSE_S = 0.05
CLAIM_EVERY_S = 0.5
"""How often more is claimed while what runs leaves room; sooner, where something ended."""
IDLE_S = 0.25
"""How long is waited for what is due and may not be claimed: others look up of the same source."""
CRASHES = 3
"""A look-up that took its worker down this often, while it was alone, is given up."""


@dataclass(slots=True)
class Fetched:
    """What a drain did: look-ups by what became of them, and whether more is probably due."""

    ended: Counter[str] = field(default_factory=Counter)
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Running:
    token: str
    claimed: Claimed
    connection: Connection
    token_id: int


@dataclass(frozen=True, slots=True)
class _Held:
    """A connection as a look-up needs it: its sealed token, the prefixes that others own, and what
    its documents are made by.
    """

    connection: Connection
    sealed: bytes | None
    taken: frozenset[str]
    made_by: str


@dataclass(slots=True)
class _Hands:
    """The threads of a drain and what they look up.

    What they have seen is landed by a thread of its own, a batch at a time, however long that
    takes; meanwhile leases are renewed and more is looked up, as much as there are threads.
    `quiet`: nothing is claimed before all that runs has ended, for a suspect is to be alone.
    """

    engine: sa.Engine
    clients: Clients
    pool: ThreadPoolExecutor
    lander: ThreadPoolExecutor
    threads: int
    running: dict[Future[Landing], _Running] = field(default_factory=dict)
    seen: dict[Future[Landing], _Running] = field(default_factory=dict)
    landing: dict[Future[Landing], _Running] = field(default_factory=dict)
    landed: Future[Counter[str]] | None = None
    quiet: bool = False
    claim_at: float = 0.0
    renew_at: float = field(default_factory=lambda: time.monotonic() + RENEW_S)

    @property
    def busy(self) -> bool:
        """Whether anything runs, or waits to be landed."""
        return bool(self.running or self.seen or self.landing)

    def may_claim(self) -> bool:
        """Whether there is room for more, and a reason to ask whether there is more."""
        if not self.busy:
            return True
        free = self._room() > 0 and not self.quiet
        return free and time.monotonic() >= self.claim_at

    def _room(self) -> int:
        return self.threads - len(self.running) - len(self.seen)

    def start(self) -> None:
        """Claim as much as there is room for, and begin to ask.

        What took a worker down is begun while nothing else runs, so that it takes nobody with it.
        Raises `TransientError` where the database is away and nothing runs that is to be landed.
        """
        self.quiet, self.claim_at = False, time.monotonic() + CLAIM_EVERY_S
        try:
            with transaction(self.engine, durable=False) as conn:
                token, claimed = lookups.claim(conn, limit=self._room())
                begun = self._begun(claimed)
                rest = [one.id for one in claimed if one not in begun]
                lookups.release(conn, token, rest)
                if self.quiet and not self.busy and len(begun) == 1:
                    lookups.set_alone(conn, token, begun[0].id)
                ids = {one.connection_id for one in begun}
                book = directories.read(conn, ids, ())
                tokens = credentials.newest(conn, ids, credentials.API_TOKEN)
        except TransientError as error:
            if not self.busy:
                raise
            log.warning("look_ups_not_claimed", error=str(error))
            return
        for one in begun:
            connection = book.by_id[one.connection_id]
            by = made_by(source(connection.source_type), book.stores.get(connection.id, ()))
            taken = book.taken.get(connection.id, frozenset())
            token_id, sealed = tokens.get(one.connection_id, (0, None))
            held = _Held(connection, sealed, taken, by)
            asked = self.pool.submit(_look_up, self.clients, held, one)
            self.running[asked] = _Running(token, one, connection, token_id)

    def _begun(self, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
        """All, or the first suspect alone, or all but the suspects while others run."""
        suspects = [one for one in claimed if one.suspect]
        if not suspects:
            return claimed
        self.quiet = True
        return [one for one in claimed if not one.suspect] if self.busy else suspects[:1]

    def end(self) -> Counter[str]:
        """Wait a moment, and let what ended be landed; what was landed meanwhile."""
        watched: set[Future[Any]] = {*self.running}
        if self.landed is not None:
            watched.add(self.landed)
        ended, _ = wait(watched, timeout=PAUSE_S, return_when=FIRST_COMPLETED)
        for future in [future for future in self.running if future in ended]:
            self.seen[future] = self.running.pop(future)
            self.claim_at = 0.0
        counted = self._collect()
        if self.seen and self.landed is None:
            self.landing, self.seen = self.seen, {}
            self.landed = self.lander.submit(_land, self.engine, self.landing)
        if time.monotonic() > self.renew_at:
            held = (*self.running.values(), *self.seen.values(), *self.landing.values())
            again_s = RENEW_S if _renewed(self.engine, held) else RENEW_AGAIN_S
            self.renew_at = time.monotonic() + again_s
        return counted

    def _collect(self) -> Counter[str]:
        if self.landed is None or not self.landed.done():
            return Counter()
        counted = self.landed.result()
        self.landed, self.landing = None, {}
        self.claim_at = 0.0
        return counted


def drain(
    engine: sa.Engine,
    clients: Clients,
    *,
    go_on: Callable[[], bool],
    linger: Callable[[], bool] = lambda: False,
    threads: int = THREADS,
) -> Fetched:
    """Look up what is due until nothing is, or `go_on` says no; what runs then is still landed.

    While that takes long and `linger` says yes, the other threads go on with more.
    """
    done = Fetched()
    with (
        ThreadPoolExecutor(threads, thread_name_prefix="fetch") as pool,
        ThreadPoolExecutor(1, thread_name_prefix="land") as lander,
    ):
        hands = _Hands(engine, clients, pool, lander, threads)
        while True:
            stop = not go_on() and not (hands.running and linger())
            if not stop and hands.may_claim():
                hands.start()
            if hands.busy:
                done.ended.update(hands.end())
                continue
            clients.close_retired()
            if stop or not _wait_for_next(engine):
                done.more = stop
                return done


def _look_up(clients: Clients, held: _Held, claimed: Claimed) -> Landing:
    """Ask the provider, and read what it says. Raises what the client raises."""
    if claimed.crashes >= CRASHES:
        return outcome.hopeless(f"took its worker down {claimed.crashes} times while it was alone")
    connection = held.connection
    documents = source(connection.source_type).documents
    identity = Identity(connection.source_type, claimed.scope, claimed.kind, claimed.external_id)
    client = clients.of(connection, clients.opened(held.sealed))
    sight = client.fetch_one(Ask(identity, claimed.hint, claimed.state, held.made_by))
    if sight.raw is None or documents is None:
        return outcome.gone(identity, sight, connection, claimed)
    seen = Found(
        identity, sight.raw, claimed.sent_at, claimed.hint, connection.metadata, held.taken
    )
    told = client.read(lambda: documents(seen))
    return outcome.seen(told, sight, connection, claimed, held.taken)


def _land(engine: sa.Engine, ended: Mapping[Future[Landing], _Running]) -> Counter[str]:
    """Apply what came, by claim; whatever a thread raised becomes that look-up's outcome."""
    by_token: dict[str, list[Ended]] = {}
    for future, one in ended.items():
        error = future.exception()
        came_to = future.result() if error is None else outcome.failed(error, one.claimed)
        by_token.setdefault(one.token, []).append(
            Ended(one.claimed, one.connection, came_to, one.token_id)
        )
    counted: Counter[str] = Counter()
    for token, batch in by_token.items():
        counted.update(landing.land(engine, token, batch))
    if counted:
        log.info("looked_up", **counted)
    return counted


def _renewed(engine: sa.Engine, held: Collection[_Running]) -> bool:
    """Whether the leases are renewed; where not, it is tried again soon."""
    by_token: dict[str, list[int]] = {}
    for one in held:
        by_token.setdefault(one.token, []).append(one.claimed.id)
    try:
        with transaction(engine, durable=False) as conn:
            for token, ids in by_token.items():
                lookups.renew(conn, token, ids)
    except TransientError as error:
        log.warning("leases_not_renewed", look_ups=len(held), error=str(error))
        return False
    return True


def _wait_for_next(engine: sa.Engine) -> bool:
    """Wait a moment where something is due soon; whether it is worth to look again."""
    with transaction(engine, durable=False) as conn:
        due_s = lookups.next_due_s(conn)
    if due_s is None or due_s > SOON_S:
        return False
    time.sleep(due_s + 0.01 if due_s > 0.0 else IDLE_S)
    return True
