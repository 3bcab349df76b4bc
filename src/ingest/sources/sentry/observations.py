"""What is seen of an integration, and of how its webhooks were answered. Performs no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.core.values import JSON
from ingest.sources.sentry.payloads import counted, moment, spelled
from ingest.sources.subscriptions import Observation
from ingest.sources.wire import items, nonblank, objects

RESOURCES = frozenset({"comment", "issue"})
"""What we need sent. Alerts need a rule of a person's; `error` sends every single event, and is
taken where somebody asks for it."""
_NEEDED_SCOPE = "event:read"


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration as the organization's list tells it, and its installation, or an empty one."""

    slug: str
    application: Mapping[str, JSON]
    installation: Mapping[str, JSON]

    @property
    def uuid(self) -> str | None:
        """Of its installation: what its webhooks name."""
        return nonblank(self.installation, "uuid")

    @property
    def events(self) -> frozenset[str]:
        """The resources that it sends; versions differ in whether they name actions too."""
        told = (one for one in items(self.application, "events") if isinstance(one, str))
        return frozenset(one.partition(".")[0] for one in told)

    @property
    def is_internal(self) -> bool:
        """Whether it is this organization's alone, and not sent to others' receivers too."""
        return self.application.get("status") == "internal"

    def points_at(self, url: str) -> bool:
        """Whether it sends there."""
        return (nonblank(self.application, "webhookUrl") or "").rstrip("/") == url.rstrip("/")


def observed(seen: Integration, url: str, installation: str | None) -> Iterator[Observation]:
    """What is right about it, and what to do about the rest.

    installation: the uuid that the connection stands for, where it names one.
    """
    page = f"its page in Sentry (Settings > Custom Integrations > {seen.slug})"
    if seen.points_at(url):
        yield Observation(True, f"the integration {seen.slug} sends to {url}")
    else:
        remedy = f"set its Webhook URL to {url} on {page}"
        said = f"the integration {seen.slug} sends elsewhere, or nowhere"
        yield Observation(False, said, remedy, mendable=seen.is_internal)
    lacking = sorted(RESOURCES - seen.events)
    if lacking:
        said, remedy = f"it does not send {', '.join(lacking)}", f"tick them on {page}"
        yield Observation(False, said, remedy, mendable=seen.is_internal)
    else:
        yield Observation(True, f"it sends {', '.join(sorted(seen.events))}")
    if _NEEDED_SCOPE not in items(seen.application, "scopes"):
        yield Observation(False, "it may not read issues", f"give it Issue & Event: Read on {page}")
    if nonblank(seen.installation, "status") != "installed":
        remedy = f"install it, or verify its installation, on {page}"
        yield Observation(False, "it is not installed", remedy)
    elif installation not in (None, seen.uuid):
        said = "the connection's webhookId is that of another installation"
        yield Observation(False, said, f"connect the source again, with webhookId {seen.uuid}")


def answers(log: Sequence[JSON] | None) -> Observation:
    """How its webhooks were answered, by its log, the newest first.

    A status of 0 is an answer that did not come in time, which is within a second.
    """
    if log is None:
        return Observation(None, "its log is shown to owners of the organization alone")
    tried = [(moment(one.get("date")), counted(one.get("responseCode"))) for one in objects([*log])]
    failing = [at for at, status in _until_success(tried)]
    if not tried:
        return Observation(None, "its log holds no webhook of late")
    if not failing:
        return Observation(True, f"its last webhook was answered {tried[0][1]}")
    told = [at for at in failing if at is not None]
    since = f" since {spelled(min(told))}" if told else ""
    said = f"its last {len(failing)} webhooks failed{since}: {tried[0][1] or 'no answer in time'}"
    remedy = "see that the receiver is reachable, knows the secret, and answers within a second"
    return Observation(False, said, remedy)


def _until_success(
    tried: Sequence[tuple[datetime | None, int | None]],
) -> Iterator[tuple[datetime | None, int | None]]:
    for at, status in tried:
        if status is not None and 200 <= status < 300:
            return
        yield at, status
