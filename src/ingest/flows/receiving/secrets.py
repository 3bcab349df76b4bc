"""The webhook secrets to verify a request against, kept in memory for a few seconds.

Old secrets may let a request in for that long; they never turn one away, since a refusal asks for
secrets that are read after the request came. What is not kept is read for all who ask at once, by
one query at a time: a flood of unknown ids costs a few queries, and holds up nobody whose secrets
are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import sqlalchemy as sa

from ingest.core.errors import BadSettings, NotConnected, TransientError, Unavailable
from ingest.core.vault import Vault
from ingest.flows.receiving.batch_reader import BatchReader
from ingest.sources.contract import Descriptor
from ingest.store import credentials
from ingest.store.engine import transaction

KEPT_S = 5.0
"""For how long secrets that were read may let a request in."""
MAX_KEPT = 10_000
"""Connections; beyond, all are read anew."""
_ID_CHARS = 191


@dataclass(frozen=True, slots=True)
class Secrets:
    """What may verify a request: every live secret that can be opened, in the clear.

    `shakes`: the provider's unsigned handshake is waited for, or came and may come again. `fault`:
    why there are others, by which a request may be signed too; None where these are all.
    """

    live: tuple[str, ...] = field(repr=False)
    shakes: bool = False
    fault: str | None = None


NONE = Secrets(())
"""Nothing verifies: every request is refused."""


@dataclass(frozen=True, slots=True)
class ConnectionSecrets:
    """A connection as its secrets are read; `fault` says why none of them can be used."""

    source_type: str
    secrets: Secrets
    fault: str | None = None


Load = Callable[[Sequence[str]], Mapping[str, ConnectionSecrets]]
"""The secrets of connections by id, of those that there are; raises `TransientError`."""


@dataclass(frozen=True, slots=True)
class _KeptSecrets:
    found: ConnectionSecrets
    read_at: float


class Keyring:
    """Secrets by connection, and the app-wide ones. Safe for threads; its `repr` tells nothing.

    load: reads connections' secrets, in a thread of ours (`stored_secrets`).
    app_wide: the others, by source type, for as long as the process runs.
    now: a monotonic clock in seconds, the one that every `since` is of.
    """

    def __init__(
        self,
        load: Load,
        app_wide: Mapping[str, Sequence[str]],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        self._load = load
        self._app_wide = {name: Secrets(tuple(live)) for name, live in app_wide.items()}
        self._kept: dict[str, _KeptSecrets] = {}
        self._reader = BatchReader(self._read)

    def shared(self, descriptor: Descriptor) -> Secrets:
        """The app-wide ones; raises `NotConnected` for a source whose secrets are connections'.

        `NONE` where no setting gives any.
        """
        if not descriptor.signs_for_all_tenants:
            raise NotConnected(
                f"{descriptor.title} signs for one connection at a time; "
                f"use /webhooks/{descriptor.source_type}/{{connection_id}}"
            )
        return self._app_wide.get(descriptor.source_type, NONE)

    def at_hand(
        self, descriptor: Descriptor, connection_id: str, *, since: float | None = None
    ) -> Secrets | None:
        """A connection's secrets where they are known, as read at `since` or later (of `now`), or
        a few seconds ago without it; else None. Raises what `judge` raises.
        """
        oldest = self.now() - KEPT_S if since is None else since
        kept = self._kept.get(connection_id)
        if kept is None or kept.read_at < oldest:
            return None
        return judge(descriptor, kept.found)

    def knows(self, connection_id: str) -> bool:
        """Whether an id was a connection's when it was last asked for; reads nothing."""
        return connection_id in self._kept

    def ask(self, descriptor: Descriptor, connection_id: str) -> Future[ConnectionSecrets | None]:
        """What is read from now on, for `judge`; it fails with `Unavailable`.

        Raises `NotConnected` for what cannot be an id, without reading anything.
        """
        if not 0 < len(connection_id) <= _ID_CHARS or not connection_id.isprintable():
            raise unknown(descriptor)
        return self._reader.ask(connection_id)

    def look_up(
        self, descriptor: Descriptor, connection_id: str | None, *, since: float | None = None
    ) -> Secrets:
        """The app-wide secrets, or a connection's; blocks while they are read, if they have to be.

        `since` as in `at_hand`. Raises `NotConnected`, `Unavailable` where they cannot be read, or
        `BadSettings` where no key of ours opens them.
        """
        if connection_id is None:
            return self.shared(descriptor)
        secrets = self.at_hand(descriptor, connection_id, since=since)
        if secrets is not None:
            return secrets
        return judge(descriptor, self.ask(descriptor, connection_id).result())

    def _read(self, ids: Sequence[str]) -> Mapping[str, ConnectionSecrets]:
        read_at = self.now()
        try:
            found = self._load(ids)
        except TransientError as error:
            raise Unavailable(f"the webhook secrets cannot be read now: {error}") from error
        for id_ in ids:
            self._kept.pop(id_, None)
        if len(self._kept) + len(found) > MAX_KEPT:
            self._kept.clear()
        self._kept.update({id_: _KeptSecrets(one, read_at) for id_, one in found.items()})
        return found


def judge(descriptor: Descriptor, found: ConnectionSecrets | None) -> Secrets:
    """The secrets of a connection of this source.

    Raises `NotConnected`, or `BadSettings` where no key of ours opens them.
    """
    if found is None or found.source_type != descriptor.source_type:
        raise unknown(descriptor)
    if found.fault is not None:
        raise BadSettings(found.fault)
    return found.secrets


def unknown(descriptor: Descriptor) -> NotConnected:
    """The refusal of an id that no connection of the source has."""
    return NotConnected(
        f"{descriptor.title} has no connection of this id; see `ingest source list`"
    )


def stored_secrets(engine: sa.Engine, vault: Vault) -> Load:
    """A `Load` of connections that are not disconnected; a paused one still receives.

    One transaction for each call. Where no key of the vault opens a secret, the connection is
    answered all the same, with the `fault`: with its other secrets, where it has any.
    """

    def load(ids: Sequence[str]) -> dict[str, ConnectionSecrets]:
        with transaction(engine) as conn:
            sealed = credentials.verifying(conn, ids)
        return {one.connection_id: _opened(vault, one) for one in sealed}

    return load


def _opened(vault: Vault, sealed: credentials.Verifying) -> ConnectionSecrets:
    live: list[str] = []
    fault: str | None = None
    for secret in sealed.secrets:
        try:
            live.append(vault.decrypt(secret))
        except BadSettings as error:
            fault = str(error)
    if fault is not None and not live:
        return ConnectionSecrets(sealed.source_type, NONE, fault)
    return ConnectionSecrets(sealed.source_type, Secrets(tuple(live), sealed.shakes, fault))
