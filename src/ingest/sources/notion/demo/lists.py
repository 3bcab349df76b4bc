"""How the fake answers what lists objects: a search, a query of a table, the comments of a block.

Law: what Notion would refuse is refused: sizes beyond 100, parameters that it does not know, a
cursor that is none of its own any more.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from ingest.sources.notion.demo.orders import Key, after
from ingest.sources.notion.demo.shapes import Object, cut, error, not_found
from ingest.testing.fakes import Answer, Asked

if TYPE_CHECKING:
    from ingest.sources.notion.demo.fake import Notion

MOST_AT_ONCE = 100
_SEARCH = frozenset({"query", "filter", "sort", "start_cursor", "page_size"})
_QUERY = frozenset({"filter", "sorts", "start_cursor", "page_size", "is_archived", "result_type"})
_TIMES = ("created_time", "last_edited_time")


class _Invalid(ValueError):
    """What Notion answers 400 to."""


def search(notion: Notion, _id: str, asked: Asked) -> Answer:
    """POST /search."""
    try:
        body = _body(asked, _SEARCH)
        filter_, sort = body.get("filter") or {}, body.get("sort") or {}
        sought = filter_.get("value")
        is_known = sought is None or (filter_.get("property"), sought) in _SOUGHT
        _needs("body.filter.value should be `page` or `data_source`.", is_known)
        in_trash = filter_.get("in_trash") is True
        kinds = [sought] if sought else ["page", "data_source"]
        by_edit = sort.get("timestamp", "last_edited_time") == "last_edited_time"
        _needs("body.sort.timestamp should be `last_edited_time`.", by_edit)
        keys = [notion.orders().searched[kind, in_trash] for kind in kinds]
        merged = keys[0] if len(keys) == 1 else sorted(chain(*keys))
        descending = sort.get("direction", "descending") == "descending"
        start, count = _start(notion, body)
        found = (
            key
            for key in after(merged, start, descending=descending)
            if key[1] not in notion.hidden and key[1] not in notion.unindexed
        )
        limits = (_size(notion, body), notion.most_found)
        return _answer(notion, found, count, limits, _searched(notion, trashed=in_trash))
    except _Invalid as invalid:
        return error(400, "validation_error", str(invalid))


_SOUGHT = {("object", "page"), ("object", "data_source")}


def query(notion: Notion, id_: str, asked: Asked) -> Answer:
    """POST /data_sources/{id}/query: rows that are neither in the trash nor archived."""
    try:
        body = _body(asked, _QUERY)
        archived = body.get("is_archived") is True
        sorts = body.get("sorts") or [{"timestamp": "created_time", "direction": "ascending"}]
        by_creation = [(one.get("timestamp"), one.get("direction")) for one in sorts]
        _needs("this fake lists rows by their creation", by_creation == _BY_CREATION)
        bounds = _bounds(body.get("filter"))
        start, count = _start(notion, body)
        created_from = bounds.get("created_time")
        if start is None and created_from is not None:
            start = (created_from, "")
        found = (
            key
            for key in after(notion.orders().rows[id_], start, descending=False)
            if _fits(notion.pages[key[1]], bounds) and key[1] not in notion.hidden
            if notion.pages[key[1]].get("is_archived", False) is archived
        )
        limits = (_size(notion, body), notion.most_rows)
        return _answer(notion, found, count, limits, lambda key: _page(notion, key))
    except _Invalid as invalid:
        return error(400, "validation_error", str(invalid))


_BY_CREATION = [("created_time", "ascending")]


def comments(notion: Notion, _id: str, asked: Asked) -> Answer:
    """GET /comments?block_id=…: those that are not resolved, of one page or block."""
    on = asked.one("block_id")
    if notion.is_mute:
        return error(403, "restricted_resource", "Insufficient permissions for this endpoint.")
    known = any(on in place for place in (notion.pages, notion.databases, notion.blocks))
    if on in notion.hidden or not known:
        return not_found("block", on)
    try:
        body = {name: values[0] for name, values in asked.query.items()}
        start, count = _start(notion, body)
        keys = after(notion.orders().comments[on], start, descending=False)
        found = (key for key in keys if key[1] not in notion.resolved)
        limits = (_size(notion, body), len(notion.comments) + 1)
        told = _answer(notion, found, count, limits, lambda key: notion.comments[key[1]])
        return Answer(body={**told.body, "type": "comment", "comment": {}})
    except _Invalid as invalid:
        return error(400, "validation_error", str(invalid))


def _body(asked: Asked, known: frozenset[str]) -> dict[str, Any]:
    body = asked.body if isinstance(asked.body, dict) else {}
    unknown = sorted(body.keys() - known)
    _needs(f"body.{', '.join(unknown)} should be not present.", not unknown)
    return body


def _needs(said: str, fits: object) -> None:
    if not fits:
        raise _Invalid(said)


def _size(notion: Notion, body: Mapping[str, Any]) -> int:
    size = int(body.get("page_size", MOST_AT_ONCE))
    _needs("page_size should be between 1 and 100.", 1 <= size <= MOST_AT_ONCE)
    return min(size, notion.page_size)


def _bounds(told: Any) -> dict[str, str]:
    """By which times a query is bounded below."""
    bounds: dict[str, str] = {}
    for one in (told or {}).get("and", [told] if told else []):
        name = one.get("timestamp")
        by_time = name in _TIMES and set(one.get(name, {})) == {"on_or_after"}
        _needs("this fake filters by times alone", by_time)
        bounds[name] = one[name]["on_or_after"]
    return bounds


def _fits(page: Object, bounds: Mapping[str, str]) -> bool:
    return all(page[name] >= bound for name, bound in bounds.items())


def _start(notion: Notion, body: Mapping[str, Any]) -> tuple[Key | None, int]:
    """Where a list goes on, and how many were told before."""
    told = body.get("start_cursor")
    if told is None:
        return None, 0
    refusal = f"The start_cursor provided is invalid: {told}"
    try:
        age, count, time, id_ = json.loads(urlsafe_b64decode(str(told)))
    except ValueError as problem:
        raise _Invalid(refusal) from problem
    _needs(refusal, age == notion.cursors_age)
    return (time, id_), count


def _answer(
    notion: Notion,
    found: Iterable[Key],
    before: int,
    limits: tuple[int, int],
    shown: Callable[[Key], Object],
) -> Answer:
    """One page of so many, of a list that ends after so many."""
    size, most = limits[0], limits[1] - before
    keys = [key for key, _ in zip(found, range(min(size, most) + 1), strict=False)]
    told, is_more = keys[:size][:most], len(keys) > min(size, most)
    is_cut = is_more and len(told) >= most
    follow = None
    if is_more and not is_cut:
        place = json.dumps([notion.cursors_age, before + len(told), *told[-1]])
        follow = urlsafe_b64encode(place.encode()).decode()
    body = {
        "object": "list",
        "results": [shown(key) for key in told],
        "next_cursor": follow,
        "has_more": follow is not None,
        "type": "page_or_data_source",
        "request_status": {"type": "complete"},
    }
    if is_cut:
        reason = "query_result_limit_reached"
        body["request_status"] = {"type": "incomplete", "incomplete_reason": reason}
    return Answer(body=body)


def _searched(notion: Notion, *, trashed: bool) -> Callable[[Key], Object]:
    mark = {"in_trash": True, "archived": True} if trashed else {}

    def shown(key: Key) -> Object:
        if key[1] in notion.pages:
            return _page(notion, key) | mark
        return notion.sources[key[1]] | mark

    return shown


def _page(notion: Notion, key: Key) -> Object:
    page = notion.pages[key[1]]
    return {**page, "properties": {n: cut(p) for n, p in page["properties"].items()}}
