"""Notion's API as far as we need it: pages, blocks, databases, comments, one bot.

Law: it answers in the shapes of the API version that is asked for (2022-06-28 as 2025-09-03, since
nothing that we ask is answered otherwise there); whoever has no right to an object gets the
same 404 as for one that is not there; times are rounded to the minute, as Notion rounds them.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import uuid5

from ingest.sources.notion.demo import lists
from ingest.sources.notion.demo.orders import Orders, Trashed, orders_of
from ingest.sources.notion.demo.shapes import (
    NAMES,
    WHOLE,
    WORKSPACE,
    Object,
    cut,
    error,
    in_block,
    in_page,
    made,
    minute,
    not_found,
    rich,
    slug,
)
from ingest.testing.fakes import Answer, Asked

TOKEN = "ntn_a-token-of-nobody"  # noqa: S105 - opens nothing
VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
_BOT = str(uuid5(NAMES, "bot"))
_PATH = re.compile(r"/v1/(pages|blocks|databases|data_sources|comments)/([^/]+)(?:/(.+))?")
_TITLES = {"pages": "page", "blocks": "block", "databases": "database"}


@dataclass(slots=True)
class Notion:
    """The objects of one workspace. `page_size` bounds every list, as Notion's 100 does.

    hidden: ids of objects that are not shared with the bot. unindexed: of those that a search does
    not tell. resolved: of comments. is_mute: the integration may not read comments. most_found,
    most_rows: after so many a search and a query end. cursors_age: a cursor of another age is not
    known any more. calls: requests so far. during: what happens in the workspace before the request
    of that number.
    """

    token: str = TOKEN
    workspace: str = "Brindle Ferries"
    workspace_id: str | None = None
    page_size: int = 2
    pages: dict[str, Object] = field(default_factory=dict)
    blocks: dict[str, Object] = field(default_factory=dict)
    databases: dict[str, Object] = field(default_factory=dict)
    sources: dict[str, Object] = field(default_factory=dict)
    comments: dict[str, Object] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    unindexed: set[str] = field(default_factory=set)
    resolved: set[str] = field(default_factory=set)
    is_mute: bool = False
    most_found: int = 10_000
    most_rows: int = 10_000
    cursors_age: int = 0
    calls: int = 0
    during: dict[int, Callable[[], None]] = field(default_factory=dict)
    _inside: dict[str, list[str]] = field(default_factory=dict)
    _orders: tuple[tuple[int, ...], Orders] | None = None
    _trashed: Trashed | None = None
    _changes: int = 0

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
            **made("page", id_, at),
            "is_archived": False,
            "cover": None,
            "icon": None,
            "parent": parent,
            "is_locked": False,
            "properties": {**(properties or {}), **named},
            "url": f"https://www.notion.so/{slug(title)}{id_.replace('-', '')}",
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
        page["last_edited_time"] = minute(at)
        self._changes += 1

    def move(self, id_: str, parent: Object, *, at: str) -> None:
        """A page or a database is put elsewhere."""
        moved = self._any(id_)
        moved["parent"] = parent
        moved["last_edited_time"] = minute(at)
        self._changes += 1

    def trash(self, id_: str, *, at: str) -> None:
        """A page or a database goes to the trash, and what is in it with it."""
        self._set(id_, at, in_trash=True, archived=True)

    def restore(self, id_: str, *, at: str) -> None:
        """It comes back."""
        self._set(id_, at, in_trash=False, archived=False)

    def archive(self, id_: str, *, at: str, is_archived: bool = True) -> None:
        """A page is put away, or taken out again; it is in no trash."""
        self._set(id_, at, is_archived=is_archived)

    def destroy(self, id_: str) -> None:
        """An object is gone for good."""
        for kept in (self.pages, self.databases, self.sources, self.comments, self.blocks):
            kept.pop(id_, None)
        self._changes += 1

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
            **made("database", id_, at),
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
                **made("data_source", source, at),
                "title": [rich(name)],
                "parent": {"type": "database_id", "database_id": id_},
                "database_parent": parent,
                "properties": {c: {"id": c, "name": c, "type": "rich_text"} for c in columns},
            }

    def edit_database(self, id_: str, title: str, *, at: str) -> None:
        """A database is called otherwise, and so are its tables."""
        database = self.databases[id_]
        tables = [self.sources[one["id"]] for one in database["data_sources"]]
        for told in (database, *tables):
            told.update(title=[rich(title)], last_edited_time=minute(at))
        for one in database["data_sources"]:
            one["name"] = title
        self._changes += 1

    def put_comment(self, id_: str, on: Object, *texts: Object, at: str) -> None:
        """A comment is written on a page or on a block."""
        self.comments[id_] = {
            **made("comment", id_, at),
            "parent": on,
            "discussion_id": str(uuid5(NAMES, f"discussion/{id_}")),
            "rich_text": list(texts),
            "display_name": {"type": "user", "resolved_name": "Marit"},
        }

    def edit_comment(self, id_: str, *texts: Object, at: str) -> None:
        """A comment is written anew."""
        self.comments[id_].update(rich_text=list(texts), last_edited_time=minute(at))

    def block_ids(self, of: str) -> list[str]:
        """The ids of the blocks right below a page or a block."""
        return list(self._inside.get(of, ()))

    def resolve(self, id_: str) -> None:
        """A comment is done with: it is there and not listed."""
        self.resolved.add(id_)

    def orders(self) -> Orders:
        """What is there, as it is listed."""
        stamp = self._stamp()
        if self._orders is None or self._orders[0] != stamp:
            made_ = orders_of(self.pages, self.sources, self.comments, self.trashed())
            self._orders = (stamp, made_)
        return self._orders[1]

    def trashed(self) -> Trashed:
        """What is in the trash by now."""
        stamp = self._stamp()
        if self._trashed is None or self._trashed.stamp != stamp:
            self._trashed = Trashed(ChainMap(self.pages, self.databases, self.blocks), stamp)
        return self._trashed

    def _stamp(self) -> tuple[int, ...]:
        kept = (self.pages, self.databases, self.sources, self.comments)
        return (self._changes, *map(len, kept))

    def _set(self, id_: str, at: str, **fields: bool) -> None:
        self._any(id_).update(fields, last_edited_time=minute(at))
        self._changes += 1

    def _any(self, id_: str) -> Object:
        return self.pages.get(id_) or self.databases[id_]

    def _fill(self, id_: str, blocks: Sequence[Object], parent: Object, at: str) -> None:
        ids: list[str] = []
        for number, told in enumerate(blocks):
            own = told.get("id") or str(uuid5(NAMES, f"{id_}/{number}"))
            kept = {k: v for k, v in told.items() if k not in ("id", "children")}
            inside = told.get("children", ())
            self.blocks[own] = {
                **made("block", own, at),
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
        self.calls += 1
        self.during.pop(self.calls, lambda: None)()
        told = self._answer(asked)
        return told if asked.headers.get("notion-version") != VERSIONS[-1] else _newest(told)

    def _answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return error(401, "unauthorized", "API token is invalid.")
        if asked.headers.get("notion-version") not in VERSIONS:
            return error(400, "missing_version", "Notion-Version header should be defined.")
        top = _TOP.get((asked.method, asked.path))
        return top(self, "", asked) if top is not None else self._below(asked)

    def _below(self, asked: Asked) -> Answer:
        found = _PATH.fullmatch(asked.path)
        place = (asked.method, found[1], (found[3] or "").partition("/")[0]) if found else None
        below = _BELOW.get(place) if place else None
        if found is None or below is None:
            return error(400, "invalid_request_url", "Invalid request URL.")
        if found[2] in self.hidden or self._place(found[1]).get(found[2]) is None:
            return not_found(_TITLES.get(found[1], found[1]), found[2])
        return below(self, found[2], asked)

    def bot(self, _id: str, _asked: Asked) -> Answer:
        """The token's own user."""
        told: Object = {"owner": {"type": "workspace", "workspace": True}}
        told["workspace_name"] = self.workspace
        if self.workspace_id is not None:
            told["workspace_id"] = self.workspace_id
        named = {"object": "user", "id": _BOT, "name": "Boards", "type": "bot", "avatar_url": None}
        return Answer(body={**named, "bot": told})

    def _place(self, name: str) -> Mapping[str, Object]:
        """A page is a block too, and so is a database."""
        if name == "blocks":
            return ChainMap(self.blocks, self.databases, self.pages)
        places = {"pages": self.pages, "databases": self.databases, "data_sources": self.sources}
        return places.get(name, self.comments)

    def object_(self, place: str, id_: str) -> Answer:
        """One object; a page in a parent that is in the trash is in the trash."""
        told = dict(self._place(place)[id_])
        if place == "blocks" and id_ not in self.blocks:
            told |= {"object": "block", "type": f"child_{told['object']}", "has_children": True}
        if self.trashed()(told):
            told.update(in_trash=True, archived=True)
        if place == "pages":
            told["properties"] = {n: cut(p) for n, p in told["properties"].items()}
        return Answer(body={**told, "request_id": str(uuid5(NAMES, str(self.calls)))})

    def listed(self, items: Sequence[Object], asked: Asked, **more: Any) -> Answer:
        """One page of a list."""
        age, _, start = (asked.one("start_cursor") or f"{self.cursors_age}.0").partition(".")
        size = min(int(asked.one("page_size") or self.page_size), self.page_size)
        if not start.isdigit() or age != str(self.cursors_age):
            return error(400, "validation_error", "The start_cursor provided is invalid.")
        end = int(start) + size
        follow = f"{self.cursors_age}.{end}" if end < len(items) else None
        body = {"object": "list", "results": items[int(start) : end], "next_cursor": follow}
        return Answer(body={**body, "has_more": follow is not None, **more})

    def children(self, id_: str, asked: Asked) -> Answer:
        """The blocks right below a block or a page."""
        ids = (own for own in self._inside.get(id_, ()) if own in self.blocks)
        items = [told for told in map(self._shown, ids) if told is not None]
        return self.listed(items, asked, type="block", block={})

    def _shown(self, id_: str) -> Object | None:
        """A block; one that stands for a page moves as that does, and goes to the trash with it."""
        told = self.blocks[id_]
        page = self.pages.get(id_) or self.databases.get(id_)
        if page is None:
            return told
        times = {name: page[name] for name in ("created_time", "last_edited_time")}
        return None if page["in_trash"] else {**told, **times}

    def items(self, id_: str, asked: Asked) -> Answer:
        """A property of a page, whole, as a list of its items."""
        wanted, of = unquote(asked.path.rpartition("/")[2]), self.pages[id_]["properties"].values()
        told = next((one for one in of if unquote(one["id"]) == wanted), None)
        if told is None:
            return not_found("property", wanted)
        type_ = told["type"]
        one = {"object": "property_item", "id": told["id"], "type": type_}
        if type_ == "rollup":
            return self._rollup(told, asked)
        if not isinstance(told[type_], list):
            return Answer(body={**one, type_: told.get(WHOLE, told[type_])})
        return self.listed([{**one, type_: item} for item in told[type_]], asked)

    def _rollup(self, told: Object, asked: Asked) -> Answer:
        """Its items, those of `show_original` or what is gone over, and what they come to: that is
        not known before the last page of them.
        """
        whole: Object = told.get(WHOLE) or told["rollup"]
        items = whole.get("array") or [{"type": "relation", "relation": {"id": told["id"]}}] * 3
        results = [{"object": "property_item", **item} for item in items]
        answer = self.listed(results, asked, type="property_item")
        known = {"function": whole.get("function")}
        final = {**whole, **({"array": []} if "array" in whole else {})}
        unknown: Object = {"type": "incomplete", "incomplete": {}, **known}
        rollup = unknown if answer.body["has_more"] else final
        answer.body["property_item"] = {"id": told["id"], "type": "rollup", "rollup": rollup}
        return answer


_BELOW: Mapping[tuple[str, str, str], Callable[[Notion, str, Asked], Answer]] = {
    ("GET", "pages", ""): lambda notion, id_, _asked: notion.object_("pages", id_),
    ("GET", "pages", "properties"): Notion.items,
    ("GET", "blocks", ""): lambda notion, id_, _asked: notion.object_("blocks", id_),
    ("GET", "blocks", "children"): Notion.children,
    ("GET", "databases", ""): lambda notion, id_, _asked: notion.object_("databases", id_),
    ("GET", "data_sources", ""): lambda notion, id_, _asked: notion.object_("data_sources", id_),
    ("POST", "data_sources", "query"): lists.query,
    ("GET", "comments", ""): lambda notion, id_, _asked: notion.object_("comments", id_),
}
_TOP: Mapping[tuple[str, str], Callable[[Notion, str, Asked], Answer]] = {
    ("GET", "/v1/users/me"): Notion.bot,
    ("POST", "/v1/search"): lists.search,
    ("GET", "/v1/comments"): lists.comments,
}


def make() -> Notion:
    """An empty workspace."""
    return Notion()


def _newest(told: Answer) -> Answer:
    """Since 2026-03-11 nothing is `archived`."""
    body = told.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name != "archived"}
        if "results" in body:
            kept = [{n: v for n, v in one.items() if n != "archived"} for one in body["results"]]
            body = {**body, "results": kept}
    return Answer(told.status, body, told.headers)
