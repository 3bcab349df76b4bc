"""Notion's JSON as its API shows it: rich text, blocks, parents, the fields that all objects have.

Law: times are rounded down to the minute, as Notion rounds them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from ingest.core.times import iso, parse_time
from ingest.testing.fakes import Answer

NAMES = UUID("4b9f2a52-4d3c-4a53-9d64-3f1f0c6a8b10")
WHOLE = "whole"
"""A field that no answer has: what a property is where nothing of it is cut."""
MOST_ITEMS = 25
_PLAIN = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}
_MARIT = {"object": "user", "id": str(uuid5(NAMES, "marit"))}

Object = dict[str, Any]


def rich(text: str, *, href: str | None = None, **annotations: bool) -> Object:
    """A piece of rich text."""
    return {
        "type": "text",
        "text": {"content": text, "link": {"url": href} if href else None},
        "annotations": {**_PLAIN, **annotations},
        "plain_text": text,
        "href": href,
    }


def mention(page: str, title: str) -> Object:
    """A mention of a page in rich text."""
    return {
        "type": "mention",
        "mention": {"type": "page", "page": {"id": page}},
        "annotations": dict(_PLAIN),
        "plain_text": title,
        "href": f"https://www.notion.so/{page.replace('-', '')}",
    }


def block(type_: str, *texts: Object, children: Sequence[Object] = (), **content: Any) -> Object:
    """A block as `put_page` takes it: without ids and times, its children inside."""
    said = {"rich_text": list(texts), **content} if texts else dict(content)
    return {"type": type_, type_: said, "children": list(children)}


def in_page(id_: str) -> Object:
    return {"type": "page_id", "page_id": id_}


def in_block(id_: str) -> Object:
    return {"type": "block_id", "block_id": id_}


def in_database(id_: str, source: str) -> Object:
    return {"type": "data_source_id", "data_source_id": source, "database_id": id_}


WORKSPACE: Object = {"type": "workspace", "workspace": True}


def limited(seconds: int = 1) -> Answer:
    """What Notion says to whoever asks too often."""
    told = error(429, "rate_limited", "You have been rate limited. Please try again soon.")
    return Answer(429, told.body, {"retry-after": str(seconds)})


def error(status: int, code: str, message: str) -> Answer:
    body = {"object": "error", "status": status, "code": code, "message": message}
    return Answer(status, body | {"request_id": str(uuid5(NAMES, message))})


def not_found(kind: str, id_: str) -> Answer:
    shared = 'Make sure the relevant pages and databases are shared with your integration "Boards".'
    return error(404, "object_not_found", f"Could not find {kind} with ID: {id_}. {shared}")


def made(kind: str, id_: str, at: str) -> Object:
    return {
        "object": kind,
        "id": id_,
        "created_time": minute(at),
        "last_edited_time": minute(at),
        "created_by": _MARIT,
        "last_edited_by": _MARIT,
        "in_trash": False,
        "archived": False,
    }


def reckoned(type_: str, id_: str, whole: Object, short: Object | None = None) -> Object:
    """A rollup or a formula: as its own endpoint reckons it, and `short` as the page does, from the
    first things that it goes over.
    """
    return {"id": id_, "type": type_, type_: whole if short is None else short, WHOLE: whole}


def cut(told: Object) -> Object:
    """A page's own answer holds no more than so many items of a property."""
    told = {name: value for name, value in told.items() if name != WHOLE}
    items = told[told["type"]]
    if isinstance(items, dict) and isinstance(items.get("array"), list):
        return {**told, told["type"]: {**items, "array": items["array"][:MOST_ITEMS]}}
    if not isinstance(items, list) or len(items) <= MOST_ITEMS:
        return told
    shown = {**told, told["type"]: items[:MOST_ITEMS]}
    return {**shown, "has_more": True} if told["type"] == "relation" else shown


def minute(at: str) -> str:
    time: datetime = parse_time(at).astimezone(UTC)
    return iso(time.replace(second=0, microsecond=0))


def slug(title: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")
    return f"{words}-" if words else ""
