"""Joins small pages of a provider's into one of ours, so that they share a claim and a commit.

Law: the first page is what was asked for, and raises what hinders it. What hinders a later one
leaves the pages before it as they are: whoever claims the list next meets it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import orjson

from ingest.core.errors import BadPayload, RateLimited
from ingest.core.identity import Identity
from ingest.sources.listing import Listed, Page, PageRequest

MOST_JOINED = 500
"""Objects of pages that are joined, about: half of what one page of a provider's may have."""
MOST_S = 1.0
"""For so long pages are joined: whoever is told to stop, or pauses the connection, waits for the
end of one."""


@dataclass(frozen=True, slots=True)
class CountedPage:
    """A page of the provider's, and how many requests it took, which is one at least."""

    page: Page
    calls: int


Ask = Callable[[PageRequest], CountedPage]


@dataclass(frozen=True, slots=True)
class Joined:
    """As many pages as one. limited: the provider said meanwhile that it wants to be left alone."""

    page: Page
    limited: RateLimited | None = None


def join(ask: Ask, request: PageRequest) -> Joined:
    """The page that is asked for, and those behind it, while all of them are small.

    Makes no more requests than one page may. Blocks; raises what `ask` raises of the first page.
    """
    began = time.monotonic()
    asked = [_asked(ask, request)]
    limited: RateLimited | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="join") as pool:
        while _is_small(asked, request) and time.monotonic() - began < MOST_S:
            left = request.most_calls - sum(one.calls for one in asked)
            cursor = orjson.loads(orjson.dumps(asked[-1].page.cursor))
            later = replace(request, cursor=cursor, most_calls=left)
            future = pool.submit(_asked, ask, later)
            error = future.exception()
            if error is not None:
                limited = error if isinstance(error, RateLimited) else None
                break
            asked.append(future.result())
    return Joined(_one([each.page for each in asked]), limited)


def _asked(ask: Ask, request: PageRequest) -> CountedPage:
    asked = ask(request)
    if asked.page.cursor is not None and asked.page.cursor == request.cursor:
        raise BadPayload("cursor", "leads to the page that it came with")
    return asked


def _is_small(asked: Sequence[CountedPage], request: PageRequest) -> bool:
    """Whether another page like the largest one has room, and there is one."""
    most = max(one.calls for one in asked)
    calls = sum(one.calls for one in asked)
    told = [_told(one.page) for one in asked]
    return (
        asked[-1].page.cursor is not None
        and calls + most <= request.most_calls
        and sum(told) + max(told) <= MOST_JOINED
    )


def _told(page: Page) -> int:
    return len(page.listed) + len(page.present) + len(page.wanted)


def _one(pages: Sequence[Page]) -> Page:
    """What came twice is as it was told last."""
    if len(pages) == 1:
        return pages[0]
    listed: dict[Identity, Listed] = {}
    for page in pages:
        listed.update((one.identity, one) for one in page.listed)
    last = pages[-1]
    return Page(
        listed=tuple(listed.values()),
        present=tuple(one for page in pages for one in page.present),
        wanted=tuple(one for page in pages for one in page.wanted),
        cursor=last.cursor,
        kept=last.kept,
        expected=next((p.expected for p in reversed(pages) if p.expected is not None), None),
        gap=next((page.gap for page in pages if page.gap is not None), None),
    )
