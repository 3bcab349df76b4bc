"""Whatever a list answers, a listing ends in what it tells or in one of our errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from ingest.core.errors import BadPayload, IngestError
from ingest.sources.answers import Refusal, Response
from ingest.sources.contract import Lookup
from ingest.sources.http import Api
from ingest.sources.listing import PageRequest
from ingest.sources.notion.client import _RULES, VERSION
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.documents import documents
from ingest.sources.notion.lists import list_page
from ingest.testing.fakes import Asked
from tests.sources.notion.deliveries import NOW
from tests.sources.notion.workspace import CONNECTION, inhabited

ODD: tuple[Any, ...] = (None, 7, "x", [], {}, [None], True)
Bend = Callable[[str, Any], Any]


@dataclass(slots=True)
class Direct:
    """A workspace without a network; what it answers is bent first.

    forgets: each list begins anew at each request.
    """

    notion: Notion
    bend: Bend
    forgets: bool = False
    calls: int = 0
    now: Callable[[], Any] = field(default=lambda: NOW)

    def get(self, path: str, *, params: dict[str, Any] | None = None) -> Response:
        return self._answer("GET", path, params or {}, None)

    def post(self, path: str, *, json: Any) -> Response:
        return self._answer("POST", path, {}, json)

    def _answer(self, method: str, path: str, params: dict[str, Any], body: Any) -> Response:
        self.calls += 1
        if self.forgets:
            params, body = (
                {k: v for k, v in told.items() if k != "start_cursor"} if told else told
                for told in (params, body)
            )
        query = {name: [str(value)] for name, value in params.items()}
        token = f"Bearer {self.notion.token}"
        headers = {"authorization": token, "notion-version": VERSION}
        answer = self.notion.answer(Asked(method, f"/v1/{path}", query, headers, body, ""))
        if answer.status >= 400:
            raise _RULES.error(Refusal(answer.status, {}, answer.raw(), NOW), "Notion answers")
        answer.body.update(self.bend(path, deepcopy(answer.body)))
        return Response(answer.status, {}, answer.raw())


def run(resource: str, bend: Bend, *, forgets: bool = False) -> int:
    """A list to its end, and all that is made of it; how many objects it told."""
    api, cursor, told = Direct(inhabited(), bend, forgets), None, 0
    for _ in range(200):
        request = PageRequest(resource, None, NOW, cursor, connection=CONNECTION)
        page = list_page(cast("Api", api), request)
        for one in page.listed:
            documents(Lookup(one.identity, raw=one.raw, connection=CONNECTION))
        told += len(page.listed) + len(page.wanted)
        cursor = page.cursor
        if cursor is None:
            return told
    raise AssertionError("no end")


def places(told: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of what stands in an answer: of its list, and of the first two of its items."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield (*path, name)
            if len(path) < 4:
                yield from places(value, (*path, name))
    elif isinstance(told, list):
        for number, value in enumerate(told[:2]):
            yield (*path, number)
            yield from places(value, (*path, number))


def bent(told: Any, path: tuple[str | int, ...], value: Any) -> Any:
    within = told
    for step in path[:-1]:
        within = within[step]
    within[path[-1]] = value
    return told


@pytest.mark.parametrize(
    ("resource", "list_"),
    [("pages", "search"), ("pages", "query"), ("comments", "search"), ("comments", "comments")],
)
def test_any_field_of_a_list_may_be_odd(resource: str, list_: str) -> None:
    whole = run(resource, lambda _path, body: body)
    seen: dict[tuple[str | int, ...], None] = {}

    def note(path: str, body: Any) -> Any:
        if path.endswith(list_):
            seen.update(dict.fromkeys(places(body)))
        return body

    run(resource, note)
    told = 0
    for number, path in enumerate(list(seen)[::4]):
        value = ODD[number % len(ODD)]

        def odd(asked: str, body: Any, path: Any = path, value: Any = value) -> Any:
            try:
                return bent(body, path, value) if asked.endswith(list_) else body
            except (LookupError, TypeError):
                return body

        try:
            told = max(told, run(resource, odd))
        except IngestError:
            continue
    assert 0 < told <= whole + 5


@pytest.mark.parametrize(
    ("resource", "list_"),
    [
        ("pages", "search"),
        ("pages", "query"),
        *(("comments", name) for name in ("search", "query", "children", "comments")),
    ],
)
def test_a_list_whose_next_page_is_the_same_one_is_an_error(resource: str, list_: str) -> None:
    def loop(path: str, body: Any) -> Any:
        more = {"has_more": True, "next_cursor": "here"}
        return body | more if path.endswith(list_) else body

    with pytest.raises(BadPayload, match="next_cursor"):
        run(resource, loop, forgets=True)
