"""Zendesk's webhooks for one connection: made, looked at and mended over its API.

Law: a webhook that sends events to our URL is ours, whoever made it, and what it sends beside what
we need stays. Its signing secret is Zendesk's own and cannot be chosen. One that triggers call
(`conditional_ticket_events`) keeps its kind for ever: it is shown and left alone.
Source: developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent
from ingest.sources.forms import ID, segment
from ingest.sources.subscriptions import MissedPage, Observation, Recovered, Subscribed
from ingest.sources.wire import items, text
from ingest.sources.zendesk import events
from ingest.sources.zendesk.api import Answered, answered, api_of, next_of, rows_of
from ingest.sources.zendesk.invocations import InvocationLog
from ingest.sources.zendesk.reading import Reader

NAME = "Lightfast ingest"
BY_HAND = (
    "Admin Center, Apps and integrations, Webhooks: make one for Zendesk events that sends to "
    "{url}, choose the ticket and article events, and give its signing secret to the connection"
)
_TRIGGERED = "conditional_ticket_events"
_NEEDED = tuple(f"{events.PREFIX}{kind}" for kind in events.WANTED)
_MOST_PAGES = 50
_SCOPES = '"scope": "read webhooks:write"'


def subscribe(access: Access) -> ZendeskSubscriptions:
    """The webhooks of one connection's account."""
    hook = access.metadata.get("webhookId")
    return ZendeskSubscriptions(Reader(api_of(access)), hook if ID.fits(hook) else None)


@dataclass(frozen=True, slots=True)
class ZendeskSubscriptions:
    """Fulfils `subscriptions.Subscriptions`. known: the webhook that the connection names."""

    reader: Reader
    known: str | None

    def look(self, url: str) -> tuple[Observation, ...]:
        hooks = [one for one in self._hooks() if _sends_to(one, url)]
        ours = _ours(hooks)
        if ours is None:
            said = "no webhook of the account sends Zendesk's events to us"
            return (Observation(False, said, "make one", mendable=True), *_triggered(hooks))
        log = InvocationLog(self.reader, _id(ours))
        found = (
            Observation(True, f"webhook {_id(ours)} sends to us"),
            _is_active(ours),
            _has_events(ours),
            log.health(),
        )
        return (*found, *_doubled(hooks), *_triggered(hooks))

    def create(self, url: str, secret: str) -> Subscribed:
        """`secret` is not used: Zendesk makes its own, which is told."""
        ours = _ours([one for one in self._hooks() if _sends_to(one, url)])
        if ours is not None:
            state = "mended" if self._mended(ours) else "as it has to be"
            return self._subscribed(_id(ours), f"webhook {_id(ours)} was there, and is {state}")
        made = self._make(url)
        return self._subscribed(made, f"webhook {made} is made")

    def mend(self, url: str, secret: str) -> Subscribed | None:
        ours = _ours([one for one in self._hooks() if _sends_to(one, url)])
        if ours is None:
            return self.create(url, secret)
        if not self._mended(ours):
            return None
        return self._subscribed(_id(ours), f"webhook {_id(ours)} is mended")

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Of the webhook that the connection names; of none, where it names none."""
        if self.known is None:
            return MissedPage()
        try:
            return InvocationLog(self.reader, self.known).missed(since, cursor)
        except Absent as absent:
            raise self._may_not(absent) from absent

    def redeliver(self, handle: str) -> bool:
        """Zendesk's API sends nothing again."""
        return False

    def read(self, handle: str) -> Recovered | None:
        hook, _, invocation = handle.partition("/")
        return InvocationLog(self.reader, hook).read(invocation)

    def close(self) -> None:
        self.reader.api.close()

    def _hooks(self) -> list[Answered]:
        """All of the account: an endpoint cannot be asked for."""
        found: list[Answered] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            size: dict[str, str | int | list[str]] = {"page[size]": 100}
            params = size if after is None else {**size, "page[after]": after}
            try:
                told = self.reader.get("webhooks", params)
            except Absent as absent:
                raise self._may_not(absent) from absent
            found += rows_of(told, "webhooks")
            after = next_of(told, after)
            if after is None:
                return found
        raise PermanentError("Zendesk lists the webhooks of the account without an end")

    def _make(self, url: str) -> str:
        hook: JSON = {
            "name": NAME,
            "endpoint": url,
            "http_method": "POST",
            "request_format": "json",
            "status": "active",
            "subscriptions": [*_NEEDED],
        }
        try:
            told = answered(self.reader.api.post("webhooks", json={"webhook": hook}))
        except Absent as absent:
            raise self._may_not(absent) from absent
        made = told.get("webhook")
        return _id(made if isinstance(made, dict) else {})

    def _mended(self, hook: Answered) -> bool:
        """Whether something had to be put right: only that is sent, and all else stays."""
        change: dict[str, JSON] = {}
        if text(hook, "status") != "active":
            change["status"] = "active"
        if lacking := _lacking(hook):
            change["subscriptions"] = [*items(hook, "subscriptions"), *lacking]
        if not change:
            return False
        path = f"webhooks/{segment(_id(hook), 'the id of a webhook', ID)}"
        try:
            self.reader.api.change("PATCH", path, json={"webhook": change})
        except Absent as absent:
            raise self._may_not(absent) from absent
        return True

    def _subscribed(self, hook: str, said: str) -> Subscribed:
        path = f"webhooks/{segment(hook, 'the id of a webhook', ID)}/signing_secret"
        try:
            secret = text(self.reader.get(path), "signing_secret", "secret")
        except Absent as absent:
            raise self._may_not(absent) from absent
        if secret is None:
            raise BadPayload("signing_secret.secret", "missing")
        return Subscribed(hook, said, secret, {"webhookId": hook})

    def _may_not(self, absent: Absent) -> Refused:
        """The token is known, or its user is nobody, which is said instead."""
        self.reader.prove_account()
        return Refused(
            f"{absent}: the token may not manage webhooks; give an admin's, and an OAuth client "
            f"that says {_SCOPES}"
        )


def _sends_to(hook: Answered, url: str) -> bool:
    return (text(hook, "endpoint") or "").rstrip("/") == url.rstrip("/")


def _is_triggered(hook: Answered) -> bool:
    return _TRIGGERED in items(hook, "subscriptions")


def _ours(hooks: list[Answered]) -> Answered | None:
    """The one that sends events, an active one first."""
    found = [one for one in hooks if not _is_triggered(one)]
    return min(found, key=lambda one: text(one, "status") != "active", default=None)


def _lacking(hook: Answered) -> list[JSON]:
    has = set(map(str, items(hook, "subscriptions")))
    return [kind for kind in _NEEDED if kind not in has]


def _is_active(hook: Answered) -> Observation:
    if text(hook, "status") == "active":
        return Observation(True, "it is active")
    return Observation(False, "it is not active", "activate it", mendable=True)


def _has_events(hook: Answered) -> Observation:
    lacking = _lacking(hook)
    if not lacking:
        return Observation(True, "it is subscribed to all events that change a document")
    few = ", ".join(str(one).removeprefix(events.PREFIX) for one in lacking[:3])
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    said = f"it is not subscribed to {few}{more}"
    return Observation(False, said, "subscribe it to them", mendable=True)


def _doubled(hooks: list[Answered]) -> tuple[Observation, ...]:
    count = sum(not _is_triggered(one) for one in hooks)
    if count < 2:
        return ()
    said = f"{count} webhooks send Zendesk's events to us, each with a signing secret of its own"
    return (Observation(None, said, "delete all but one"),)


def _triggered(hooks: list[Answered]) -> tuple[Observation, ...]:
    """What triggers and automations call; which of them do cannot be seen here."""
    found = [_id(one) for one in hooks if _is_triggered(one)]
    if not found:
        return ()
    said = f"webhook {found[0]} sends to us what triggers and automations say"
    remedy = "it needs a connection that has its signing secret; events need none of it"
    return (Observation(None, said, remedy),)


def _id(hook: Answered) -> str:
    told = text(hook, "id")
    if told is None:
        raise BadPayload("webhook.id", "missing")
    return told
