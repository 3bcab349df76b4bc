"""The webhook secrets to verify a request against, kept in memory for a few seconds.

Old secrets may let a request in for that long; they never turn one away, since a refusal asks for
secrets read `since` the request came.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from ingest.core.errors import NotConnected, TransientError, Unavailable
from ingest.core.vault import Vault
from ingest.sources.contract import Descriptor
from ingest.store import connections, credentials
from ingest.store.engine import transaction

KEPT_S = 5.0
MAX_KEPT = 10_000
_ID_CHARS = 191

Load = Callable[[str, str], tuple[str, ...]]
"""The live secrets of (source type, connection id); raises `NotConnected`, or `TransientError`."""


@dataclass(frozen=True, slots=True)
class _Kept:
    secrets: tuple[str, ...] = field(repr=False)
    read_at: float


class Keyring:
    """Secrets by connection, and the app-wide ones. Safe for threads; its `repr` tells nothing."""

    def __init__(
        self,
        load: Load,
        app_wide: Mapping[str, Sequence[str]],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        self._load = load
        self._app_wide = app_wide
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._failed_at = float("-inf")
        self._reading = threading.Lock()

    def at_hand(self, descriptor: Descriptor, connection_id: str | None) -> tuple[str, ...] | None:
        """The secrets where no look-up is needed, else None."""
        if connection_id is None:
            return self._shared(descriptor)
        kept = self._kept.get((descriptor.source_type, connection_id))
        return kept.secrets if kept and kept.read_at >= self.now() - KEPT_S else None

    def look_up(
        self, descriptor: Descriptor, connection_id: str | None, *, since: float | None = None
    ) -> tuple[str, ...]:
        """The secrets, read at `since` or later (of `now`), or a few seconds ago without it.

        Many who ask at once share one reading, and one failure. Raises `NotConnected`, or
        `Unavailable` where they cannot be read.
        """
        if connection_id is None:
            return self._shared(descriptor)
        if len(connection_id) > _ID_CHARS or not connection_id.isprintable():
            raise _unknown(descriptor)
        asked_at = self.now() if since is None else since
        oldest = asked_at - KEPT_S if since is None else since
        with self._reading:
            kept = self._kept.get((descriptor.source_type, connection_id))
            if kept is not None and kept.read_at >= oldest:
                return kept.secrets
            if self._failed_at >= asked_at:
                raise Unavailable("the webhook secrets cannot be read now")
            return self._read(descriptor, connection_id)

    def _read(self, descriptor: Descriptor, connection_id: str) -> tuple[str, ...]:
        key = (descriptor.source_type, connection_id)
        read_at = self.now()
        self._kept.pop(key, None)
        try:
            secrets = self._load(*key)
        except NotConnected:
            raise _unknown(descriptor) from None
        except TransientError as error:
            self._failed_at = self.now()
            raise Unavailable(f"the webhook secrets cannot be read now: {error}") from error
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[key] = _Kept(secrets, read_at)
        return secrets

    def _shared(self, descriptor: Descriptor) -> tuple[str, ...]:
        if not descriptor.signs_for_all_tenants:
            raise NotConnected(
                f"{descriptor.title} signs for one connection at a time; "
                f"use /webhooks/{descriptor.source_type}/{{connection_id}}"
            )
        return tuple(self._app_wide.get(descriptor.source_type, ()))


def stored_secrets(engine: sa.Engine, vault: Vault) -> Load:
    """Reads the secrets of connections that are not disconnected; a paused one still receives."""

    def load(source_type: str, connection_id: str) -> tuple[str, ...]:
        with transaction(engine) as conn:
            found = connections.by_id(conn, [connection_id]).get(connection_id)
            if found is None or found.status == connections.DISCONNECTED:
                raise NotConnected("no such connection")
            if found.source_type != source_type:
                raise NotConnected("the connection is of another source")
            kind = credentials.WEBHOOK_SECRET
            return tuple(credentials.read(conn, vault, connection_id, kind))

    return load


def _unknown(descriptor: Descriptor) -> NotConnected:
    return NotConnected(
        f"{descriptor.title} has no connection of this id; see `ingest source list`"
    )
