"""Recorded answers of Sentry's: which of our requests each is an answer to, and what it becomes.

Contract: an issue is called by its short id and titled as it says, a comment on it is
`<issue>/comment/<id>`. What an issue is read with (its latest event, its tags, its comments) is
played around an issue that is made up. docs.sentry.io, "API"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.listing import PageRequest
from ingest.sources.sentry.descriptor import DESCRIPTOR
from ingest.testing.fakes import Answer
from ingest.testing.playback import End, Playback, Playing, Steps, Unasked, routed, usual_ends
from ingest.testing.recorded import RecordedAnswer

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_OVER = '<https://sentry.example/>; rel="next"; results="false"; cursor="0:0:0"'
# "API: Pagination": a path that is withdrawn answers 410, and says nothing of what was asked for.
_ENDS: Mapping[int, frozenset[End]] = {410: frozenset({"TransientError"})}
_NO_REQUEST = "no client of ours asks for it"


@dataclass(frozen=True, slots=True)
class _Room:
    """The project that an answer is of."""

    organization: str = "recorded"
    project: str = "recorded"
    id: str = "1"

    @property
    def metadata(self) -> dict[str, JSON]:
        return {
            "type": "sentry",
            "sentryOrganizationSlug": self.organization,
            "sentryProjectSlug": self.project,
            "sentryProjectId": self.id,
        }

    @property
    def path(self) -> str:
        """Of its organization."""
        return f"GET /api/0/organizations/{self.organization}"

    def look_up(self, id_: str) -> Lookup:
        """An issue of it."""
        scope = DESCRIPTOR.scope("", self.metadata)
        return Lookup(Identity("sentry", scope, "issue", id_))

    def issue(self, id_: str, **more: Any) -> dict[str, Any]:
        """One that is made up."""
        told = {"id": id_, "shortId": f"MADE-{id_}", "title": "An issue", "tags": [], **more}
        told["project"] = {"id": self.id, "slug": self.project}
        return {**told, "firstSeen": "2026-01-01T00:00:00Z", "lastSeen": "2026-01-01T00:00:00Z"}

    def play(
        self,
        kind: str,
        routes: Mapping[str, Steps],
        ask: Lookup | PageRequest,
        documents: Mapping[str, str | None],
        objects: int = 0,
    ) -> Playback:
        """What is not among the routes is not found, which an issue may be without."""
        project = {"id": self.id, "slug": self.project}
        own = f"GET /api/0/projects/{self.organization}/{self.project}/"
        whole: dict[str, Steps] = {own: Answer(200, project), **routes}
        return Playback(kind, self.metadata, routed(whole), (ask,), objects, documents)


_Make = Callable[[RecordedAnswer, _Room, re.Match[str]], Playback | Unasked]


def _issue(of: RecordedAnswer, room: _Room, _at: re.Match[str]) -> Playback:
    id_ = str(of.object.get("id"))
    routes: dict[str, Steps] = {f"{room.path}/issues/{id_}/": of.answer()}
    return room.play("issue", routes, room.look_up(id_), _documents([of.object]), 1)


def _issues(of: RecordedAnswer, room: _Room, _at: re.Match[str]) -> Playback:
    """The rows of one project: each is read by itself, and is told there as here."""
    own = [one for one in of.items if _project(one).get("id") in (None, room.id, int(room.id or 0))]
    answer = of.answer()
    page = Answer(answer.status, answer.body, {"link": _OVER, **answer.headers})
    routes: dict[str, Steps] = {
        f"{room.path}/issues/": (page, Answer(200, [], {"link": _OVER})),
        **{f"{room.path}/issues/{one.get('id')}/": of.answer(one) for one in own},
    }
    ask = PageRequest("issues", None, _NOW)
    return room.play("list of issues", routes, ask, _documents(own), len(own))


def _beside(name: str, kind: str, **about: Any) -> _Make:
    """What is read with an issue, under this path below it."""

    def make(of: RecordedAnswer, room: _Room, at: re.Match[str]) -> Playback:
        named = at.groupdict()
        id_ = str(named.get("issue") or of.object.get("groupID") or 1)
        told = room.issue(id_, **about)
        if "key" in named:
            told["tags"] = [{"key": named["key"]}]
        notes = [one for one in of.items if one.get("type") == "note"] if "notes" in kind else []
        told |= {"numComments": len(notes)} if notes else {}
        below = name.format(**named)
        routes: dict[str, Steps] = {
            f"{room.path}/issues/{id_}/": Answer(200, told),
            f"{room.path}/issues/{id_}/{below}/": (of.answer(), Answer(200, [])),
        }
        documents: dict[str, str | None] = {str(told["shortId"]): "An issue"}
        documents |= {f"{id_}/comment/{one.get('id')}": None for one in notes}
        return room.play(kind, routes, room.look_up(id_), documents, len(notes))

    return make


def _check(of: RecordedAnswer, room: _Room, _at: re.Match[str]) -> Playback:
    room = _Room(room.organization, room.project, str(of.object.get("id") or room.id))
    path = f"GET /api/0/projects/{room.organization}/{room.project}/"
    return Playback("project", room.metadata, routed({path: of.answer()}), ("check",))


_ORGANIZATION = r"(?:organizations/(?P<organization>[^/]+)/)?"
_PROJECT = r"projects/(?P<organization>[^/]+)/(?P<project>[^/]+)"
_ISSUE = rf"{_ORGANIZATION}(?:issues|groups)/(?P<issue>[0-9]+)"
_KINDS: tuple[tuple[str, _Make], ...] = (
    (_ISSUE, _issue),
    (rf"{_ORGANIZATION}issues", _issues),
    (rf"{_PROJECT}/issues", _issues),
    (rf"{_ISSUE}/events/[^/]+", _beside("events/latest", "event")),
    (rf"{_PROJECT}/events/[^/]+", _beside("events/latest", "event")),
    (rf"{_ISSUE}/(?:comments|notes)", _beside("comments", "list of notes")),
    (rf"{_ISSUE}/tags/(?P<key>[^/]+)/values", _beside("tags/{key}/values", "values of a tag")),
    (rf"{_ISSUE}/tags", _beside("tags", "tags")),
    (rf"{_ISSUE}/external-issues", _beside("external-issues", "external issues")),
    (_PROJECT, _check),
)


def playback(of: RecordedAnswer) -> Playback | Unasked:
    """See `Playing.playback`."""
    rest = of.path.partition("/api/0/")[2].strip("/")
    if of.is_error:
        return _error(of)
    for pattern, make in _KINDS:
        at = re.fullmatch(pattern, rest)
        if at is not None and of.method in ("GET", ""):
            return make(of, _room(of, at), at)
    return Unasked(re.sub(r"[0-9]+", "…", rest) or "unnamed", _NO_REQUEST)


def _error(of: RecordedAnswer) -> Playback:
    """A refusal, of an issue that is looked up."""
    room = _Room()
    played = room.play("error", {f"{room.path}/issues/1/": of.answer()}, room.look_up("1"), {})
    ends = usual_ends(of.status or 0, _ENDS)
    return Playback(played.kind, played.metadata, played.script, played.asks, ends=ends)


def _room(of: RecordedAnswer, at: re.Match[str]) -> _Room:
    named = at.groupdict()
    projects = (_project(one) for one in (of.items or [of.object]))
    project: Mapping[str, Any] = next((one for one in projects if one), {})
    return _Room(
        named.get("organization") or "recorded",
        named.get("project") or str(project.get("slug") or "recorded"),
        str(project.get("id") or 1),
    )


def _project(told: Mapping[str, Any]) -> Mapping[str, Any]:
    found = told.get("project")
    return found if isinstance(found, dict) else {}


def _documents(told: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """What issues become, and the comments among what happened to them."""
    found: dict[str, str | None] = {}
    for one in told:
        found[str(one.get("shortId") or one.get("id"))] = one.get("title") or None
        for act in one.get("activity") or ():
            if act.get("type") == "note" and (act.get("data") or {}).get("text"):
                found[f"{one.get('id')}/comment/{act.get('id')}"] = None
    return found


PLAYING = Playing("sntrys_recorded", playback)
