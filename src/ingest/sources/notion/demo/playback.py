"""Recorded answers of Notion's: what each tells, and how a client of ours comes to be told it.

An object is the same whatever request it answers (one that made it, changed it, or threw it away),
so an answer is known by what it is, and not by what was asked. developers.notion.com/reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from ingest.sources.notion.demo.playback_lists import list_answer
from ingest.sources.notion.demo.playback_room import (
    COMMENT,
    DATABASE,
    PAGE,
    a_comment,
    a_database,
    a_page,
    documents_of,
    listed,
    look_up,
    playback_of,
)
from ingest.sources.notion.demo.shapes import in_block
from ingest.testing.fakes import Answer
from ingest.testing.playback import End, Playback, Playing, Unasked, usual_ends
from ingest.testing.recorded import RecordedAnswer

_ENDS: Mapping[int, frozenset[End]] = {
    # …/reference/status-codes: of one object it is a kind that is not for integrations.
    400: frozenset({"nothing said"}),
    409: frozenset({"TransientError"}),
}
_BLOCKED = "public_api_request_blocked"

_Make = Callable[[RecordedAnswer], Playback | Unasked]


def _page(of: RecordedAnswer) -> Playback:
    told, id_ = documents_of([of.object]), _id(of.object)
    routes = {f"GET pages/{id_}": of.answer()}
    return playback_of("page", routes, [look_up("page", id_)], told, objects=1)


def _database(of: RecordedAnswer) -> Playback:
    told, id_ = documents_of([of.object]), _id(of.object)
    routes = {f"GET databases/{id_}": of.answer()}
    return playback_of("database", routes, [look_up("database", id_)], told, objects=1)


def _data_source(of: RecordedAnswer) -> Playback:
    """A table is a part of its database's document, whose look-up reads it."""
    id_, parent = _id(of.object), of.object.get("parent") or {}
    database = str(UUID(parent.get("database_id") or DATABASE))
    routes = {
        f"GET data_sources/{id_}": of.answer(),
        f"GET databases/{database}": Answer(200, a_database(database, id_)),
    }
    asks = [look_up("data_source", id_)] if parent.get("database_id") else []
    asks += [look_up("database", database)]
    return playback_of("data source", routes, asks, {database: "A database"}, objects=1)


def _comment(of: RecordedAnswer) -> Playback:
    told, id_ = documents_of([of.object]), _id(of.object)
    routes = {f"GET comments/{id_}": of.answer()}
    return playback_of("comment", routes, [look_up("comment", id_, page=PAGE)], told, objects=1)


def _block(of: RecordedAnswer) -> Playback:
    """A block stands in a page, and is what a comment may be on: then its page is searched for."""
    id_ = _id(of.object)
    routes = {
        f"GET blocks/{id_}": of.answer(),
        f"GET pages/{PAGE}": Answer(200, a_page()),
        f"GET blocks/{PAGE}/children": Answer(200, listed([of.object], "block")),
        f"GET comments/{COMMENT}": Answer(200, a_comment(in_block(id_))),
    }
    asks = [look_up("page", PAGE), look_up("comment", COMMENT, page=PAGE)]
    return playback_of("block", routes, asks, {PAGE: "A page", COMMENT: "Comment"})


def _user(of: RecordedAnswer) -> Playback | Unasked:
    """The token's own user is a bot; of others nothing is asked."""
    if not isinstance(of.object.get("bot"), dict):
        return Unasked("user", "documents name people by their ids")
    return playback_of("bot", {"GET users/me": of.answer()}, ["check"], {})


def _error(of: RecordedAnswer) -> Playback:
    """A refusal, of a page that is looked up."""
    status = of.status or int(of.object.get("status") or 0)
    reason = (of.object.get("additional_data") or {}).get("rate_limit_reason")
    ends = usual_ends(status, _ENDS) if reason != _BLOCKED else frozenset[End]({"Refused"})
    refusal = Answer(status, of.answer().body, of.answer().headers)
    routes = {f"GET pages/{PAGE}": refusal}
    return playback_of("error", routes, [look_up("page", PAGE)], {}, ends=ends)


def _unasked(why: str) -> _Make:
    return lambda of: Unasked(str(of.object.get("object")).replace("_", " "), why)


_KINDS: Mapping[str, _Make] = {
    "page": _page,
    "database": _database,
    "data_source": _data_source,
    "comment": _comment,
    "block": _block,
    "list": list_answer,
    "user": _user,
    "error": _error,
    "page_markdown": _unasked("blocks are read, which keep the links of previews"),
    "property_item": _unasked("a page tells its properties; asked for are lists that it cuts"),
    "file_upload": _unasked("files are no documents"),
    "view": _unasked("views are no documents"),
    "view_query": _unasked("views are no documents"),
}


_WHOLE = (_page, _database, _comment)
_OF_AN_ID = (*_WHOLE, _data_source, _block)
_ID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def playback(of: RecordedAnswer) -> Playback | Unasked:
    """See `Playing.playback`."""
    told = str(of.object.get("object") or "")
    make = _KINDS.get("error" if of.is_error else told)
    if make is None:
        kind = told or re.sub(r"[0-9a-f-]{32,}", "…", of.path) or "unnamed"
        return Unasked(kind.replace("_", " "), "no client of ours asks for it")
    if make in _WHOLE and of.object.get("last_edited_time") is None:
        return Unasked(told.replace("_", " "), "told by its id alone, as to whom may not read it")
    if make in _OF_AN_ID and not _ID.fullmatch(str(of.object.get("id"))):
        return Unasked(told.replace("_", " "), "its id is none of Notion's")
    return make(of)


def _id(told: Mapping[str, Any]) -> str:
    return str(UUID(str(told["id"])))


PLAYING = Playing("ntn_recorded", playback)
