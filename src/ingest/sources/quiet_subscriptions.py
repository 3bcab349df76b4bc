"""The webhooks of a connection of which nothing says a secret: as `Discreet` is for its client.

Law: neither the token nor a webhook's secret stands in what is said or raised; the secret that a
provider made is in `Subscribed.secret`, and there alone. Performs no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from ingest.core.values import JSON
from ingest.sources.discreet import hushed
from ingest.sources.masking import Mask
from ingest.sources.subscriptions import (
    MissedPage,
    Observation,
    Recovered,
    Subscribed,
    Subscriptions,
)


@dataclass(frozen=True, slots=True)
class QuietSubscriptions:
    """Fulfils `subscriptions.Subscriptions` by another one; each raises what that raises."""

    inner: Subscriptions = field(repr=False)
    mask: Mask

    def look(self, url: str) -> tuple[Observation, ...]:
        """What is found about the subscription."""
        found = hushed(lambda: self.inner.look(url), self.mask)
        return tuple(
            replace(one, said=self.mask(one.said), remedy=self.mask(one.remedy)) for one in found
        )

    def create(self, url: str, secret: str) -> Subscribed:
        """Make the subscription, or take over one that is there."""
        self.mask.learn(secret)
        return self._told(hushed(lambda: self.inner.create(url, secret), self.mask))

    def mend(self, url: str, secret: str) -> Subscribed | None:
        """Put right what can be."""
        self.mask.learn(secret)
        made = hushed(lambda: self.inner.mend(url, secret), self.mask)
        return None if made is None else self._told(made)

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Deliveries that failed since then."""
        return hushed(lambda: self.inner.missed(since, cursor), self.mask)

    def redeliver(self, handle: str) -> bool:
        """Whether the provider sends it again."""
        return hushed(lambda: self.inner.redeliver(handle), self.mask)

    def read(self, handle: str) -> Recovered | None:
        """The delivery out of the provider's log."""
        return hushed(lambda: self.inner.read(handle), self.mask)

    def close(self) -> None:
        """Let go of open connections."""
        self.inner.close()

    def _told(self, made: Subscribed) -> Subscribed:
        if made.secret is not None:
            self.mask.learn(made.secret)
        return replace(made, said=self.mask(made.said))
