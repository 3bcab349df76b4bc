"""Sentry's API for one connection: one issue or comment looked up, and its issues listed.

What is asked for one issue stands in `whole`, what for a page of a list in `lists`.
"""

from __future__ import annotations

from dataclasses import replace

from ingest.core.errors import PermanentError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Sight
from ingest.sources.forms import ID, needed, own, segment
from ingest.sources.listing import Page, PageRequest
from ingest.sources.sentry.lists import page_of
from ingest.sources.sentry.rest import BESIDE, RULES, SEARCH, api_of
from ingest.sources.sentry.whole import Reader
from ingest.sources.wire import nonblank


class SentryClient:
    """One connection's way to its organization and project."""

    def __init__(self, access: Access) -> None:
        self._organization = needed(access.metadata, "sentryOrganizationSlug", ID)
        self._project = needed(access.metadata, "sentryProjectSlug", ID)
        self._metadata = access.metadata
        self._api = api_of(access, RULES)
        # An issue that may be read is told without what may not be read beside it.
        self._beside = replace(self._api, rules=BESIDE)
        self._search = replace(self._api, rules=SEARCH)

    def fetch_one(self, lookup: Lookup) -> Sight:
        """An issue, whole; or one comment, by the issue that its hint names (`issueId`).

        `raw` is what `Reader.issue`, or `Reader.comment`, reads.
        """
        reader = self._reader()
        if lookup.identity.kind == "comment":
            raw = reader.comment(_issue(lookup.hint.get("issueId")), lookup.identity.id)
            return Sight(raw)
        if lookup.identity.kind != "issue":
            raise PermanentError(f"Sentry has no look-up of a {lookup.identity.kind}")
        raw = reader.issue(_issue(lookup.identity.id))
        if raw is None:
            reader.readable_project()
        return Sight(raw)

    def list_page(self, request: PageRequest) -> Page:
        """Issues whole, as many as some `most_calls` requests tell; see `listing.LISTING`."""
        return page_of(self._reader(), self._search, self._metadata, request)

    def check(self) -> str:
        """The project, which `project:read` suffices for."""
        told = self._reader().readable_project()
        slug = nonblank(told.get("slug")) or self._project
        was = "" if slug == self._project else f", which was called {self._project}"
        return f"project {slug} of {self._organization}{was}"

    def close(self) -> None:
        """Let go of open connections."""
        for api in (self._api, self._beside, self._search):
            api.close()

    def _reader(self) -> Reader:
        project_id = own(self._metadata, "sentryProjectId", ID) or ""
        return Reader(self._api, self._beside, self._organization, self._project, project_id)


def _issue(told: JSON) -> str:
    return segment(told, "the id of a Sentry issue", ID)
