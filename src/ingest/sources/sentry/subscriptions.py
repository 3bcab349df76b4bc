"""A connection's webhooks at Sentry: those of an integration, which a person makes.

docs.sentry.io, "Integration Platform" and "API: Custom Integrations". An integration, its token and
its Client Secret come from a page of Sentry's alone; over the API it can be looked at, and pointed
at another URL. The log of its webhooks tells neither their ids nor their bodies, and nothing is
sent again, so nothing that was missed is read there: listings bring it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from ingest.core.errors import BadInput, PermanentError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent
from ingest.sources.forms import ID, needed, segment
from ingest.sources.sentry.observations import RESOURCES, Integration, answers, observed
from ingest.sources.sentry.rest import BESIDE, api_of, next_url, rows_of
from ingest.sources.subscriptions import MissedPage, Observation, Recovered, Subscribed
from ingest.sources.wire import items, mapping, nonblank

BY_HAND = (
    "in Sentry: Settings > Custom Integrations > Create New Integration > Internal Integration; "
    "Webhook URL {url}, permissions Project, Issue & Event and Organization: Read, webhooks issue "
    "and comment; then give its token and its Client Secret here"
)
_KEPT_ON_CHANGE = ("name", "scopes", "isAlertable")
_MOST_PAGES = 50


class SentrySubscriptions:
    """Fulfils `subscriptions.Subscriptions` for one connection."""

    def __init__(self, access: Access) -> None:
        self._organization = needed(access.metadata, "sentryOrganizationSlug", ID)
        self._installation = nonblank(access.metadata, "webhookId")
        self._api = api_of(access)
        self._beside = replace(self._api, rules=BESIDE)

    def look(self, url: str) -> tuple[Observation, ...]:
        """The integration, what it sends and where to, and how that was answered of late."""
        try:
            seen = self._seen(url)
        except Absent:
            remedy = "give a token with Organization: Read"
            said = f"this token may not see the integrations of {self._organization}"
            return (Observation(None, said, remedy),)
        by_hand = BY_HAND.format(url=url)
        if seen is None:
            said = f"no integration of {self._organization} sends to {url}"
            return (Observation(False, said, by_hand),)
        return (*observed(seen, url, self._installation), answers(self._log(seen.slug)))

    def create(self, url: str, secret: str) -> Subscribed:
        """Take over the integration that a person made for this URL a short while ago.

        Raises `BadInput` with what to click where there is none, or its Client Secret, which Sentry
        chooses, is not shown over the API (any more).
        """
        seen = self._readable(url)
        if seen is None or not seen.points_at(url):
            raise BadInput(f"Sentry's API makes no integration; {BY_HAND.format(url=url)}")
        shown = nonblank(seen.application, "clientSecret")
        if shown is None or set(shown) == {"*"}:
            raise BadInput(
                f"the integration {seen.slug} sends to {url} already; copy its Client Secret from "
                "its page in Sentry, and give that as the connection's secret"
            )
        return replace(self._mended(seen, url), secret=shown)

    def mend(self, url: str, secret: str) -> Subscribed | None:
        """Point the connection's integration at the URL, and have it send what we need."""
        seen = self._readable(url)
        if seen is None:
            return None
        if not any(one.mendable for one in observed(seen, url, self._installation)):
            return None
        return self._mended(seen, url)

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        """Nothing: the log names no delivery."""
        return MissedPage()

    def redeliver(self, handle: str) -> bool:
        """It cannot."""
        return False

    def read(self, handle: str) -> Recovered | None:
        """It holds none."""
        return None

    def close(self) -> None:
        """Let go of open connections."""
        self._api.close()
        self._beside.close()

    def _readable(self, url: str) -> Integration | None:
        try:
            return self._seen(url)
        except Absent as error:
            problem = f"{error}: give a token with Organization: Read"
            raise PermanentError(problem) from error

    def _seen(self, url: str) -> Integration | None:
        """The integration that sends to the URL, or else that which the connection was made for."""
        within = f"organizations/{self._organization}"
        applications = [*self._pages(f"{within}/sentry-apps/")]
        installations = [*self._pages(f"{within}/sentry-app-installations/")]
        found = [
            Integration(slug, application, installation)
            for application in applications
            if (slug := nonblank(application, "slug")) is not None
            for installation in (_installed(installations, slug, self._installation),)
        ]
        at_url = (one for one in found if one.points_at(url))
        own = (one for one in found if self._installation and one.uuid == self._installation)
        return next(at_url, None) or next(own, None)

    def _pages(self, path: str) -> Iterator[Mapping[str, JSON]]:
        url: str | None = path
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            page = self._beside.get(url)
            yield from rows_of(page)
            url = next_url(page)

    def _log(self, slug: str) -> list[JSON] | None:
        """The newest first; None where it may not be seen, which takes an owner."""
        params = {"organizationSlug": self._organization}
        try:
            return items(self._beside.get(f"{_path(slug)}webhook-requests/", params=params).json())
        except Absent:
            return None

    def _mended(self, seen: Integration, url: str) -> Subscribed:
        """A change is partial; what could be taken for left out is said as it is."""
        told: dict[str, JSON] = {
            name: seen.application[name] for name in _KEPT_ON_CHANGE if name in seen.application
        }
        told |= {"webhookUrl": url, "events": [*sorted(seen.events | RESOURCES)]}
        if not (seen.points_at(url) and seen.events >= RESOURCES):
            try:
                self._api.change("PUT", _path(seen.slug), json=told)
            except Absent as error:
                raise PermanentError(f"{error}: the integration is gone") from error
        sends = ", ".join(sorted(seen.events | RESOURCES))
        metadata: dict[str, JSON] = {"webhookId": seen.uuid} if seen.uuid else {}
        return Subscribed(seen.slug, f"{seen.slug} sends {sends} to {url}", metadata=metadata)


def _path(slug: str) -> str:
    return f"sentry-apps/{segment(slug, 'the slug of an integration', ID)}/"


def _installed(
    installations: list[Mapping[str, JSON]], slug: str, own: str | None
) -> Mapping[str, JSON]:
    """Its installation, that of the connection first; an empty one where there is none."""
    found = [one for one in installations if nonblank(mapping(one, "app"), "slug") == slug]
    return next((one for one in found if one.get("uuid") == own), found[0] if found else {})
