"""The workspace that stands around a recorded answer of Notion's, made up.

Contract: a page is called by its property of the type `title`, a database by its own title, either
`Untitled` where that says nothing; what is in the trash is no document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.notion.demo.shapes import NAMES, WORKSPACE, Object, in_page, rich
from ingest.testing.fakes import Answer, Asked
from ingest.testing.playback import Ask, End, Playback, Script, Steps, routed

HOME = str(uuid5(NAMES, "the workspace"))
PAGE, DATABASE, TABLE, COMMENT = (
    str(uuid5(NAMES, name)) for name in ("a page", "a database", "a table", "a comment")
)
METADATA: dict[str, JSON] = {
    "type": "notion",
    "notionWorkspaceId": HOME,
    "notionWorkspaceName": "Recorded",
    "databaseIds": [],
}
EARLY = "2020-01-01T00:00:00.000Z"
_MADE_UP = re.compile(r"GET /v1/(data_sources|blocks)/([^/]+)")
_LISTS = re.compile(r"GET /v1/(blocks/[^/]+/children|comments)|POST /v1/(search|.+/query)")


def empty(type_: str = "block") -> Answer:
    """A list of nothing."""
    return Answer(200, listed([], type_))


def listed(items: Iterable[Mapping[str, Any]], type_: str = "page_or_data_source") -> Object:
    """A list with these on its only page."""
    told = {"object": "list", "results": [*items], "next_cursor": None, "has_more": False}
    return {**told, "type": type_, type_: {}}


def a_page(id_: str = PAGE, **properties: Object) -> Object:
    """A page called `A page`."""
    title = {"id": "title", "type": "title", "title": [rich("A page")]}
    return {
        "object": "page",
        "id": id_,
        "created_time": EARLY,
        "last_edited_time": EARLY,
        "parent": WORKSPACE,
        "in_trash": False,
        "properties": {"Name": title, **properties},
        "url": f"https://www.notion.so/{id_.replace('-', '')}",
    }


def a_database(id_: str = DATABASE, table: str = TABLE) -> Object:
    """A database called `A database`, of one table."""
    return {
        "object": "database",
        "id": id_,
        "created_time": EARLY,
        "last_edited_time": EARLY,
        "parent": WORKSPACE,
        "in_trash": False,
        "title": [rich("A database")],
        "data_sources": [{"id": table, "name": "A table"}],
    }


def a_table(id_: str, database: str = DATABASE) -> Object:
    """A data source that says no more than where it is."""
    return {
        "object": "data_source",
        "id": id_,
        "created_time": EARLY,
        "last_edited_time": EARLY,
        "parent": {"type": "database_id", "database_id": database},
        "title": [],
        "properties": {},
    }


def a_comment(parent: Object) -> Object:
    """A comment on a page, or on a block of one."""
    return {
        "object": "comment",
        "id": COMMENT,
        "created_time": EARLY,
        "last_edited_time": EARLY,
        "parent": parent,
        "discussion_id": COMMENT,
        "rich_text": [rich("Said.")],
    }


def _around(asked: Asked) -> Answer:
    """What is not recorded: lists are empty, a table is of the database and a block of the page."""
    at = f"{asked.method} {asked.path}"
    if _LISTS.fullmatch(at):
        return empty()
    found = _MADE_UP.fullmatch(at)
    if found is None:
        told = {"object": "error", "status": 404, "code": "object_not_found", "message": "no"}
        return Answer(404, told)
    if found[1] == "data_sources":
        return Answer(200, a_table(found[2]))
    paragraph = {"object": "block", "id": found[2], "type": "paragraph", "parent": in_page(PAGE)}
    return Answer(200, {**paragraph, "paragraph": {"rich_text": []}, "has_children": False})


def script_of(routes: Mapping[str, Steps]) -> Script:
    """A script of these routes below `/v1`, the rest of the workspace around them."""
    bot: Object = {"object": "user", "id": HOME, "type": "bot", "bot": {"workspace_id": HOME}}
    whole: dict[str, Steps] = {"GET /v1/users/me": Answer(200, bot)}
    whole |= {at.replace(" ", " /v1/", 1): steps for at, steps in routes.items()}
    return routed(whole, _around)


def playback_of(
    kind: str,
    routes: Mapping[str, Steps],
    asks: Iterable[Ask],
    documents: Mapping[str, str | None],
    *,
    objects: int = 0,
    ends: frozenset[End] = frozenset({"read"}),
    may_gap: bool = False,
) -> Playback:
    """One in this workspace."""
    return Playback(
        kind, METADATA, script_of(routes), tuple(asks), objects, documents, ends, may_gap
    )


def look_up(kind: str, id_: str, **hint: JSON) -> Lookup:
    """One object looked up."""
    return Lookup(Identity("notion", HOME, kind, id_), hint)


def title_of(told: Mapping[str, Any]) -> str:
    """What a page, a database or a comment is called by the contract."""
    kind, pieces = told.get("object"), [*(told.get("title") or ())]
    if kind == "comment":
        return "Comment"
    if kind == "page":
        properties = [one for one in (told.get("properties") or {}).values() if one]
        pieces = next((one["title"] for one in properties if one.get("type") == "title"), [])
    return "".join(str(one.get("plain_text") or "") for one in pieces).strip() or "Untitled"


def documents_of(told: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """What these become: all but what is in the trash, and what is told by its id alone."""
    whole = (one for one in told if one.get("last_edited_time"))
    return {str(UUID(str(one["id"]))): title_of(one) for one in whole if not is_trashed(one)}


def is_trashed(told: Mapping[str, Any]) -> bool:
    """By either of the names that this has."""
    flag = told.get("in_trash")
    return bool(told.get("archived") if flag is None else flag)
