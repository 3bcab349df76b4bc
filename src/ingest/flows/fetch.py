"""Looks things up: claims what is due, asks the providers from threads, lands what they say.

Law: no transaction is open while a provider is asked, and nothing waits here for a limit to pass:
what has to wait goes back into its row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from ingest.core.identity import Identity
from ingest.flows import landing
from ingest.flows.clients import Clients
from ingest.flows.landing import Landing
from ingest.sources.contract import Ask, Found
from ingest.sources.registry import source
from ingest.store import connections, lookups
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.lookups import Claimed

log = structlog.get_logger(__name__)

THREADS = 8
RENEW_S = lookups.LEASE_S / 3
SOON_S = 2.0
"""What is due so soon is waited for, rather than rung for again."""
PAUSE_S = 0.05
CRASHES = 3
"""A look-up that took its worker down this often is given up."""


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


def drain(
    engine: sa.Engine,
    clients: Clients,
    *,
    go_on: Callable[[], bool],
    threads: int = THREADS,
) -> Fetched:
    """Look up what is due until nothing is, or `go_on` says no; what runs then is still landed."""
    done = Fetched()
    running: dict[Future[Landing], _Running] = {}
    renewed_at = time.monotonic()
    with ThreadPoolExecutor(threads, thread_name_prefix="fetch") as pool:
        while True:
            room = threads - len(running) if go_on() else 0
            if room:
                running.update(_start(engine, clients, pool, room))
            if not running:
                clients.close_retired()
                if not room or not _wait_for_next(engine):
                    done.more = not room
                    return done
                continue
            ended, _ = wait(running, timeout=PAUSE_S, return_when=FIRST_COMPLETED)
            done.ended.update(_land(engine, {one: running.pop(one) for one in ended}))
            if time.monotonic() - renewed_at > RENEW_S:
                _renew(engine, running)
                renewed_at = time.monotonic()


def _start(
    engine: sa.Engine, clients: Clients, pool: ThreadPoolExecutor, room: int
) -> dict[Future[Landing], _Running]:
    """Claim as much as there is room for, and begin to ask."""
    with transaction(engine, durable=False) as conn:
        token, claimed = lookups.claim(conn, limit=room)
        ids = {one.connection_id for one in claimed}
        known = connections.by_id(conn, ids)
        tokens = clients.tokens(conn, ids)
    return {
        pool.submit(
            _look_up, clients, known[one.connection_id], tokens.get(one.connection_id), one
        ): _Running(token, one, known[one.connection_id])
        for one in claimed
    }


def _look_up(
    clients: Clients, connection: Connection, token: str | None, claimed: Claimed
) -> Landing:
    """Ask the provider, and read what it says. Raises what the client raises."""
    if claimed.crashes >= CRASHES:
        return landing.hopeless(f"took its worker down {claimed.crashes} times")
    found = source(connection.source_type)
    identity = Identity(connection.source_type, claimed.scope, claimed.kind, claimed.external_id)
    client = clients.of(connection, token)
    sight = client.fetch_one(Ask(identity, claimed.hint, claimed.state))
    if sight.raw is None or found.documents is None:
        return landing.gone(identity, sight)
    seen = Found(identity, sight.raw, claimed.sent_at, claimed.hint, connection.metadata)
    return landing.seen(found.documents(seen), sight)


def _land(engine: sa.Engine, ended: Mapping[Future[Landing], _Running]) -> Counter[str]:
    """Apply what came, by claim; whatever a thread raised becomes that look-up's outcome."""
    by_token: dict[str, list[landing.Ended]] = {}
    for future, one in ended.items():
        error = future.exception()
        outcome = future.result() if error is None else landing.failed(error, one.claimed)
        by_token.setdefault(one.token, []).append(
            landing.Ended(one.claimed, one.connection, outcome)
        )
    counted: Counter[str] = Counter()
    for token, batch in by_token.items():
        counted.update(landing.land(engine, token, batch))
    if counted:
        log.info("looked_up", **counted)
    return counted


def _renew(engine: sa.Engine, running: Mapping[Future[Landing], _Running]) -> None:
    by_token: dict[str, list[int]] = {}
    for one in running.values():
        by_token.setdefault(one.token, []).append(one.claimed.id)
    with transaction(engine, durable=False) as conn:
        for token, ids in by_token.items():
            lookups.renew(conn, token, ids)


def _wait_for_next(engine: sa.Engine) -> bool:
    """Wait a moment where something is due soon; whether it is worth to look again."""
    with transaction(engine, durable=False) as conn:
        due_s = lookups.next_due_s(conn)
    if due_s is None or due_s > SOON_S:
        return False
    time.sleep(min(max(due_s, 0.0) + 0.01, SOON_S))
    return True
