"""Keeps a client of the provider's API for each connection, while its token and metadata stay.

Law: a token is decrypted here, handed to its client, and told to nobody else.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson
import sqlalchemy as sa

from ingest.core.errors import Denied, Refused, Unavailable
from ingest.core.vault import Vault
from ingest.flows.connections.renewal import StoredTokens
from ingest.flows.lookups.proofs import Proof
from ingest.sources.access import Access, Resolve
from ingest.sources.contract import Client
from ingest.sources.discreet import Discreet, hushed
from ingest.sources.hosts import Reach, base_of
from ingest.sources.quiet_subscriptions import QuietSubscriptions
from ingest.sources.registry import source
from ingest.sources.spending import Budget, Budgets
from ingest.store import credentials
from ingest.store.connections import Connection

MAX_KEPT = 500
"""Clients of one process; beyond, all are made anew."""


def utc_now() -> datetime:
    """The time now, in UTC: the clock of whoever asks a provider."""
    return datetime.now(UTC)


def addresses_of(host: str) -> Sequence[str]:
    """The addresses of a name, by the machine's own resolver, the best first (RFC 6724).

    Blocks for as long as the resolver does; raises `Unavailable` where it knows none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"the name {host} leads nowhere: {error}") from error
    return [str(place[0]) for *_, place in found]


@dataclass(frozen=True, slots=True)
class _KeptClient:
    fingerprint: bytes
    client: Discreet
    proof: Proof


@dataclass(slots=True)
class Clients:
    """The clients of one process; safe for threads.

    vault: opens stored tokens.
    api_urls: the configured bases, by source type, which are trusted wherever they lead.
    allowed_hosts: what connections' metadata may name beside the providers' own hosts.
    resolve: how the name of a host that no operator named becomes addresses, which are judged
        (docs/decisions/0013).
    engine: where tokens that are renewed are kept, for all processes; None: each client keeps its
        own in memory.
    budgets: what may be asked of providers, for all processes; None: as much as they answer.
    """

    vault: Vault
    api_urls: Mapping[str, str]
    now: Callable[[], datetime] = utc_now
    allowed_hosts: tuple[str, ...] = ()
    resolve: Resolve = addresses_of
    engine: sa.Engine | None = None
    budgets: Budgets | None = None
    _kept: dict[str, _KeptClient] = field(default_factory=dict)
    _retired: list[Client] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tokens(self, conn: sa.Connection, connection_ids: Collection[str]) -> dict[str, str]:
        """The newest token of each connection that has one, in the clear; by connection id.

        Raises `BadSettings` where no key opens it.
        """
        return {
            id_: tokens[-1]
            for id_ in connection_ids
            if (tokens := credentials.read(conn, self.vault, id_, credentials.API_TOKEN))
        }

    def opened(self, sealed: bytes | None) -> str | None:
        """A stored token in the clear (None for none); raises `BadSettings` if no key opens it."""
        return self.vault.decrypt(sealed) if sealed is not None else None

    def of(self, connection: Connection, token: str | None) -> Discreet:
        """The connection's client, made where there is none of this token and metadata.

        It is closed here alone, and no token stands in what it raises. Raises `Refused` without a
        token, and where the metadata sends it to somebody else's host.
        """
        access = self._access(connection, token)
        connect = source(connection.source_type).connect
        if connect is None:
            raise Refused(_nothing_to_ask(connection))
        fingerprint = _fingerprint(access)
        with self._lock:
            kept = self._kept.get(connection.id)
            if kept is not None and kept.fingerprint == fingerprint:
                return kept.client
            if kept is not None:
                self._retired.append(kept.client)
            elif len(self._kept) >= MAX_KEPT:
                self._retire_all()
            access = self._renewing(connection, access)
            made = hushed(lambda: connect(access), access.mask)
            client = Discreet(made, access.mask)
            proof = Proof(client.check, self.now)
            self._kept[connection.id] = _KeptClient(fingerprint, client, proof)
            return client

    def denied(self, connection: Connection, client: Discreet, refusal: Refused) -> Denied:
        """What the refusal of one object or list comes to, where the client's token is good.

        Raises `Refused` where that is let in nowhere; see `Proof.denied`.
        """
        with self._lock:
            kept = self._kept.get(connection.id)
            is_kept = kept is not None and kept.client is client
            proof = kept.proof if kept is not None and is_kept else Proof(client.check, self.now)
        return proof.denied(refusal)

    def subscriptions_of(self, connection: Connection, token: str | None) -> QuietSubscriptions:
        """The connection's webhooks at its provider, which the caller closes.

        Raises `Refused` as `of`, and where the provider's API knows no webhooks.
        """
        access = self._access(connection, token)
        subscribe = source(connection.source_type).subscribe
        if subscribe is None:
            raise Refused(_nothing_to_ask(connection))
        access = self._renewing(connection, access)
        made = hushed(lambda: subscribe(access), access.mask)
        return QuietSubscriptions(made, access.mask)

    def budget_of(self, connection: Connection, token: str | None) -> Budget | None:
        """What the connection may ask of its provider with this token, as it is stored; None where
        nobody knows a limit. Raises what `of` raises for metadata that leads to somebody else.
        """
        if self.budgets is None or token is None:
            return None
        found = source(connection.source_type)
        base = base_of(found.descriptor, connection.metadata, self._reach)
        return self.budgets.of(found, base.url, connection.metadata, token)

    def _access(self, connection: Connection, token: str | None) -> Access:
        """What a client may use; raises `Refused`, see `of`."""
        if token is None:
            raise Refused(_nothing_to_ask(connection))
        descriptor = source(connection.source_type).descriptor
        base = base_of(descriptor, connection.metadata, self._reach)
        resolve = None if base.is_trusted else self.resolve
        return Access(base.url, token, connection.metadata, self.now, resolve)

    @property
    def _reach(self) -> Reach:
        return Reach(self.api_urls, self.allowed_hosts)

    def _renewing(self, connection: Connection, access: Access) -> Access:
        """With its tokens, where they are made of what is stored; the mask knows all of that."""
        renewal = source(connection.source_type).renewal
        if renewal is None or not renewal.applies(access.token):
            access.mask.learn(access.token)
            return access
        for secret in renewal.secrets(access.token) or (access.token,):
            access.mask.learn(secret)
        if self.engine is None:
            return access
        tokens = StoredTokens(self.engine, self.vault, connection.id, access, renewal)
        return replace(access, tokens=tokens)

    def close_retired(self) -> None:
        """Close clients whose token or metadata changed; nobody may be using them any more."""
        with self._lock:
            for client in self._retired:
                client.close()
            self._retired.clear()

    def close(self) -> None:
        """Close all clients; nobody may be using them any more."""
        with self._lock:
            self._retire_all()
        self.close_retired()

    def _retire_all(self) -> None:
        self._retired += [kept.client for kept in self._kept.values()]
        self._kept.clear()


def _nothing_to_ask(connection: Connection) -> str:
    title = source(connection.source_type).descriptor.title
    return f"the connection has no token for {title} any more"


def _fingerprint(access: Access) -> bytes:
    told = [access.base_url, access.token, dict(access.metadata)]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).digest()
