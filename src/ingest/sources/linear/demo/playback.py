"""Recorded answers of Linear's: what they tell of the objects that we make documents of.

Whoever recorded one asked what he wanted to know. An object that has what its document cannot do
without is read as an answer to our query of it, its lists empty where he asked for none; a list is
read as ours too. Contract: an issue is called by its identifier, all else by its id.
linear.app/developers/graphql, /rate-limiting
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.linear.queries import BY_KIND
from ingest.sources.linear.rosters import BY_RESOURCE
from ingest.sources.listing import PageRequest
from ingest.sources.wire import at
from ingest.testing.fakes import Answer
from ingest.testing.playback import (
    Ask,
    End,
    Playback,
    Playing,
    Script,
    Unasked,
    routed,
    usual_ends,
)
from ingest.testing.recorded import RecordedAnswer

_HOME = "recorded-organization"
_METADATA: dict[str, JSON] = {
    "type": "linear",
    "linearOrganizationId": _HOME,
    "linearOrganizationName": "Recorded",
}
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_PATH = "POST /graphql"
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "issue": ("title", "identifier"),
    "comment": ("body",),
    "project": ("name",),
    "project_update": ("body",),
    "document": ("title",),
    "initiative": ("name",),
    "initiative_update": ("body",),
}
"""Beside id and times."""
_SINGLE = {query.root: kind for kind, query in BY_KIND.items()}
_LISTS = {
    roster.root: (resource, roster.kind) for resource, roster in BY_RESOURCE.items() if roster.kind
}
_ENDS: Mapping[str, End] = {
    "ratelimited": "RateLimited",
    "authenticationerror": "Refused",
    "forbidden": "Refused",
    "entitynotfound": "gone",
    "internalservererror": "TransientError",
    "internalerror": "TransientError",
}
_OTHER = "an answer to another query than ours"


def playback(of: RecordedAnswer) -> Playback | Unasked:
    """See `Playing.playback`."""
    data, errors = of.object.get("data"), of.object.get("errors")
    if of.is_error or (errors and not _any(data)):
        return _error(of, errors)
    lists = _lists(data)
    if len(lists) == 1 and _are_told(*lists[0]):
        return _list(of, *lists[0])
    found = [(kind, one) for kind, one in _objects(data) if _tells(kind, [one])]
    if found:
        return _look_ups(of, found)
    return _check(of) if at(data, "viewer", "id") else Unasked("GraphQL", _OTHER)


def _lists(data: Any) -> list[tuple[str, Any]]:
    return [(root, page) for root, page in _roots(data) if root in _LISTS and _is_page(page)]


def _check(of: RecordedAnswer) -> Playback:
    """Whose the token is; whoever did not ask for the organization was not told of it."""
    told = at(of.object, "data", "organization") or at(of.object, "data", "viewer", "organization")
    home: dict[str, JSON] = {"id": _HOME, **(told if isinstance(told, dict) else {})}
    metadata = {**_METADATA, "linearOrganizationId": home["id"]}
    data = {**of.object["data"], "organization": home}
    return Playback("viewer", metadata, routed({_PATH: of.answer({"data": data})}), ("check",))


def _are_told(root: str, page: Mapping[str, Any]) -> bool:
    return not _nodes(page) or _tells(_LISTS[root][1], _nodes(page))


def _list(of: RecordedAnswer, root: str, page: Mapping[str, Any]) -> Playback:
    """A page of one of our lists: what is on a further one is not asked for."""
    resource, kind = _LISTS[root]
    nodes = [_whole(kind, one) for one in _nodes(page)]
    around = {"organization": {"id": _HOME}, "teams": {"nodes": [{"id": "a team"}]}}
    shown = {root: {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}
    answer = of.answer({"data": {**around, **shown}})
    asks = (PageRequest(resource, None, _NOW),)
    return _played(f"list of {root}", routed({_PATH: answer}), asks, [(kind, n) for n in nodes])


def _look_ups(of: RecordedAnswer, found: list[tuple[str, dict[str, Any]]]) -> Playback:
    """Each object by itself."""
    told = [(kind, _whole(kind, one)) for kind, one in found]
    answers = [of.answer({"data": {BY_KIND[kind].root: one}}) for kind, one in told]
    asks = tuple(_look_up(kind, str(one["id"])) for kind, one in told)
    kinds = " and ".join(dict.fromkeys(kind.replace("_", " ") for kind, _ in told))
    return _played(kinds, routed({_PATH: answers}), asks, told)


def _error(of: RecordedAnswer, errors: Any) -> Playback:
    """GraphQL says in the body what its status need not say."""
    first = errors[0] if isinstance(errors, list) and errors else {}
    named = _named(first) if isinstance(first, dict) else None
    ends = usual_ends(of.status or 0) if of.is_error else frozenset[End]({"PermanentError"})
    ends = frozenset({named}) if named else ends
    shown = {"data": {"organization": {"id": _HOME}}}
    script = routed({_PATH: (of.answer(), Answer(200, shown))})
    return Playback("error", _METADATA, script, (_look_up("issue", "one"),), ends=ends)


def _named(error: Mapping[str, Any]) -> End | None:
    """What an error is by its own words."""
    if str(error.get("message") or "").lower().startswith("entity not found"):
        return "gone"
    told = error.get("extensions") or {}
    words = (_plain(told.get(name)) for name in ("code", "type"))
    return next((_ENDS[word] for word in words if word in _ENDS), None)


def _played(
    kind: str, script: Script, asks: tuple[Ask, ...], told: list[tuple[str, dict[str, Any]]]
) -> Playback:
    standing = [(kind, one) for kind, one in told if not one.get("trashed")]
    documents = {
        str(one["identifier"] if kind == "issue" else one["id"]): _title(kind, one)
        for kind, one in standing
    }
    return Playback(kind, _METADATA, script, asks, len(told), documents)


def _look_up(kind: str, id_: str) -> Lookup:
    return Lookup(Identity("linear", _HOME, kind, id_))


def _title(kind: str, told: Mapping[str, Any]) -> str | None:
    found = told.get("title") or told.get("name")
    return str(found) if found and kind != "comment" else None


def _whole(kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """With the lists that nobody asked for, empty."""
    none: dict[str, Any] = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    lists = dict.fromkeys(BY_KIND[kind].lists, none)
    return {**lists, **{name: value for name, value in told.items() if value is not None}}


def _tells(kind: str, nodes: list[dict[str, Any]]) -> bool:
    needed = ("id", "createdAt", "updatedAt", *_NEEDED.get(kind, ()))
    return bool(nodes) and all(one.get(name) is not None for one in nodes for name in needed)


def _objects(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Under their own names, in lists or alone, however deep."""
    for name, told in _roots(data):
        if name in _SINGLE:
            yield _SINGLE[name], told
        elif name in _LISTS and _is_page(told):
            yield from ((_LISTS[name][1], one) for one in _nodes(told))
        else:
            yield from _objects(told)


def _roots(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(data, dict):
        yield from ((name, told) for name, told in data.items() if isinstance(told, dict))


def _is_page(told: Mapping[str, Any]) -> bool:
    return isinstance(told.get("nodes"), list)


def _nodes(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in page.get("nodes") or () if isinstance(one, dict)]


def _any(data: Any) -> bool:
    return isinstance(data, dict) and any(told is not None for told in data.values())


def _plain(word: Any) -> str:
    return "".join(char for char in str(word or "").lower() if char.isalpha())


PLAYING = Playing("lin_api_recorded", playback)
