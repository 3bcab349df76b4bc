"""Pages of a provider's that are joined into one: how many, what of them, and what hinders them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from ingest.core.changes import Refresh
from ingest.core.errors import BadPayload, RateLimited, TransientError, Unavailable
from ingest.core.identity import Identity
from ingest.flows.syncs import joining
from ingest.flows.syncs.joining import Ask, CountedPage, join
from ingest.sources.listing import Listed, Page, PageRequest

REQUEST = PageRequest("books", None, datetime(2026, 5, 4, tzinfo=UTC))


def _book(number: int) -> Identity:
    return Identity("acme", "1", "book", str(number))


def _listing(pages: list[Page], calls: int = 1) -> tuple[Ask, list[PageRequest]]:
    """Pages one after the other, each with the number of the next as its cursor."""
    requests: list[PageRequest] = []

    def ask(request: PageRequest) -> CountedPage:
        requests.append(request)
        cursor = request.cursor
        assert cursor is None or isinstance(cursor, list)
        return CountedPage(pages[0 if cursor is None else int(str(cursor[0]))], calls)

    return ask, requests


def _pages(count: int, each: int) -> list[Page]:
    ends = [*((number,) for number in range(1, count)), None]
    return [
        Page(
            listed=tuple(Listed(_book(i), i) for i in range(at * each, (at + 1) * each)),
            cursor=None if end is None else [*end],
        )
        for at, end in enumerate(ends)
    ]


def test_small_pages_are_one_to_their_end() -> None:
    ask, requests = _listing(_pages(4, 10))
    joined = join(ask, REQUEST)
    assert [one.raw for one in joined.page.listed] == [*range(40)]
    assert joined.page.cursor is None
    assert [one.cursor for one in requests] == [None, [1], [2], [3]]
    assert [one.most_calls for one in requests] == [20, 19, 18, 17]


@pytest.mark.parametrize(
    ("count", "each", "calls", "asked"),
    [
        pytest.param(50, 1, 1, 20, id="as many requests as one page may make"),
        pytest.param(50, 1, 7, 2, id="none is begun that may go over that"),
        pytest.param(50, 1, 20, 1, id="one that makes them all stays alone"),
        pytest.param(9, 100, 1, 5, id="as many objects as are well settled at once"),
        pytest.param(9, 251, 1, 1, id="one that is large stays alone"),
    ],
)
def test_so_many_pages_are_joined(count: int, each: int, calls: int, asked: int) -> None:
    ask, requests = _listing(_pages(count, each), calls)
    joined = join(ask, REQUEST)
    assert len(requests) == asked
    assert len(joined.page.listed) == asked * each
    assert joined.page.cursor == [asked]


def test_a_provider_that_is_slow_is_settled_with_page_by_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joining, "MOST_S", 0.0)
    ask, requests = _listing(_pages(4, 10))
    join(ask, REQUEST)
    assert len(requests) == 1


def test_what_comes_twice_is_as_it_was_told_last() -> None:
    moved = _book(1)
    first = Page(listed=(Listed(moved, "before"), Listed(_book(2), 2)), cursor=[1])
    second = Page(listed=(Listed(moved, "after"),))
    ask, _ = _listing([first, second])
    joined = join(ask, REQUEST)
    assert {one.identity.id: one.raw for one in joined.page.listed} == {"1": "after", "2": 2}


def test_what_else_the_pages_say_is_all_there() -> None:
    first = Page(present=(_book(1),), cursor=[1], expected=7, gap="not all of it")
    second = Page(wanted=(Refresh(_book(2)),), cursor=[2], expected=8)
    third = Page(kept={"tag": "x"})
    ask, _ = _listing([first, second, third])
    page = join(ask, REQUEST).page
    assert page.present == (_book(1),)
    assert page.wanted == (Refresh(_book(2)),)
    assert (page.cursor, page.kept) == (None, {"tag": "x"})
    assert (page.expected, page.gap) == (8, "not all of it")


def _failing(error: Exception, at: int) -> Callable[[PageRequest], CountedPage]:
    ask, requests = _listing(_pages(5, 10))

    def failing(request: PageRequest) -> CountedPage:
        if len(requests) == at:
            raise error
        return ask(request)

    return failing


TROUBLES = [
    RateLimited("answers 429", retry_after_s=30.0),
    TransientError("answers 502"),
    Unavailable("hangs"),
    BadPayload("id", "missing"),
    ValueError("a fault of the client's"),
]


@pytest.mark.parametrize("error", TROUBLES, ids=lambda error: type(error).__name__)
def test_what_hinders_the_first_page_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        join(_failing(error, 0), REQUEST)


@pytest.mark.parametrize("error", TROUBLES, ids=lambda error: type(error).__name__)
def test_what_hinders_a_later_page_leaves_those_before_it(error: Exception) -> None:
    joined = join(_failing(error, 2), REQUEST)
    assert [one.raw for one in joined.page.listed] == [*range(20)]
    assert joined.page.cursor == [2]
    assert joined.limited is (error if isinstance(error, RateLimited) else None)


def test_a_page_that_leads_to_itself_is_an_error_and_those_before_it_count() -> None:
    first, circle = Page(listed=(Listed(_book(1), 1),), cursor=[1]), Page(cursor=[1])
    ask, _ = _listing([first, circle])
    joined = join(ask, REQUEST)
    assert (len(joined.page.listed), joined.page.cursor) == (1, [1])
    again = PageRequest("books", None, REQUEST.sent_at, cursor=[1])
    with pytest.raises(BadPayload, match="leads to the page that it came with"):
        join(ask, again)


def test_requests_of_one_page_follow_one_another() -> None:
    """Another thread asks for the later ones, and nobody asks while it does."""
    running: list[tuple[int, int]] = []
    ask, _ = _listing(_pages(6, 10))

    def counted(request: PageRequest) -> CountedPage:
        begun = len(running)
        asked = ask(request)
        running.append((begun, len(running)))
        return asked

    join(counted, REQUEST)
    assert all(before[1] < after[1] for before, after in pairwise(running))
    assert all(begun == ended for begun, ended in running)
