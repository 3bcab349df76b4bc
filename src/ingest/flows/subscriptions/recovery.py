"""One recovery: what a connection's provider failed to deliver comes in, by that one's own log.

Law: no transaction is open while the provider is asked. What the log names is kept, a page at a
time, before any of it is asked for; so a recovery that is stopped or fails goes on where it stood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from ingest.core.errors import BadPayload, PermanentError, Refused, TransientError
from ingest.core.values import JSON
from ingest.flows.lookups.clients import Clients
from ingest.flows.receiving.verify import stored_key
from ingest.flows.subscriptions.bring_in import AGAIN_S, Brought, bring, way_of
from ingest.flows.subscriptions.subscribe import known_public_url
from ingest.flows.subscriptions.urls import webhook_url
from ingest.sources.quiet_subscriptions import QuietSubscriptions
from ingest.sources.registry import source
from ingest.sources.spending import spending
from ingest.sources.subscriptions import MissedPage
from ingest.store import connections, credentials, deliveries, missed
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.missed import MissedCheck, MissedDelivery

OVERLAP = timedelta(minutes=15)
"""So long before the last one began the next begins: clocks, and a log's own lag."""
SILENT_S = 150.0
"""A receiver that was silent for so long is not there: what is sent again would fail again."""
PATIENCE_S = 3_600.0
"""How long what was missed waits for the receiver to be back, before it is read."""


@dataclass(frozen=True, slots=True)
class HeldCheck:
    """A claimed check, with its connection and that one's newest API token as it is stored."""

    check: MissedCheck
    connection: Connection
    sealed: bytes | None
    token_id: int


def claim_check(conn: sa.Connection, source_types: Collection[str]) -> HeldCheck | None:
    """Claim a connection of these sources whose log is to be looked into; None for none."""
    check = missed.claim(conn, source_types)
    if check is None:
        return None
    ids = [check.connection_id]
    newest = credentials.newest(conn, ids, credentials.API_TOKEN)
    token_id, sealed = newest.get(check.connection_id, (0, None))
    connection = connections.by_id(conn, ids)[check.connection_id]
    return HeldCheck(check, connection, sealed, token_id)


@dataclass(slots=True)
class Recovery:
    """One recovery, and what it did so far.

    done: deliveries `redelivered`, `recovered`, `lost`. under_way: the one that is asked for just
    now. said: why one was given up.
    """

    engine: sa.Engine
    clients: Clients
    held: HeldCheck
    go_on: Callable[[], bool]
    done: Counter[str] = field(default_factory=Counter)
    under_way: MissedDelivery | None = None
    said: str | None = None

    def make(self) -> bool:
        """Walk the log and bring in what it names; whether that is at its end.

        Blocks; raises what a client raises, where `Refused` is `stale` only if the token is proven
        to be unknown; `LeaseLost`, `TransientError` where the database is away, and any fault of
        the source.
        """
        token = self.clients.opened(self.held.sealed)
        try:
            return self._make(token)
        except Refused as refusal:
            if refusal.stale and not self._is_unknown(token):
                raise Refused(str(refusal)) from refusal
            raise

    def _make(self, token: str | None) -> bool:
        connection = self.held.connection
        with (
            closing(self.clients.subscriptions_of(connection, token)) as provider,
            spending(self.clients.budget_of(connection, token), background=True),
        ):
            is_walked = self.held.check.is_walked or self._walk(provider)
            return is_walked and self._bring_all(provider)

    def _find(self, provider: QuietSubscriptions) -> None:
        """Let one that a person made be found by where it sends to: its log is known by that."""
        connection = self.held.connection
        if source(connection.source_type).subscription_field in connection.metadata:
            return
        public = known_public_url(self.engine, connection.id)
        if public is not None:
            provider.look(webhook_url(public, connection.source_type, connection.id))

    def _is_unknown(self, token: str | None) -> bool:
        """By the request that proves a token."""
        try:
            self.clients.of(self.held.connection, token).check()
        except Refused:
            return True
        except (PermanentError, TransientError):
            return False
        return False

    def _walk(self, provider: QuietSubscriptions) -> bool:
        """Keep what the log names; whether all of it was seen."""
        check = self.held.check
        self._find(provider)
        since, cursor = check.through - OVERLAP, check.cursor
        while self.go_on():
            page = provider.missed(since, cursor)
            if page.cursor is not None and page.cursor == cursor:
                raise BadPayload("cursor", "leads to the page that it came with")
            cursor = page.cursor
            self._name(page, cursor)
            if cursor is None:
                return True
        return False

    def _name(self, page: MissedPage, cursor: JSON) -> None:
        found = [
            {
                "delivery_key": stored_key(one.delivery_key),
                "handle": one.handle,
                "missed_at": one.at,
            }
            for one in page.missed
        ]
        with transaction(self.engine) as conn:
            missed.name(conn, self.held.check, found, cursor)
            if cursor is None:
                missed.walked(conn, self.held.check)

    def _bring_all(self, provider: QuietSubscriptions) -> bool:
        """Have each come that is due; whether none is any more."""
        check = self.held.check
        there = check.heard_s is None or check.heard_s <= SILENT_S
        least_age_s = 0.0 if there else PATIENCE_S
        with transaction(self.engine) as conn:
            missed.tidy(conn, check)
        while self.go_on():
            with transaction(self.engine) as conn:
                one = missed.next_due(conn, check, again_s=AGAIN_S, least_age_s=least_age_s)
            self.under_way = one
            if one is None:
                return True
            way = way_of(one, receiver_is_there=there)
            brought = bring(provider, self.held.connection, one, way)
            with transaction(self.engine) as conn:
                kind = self._keep(conn, one, brought)
            self.done[kind] += 1
            self.under_way = None
        return False

    def _keep(self, conn: sa.Connection, one: MissedDelivery, brought: Brought) -> str:
        check = self.held.check
        if brought.again:
            missed.redelivered(conn, check)
            return "redelivered"
        if brought.arrival is not None:
            deliveries.insert(conn, [brought.arrival])
            missed.recovered(conn, check, one.delivery_key)
            return "recovered"
        self.said = brought.said
        missed.lost(conn, check, one.delivery_key)
        return "lost"
