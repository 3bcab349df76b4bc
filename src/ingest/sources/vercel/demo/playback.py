"""Recorded answers of Vercel's: which of our requests each is an answer to, and what it becomes.

Contract: a deployment is called by its id, which lists call `uid`; one that was deleted, or that
the project keeps no longer, is no document. vercel.com/docs/rest-api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.listing import PageRequest
from ingest.sources.vercel.descriptor import DESCRIPTOR
from ingest.testing.fakes import Answer
from ingest.testing.playback import (
    Ask,
    End,
    Playback,
    Playing,
    Steps,
    Unasked,
    Watch,
    routed,
    usual_ends,
)
from ingest.testing.recorded import RecordedAnswer

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_PROJECT = "prj_recorded"
_REFUSED: frozenset[End] = frozenset({"Refused"})
_NO_REQUEST = "no client of ours asks for it"

_Make = Callable[[RecordedAnswer, str], Playback | Unasked]


def _deployment(of: RecordedAnswer, project: str) -> Playback:
    id_ = _id(of.object)
    routes: dict[str, Steps] = {f"GET /v13/deployments/{id_}": of.answer()}
    documents = _documents([of.object], project)
    return _played("deployment", project, routes, _look_up(project, id_), documents, 1)


def _deployments(of: RecordedAnswer, project: str) -> Playback | Unasked:
    """What a list does not tell whole is looked up, and is told there as here."""
    told = of.object.get("deployments")
    if not isinstance(told, list):
        return Unasked("deployments", _NO_REQUEST)
    listed = [one for one in told if isinstance(one, dict)]
    no_more = Answer(200, {"deployments": [], "pagination": {"count": 0, "next": None}})
    routes: dict[str, Steps] = {"GET /v7/deployments": (of.answer(), no_more)}
    routes |= {
        f"GET /v13/deployments/{_id(one)}": of.answer({"id": _id(one), **one}) for one in listed
    }
    ask = PageRequest("deployments", None, _NOW)
    documents = _documents(listed, project)
    return _played("list of deployments", project, routes, ask, documents, len(listed))


def _log(of: RecordedAnswer, project: str) -> Playback:
    """The log of a deployment that failed."""
    failed = {"id": "dpl_1", "name": "web", "url": "web-1.vercel.app", "readyState": "ERROR"}
    failed |= {"projectId": project, "createdAt": "1767225600000"}
    routes: dict[str, Steps] = {
        "GET /v13/deployments/dpl_1": Answer(200, failed),
        "GET /v3/deployments/dpl_1/events": of.answer(),
    }
    ask = _look_up(project, "dpl_1")
    return _played("log of a deployment", project, routes, ask, {"dpl_1": None})


def _check(of: RecordedAnswer, _project: str) -> Playback:
    project = str(of.object.get("id") or _PROJECT)
    routes: dict[str, Steps] = {f"GET /v9/projects/{project}": of.answer()}
    return _played("project", project, routes, "check", {})


def _hooks(of: RecordedAnswer, project: str) -> Playback:
    urls = (str(one.get("url")) for one in of.items)
    routes: dict[str, Steps] = {"GET /v1/webhooks": of.answer()}
    return _played("list of webhooks", project, routes, Watch("look", next(urls, "")), {})


_KINDS: tuple[tuple[str, _Make], ...] = (
    (r"/v[0-9]+/(?:now/)?deployments", _deployments),
    (r"/v[0-9]+/(?:now/)?deployments/(?:get|[^/]+)", _deployment),
    (r"/v[0-9]+/(?:now/)?deployments/[^/]+/events", _log),
    (r"/v[0-9]+/projects/[^/]+", _check),
    (r"/v[0-9]+/webhooks", _hooks),
)


def playback(of: RecordedAnswer) -> Playback | Unasked:
    """See `Playing.playback`."""
    path = of.path.rstrip("/")
    if of.is_error:
        return _error(of)
    for pattern, make in _KINDS:
        if re.fullmatch(pattern, path) is not None and of.method in ("GET", ""):
            return make(of, _project_of(of))
    return Unasked(re.sub(r"\b[a-z]+_\w+|[0-9]{3,}", "…", path) or "unnamed", _NO_REQUEST)


def _error(of: RecordedAnswer) -> Playback:
    """A refusal, of a deployment that is looked up; 402: the account is closed."""
    routes: dict[str, Steps] = {"GET /v13/deployments/dpl_1": of.answer()}
    played = _played("error", _PROJECT, routes, _look_up(_PROJECT, "dpl_1"), {})
    ends = usual_ends(of.status or 0, {402: _REFUSED})
    if (of.object.get("error") or {}).get("code") == "rate_limited":
        ends = frozenset({"RateLimited"})
    return Playback(played.kind, played.metadata, played.script, played.asks, ends=ends)


def _played(
    kind: str,
    project: str,
    routes: Mapping[str, Steps],
    ask: Ask,
    documents: Mapping[str, str | None],
    *objects: int,
) -> Playback:
    own: dict[str, Steps] = {
        f"GET /v9/projects/{project}": Answer(200, {"id": project, "name": "recorded"})
    }
    script = routed({**own, **routes})
    return Playback(kind, _metadata(project), script, (ask,), sum(objects), documents)


def _metadata(project: str) -> dict[str, JSON]:
    return {"type": "vercel", "vercelProjectId": project, "projectName": "recorded"}


def _look_up(project: str, id_: str) -> Lookup:
    scope = DESCRIPTOR.scope(project, _metadata(project))
    return Lookup(Identity("vercel", scope, "deployment", id_))


def _project_of(of: RecordedAnswer) -> str:
    """The one that most of the answer is of."""
    listed = of.object.get("deployments")
    told = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    found = [_named(one) for one in (told or [of.object])]
    named = [one for one in found if one]
    return max(named, key=named.count) if named else _PROJECT


def _named(told: Mapping[str, Any]) -> str:
    project = told.get("project")
    within = project.get("id") if isinstance(project, dict) else None
    return str(told.get("projectId") or within or "")


def _id(told: Mapping[str, Any]) -> str:
    return str(told.get("id") or told.get("uid"))


def _documents(told: Iterable[Mapping[str, Any]], project: str) -> dict[str, str | None]:
    own = (one for one in told if _named(one) in ("", project))
    return {_id(one): None for one in own if not _is_gone(one)}


def _is_gone(told: Mapping[str, Any]) -> bool:
    states = {told.get("readyState"), told.get("state")}
    marks = (told.get("deletedAt"), told.get("deleted"), told.get("softDeletedByRetention"))
    is_back = bool(told.get("undeletedAt") or told.get("undeleted"))
    return "DELETED" in states or (any(marks) and not is_back)


PLAYING = Playing("vercel_recorded", playback)
