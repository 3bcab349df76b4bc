"""The tokens of one connection, made of what a person gave, and shared by all processes.

A token is made by one process at a time, under a lease in the database, and stored before it is
sent; the others wait for a moment and read it. Law: no transaction is open while the provider is
asked, and what works once (a refresh token) is replaced in the transaction that stores the token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
import structlog

from ingest.core.errors import (
    BadSettings,
    IngestError,
    PermanentError,
    Refused,
    TransientError,
)
from ingest.core.vault import Vault
from ingest.sources.access import Access, Issued, Renewal
from ingest.sources.renewing import spare_s
from ingest.store import issued
from ingest.store.engine import transaction
from ingest.store.issued import StoredToken

log = structlog.get_logger(__name__)

KEPT_S = 30.0
"""How long a token is sent without a look at what is stored by now."""
FRESH_S = 60.0
"""A token that is refused so soon after it was made is not replaced: the refusal holds."""
LEASE_S = 120.0
"""Longer than the longest request and the storing of its answer (STORE_S)."""
STORE_S = 30.0
"""How long the storing of a new token is tried again where the database is away."""
WAIT_S, LATER_S = 2.0, 5.0
"""How long a thread waits for another process's renewal; how long its look-up is then put off."""
PAUSE_S, RETRY_S = 0.2, 0.5


@dataclass(frozen=True, slots=True)
class _Found:
    """A stored token in the clear."""

    token: str = field(repr=False)
    row: StoredToken

    @property
    def is_usable(self) -> bool:
        """Whether it need not be renewed yet."""
        left_s, lives_s = self.row.left_s, self.row.lives_s
        return left_s is None or lives_s is None or left_s > spare_s(lives_s)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A renewal that is ours: the lease, and what was given, with its row."""

    lease: int
    given_id: int
    given: str = field(repr=False)


@dataclass(slots=True)
class StoredTokens:
    """Fulfils `access.Tokens`; used by several threads at a time.

    access: as the client has it, with the clock that says how long a token is kept at hand.
    wait_s: how long a thread waits for another process. sleep: how it does, in seconds.
    """

    engine: sa.Engine
    vault: Vault
    connection_id: str
    access: Access = field(repr=False)
    renewal: Renewal
    wait_s: float = WAIT_S
    sleep: Callable[[float], None] = time.sleep
    _at_hand: tuple[str, datetime] | None = field(default=None, repr=False)

    def current(self) -> str:
        """The token to send.

        Where the provider makes none for the moment, the former one is sent as long as it lives.
        Raises what `Renewal.ask` raises, `BadSettings` where no key opens what was given.
        """
        at_hand = self._at_hand
        if at_hand is not None and self.access.now() < at_hand[1]:
            return at_hand[0]
        token = self._obtain(None)
        if token is None:
            raise TransientError("no token is at hand")
        return token

    def renewed(self, refused: str) -> str | None:
        """Another token than the refused one; None where that was made just now."""
        return self._obtain(refused)

    def _obtain(self, refused: str | None) -> str | None:
        ends_at = time.monotonic() + self.wait_s
        while True:
            row, found = self._read()
            is_refused = found is not None and found.token == refused
            if is_refused and row is not None and row.age_s < FRESH_S:
                return None
            other = None if is_refused else found
            if other is not None and other.is_usable:
                return self._take(other)
            begun = self._begin(row)
            if begun is not None:
                return self._make(begun, other)
            if other is not None:
                return self._take(other)
            if time.monotonic() > ends_at:
                problem = "another process renews the token of this connection"
                raise TransientError(problem, retry_after_s=LATER_S)
            self.sleep(PAUSE_S)

    def _read(self) -> tuple[StoredToken | None, _Found | None]:
        """What is stored, as it is and in the clear; what no key opens is there to be replaced."""
        with transaction(self.engine) as conn:
            row = issued.newest(conn, self.connection_id)
        try:
            return row, None if row is None else _Found(self.vault.decrypt(row.sealed), row)
        except BadSettings:
            return row, None

    def _take(self, found: _Found) -> str:
        left_s = found.row.left_s
        kept_s = KEPT_S if left_s is None else max(0.0, min(KEPT_S, left_s))
        return self._keep_at_hand(found.token, kept_s)

    def _keep_at_hand(self, token: str, kept_s: float) -> str:
        self._at_hand = token, self.access.now() + timedelta(seconds=kept_s)
        return token

    def _begin(self, seen: StoredToken | None) -> _Begun | None:
        """Take the lease; None where another has it, or has stored another token meanwhile."""
        with transaction(self.engine) as conn:
            kept = issued.lock_given(conn, self.connection_id)
            if kept is None:
                raise Refused("the connection has no token any more")
            given = self.vault.decrypt(kept.sealed)
            now = issued.newest(conn, self.connection_id)
            if now is not None and (seen is None or now.sealed != seen.sealed):
                return None
            held = self.vault.encrypt(str(uuid4()))
            lease = issued.take_lease(conn, self.connection_id, held, seconds=LEASE_S)
            return None if lease is None else _Begun(lease, kept.id, given)

    def _make(self, begun: _Begun, other: _Found | None) -> str:
        """One more token, stored; `other` while the provider or the database is in trouble."""
        try:
            made = self._ask(begun.given)
            self._store(begun, made)
        except IngestError as error:
            self._end(begun)
            if isinstance(error, Refused) or other is None:
                raise
            log.warning("token_not_renewed", connection=self.connection_id, error=str(error))
            return self._take(other)
        log.info("token_renewed", connection=self.connection_id, lives_s=made.lives_s)
        kept_s = KEPT_S if made.lives_s is None else min(KEPT_S, made.lives_s)
        return self._keep_at_hand(made.token, kept_s)

    def _ask(self, given: str) -> Issued:
        """An answer that makes no sense is nobody's end: what waits goes on once it does."""
        try:
            return self.renewal.ask(replace(self.access, token=given, tokens=None))
        except BadSettings:
            raise
        except PermanentError as error:
            problem = str(error)
        raise TransientError(problem)

    def _store(self, begun: _Begun, made: Issued) -> None:
        """Store it, again and again while the database is away: what worked once is used up.

        Raises `TransientError` where that takes too long, or something else is given by now.
        """
        ends_at = time.monotonic() + STORE_S
        is_kept: bool | None = None
        while is_kept is None:
            try:
                with transaction(self.engine) as conn:
                    is_kept = self._keep(conn, begun, made)
            except TransientError:
                is_kept = None  # the commit itself may have failed
                if time.monotonic() > ends_at:
                    raise
                self.sleep(RETRY_S)
        if not is_kept:
            problem = "other credentials were given while the token was renewed"
            raise TransientError(problem, retry_after_s=PAUSE_S)

    def _keep(self, conn: sa.Connection, begun: _Begun, made: Issued) -> bool:
        """Whether what it was made of is still what is given; a retry may find its own work."""
        kept = issued.lock_given(conn, self.connection_id)
        if kept is None or kept.id != begun.given_id:
            return False
        if self.vault.decrypt(kept.sealed) not in (begun.given, made.given):
            return False
        if made.given is not None:
            issued.replace_given(conn, kept.id, self.vault.encrypt(made.given))
        sealed = self.vault.encrypt(made.token)
        issued.keep(conn, self.connection_id, sealed, lives_s=made.lives_s)
        return True

    def _end(self, begun: _Begun) -> None:
        """Where even that fails, the lease runs out."""
        try:
            with transaction(self.engine) as conn:
                issued.end_lease(conn, self.connection_id, begun.lease)
        except TransientError as error:
            log.warning("renewal_not_ended", connection=self.connection_id, error=str(error))
