"""Vercel's webhooks for one connection, over its API.

Law: Vercel changes no webhook and shows a secret once, where it makes one. So what is wrong is made
anew, before the old one is deleted. It keeps no log of its deliveries: it tries each for a day, and
what is lost then comes by resync. Document: vercel.com/docs/webhooks/webhooks-api.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent
from ingest.sources.subscriptions import MissedPage, Observation, Recovered, Subscribed
from ingest.sources.vercel import events, lifecycle
from ingest.sources.vercel.requests import Requests, requests_of
from ingest.sources.wire import items, nonblank, unusable

WANTED = (
    *events.STAGES,
    "deployment.rollback",
    "deployment.blocked",
    events.DELETED,
    lifecycle.PROJECT_REMOVED,
)
"""…/webhooks-api, "Supported event types": those by which a document or the connection changes."""
MOST_HOOKS = 20
"""Of one team."""
BY_HAND = (
    "in Vercel's dashboard, as an owner of the team (Pro or Enterprise): Settings, Webhooks, a "
    "webhook of the project for all events of deployments and 'Project Removed', with the endpoint "
    "{url}; then give the secret that it shows once"
)
_NO_RIGHT = (
    "give a token of a person who may manage the team's webhooks, or look in Vercel's dashboard"
)
_NO_LOG = Observation(
    None, "Vercel keeps no log of its deliveries; what fails for a day comes by resync"
)


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that sends to us; `projects` is None where it is for all of them."""

    id: str
    events: frozenset[str]
    projects: frozenset[str] | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Events that it does not send, and that are needed."""
        return tuple(name for name in WANTED if name not in self.events)


def subscribe(access: Access) -> VercelSubscriptions:
    """The webhooks of one connection's project."""
    return VercelSubscriptions(requests_of(access), nonblank(access.metadata, "webhookId"))


@dataclass(frozen=True, slots=True)
class VercelSubscriptions:
    """Fulfils `subscriptions.Subscriptions`. known: the webhook whose secret we have."""

    requests: Requests
    known: str | None

    def look(self, url: str) -> tuple[Observation, ...]:
        """What sends to us; that the token may not see it is an observation too."""
        try:
            hooks = self._of(url, self._every())
        except Refused:
            self.requests.prove(self.requests.team, "Vercel shows no webhooks")
            return (Observation(None, "the token may not see Vercel's webhooks", _NO_RIGHT),)
        if not hooks:
            said = "no webhook of the project sends to us"
            return (Observation(ok=False, said=said, remedy="make one", mendable=True),)
        first = hooks[0]
        return (self._is_known(first), _has_events(first), *_doubled(hooks), _NO_LOG)

    def create(self, url: str, secret: str) -> Subscribed:
        """`secret` is not used, as Vercel makes its own. Any that sent here before is replaced:
        nobody can read its secret any more.
        """
        every = self._every()
        before = self._of(url, every)
        is_full = len(every) >= MOST_HOOKS
        if is_full:
            self._delete(before[-1:])
        made = self._make(url)
        self._delete(before[: len(before) - is_full])
        return made

    def mend(self, url: str, secret: str) -> Subscribed | None:
        """Another webhook in the place of a wrong one, with another secret; doubles are deleted."""
        hooks = self._of(url, self._every())
        if not hooks or hooks[0].missing or not self._is_known(hooks[0]).ok:
            return self.create(url, secret)
        if len(hooks) == 1:
            return None
        self._delete(hooks[1:])
        kept = hooks[0].id
        return Subscribed(kept, f"only webhook {kept} sends to us", metadata={"webhookId": kept})

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Nothing: there is no log."""
        return MissedPage()

    def redeliver(self, handle: str) -> bool:
        """It cannot."""
        return False

    def read(self, handle: str) -> Recovered | None:
        """There is nothing to read."""
        return None

    def close(self) -> None:
        """Let go of open connections."""
        self.requests.close()

    def _every(self) -> list[JSON]:
        """The team's webhooks; raises `BadPayload` where the answer is no list."""
        try:
            told = self.requests.webhooks()
        except Absent as absent:
            self.requests.prove(self.requests.team, str(absent))
            raise PermanentError(f"{absent}: Vercel has no webhooks there any more") from absent
        if not isinstance(told, list):
            raise unusable(told, "webhooks", "not a list")
        return told

    def _of(self, url: str, every: Sequence[JSON]) -> list[Hook]:
        """Those that send what concerns the project there: the known one first, then the whole."""
        ours = [hook for hook in _hooks(every, url) if self._concerns(hook)]
        return sorted(ours, key=lambda hook: (hook.id != self.known, len(hook.missing), hook.id))

    def _concerns(self, hook: Hook) -> bool:
        return hook.projects is None or self.requests.project in hook.projects

    def _is_known(self, hook: Hook) -> Observation:
        said = f"webhook {hook.id} sends to us"
        if self.known is None or hook.id == self.known:
            return Observation(ok=True, said=said)
        said = f"{said}, and the connection knows another, {self.known}: its secret may be wrong"
        return Observation(ok=False, said=said, remedy="make it anew", mendable=True)

    def _make(self, url: str) -> Subscribed:
        told = self.requests.make_webhook(url, WANTED)
        id_, secret = nonblank(told, "id"), nonblank(told, "secret")
        if id_ is None or secret is None:
            raise BadPayload("webhook", "is made without an id or a secret")
        said = f"webhook {id_} sends {len(WANTED)} kinds of events"
        return Subscribed(id_, said, secret, {"webhookId": id_})

    def _delete(self, hooks: Sequence[Hook]) -> None:
        for hook in hooks:
            with suppress(Absent):
                self.requests.delete_webhook(hook.id)


def _hooks(every: Sequence[JSON], url: str) -> Iterator[Hook]:
    """Those that send to the URL."""
    for one in every:
        id_ = nonblank(one, "id")
        if isinstance(one, Mapping) and id_ is not None and one.get("url") == url:
            projects = frozenset(_texts(items(one, "projectIds")))
            yield Hook(id_, frozenset(_texts(items(one, "events"))), projects or None)


def _texts(told: Sequence[JSON]) -> Iterator[str]:
    return (one for one in told if isinstance(one, str))


def _has_events(hook: Hook) -> Observation:
    if not hook.missing:
        return Observation(ok=True, said="it sends every event that is needed")
    said = f"it does not send {', '.join(hook.missing)}"
    remedy = "make it anew, as Vercel changes none; its secret is another then"
    return Observation(ok=False, said=said, remedy=remedy, mendable=True)


def _doubled(hooks: Sequence[Hook]) -> Iterator[Observation]:
    if len(hooks) > 1:
        said = f"{len(hooks)} webhooks send to us, each with a secret of its own"
        yield Observation(ok=False, said=said, remedy="delete all but one", mendable=True)
