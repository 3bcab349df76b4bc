"""GitHub's REST lists: pages by number or by cursor, what narrows them, and their links.

[DOC: using-pagination-in-the-rest-api; REST-OAS issues/list-for-repo and list-comments-for-repo,
pulls/list, pulls/list-reviews, pulls/list-review-comments-for-repo, repos/list-releases] A page's
number is an offset, so that rows which move meanwhile are skipped or shown twice, as at GitHub.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import orjson

from ingest.sources.github.demo import fake_shapes
from ingest.sources.github.demo.fake_objects import Row
from ingest.sources.github.demo.fake_shapes import Repository, failure
from ingest.testing.fakes import Answer, Asked

DEEPEST = 10_000
"""As far as page numbers go; [google/go-github#3565] beyond that `after` has to be followed."""
_REVIEWS = re.compile(r"pulls/(\d+)/reviews")
_TOO_DEEP = (
    "Pagination with the page parameter is not supported for large datasets, please use cursor "
    "based pagination (after/before)"
)


@dataclass(frozen=True, slots=True)
class _List:
    """kinds: those that it shows, in one order. stated: it shows what is open unless told not to.
    by: its order where none is asked for. newest: whether the newest come first then.
    """

    kinds: tuple[str, ...]
    stated: bool = False
    narrows: bool = False
    newest: bool = True
    sorted: bool = True


_LISTS: Mapping[str, _List] = {
    "issues": _List(("issue", "pull_request"), stated=True, narrows=True),
    "pulls": _List(("pull_request",), stated=True),
    "issues/comments": _List(("comment",), narrows=True, newest=False),
    "pulls/comments": _List(("review_comment",), narrows=True, newest=False),
    "releases": _List(("release",), sorted=False),
}


@dataclass(frozen=True, slots=True)
class _Range:
    """Rows of one kind: those from `start` on, or the last one first, down to it."""

    kind: str
    rows: Sequence[Row]
    start: int
    end: int

    def walk(self, *, backwards: bool) -> Iterator[tuple[Row, str]]:
        there = range(self.start, self.end)
        places = reversed(there) if backwards else there
        return ((self.rows[place], self.kind) for place in places)


def list_answer(of: Repository, rest: str, asked: Asked, page_size: int) -> Answer | None:
    """A page of a list; None where none is asked for."""
    reviews = _REVIEWS.fullmatch(rest)
    found = _LISTS.get(rest)
    if reviews is not None:
        if ("pull_request", reviews[1]) not in of.objects:
            return failure(404, "Not Found")
        rows = of.objects.shelf("review").below.get(reviews[1], [])
        ranges = [_Range("review", rows, 0, len(rows))]
        return _page(of, ranges, asked, page_size, backwards=False)
    if found is None:
        return None
    if rest in of.switched_off:
        return failure(410, f"{rest.title()} are disabled for this repo")
    order, backwards = _order(found, asked)
    since = asked.one("since") if found.narrows and order == "updated" else ""
    ranges = [
        _range(kind, of.objects.shelf(kind).rows[order], since, asked.one("after"), backwards)
        for kind in found.kinds
    ]
    return _page(of, ranges, asked, page_size, backwards=backwards, stated=found.stated)


def _order(of: _List, asked: Asked) -> tuple[str, bool]:
    """`direction` counts only beside `sort`."""
    sort = asked.one("sort") if of.sorted else ""
    if not sort:
        return "created", of.newest
    return sort, asked.one("direction", "desc") == "desc"


def _range(kind: str, rows: Sequence[Row], since: str, cursor: str, backwards: bool) -> _Range:
    start = bisect_left(rows, (_seconds(since), 0)) if since else 0
    end, after = len(rows), _read(cursor)
    if after is not None and backwards:
        end = bisect_left(rows, after)
    elif after is not None:
        start = bisect_right(rows, after)
    return _Range(kind, rows, start, end)


def _page(
    of: Repository,
    ranges: Sequence[_Range],
    asked: Asked,
    page_size: int,
    *,
    backwards: bool,
    stated: bool = False,
) -> Answer:
    size = min(int(asked.one("per_page", "30")), 100, page_size)
    number, by_key = int(asked.one("page", "1")), bool(asked.one("after"))
    takes_after = len(ranges) > 1  # the list of issues alone
    if takes_after and not by_key and number * size >= DEEPEST:
        return failure(422, _TOO_DEEP)
    rows = merge(*(one.walk(backwards=backwards) for one in ranges), reverse=backwards)
    fitting = _in_state(of, rows, asked.one("state", "open") if stated else "all")
    first = 0 if by_key else (number - 1) * size
    found = list(islice(fitting, first, first + size + 1))
    shown = found[:size]
    links: list[str] = []
    if len(found) > size:
        key = {"after": _written(shown[-1][0])} if takes_after else {}
        links = [_link(of, asked, {**key, "page": str(number + 1)}, "next")]
        links += [] if takes_after else [_last(of, ranges, asked, size)]
    return _tagged([_shown(of, row, asked) for row in shown], asked, links)


def _in_state(
    of: Repository, rows: Iterable[tuple[Row, str]], wanted: str
) -> Iterable[tuple[Row, str]]:
    if wanted == "all":
        return rows
    return (row for row in rows if _told(of, row)["state"] == wanted)


def _last(of: Repository, ranges: Sequence[_Range], asked: Asked, size: int) -> str:
    total = sum(one.end - one.start for one in ranges)
    return _link(of, asked, {"page": str(-(-total // size))}, "last")


def _tagged(body: Sequence[Any], asked: Asked, links: Sequence[str]) -> Answer:
    """Another tag for each token, as at GitHub."""
    token = asked.headers.get("authorization", "")
    tag = hashlib.sha256(token.encode() + orjson.dumps([body, links])).hexdigest()
    headers = {"etag": f'W/"{tag}"'} | ({"link": ", ".join(links)} if links else {})
    if asked.headers.get("if-none-match") == headers["etag"]:
        return Answer(304, b"", headers)
    return Answer(200, body, headers)


def _told(of: Repository, row: tuple[Row, str]) -> dict[str, Any]:
    (_, key), kind = row
    return of.objects[kind, str(key)]


def _shown(of: Repository, row: tuple[Row, str], asked: Asked) -> dict[str, Any]:
    """`asked.path` ends with the name of the list."""
    return fake_shapes.as_listed(of, row[1], _told(of, row), asked.path.rpartition("/")[2])


def _link(of: Repository, asked: Asked, more: Mapping[str, str], rel: str) -> str:
    query = {name: values[0] for name, values in asked.query.items() if name != "after"}
    query.update(more)
    path = re.sub(r"/repos/[^/]+/[^/]+", f"/repositories/{of.id}", asked.path)
    return f'<{asked.url}{path}?{urlencode(query)}>; rel="{rel}"'


def _seconds(since: str) -> str:
    """Times of rows have a grain of a second."""
    return re.sub(r"\.\d+", "", since)


def _written(row: Row) -> str:
    return f"{row[0]}_{row[1]}"


def _read(after: str) -> Row | None:
    at, _, key = after.rpartition("_")
    return (at, int(key)) if after else None
