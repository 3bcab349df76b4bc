"""Recorded answers of GitHub's that tell objects: in lists, alone, and as what blocks an issue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.github.demo.playback_room import Room, key_of, name_of, title_of
from ingest.sources.listing import PageRequest
from ingest.testing.fakes import Answer, Asked
from ingest.testing.playback import Playback, Steps, Unasked, routed
from ingest.testing.recorded import RecordedAnswer

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_BRANCH = {"default_branch": "main"}


@dataclass(frozen=True, slots=True)
class ListOf:
    """kind: of the identity of its items; resource: ours; path: where our list of them is."""

    kind: str
    resource: str
    path: str

    def __call__(self, of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
        """What was cut down to ids when it was recorded is a gap, and no document."""
        told = [one for one in of.items if not _is_no_document(self.kind, one)]
        whole = [one for one in told if len(one) > 1]
        is_cut = len(whole) < len(told)
        after: tuple[Answer, ...] = (of.answer(), Answer(200, []))
        return Playback(
            kind=f"list of {self.kind.replace('_', ' ')}s{', cut down to ids' * is_cut}",
            metadata=room.metadata,
            script=routed({**room.routes, f"GET {room.path}/{self.path}": after}),
            asks=(PageRequest(self.resource, None, _NOW),),
            objects=len(whole),
            documents={key_of(room, self.kind, one): title_of(self.kind, one) for one in whole},
            may_gap=is_cut,
        )


@dataclass(frozen=True, slots=True)
class Each:
    """A list of one conversation: each of its items as it is looked up, with that conversation."""

    kind: str
    path: str

    def __call__(self, of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
        number, ids = int(at["number"]), [one.get("id") for one in of.items]
        paths = [f"GET {room.path}/{self.path.format(id=id_)}" for id_ in ids]
        above = [room.above_of(one) for one in of.items]
        return Playback(
            kind=f"list of {self.kind.replace('_', ' ')}s of one conversation",
            metadata=room.metadata,
            script=routed(
                {
                    **room.routes,
                    **{path: of.answer(one) for path, one in zip(paths, of.items, strict=True)},
                }
            ),
            asks=tuple(
                Lookup(
                    Identity("github", room.id, self.kind, str(id_)),
                    {"number": number, "parent": parent},
                )
                for id_, parent in zip(ids, above, strict=True)
            ),
            objects=len(ids),
            documents={key_of(room, self.kind, one, number): None for one in of.items},
            ends=frozenset({"read"} if ids else {"nothing said"}),
        )


@dataclass(frozen=True, slots=True)
class One:
    """kind: of the identity; path: where we look one up, of its `{id}` and its `{number}`."""

    kind: str
    path: str
    key: str = "id"

    def __call__(self, of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
        told, number = of.object, at.groupdict().get("number")
        if told.get(self.key) is None:
            return Unasked(self.kind.replace("_", " "), "the answer shows none")
        id_ = str(told.get(self.key))
        is_none = _is_no_document(self.kind, told)
        path = f"{room.path}/{self.path.format(id=id_, number=number)}"
        above: int = int(number or room.number_of(told) or 1)
        hint: dict[str, JSON] = {"number": above, "parent": room.above_of(told)}
        documents = {key_of(room, self.kind, told, above): title_of(self.kind, told)}
        return Playback(
            kind=self.kind.replace("_", " "),
            metadata=room.metadata,
            script=routed({**room.routes, f"GET {path}": of.answer()}),
            asks=(Lookup(Identity("github", room.id, self.kind, id_), hint),),
            objects=int(not is_none),
            documents={} if is_none else documents,
            ends=frozenset({"gone", "read"} if is_none else {"read"}),
        )


def _is_no_document(kind: str, told: Mapping[str, Any]) -> bool:
    """A pull request among issues, which has a list of its own; a draft; a pending review."""
    if kind == "issue":
        link = told.get("pull_request")
        return isinstance(link, dict) and any(one is not None for one in link.values())
    if kind == "review":
        return str(told.get("state")).lower() == "pending"
    return kind == "release" and told.get("draft") is True


def gathered(of: RecordedAnswer, room: Room) -> Playback:
    """Issues that a search found, or that belong to somebody or to another issue, of whichever
    repositories: nobody lists them so, and each is looked up.
    """
    told = [one for one in _found(of) if not _is_no_document("issue", one)]
    names = [name_of(one) or room.full_name for one in told]
    ids = {name: number for number, name in enumerate(dict.fromkeys(names))}
    routes: dict[str, Steps] = {
        f"GET /repositories/{id_}": Answer(200, {**_BRANCH, "id": id_, "full_name": name})
        for name, id_ in ids.items()
    }
    asks: list[Lookup] = []
    for name, one in zip(names, told, strict=True):
        number = str(one.get("number"))
        routes[f"GET /repos/{name}/issues/{number}"] = of.answer(one)
        asks.append(Lookup(Identity("github", str(ids[name]), "issue", number)))
    return Playback(
        "gathered issues, one by one",
        room.metadata,
        routed(routes),
        tuple(asks),
        len(told),
        {key_of(room, "issue", one): title_of("issue", one) for one in told},
        frozenset({"read"} if told else {"nothing said"}),
    )


def _found(of: RecordedAnswer) -> list[dict[str, Any]]:
    """A search has them under `items`."""
    items = of.object.get("items")
    return [one for one in items if isinstance(one, dict)] if items else of.items


def reviews(of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
    """Reviews are listed over GraphQL, and over REST those of a pull request with many."""
    node = {
        "number": int(at["number"]),
        "updatedAt": "2026-01-01T00:00:00Z",
        "reviews": {"pageInfo": {"hasNextPage": True, "endCursor": "more"}, "nodes": []},
    }
    pulls = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [node]}
    data = {"repository": {"databaseId": int(room.id), "pullRequests": pulls}}
    listed = ListOf("review", "reviews", f"pulls/{at['number']}/reviews")
    played = listed(of, room, at)
    if isinstance(played, Unasked):
        return played
    lists = played.script

    def script(asked: Asked) -> Answer:
        is_query = asked.path == "/graphql"
        return Answer(200, {"data": data}) if is_query else lists(asked)

    return Playback(
        played.kind, played.metadata, script, played.asks, played.objects, played.documents
    )


def blocking(of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
    """What blocks an issue is asked for with the issue, and becomes what that refers to."""
    number = int(at["number"])
    issue = {
        "id": number,
        "number": number,
        "title": f"Issue {number}",
        "state": "open",
        "updated_at": "2026-01-01T00:00:00Z",
        "html_url": f"https://github.com/{room.full_name}/issues/{number}",
        "issue_dependencies_summary": {"total_blocked_by": max(1, len(of.items))},
    }
    path = f"GET {room.path}/issues/{number}"
    routes = {path: Answer(200, issue), f"{path}/dependencies/blocked_by": of.answer()}
    return Playback(
        "list of blocking issues",
        room.metadata,
        routed({**room.routes, **routes}),
        (Lookup(Identity("github", room.id, "issue", str(number))),),
        len(of.items),
        {f"{room.full_name}#{number}": f"Issue {number}"},
    )
