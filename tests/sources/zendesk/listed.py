"""Lists of an invented account, walked as a sync run walks them: page by page, cursors as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ingest.core.changes import Change, Refresh
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.listing import MOST_CALLS, MOST_LISTED, Page, PageRequest
from ingest.sources.zendesk.client import ZendeskClient, connect
from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.sources.zendesk.documents import documents
from ingest.testing.fakes import Fake
from tests.sources.zendesk.deliveries import CONNECTION

AT = "2026-03-09T07:40:00Z"
LATER = "2026-03-09T09:00:00Z"
RUI, MARIT = 361000000001, 361000000002
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@dataclass(slots=True)
class Clock:
    """A clock that goes on when it is told to: the account's and ours."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def account(clock: Clock) -> Zendesk:
    """An account with two people in it, whose exports show the last minute to nobody."""
    made = make()
    made.tokens.now = clock
    made.blind_s = 60.0
    made.put_user(RUI, "Rui")
    made.put_user(MARIT, "Marit", "agent")
    return made


@contextmanager
def connected(fake: Fake, clock: Clock, token: str = "") -> Iterator[ZendeskClient]:
    access = Access(fake.url, token or fake.provider.token, CONNECTION, clock)
    with closing(connect(access)) as made:
        yield made


@dataclass(slots=True)
class Walk:
    """One list, from its beginning or from where another walk stood.

    between: called after each page with its number, as the world goes on meanwhile.
    """

    client: ZendeskClient
    clock: Clock
    resource: str = "tickets"
    since: datetime | None = None
    kept: JSON = None
    between: Callable[[int], object] = lambda _page: None
    pages: list[Page] = field(default_factory=list)

    def ask(self, cursor: JSON) -> Page:
        """One page, with cursor and `kept` as they come out of a database."""
        stored, kept = json.loads(json.dumps(cursor)), json.loads(json.dumps(self.kept))
        at = self.clock()
        asked = PageRequest(self.resource, self.since, at, stored, kept, connection=CONNECTION)
        page = self.client.list_page(asked)
        assert len(page.listed) + len(page.present) + len(page.wanted) <= MOST_LISTED
        assert page.cursor is None or page.cursor != stored
        return page

    def all(self, cursor: JSON = None) -> Walk:
        """To the end."""
        for number in range(1_000):
            page = self.ask(cursor)
            self.pages.append(page)
            if page.cursor is None:
                return self
            cursor = page.cursor
            self.between(number)
        raise AssertionError("a list without an end")

    @property
    def left(self) -> JSON:
        """What is kept for the next listing."""
        return self.pages[-1].kept

    @property
    def gaps(self) -> list[str]:
        return [page.gap for page in self.pages if page.gap]

    @property
    def told(self) -> dict[Identity, Change]:
        """What becomes of what was told; of several words of one object the last."""
        return told(page for page in self.pages)

    @property
    def present(self) -> set[Identity]:
        return {one for page in self.pages for one in page.present}

    @property
    def wanted(self) -> set[Identity]:
        return {one.identity for page in self.pages for one in page.wanted}

    @property
    def seen(self) -> set[str]:
        """The ids of all that was named, whatever was said of it."""
        return {one.id for one in {*self.told, *self.present, *self.wanted}}


def told(pages: Iterable[Page]) -> dict[Identity, Change]:
    """What becomes of the objects that pages tell."""
    found: dict[Identity, Change] = {}
    for page in pages:
        for one in page.listed:
            look = Lookup(one.identity, one.hint, sent_at=NOON, connection=CONNECTION, raw=one.raw)
            found |= {change.identity: change for change in _changes(look)}
    return found


def looked_up(client: ZendeskClient, identity: Identity) -> dict[Identity, Change]:
    """What becomes of a look-up of an object; nothing of what is gone."""
    sight = client.fetch_one(Lookup(identity))
    if sight.raw is None:
        return {}
    look = Lookup(identity, sent_at=NOON, connection=CONNECTION, raw=sight.raw)
    return {change.identity: change for change in _changes(look)}


def _changes(look: Lookup) -> list[Change]:
    said = documents(look)
    assert not [one for one in said if isinstance(one, Refresh)]
    return [one for one in said if not isinstance(one, Refresh)]


def calls_of_pages(fake: Fake, walk: Walk) -> list[int]:
    """How many requests each page takes, when it is asked for again."""
    counts: list[int] = []
    cursor: JSON = None
    for page in walk.pages:
        before = len(fake.requests)
        walk.ask(cursor)
        counts.append(len(fake.requests) - before)
        cursor = page.cursor
    assert max(counts) <= 2 * MOST_CALLS
    return counts


def anew(walk: Walk, since: datetime | None = None) -> Walk:
    """The next listing, which is given what the last one left."""
    return replace(walk, pages=[], kept=walk.left, since=since)
