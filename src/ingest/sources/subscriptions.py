"""How a provider is told where to send its webhooks, and asked for those that it failed to send.

Pure values, and the protocol that a provider's folder fulfils beside its client. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ingest.core.values import JSON


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at about a subscription.

    ok: True, False, or None where the provider does not let it be seen.
    said: what was found, in one line. remedy: what to do about it, where it is not ok.
    mendable: `mend` puts it right.
    """

    ok: bool | None
    said: str
    remedy: str = ""
    mendable: bool = False


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription that was made or mended.

    id: the provider's, to be kept in the connection's metadata, under the fields `metadata`.
    secret: the signing secret where the provider makes it; None where the given one holds.
    said: in one line, for people.
    """

    id: str
    said: str
    secret: str | None = field(default=None, repr=False)
    metadata: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Missed:
    """A delivery that the provider failed to make, out of its log.

    delivery_key: that of its webhook (the same at every attempt).
    handle: by which the provider's `redeliver` and `read` know it.
    at: when it was tried last.
    """

    delivery_key: str
    handle: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MissedPage:
    """A page of the provider's log: of wanted events alone, newest first.

    cursor: of the next page; None: there is no more, or what follows is older than was asked for.
    """

    missed: tuple[Missed, ...] = ()
    cursor: JSON = None


@dataclass(frozen=True, slots=True)
class Recovered:
    """A delivery as the provider's log holds it: what the webhook would have brought.

    It comes over the API, so nobody signed it: the token and TLS vouch for it.
    """

    headers: Mapping[str, str]
    body: bytes


class Subscriptions(Protocol):
    """A provider's webhooks for one connection, over its API. Blocking.

    Raises what a client raises. `url` is our route for the connection.
    """

    def look(self, url: str) -> tuple[Observation, ...]:
        """Is it there, active, pointed at us, subscribed to what we need, failing since when."""
        ...

    def create(self, url: str, secret: str) -> Subscribed:
        """Make the subscription; one that is there for this URL is taken over."""
        ...

    def mend(self, url: str, secret: str) -> Subscribed | None:
        """Put right what `look` calls mendable; None where nothing was to be done."""
        ...

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Failed deliveries since then; an empty page where the provider keeps no log."""
        ...

    def redeliver(self, handle: str) -> bool:
        """Have the provider send it again; False where it cannot, or may not."""
        ...

    def read(self, handle: str) -> Recovered | None:
        """The delivery out of the log; None where the log does not hold it."""
        ...

    def close(self) -> None:
        """Let go of open connections."""
        ...
