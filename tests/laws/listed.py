"""The source of the skeleton, whose lists are wrong somewhere; what stands behind them is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ingest.core.changes import Refresh
from ingest.core.errors import IngestError
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Client, Lookup, Sight
from ingest.sources.listing import Page, PageRequest, Unlisted
from ingest.testing.laws.fixtures import Suite

ListPage = Callable[[PageRequest], Page]
Wrong = Callable[[ListPage, PageRequest], Page]


def _soundly(list_page: ListPage, request: PageRequest) -> Page:
    return list_page(request)


@dataclass(frozen=True, slots=True)
class ListingClient:
    """A client whose lists are wrong, over one that is right; each leaves something behind."""

    right: Any
    wrong: Wrong

    def fetch_one(self, lookup: Lookup) -> Sight:
        sight: Sight = self.right.fetch_one(lookup)
        return sight

    def list_page(self, request: PageRequest) -> Page:
        return self.wrong(self._page, request)

    def check(self) -> str:
        return str(self.right.check())

    def close(self) -> None:
        self.right.close()

    def _page(self, request: PageRequest) -> Page:
        page: Page = self.right.list_page(request)
        return page if page.cursor is not None else replace(page, kept={"complete": True})


def listed(suite: Suite, *, wrong: Wrong = _soundly, **fields: Any) -> Suite:
    """The suite with lists that are wrong; `fields` are laid over its source's listing."""
    connect, listing = suite.source.connect, suite.source.listing
    assert connect is not None
    assert listing is not None
    right = connect

    def connected(access: Access) -> Client:
        return ListingClient(right(access), wrong)

    made = replace(suite.source, connect=connected, listing=replace(listing, **fields))
    return replace(
        suite, source=made, fixtures=tuple(replace(one, source=made) for one in suite.fixtures)
    )


def _twice(suite: Suite) -> Suite:
    listing = suite.source.listing
    assert listing is not None
    return listed(suite, resources=listing.resources * 2)


def _told_otherwise(list_page: ListPage, request: PageRequest) -> Page:
    page = list_page(request)
    return replace(page, listed=tuple(replace(o, raw=_titled(o.raw)) for o in page.listed))


def _titled(raw: JSON) -> JSON:
    assert isinstance(raw, Mapping)
    return {**raw, "title": "as a list has it", "text": "as a list has it"}


def _leaves_out(list_page: ListPage, request: PageRequest) -> Page:
    return Page() if request.kept else list_page(request)


def _gets_nowhere(list_page: ListPage, request: PageRequest) -> Page:
    """Of few requests a page nothing is left for what it is about."""
    return list_page(request) if request.most_calls > 1 else Page()


def _swallows(list_page: ListPage, request: PageRequest) -> Page:
    try:
        return list_page(request)
    except IngestError:
        return Page()


def _rarely() -> Wrong:
    """Each of its cursors leads on once, as the provider's own may end."""
    used: list[JSON] = []

    def wrong(list_page: ListPage, request: PageRequest) -> Page:
        if request.cursor is not None and request.cursor in used:
            return Page()
        used.append(request.cursor)
        return list_page(request)

    return wrong


def _elsewhere(absent: Unlisted) -> Refresh:
    return Refresh(replace(absent.identity, id="another-one"))


BROKEN: Mapping[str, Callable[[Suite], Suite]] = {
    "test_lists_have_names_and_the_event_of_a_run_is_published": _twice,
    "test_a_list_says_what_a_look_up_says": lambda suite: listed(suite, wrong=_told_otherwise),
    "test_a_listing_goes_on_from_any_page": lambda suite: listed(suite, wrong=_rarely()),
    "test_a_list_is_read_on_by_a_single_request_at_a_time": lambda suite: listed(
        suite, wrong=_gets_nowhere
    ),
    "test_a_full_listing_names_everything_again": lambda suite: listed(suite, wrong=_leaves_out),
    "test_what_is_in_no_list_can_be_asked_about": lambda suite: listed(suite, absent=_elsewhere),
    "test_a_list_that_may_not_be_read_is_refused": lambda suite: listed(suite, wrong=_swallows),
    "test_what_is_no_list_is_never_an_empty_one": lambda suite: listed(suite, wrong=_swallows),
    "test_a_status_ends_no_list": lambda suite: listed(suite, wrong=_swallows),
}
"""Sources that break each of the laws of lists."""
