"""A webhook of Linear's, and what is to be said about it. Performs no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.core.errors import BadPayload
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources import wire
from ingest.sources.linear.kinds import BY_TYPE
from ingest.sources.subscriptions import Observation

WANTED = tuple(sorted([*BY_TYPE, "Attachment"]))
"""The types of what `normalise` makes something of."""
_RECENT = timedelta(hours=8)
"""The last retry comes 7 hours and a minute after the first attempt."""
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook as Linear shows it; `url` is None for that of an OAuth app."""

    id: str
    url: str | None
    enabled: bool
    all_teams: bool
    team: str | None
    types: frozenset[str]
    secret: str | None

    @classmethod
    def of(cls, told: Mapping[str, JSON]) -> Hook:
        id_ = wire.text(told, "id")
        if id_ is None:
            raise BadPayload("webhook.id", "missing")
        return cls(
            id=id_,
            url=wire.text(told, "url"),
            enabled=told.get("enabled") is True,
            all_teams=told.get("allPublicTeams") is True,
            team=wire.text(told, "team", "id"),
            types=frozenset(map(str, wire.items(told, "resourceTypes"))),
            secret=wire.text(told, "secret"),
        )

    @property
    def missing(self) -> list[str]:
        """What we need and it does not send."""
        return sorted({*WANTED} - self.types)

    def is_for(self, url: str) -> bool:
        """Whether it sends there."""
        return self.url is not None and self.url.rstrip("/") == url.rstrip("/")


def pointed(hook: Hook, url: str) -> Observation:
    """Where it sends."""
    if hook.url is None:
        said = "it is an OAuth app's, which sends where the app's settings say"
        return Observation(None, said, f"see that the app's webhook URL is {url}")
    if hook.is_for(url):
        return Observation(True, f"Linear's webhook {hook.id} sends here")
    said = f"Linear's webhook {hook.id} sends elsewhere"
    return Observation(False, said, "point it here", mendable=True)


def enabled(hook: Hook) -> Observation:
    """Linear disables an endpoint that stays unresponsive, and enables none by itself."""
    if hook.enabled:
        return Observation(True, "it is enabled")
    return Observation(False, "it is disabled", "enable it", mendable=True)


def subscribed(hook: Hook) -> Observation:
    """What it sends."""
    if not hook.missing:
        return Observation(True, "it sends all that is needed")
    said = f"it does not send {', '.join(hook.missing)}"
    return Observation(False, said, "subscribe it to them", mendable=True)


def covering(hook: Hook, wanted: frozenset[str] | None) -> Observation:
    """Which teams it sends for: Linear changes them of no webhook, so another has to be made."""
    if hook.all_teams:
        return Observation(True, "it sends for all public teams, and for no private one")
    if hook.team is None:
        return Observation(None, "Linear does not show the teams that it sends for")
    if wanted == frozenset({hook.team}):
        return Observation(True, "it sends for the connection's team")
    said = f"it sends for the team {hook.team[:_SHOWN]} alone"
    return Observation(False, said, "delete it in Linear, and have another one made")


def failing(failures: Iterable[Mapping[str, JSON]], now: datetime) -> Observation:
    """Since when deliveries fail; what is older than the last retry is over."""
    dated = ((wire.time_if(wire.text(one, "createdAt")), one) for one in failures)
    told = sorted(((at, one) for at, one in dated if at is not None), key=lambda pair: pair[0])
    recent = [(at, one) for at, one in told if at >= now - _RECENT]
    if not recent:
        return Observation(True, "no delivery failed of late")
    status = recent[-1][1].get("httpStatus")
    how = f"HTTP {status:.0f}" if isinstance(status, int | float) else "no answer"
    since = iso(recent[0][0])
    said = f"{len(recent)} deliveries failed since {since}, the last one with {how}"
    remedy = "see that the route is reached from outside and answers 200; a resync brings the rest"
    return Observation(False, said, remedy)
