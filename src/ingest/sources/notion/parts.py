"""Notion's lists, an answer at a time: searches, the rows of a table, the comments of a block.

Law: an answer that is no list is an error, and so is one that has more and does not say where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.forms import segment
from ingest.sources.http import Api
from ingest.sources.wire import at, objects, text

MOST_AT_ONCE = 100
"""…/reference/intro, "Pagination": the largest `page_size`."""

Sought = Literal["page", "data_source"]
"""What a search is for; since API version 2025-09-03 it tells tables, and no databases."""


@dataclass(frozen=True, slots=True)
class Part:
    """An answer of a list. following: where the next one begins, None at the end of the list.

    is_cut: the list ends before its end (`request_status`: 10,000 results are the most).
    """

    items: tuple[Payload, ...]
    following: str | None
    is_cut: bool = False


def searched(
    api: Api,
    sought: Sought | None,
    start: str | None,
    *,
    size: int = MOST_AT_ONCE,
    oldest_first: bool = False,
) -> Part:
    """…/reference/post-search: the pages or tables that are shared with the integration.

    sought: None for all that is in the trash.
    """
    filter_: dict[str, JSON] = {"property": "object", "value": sought}
    if sought is None:
        filter_ = {"in_trash": True}
    direction = "ascending" if oldest_first else "descending"
    body: dict[str, JSON] = {
        "filter": filter_,
        "sort": {"timestamp": "last_edited_time", "direction": direction},
    }
    return _part(api.post("search", json=_paged(body, start, size)).json(), start)


def rows(
    api: Api,
    table: str,
    start: str | None,
    *,
    size: int,
    archived: bool = False,
    created_from: str | None = None,
    edited_from: str | None = None,
) -> Part:
    """…/reference/query-a-data-source: rows that are not in the trash, the oldest first.

    Archived ones are listed apart, where the parameter for them is set.
    """
    bounds: list[JSON] = [
        {"timestamp": name, name: {"on_or_after": time}}
        for name, time in (("created_time", created_from), ("last_edited_time", edited_from))
        if time is not None
    ]
    body: dict[str, JSON] = {"sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
    if bounds:
        body["filter"] = bounds[0] if len(bounds) == 1 else {"and": bounds}
    if archived:
        body["is_archived"] = True
    path = f"data_sources/{segment(table, 'a data source')}/query"
    return _part(api.post(path, json=_paged(body, start, size)).json(), start)


def comments(api: Api, block: str, start: str | None) -> Part:
    """…/reference/list-comments: those of a page or a block that are not resolved."""
    params: dict[str, str | int | list[str]] = {"block_id": block, "page_size": MOST_AT_ONCE}
    if start is not None:
        params["start_cursor"] = start
    return _part(api.get("comments", params=params).json(), start)


def children(api: Api, block: str, start: str | None) -> Part:
    """…/reference/get-block-children: the blocks right below a page or a block."""
    params: dict[str, str | int | list[str]] = {"page_size": MOST_AT_ONCE}
    if start is not None:
        params["start_cursor"] = start
    path = f"blocks/{segment(block, 'a block')}/children"
    return _part(api.get(path, params=params).json(), start)


def _paged(body: dict[str, JSON], start: str | None, size: int) -> JSON:
    return {**body, "page_size": size, **({} if start is None else {"start_cursor": start})}


def _part(told: JSON, start: str | None) -> Part:
    if not isinstance(at(told, "results"), list):
        raise BadPayload("results", "not a list")
    following = text(told, "next_cursor")
    if at(told, "has_more") is not True:
        following = None
    elif following is None or following == start:
        raise BadPayload("next_cursor", "leads nowhere")
    is_cut = at(told, "request_status", "type") == "incomplete"
    return Part(tuple(objects(told, "results")), following, is_cut)
