"""What GitHub is to send, and what its answers about webhooks say: shapes and rules.

[REST-OAS] repos/create-webhook, repos/list-webhook-deliveries; [DOC: troubleshooting-webhooks].
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from pydantic import Field

from ingest.core.values import JSON
from ingest.sources.github.payloads import Id, Strict, Time, Wire
from ingest.sources.subscriptions import Missed, Observation, Recovered

NEEDED = (
    "delete",
    "discussion",
    "discussion_comment",
    "issue_comment",
    "issues",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "release",
    "repository",
)
_NEWEST = ("issue_relates_to",)
YOUNG = ("issue_dependencies", "sub_issues", *_NEWEST)
"""Events that an older GitHub Enterprise does not know."""
EDITIONS = ((*NEEDED, *YOUNG), (*NEEDED, *YOUNG[: -len(_NEWEST)]), NEEDED)
"""What is asked for, one after another, until GitHub knows all of it."""
WANTED = frozenset((*NEEDED, *YOUNG))
"""The events that `normalise` makes something of."""
_UNSIGNED = frozenset({"x-hub-signature", "x-hub-signature-256"})


class Config(Wire):
    """Where a hook sends to. GitHub never shows its secret, only whether there is one."""

    url: str | None = None
    content_type: str | None = None
    insecure_ssl: str | int | None = None
    secret: str | None = None


class LastResponse(Wire):
    code: int | None = None
    status: str | None = None
    message: str | None = None


class Hook(Wire):
    id: Id
    active: bool = True
    events: list[str] = Field(default_factory=list)
    config: Config = Config()
    last_response: LastResponse = LastResponse()


class AppAnswer(Wire):
    """[REST-OAS] apps/get-authenticated"""

    events: list[str] = Field(default_factory=list)


class Attempt(Wire):
    """One try to deliver; several share a `guid`. `status` is `OK`, or says what went wrong."""

    id: Id
    guid: str
    event: str
    status: str
    redelivery: bool = False
    delivered_at: Time
    repository_id: int | None = None
    installation_id: int | None = None

    @property
    def is_ok(self) -> bool:
        return self.status == "OK"


class _Request(Wire):
    headers: dict[str, str] = Field(default_factory=dict)
    payload: dict[str, object] | None = None


class Delivery(Strict):
    """[REST-OAS] repos/get-webhook-delivery, with what was sent."""

    request: _Request = _Request()

    def recovered(self) -> Recovered | None:
        """What the webhook would have brought, as JSON whatever it was sent as; None where GitHub
        does not show it. It is another spelling of the same body, so no signature fits it.
        """
        payload = self.request.payload
        if not payload:
            return None
        told = {name.lower(): value for name, value in self.request.headers.items()}
        headers = {name: value for name, value in told.items() if name not in _UNSIGNED}
        return Recovered(headers | {"content-type": "application/json"}, orjson.dumps(payload))


# What is looked at.


def about(hook: Hook, remedy: str) -> tuple[Observation, ...]:
    """A hook that is there, point by point."""
    return (
        Observation(True, f"webhook {hook.id} sends to us"),
        _active(hook, remedy),
        events_of(hook.events, remedy, mendable=True),
        form_of(hook.config, remedy),
        _answered(hook, remedy),
    )


def _active(hook: Hook, remedy: str) -> Observation:
    if hook.active:
        return Observation(True, "it is active")
    return Observation(False, "it is switched off", remedy, mendable=True)


def events_of(events: Iterable[str], remedy: str, *, mendable: bool) -> Observation:
    """Whether all is sent that documents are made of."""
    there = {*events}
    missing = [] if "*" in there else [name for name in NEEDED if name not in there]
    young = [] if "*" in there else [name for name in YOUNG if name not in there]
    if missing:
        said = f"it does not send {', '.join((*missing, *young))}"
        return Observation(False, said, remedy, mendable=mendable)
    if young:
        said = f"it does not send {', '.join(young)}, which not every GitHub Enterprise knows"
        return Observation(None, said, remedy, mendable=mendable)
    return Observation(True, "it sends every event that we need")


def form_of(config: Config, remedy: str) -> Observation:
    """How it sends: as JSON, with a secret, and to nobody whose certificate is not good."""
    wrong = []
    if config.content_type != "json":
        wrong.append("as a form and not as JSON")
    if str(config.insecure_ssl or "0") != "0":
        wrong.append("without a look at the certificate")
    if not config.secret:
        wrong.append("without a signature, so that nothing of it is taken")
    if wrong:
        return Observation(False, f"it sends {', and '.join(wrong)}", remedy, mendable=True)
    return Observation(True, "it sends signed JSON")


def _answered(hook: Hook, remedy: str) -> Observation:
    """A 401 of ours says that it signs with another secret."""
    last = hook.last_response
    if last.code is None and last.status in (None, "unused"):
        return Observation(None, "nothing was sent yet")
    if last.code is not None and 200 <= last.code < 300:
        return Observation(True, f"its last delivery was answered {last.code}")
    said = f"its last delivery failed: {last.code or last.status or 'no answer'}"
    if last.code == 401:
        return Observation(False, f"{said}, it signs with another secret", remedy, mendable=True)
    return Observation(False, said, "see that our route can be reached from GitHub")


def failing_since(newest_first: Iterable[Attempt]) -> datetime | None:
    """Since when every attempt failed; None where the last one did not."""
    since = None
    for attempt in newest_first:
        if attempt.is_ok:
            break
        since = attempt.delivered_at
    return since


# What was lost.


@dataclass(slots=True)
class Lost:
    """Groups attempts, newest first, by delivery: one is lost of which none succeeded.

    open: of deliveries of which only later attempts were seen, the newest one's id and time, or
    None where one of them succeeded.
    """

    open: dict[str, tuple[int, datetime] | None] = field(default_factory=dict)
    found: list[tuple[str, int, datetime]] = field(default_factory=list)

    def take(self, attempt: Attempt) -> None:
        """One more attempt; the first one of a delivery, which comes last, decides."""
        here = self.open.get(attempt.guid, (attempt.id, attempt.delivered_at))
        now = None if attempt.is_ok else here
        if attempt.redelivery:
            self.open[attempt.guid] = now
            return
        self.open.pop(attempt.guid, None)
        if now is not None:
            self.found.append((attempt.guid, *now))

    def rest(self) -> None:
        """There are no older attempts."""
        self.found += [(guid, *one) for guid, one in self.open.items() if one is not None]
        self.open.clear()

    def missed(self, prefix: str) -> tuple[Missed, ...]:
        """They, with handles that begin with this."""
        return tuple(Missed(guid, f"{prefix}{id_}", at) for guid, id_, at in self.found)


def config_of(url: str, secret: str) -> dict[str, JSON]:
    """A hook's whole config: what a PATCH leaves out of it is gone, the secret above all."""
    return {"url": url, "content_type": "json", "insecure_ssl": "0", "secret": secret}
