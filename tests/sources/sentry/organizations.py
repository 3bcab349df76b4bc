"""An organization of the fake with issues of every sort, and a client on it; for tests of lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.sources.sentry import SOURCE
from ingest.sources.sentry.client import SentryClient
from ingest.sources.sentry.demo.fake import Sentry, make
from ingest.testing.fakes import Fake, serving
from ingest.testing.walking import pages_of
from tests.sources.sentry.deliveries import CONNECTION

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
SCOPE = SOURCE.descriptor.scope("501", CONNECTION)
PROJECT = "501"


@dataclass(slots=True)
class Halcyon:
    """The organization, served; `client` is made anew by `again`, as by another process."""

    sentry: Sentry
    fake: Fake
    client: SentryClient

    def again(self, **metadata: Any) -> SentryClient:
        self.client.close()
        access = Access(self.fake.url, self.sentry.token, {**CONNECTION, **metadata}, lambda: NOW)
        self.client = SentryClient(access)
        return self.client

    def page(self, resource: str = "issues", cursor: JSON = None, **more: Any) -> Page:
        since = more.pop("since", None)
        return self.client.list_page(PageRequest(resource, since, NOW, cursor, **more))

    def pages(self, resource: str = "issues", **more: Any) -> list[Page]:
        return [*pages_of(self.client, resource, **more)]

    def listed(self, resource: str = "issues", **more: Any) -> list[str]:
        """The ids of what is listed, in its order."""
        return [one.identity.id for page in self.pages(resource, **more) for one in page.listed]

    def ids(self) -> set[str]:
        return {*self.sentry.issues}

    def search_calls(self) -> int:
        return sum(asked.path.endswith("/organizations/halcyon/issues/") for asked in self.requests)

    @property
    def requests(self) -> list[Any]:
        return self.fake.requests


@contextmanager
def halcyon(count: int = 12, *, page_size: int = 5) -> Iterator[Halcyon]:
    """An organization with a project of so many issues, and another one of two."""
    sentry = make("halcyon")
    sentry.put_project("web", PROJECT)
    sentry.fill(count, "web")
    sentry.search.page_size = page_size
    with serving(sentry) as fake:
        made = Halcyon(sentry, fake, _unconnected())
        made.again()
        yield made
        made.client.close()


def _unconnected() -> SentryClient:
    return SentryClient(Access("https://sentry.io", "t", CONNECTION, lambda: NOW))


def of_issue(id_: str) -> Identity:
    return Identity("sentry", SCOPE, "issue", id_)


def told_of(listed: Listed) -> tuple[Change | Refresh, ...]:
    """What a listed object becomes, but for when it was asked for."""
    return _read(Lookup(listed.identity, listed.hint, raw=listed.raw))


def fetched(client: SentryClient, id_: str) -> tuple[Change | Refresh, ...]:
    """The same of a look-up."""
    lookup = Lookup(of_issue(id_))
    return _read(replace(lookup, raw=client.fetch_one(lookup).raw))


def _read(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    assert SOURCE.documents is not None
    changes = SOURCE.documents(replace(lookup, sent_at=NOW, connection=CONNECTION))
    assert all(isinstance(one, Upsert | Delete | Refresh) for one in changes)
    return changes
