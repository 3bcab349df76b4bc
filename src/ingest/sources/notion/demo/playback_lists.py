"""Recorded lists of Notion's, each where a client of ours is told such a one.

What is on a further page is no other than what is on the first one, so a list is answered whole,
and where it says that there is more, there is no more. …/reference/intro, "Pagination"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ingest.sources.listing import PageRequest
from ingest.sources.notion.demo.playback_room import (
    DATABASE,
    PAGE,
    TABLE,
    a_database,
    a_page,
    a_table,
    documents_of,
    empty,
    is_trashed,
    listed,
    look_up,
    playback_of,
)
from ingest.testing.fakes import Answer, Asked
from ingest.testing.playback import Playback, Steps, Unasked
from ingest.testing.recorded import RecordedAnswer

_NOW, _LONG_AGO = datetime(2030, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
_CHILDREN = re.compile(r"/v1/blocks/([0-9a-f-]+)/children")
_QUERY = re.compile(r"/v1/(?:data_sources|databases)/([0-9a-f-]+)/query")
_PROPERTY = re.compile(r"/v1/pages/([0-9a-f-]+)/properties/(.+)")
_CUT = frozenset({"title", "rich_text", "relation", "people"})


def list_answer(of: RecordedAnswer) -> Playback | Unasked:
    """By what it lists; an empty one by what it says that it would list."""
    results = of.object.get("results") or []
    told = [one for one in results if isinstance(one, dict)]
    kinds = {str(one.get("object")) for one in told} or {str(of.object.get("type"))}
    if of.path.startswith("/v1/views"):
        return Unasked("rows of a view", "views are no documents")
    if kinds <= {"page", "database", "data_source", "page_or_data_source", "page_or_database"}:
        is_query = bool(_QUERY.fullmatch(of.path)) if of.path else _are_rows(told)
        return _rows(of, told) if is_query else _search(of, told)
    make = _KINDS.get(next(iter(kinds))) if len(kinds) == 1 else None
    if make is None:
        kind = " and ".join(sorted(kinds)).replace("_", " ").replace("None", "what is unnamed")
        return Unasked(f"list of {kind}", "no client of ours asks for it")
    return make(of, told)


def _are_rows(told: list[dict[str, Any]]) -> bool:
    """Whether all of them stand in one table, where nobody kept what was asked."""
    parents = [one.get("parent") or {} for one in told]
    homes = {one.get("data_source_id") or one.get("database_id") for one in parents}
    return len(homes) == 1 and None not in homes


def _blocks(of: RecordedAnswer, told: list[dict[str, Any]]) -> Playback:
    """The children of a page, be they those of a block in truth."""
    at = _CHILDREN.fullmatch(of.path)
    id_ = str(UUID(at[1])) if at else PAGE
    routes: dict[str, Steps] = {
        f"GET pages/{id_}": Answer(200, a_page(id_)),
        f"GET blocks/{id_}/children": (of.answer(), empty()),
    }
    asks = [look_up("page", id_)]
    return playback_of(f"list of blocks{_none(told)}", routes, asks, {id_: "A page"})


def _comments(of: RecordedAnswer, told: list[dict[str, Any]]) -> Playback:
    """Those of the one page that is found."""
    asked = of.query.get("block_id")
    on = str(UUID(asked[0])) if asked else PAGE
    routes: dict[str, Steps] = {
        "POST search": _searched([a_page(on)]),
        "GET comments": (of.answer(), empty("comment")),
    }
    asks = [PageRequest("comments", None, _NOW)]
    documents = documents_of(told)
    return playback_of(f"list of comments{_none(told)}", routes, asks, documents, objects=len(told))


def _search(of: RecordedAnswer, told: list[dict[str, Any]]) -> Playback:
    """A search tells what it is asked for, pages or tables, and since 2025 no databases: such a one
    is looked up.
    """
    pages, tables, databases = (
        [one for one in told if one.get("object") == kind]
        for kind in ("page", "data_source", "database")
    )
    homes = {str((one.get("parent") or {}).get("database_id") or DATABASE) for one in tables}
    routes: dict[str, Steps] = {"POST search": _searched(told, of)}
    routes |= {f"GET databases/{id_}": Answer(200, a_database(id_)) for id_ in homes}
    own = {str(UUID(str(one["id"]))): one for one in databases}
    routes |= {f"GET databases/{id_}": of.answer(one) for id_, one in own.items()}
    return playback_of(
        f"search{_none(told)}",
        routes,
        [PageRequest("pages", _LONG_AGO, _NOW), *(look_up("database", id_) for id_ in own)],
        {**documents_of([*pages, *databases]), **dict.fromkeys(homes, "A database")},
        objects=len(told),
        may_gap=_is_cut(of),
    )


def _rows(of: RecordedAnswer, told: list[dict[str, Any]]) -> Playback:
    """The rows of the one table that is found; a table among them stands in a wiki."""
    at = _QUERY.fullmatch(of.path)
    table = str(UUID(at[1])) if at else TABLE
    rows = [one for one in told if one.get("object") == "page" and not is_trashed(one)]
    tables = [one for one in told if one.get("object") == "data_source"]
    homes = {str((one.get("parent") or {}).get("database_id") or DATABASE) for one in tables}
    homes.add(DATABASE)
    routes: dict[str, Steps] = {
        "POST search": _searched([a_table(table)]),
        f"POST data_sources/{table}/query": (of.answer(), empty("page_or_data_source")),
    }
    routes |= {f"GET databases/{id_}": Answer(200, a_database(id_, table)) for id_ in homes}
    return playback_of(
        f"query{_none(told)}",
        routes,
        [PageRequest("pages", None, _NOW)],
        {**documents_of(rows), **dict.fromkeys(homes, "A database")},
        objects=len(told),
        may_gap=_is_cut(of),
    )


def _property(of: RecordedAnswer, told: list[dict[str, Any]]) -> Playback | Unasked:
    """The items of a property that a page cuts off."""
    at = _PROPERTY.fullmatch(of.path)
    about = of.object.get("property_item") or {}
    type_ = str(about.get("type") or (told[0].get("type") if told else ""))
    if type_ not in _CUT:
        return Unasked(f"list of property items: {type_}", "no such list is ever cut off")
    page, own = (str(UUID(at[1])), at[2]) if at else (PAGE, str(about.get("id") or "cut"))
    cut: dict[str, Any] = {"id": own, "type": type_, type_: [], "has_more": True}
    shown = a_page(page, **({"Name": cut} if type_ == "title" else {"Cut": cut}))
    routes: dict[str, Steps] = {
        f"GET pages/{page}": Answer(200, shown),
        f"GET pages/{page}/properties/{own}": (of.answer(), empty("property_item")),
    }
    documents = {page: _joined(told) if type_ == "title" else "A page"}
    return playback_of("list of property items", routes, [look_up("page", page)], documents)


def _joined(told: list[dict[str, Any]]) -> str:
    pieces = (one.get("title") or {} for one in told)
    return "".join(str(one.get("plain_text") or "") for one in pieces).strip() or "Untitled"


def _searched(told: list[dict[str, Any]], of: RecordedAnswer | None = None) -> Steps:
    """An answer to each search: what of these it is for, the first time that it is asked."""
    said: set[str] = set()

    def answer(asked: Asked) -> Answer:
        sought = (asked.body or {}).get("filter", {}).get("value") if asked.body else None
        if not isinstance(sought, str) or sought in said:
            return empty("page_or_data_source")
        said.add(sought)
        of_kind = [one for one in told if one.get("object") == sought]
        return (
            Answer(200, listed(of_kind))
            if of is None
            else of.answer({**of.object, "results": of_kind})
        )

    return answer


def _is_cut(of: RecordedAnswer) -> bool:
    status = of.object.get("request_status")
    return isinstance(status, dict) and status.get("type") == "incomplete"


def _none(told: list[dict[str, Any]]) -> str:
    return "" if told else ", empty"


_KINDS: Mapping[str, Callable[[RecordedAnswer, list[dict[str, Any]]], Playback | Unasked]] = {
    "block": _blocks,
    "comment": _comments,
    "property_item": _property,
}
