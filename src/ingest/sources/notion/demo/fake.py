"""Notion's API as far as look-ups need it: pages, blocks, databases, comments, one bot.

Law: it answers in the shapes of API version 2025-09-03; whoever has no right to an object gets the
same 404 as for one that is not there; times are rounded to the minute, as Notion rounds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from ingest.core.times import iso, parse_time
from ingest.testing.fakes import Answer, Asked

TOKEN = "ntn_a-token-of-nobody"  # noqa: S105 - opens nothing
VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
MOST_ITEMS = 25
_NAMES = UUID("4b9f2a52-4d3c-4a53-9d64-3f1f0c6a8b10")
_BOT = str(uuid5(_NAMES, "bot"))
_PATH = re.compile(r"/v1/(pages|blocks|databases|data_sources|comments)/([^/]+)(?:/(.+))?")
_PLAIN = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}
_TITLES = {"pages": "page", "blocks": "block", "databases": "database"}

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


@dataclass(slots=True)
class Notion:
    """The objects of one workspace. `page_size` bounds every list, as Notion's 100 does.

    `hidden` are the ids of objects that are not shared with the bot.
    """

    token: str = TOKEN
    workspace: str = "Brindle Ferries"
    page_size: int = 2
    pages: dict[str, Object] = field(default_factory=dict)
    blocks: dict[str, Object] = field(default_factory=dict)
    databases: dict[str, Object] = field(default_factory=dict)
    sources: dict[str, Object] = field(default_factory=dict)
    comments: dict[str, Object] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    _inside: dict[str, list[str]] = field(default_factory=dict)

    # What happens in the workspace.

    def put_page(
        self,
        id_: str,
        title: str,
        *,
        at: str,
        parent: Object = WORKSPACE,
        blocks: Sequence[Object] = (),
        properties: Mapping[str, Object] | None = None,
    ) -> None:
        """A page is made, with all that is in it."""
        name = "title" if parent["type"] in ("page_id", "workspace", "block_id") else "Name"
        named = {name: {"id": "title", "type": "title", "title": [rich(title)] if title else []}}
        self.pages[id_] = {
            **_made("page", id_, at),
            "cover": None,
            "icon": None,
            "parent": parent,
            "is_locked": False,
            "properties": {**(properties or {}), **named},
            "url": f"https://www.notion.so/{_slug(title)}{id_.replace('-', '')}",
            "public_url": None,
        }
        self._fill(id_, blocks, in_page(id_), at)

    def edit_page(
        self,
        id_: str,
        *,
        at: str,
        blocks: Sequence[Object] | None = None,
        properties: Mapping[str, Object] | None = None,
        title: str | None = None,
    ) -> None:
        """A page's blocks are replaced, or properties of it set."""
        page = self.pages[id_]
        if blocks is not None:
            self._fill(id_, blocks, in_page(id_), at)
        page["properties"].update(properties or {})
        if title is not None:
            named = next(p for p in page["properties"].values() if p["type"] == "title")
            named["title"] = [rich(title)]
        page["last_edited_time"] = _minute(at)

    def move(self, id_: str, parent: Object, *, at: str) -> None:
        """A page or a database is put elsewhere."""
        moved = self._any(id_)
        moved["parent"] = parent
        moved["last_edited_time"] = _minute(at)

    def trash(self, id_: str, *, at: str) -> None:
        """A page or a database goes to the trash, and what is in it with it."""
        self._any(id_).update(in_trash=True, archived=True, last_edited_time=_minute(at))

    def restore(self, id_: str, *, at: str) -> None:
        """It comes back."""
        self._any(id_).update(in_trash=False, archived=False, last_edited_time=_minute(at))

    def destroy(self, id_: str) -> None:
        """An object is gone for good."""
        for kept in (self.pages, self.databases, self.sources, self.comments, self.blocks):
            kept.pop(id_, None)

    def put_database(
        self,
        id_: str,
        title: str,
        *,
        at: str,
        sources: Mapping[str, str],
        parent: Object = WORKSPACE,
        description: Sequence[Object] = (),
        columns: Sequence[str] = ("Name",),
    ) -> None:
        """A database is made, with its tables: their names by their ids."""
        self.databases[id_] = {
            **_made("database", id_, at),
            "title": [rich(title)],
            "description": list(description),
            "parent": parent,
            "is_inline": False,
            "data_sources": [{"id": source, "name": name} for source, name in sources.items()],
            "url": f"https://www.notion.so/{id_.replace('-', '')}",
            "public_url": None,
        }
        for source, name in sources.items():
            self.sources[source] = {
                **_made("data_source", source, at),
                "title": [rich(name)],
                "parent": {"type": "database_id", "database_id": id_},
                "database_parent": parent,
                "properties": {c: {"id": c, "name": c, "type": "rich_text"} for c in columns},
            }

    def put_comment(self, id_: str, on: Object, *texts: Object, at: str) -> None:
        """A comment is written on a page or on a block."""
        self.comments[id_] = {
            **_made("comment", id_, at),
            "parent": on,
            "discussion_id": str(uuid5(_NAMES, f"discussion/{id_}")),
            "rich_text": list(texts),
            "display_name": {"type": "user", "resolved_name": "Marit"},
        }

    def edit_comment(self, id_: str, *texts: Object, at: str) -> None:
        """A comment is written anew."""
        self.comments[id_].update(rich_text=list(texts), last_edited_time=_minute(at))

    def block_ids(self, of: str) -> list[str]:
        """The ids of the blocks right below a page or a block."""
        return list(self._inside.get(of, ()))

    def _any(self, id_: str) -> Object:
        return self.pages.get(id_) or self.databases[id_]

    def _fill(self, id_: str, blocks: Sequence[Object], parent: Object, at: str) -> None:
        ids: list[str] = []
        for number, told in enumerate(blocks):
            own = told.get("id") or str(uuid5(_NAMES, f"{id_}/{number}"))
            kept = {k: v for k, v in told.items() if k not in ("id", "children")}
            inside = told.get("children", ())
            self.blocks[own] = {
                **_made("block", own, at),
                "parent": parent,
                "has_children": bool(inside),
                **kept,
            }
            ids.append(own)
            if own not in self.pages:  # what is in a child page is its own
                self._fill(own, inside, in_block(own), at)
        self._inside[id_] = ids

    # What it answers.

    def answer(self, asked: Asked) -> Answer:
        """See `Provider.answer`."""
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "unauthorized", "API token is invalid.")
        if asked.headers.get("notion-version") not in VERSIONS:
            return _error(400, "missing_version", "Notion-Version header should be defined.")
        if asked.path == "/v1/users/me":
            bot = {"owner": {"type": "workspace", "workspace": True}}
            named = {"workspace_name": self.workspace}
            return Answer(body=_bot() | {"bot": bot | named})
        found = _PATH.fullmatch(asked.path)
        below = _BELOW.get((found[1], (found[3] or "").partition("/")[0])) if found else None
        if found is None or below is None or asked.method != "GET":
            return _error(400, "invalid_request_url", "Invalid request URL.")
        if found[2] in self.hidden or self._place(found[1]).get(found[2]) is None:
            return _not_found(_TITLES.get(found[1], found[1]), found[2])
        return below(self, found[2], asked)

    def _place(self, name: str) -> Mapping[str, Object]:
        """A page is a block too, and so is a database."""
        if name == "blocks":
            return self.pages | self.databases | self.blocks
        places = {"pages": self.pages, "databases": self.databases, "data_sources": self.sources}
        return places.get(name, self.comments)

    def object_(self, place: str, id_: str) -> Answer:
        """One object; a page in a parent that is in the trash is in the trash."""
        told = dict(self._place(place)[id_])
        if place == "blocks" and id_ not in self.blocks:
            told |= {"object": "block", "type": f"child_{told['object']}", "has_children": True}
        above: Object | None = told
        for _ in range(20):
            above = self._above(above)
            if above is not None and above.get("in_trash"):
                told.update(in_trash=True, archived=True)
        if place == "pages":
            told["properties"] = {n: _cut(p) for n, p in told["properties"].items()}
        return Answer(body=told)

    def _above(self, told: Object | None) -> Object | None:
        parent = (told or {}).get("parent", {})
        id_ = parent.get("database_id") or parent.get("page_id") or parent.get("block_id")
        places = (self.pages, self.databases, self.blocks)
        return next((place[id_] for place in places if id_ in place), None)

    def listed(self, items: Sequence[Object], asked: Asked, **more: Any) -> Answer:
        """One page of a list."""
        start = asked.one("start_cursor") or "0"
        size = min(int(asked.one("page_size") or self.page_size), self.page_size)
        if not start.isdigit():
            return _error(400, "validation_error", "The start_cursor provided is invalid.")
        end = int(start) + size
        follow = str(end) if end < len(items) else None
        body = {"object": "list", "results": items[int(start) : end], "next_cursor": follow}
        return Answer(body={**body, "has_more": follow is not None, **more})

    def children(self, id_: str, asked: Asked) -> Answer:
        """The blocks right below a block or a page."""
        items = [self.blocks[own] for own in self._inside.get(id_, ()) if own in self.blocks]
        return self.listed(items, asked, type="block", block={})

    def items(self, id_: str, asked: Asked) -> Answer:
        """A property of a page, whole, as a list of its items."""
        wanted = asked.path.rpartition("/")[2]
        told = next((p for p in self.pages[id_]["properties"].values() if p["id"] == wanted), None)
        if told is None:
            return _not_found("property", wanted)
        type_ = told["type"]
        one = {"object": "property_item", "id": told["id"], "type": type_}
        if not isinstance(told[type_], list):
            return Answer(body={**one, type_: told[type_]})
        return self.listed([{**one, type_: item} for item in told[type_]], asked)


_BELOW: Mapping[tuple[str, str], Callable[[Notion, str, Asked], Answer]] = {
    ("pages", ""): lambda notion, id_, _asked: notion.object_("pages", id_),
    ("pages", "properties"): Notion.items,
    ("blocks", ""): lambda notion, id_, _asked: notion.object_("blocks", id_),
    ("blocks", "children"): Notion.children,
    ("databases", ""): lambda notion, id_, _asked: notion.object_("databases", id_),
    ("data_sources", ""): lambda notion, id_, _asked: notion.object_("data_sources", id_),
    ("comments", ""): lambda notion, id_, _asked: notion.object_("comments", id_),
}


def make() -> Notion:
    """An empty workspace."""
    return Notion()


def limited(seconds: int = 1) -> Answer:
    """What Notion says to whoever asks too often."""
    told = _error(429, "rate_limited", "You have been rate limited. Please try again soon.")
    return Answer(429, told.body, {"retry-after": str(seconds)})


def _error(status: int, code: str, message: str) -> Answer:
    body = {"object": "error", "status": status, "code": code, "message": message}
    return Answer(status, body | {"request_id": str(uuid5(_NAMES, message))})


def _not_found(kind: str, id_: str) -> Answer:
    shared = 'Make sure the relevant pages and databases are shared with your integration "Boards".'
    return _error(404, "object_not_found", f"Could not find {kind} with ID: {id_}. {shared}")


def _bot() -> Object:
    return {"object": "user", "id": _BOT, "name": "Boards", "type": "bot", "avatar_url": None}


def _made(kind: str, id_: str, at: str) -> Object:
    who = {"object": "user", "id": str(uuid5(_NAMES, "marit"))}
    return {
        "object": kind,
        "id": id_,
        "created_time": _minute(at),
        "last_edited_time": _minute(at),
        "created_by": who,
        "last_edited_by": who,
        "in_trash": False,
        "archived": False,
    }


def _cut(told: Object) -> Object:
    """A page's own answer holds no more than so many items of a property."""
    items = told[told["type"]]
    if not isinstance(items, list) or len(items) <= MOST_ITEMS:
        return told
    cut = {**told, told["type"]: items[:MOST_ITEMS]}
    return {**cut, "has_more": True} if told["type"] == "relation" else cut


def _minute(at: str) -> str:
    time: datetime = parse_time(at).astimezone(UTC)
    return iso(time.replace(second=0, microsecond=0))


def _slug(title: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")
    return f"{words}-" if words else ""
