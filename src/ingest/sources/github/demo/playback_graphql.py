"""Recorded answers of GitHub's GraphQL: those that tell what our own queries ask for.

Whoever recorded one asked what he wanted to know. Where that has what a discussion, or a remark on
one, cannot do without, it is read as an answer to our query; else it is one to another question.
[DOC: using-the-graphql-api-for-discussions]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.core.identity import Identity
from ingest.sources.contract import Lookup
from ingest.sources.github.demo.playback_room import Room
from ingest.testing.fakes import Answer
from ingest.testing.playback import End, Playback, Unasked, routed
from ingest.testing.recorded import RecordedAnswer

_NEEDED = ("number", "title", "updatedAt", "url")
_ENDS: Mapping[str, End] = {
    "RATE_LIMITED": "RateLimited",
    "RATE_LIMIT": "RateLimited",
    "FORBIDDEN": "Refused",
    "INSUFFICIENT_SCOPES": "Refused",
    "NOT_FOUND": "gone",
    "SERVICE_UNAVAILABLE": "TransientError",
}


def query_answer(of: RecordedAnswer, room: Room) -> Playback | Unasked:
    """By what it holds: an error, or discussions."""
    data, errors = of.object.get("data"), of.object.get("errors")
    if of.is_error:
        return Unasked("GraphQL", "a refusal by its status is one of the REST API's too")
    if isinstance(errors, list) and errors and not data:
        return _error(of, room, errors[0])
    found = [one for one in _discussions(data) if all(one.get(name) for name in _NEEDED)]
    if not found:
        return Unasked("GraphQL", "an answer to another query than ours")
    return _discussion(of, room, found)


def _discussion(of: RecordedAnswer, room: Room, found: list[dict[str, Any]]) -> Playback:
    """Each looked up by itself, whether it came alone or in a list: the fields are the same."""
    told = [{**one, "repository": {"databaseId": int(room.id)}} for one in found]
    answers = [
        Answer(200, {"data": {"repository": {"discussion": one}}}, of.answer().headers)
        for one in told
    ]
    asks = tuple(
        Lookup(Identity("github", room.id, "discussion", str(one["number"]))) for one in told
    )
    return Playback(
        "discussions",
        room.metadata,
        routed({**room.routes, "POST /graphql": answers}),
        asks,
        len(told),
        {_key(one): one["title"] for one in told},
    )


def _key(told: Mapping[str, Any]) -> str:
    owner, name = str(told["url"]).split("/")[3:5]
    return f"{owner}/{name}#{told['number']}"


def _discussions(data: Any) -> Iterator[dict[str, Any]]:
    """Whatever stands under `discussion`, `discussions`, or as a node of that type."""
    if not isinstance(data, Mapping):
        return
    for name, told in data.items():
        if not isinstance(told, dict):
            continue
        is_one = name == "node" and told.get("__typename") == "Discussion"
        if name == "discussion" or is_one:
            yield told
        elif name == "discussions":
            yield from (one for one in told.get("nodes") or () if isinstance(one, dict))
        else:
            yield from _discussions(told)


def _error(of: RecordedAnswer, room: Room, first: Any) -> Playback:
    kind = str(first.get("type")) if isinstance(first, Mapping) else ""
    ends: frozenset[End] = frozenset({_ENDS.get(kind, "PermanentError")})
    if "Something went wrong" in str(first):
        ends = frozenset({"TransientError"})
    routes = {**room.routes, "POST /graphql": of.answer()}
    ask = Lookup(Identity("github", room.id, "discussion", "1"))
    return Playback("error", room.metadata, routed(routes), (ask,), ends=ends)
