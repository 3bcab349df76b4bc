"""How Vercel sends: the body names event and project, and nothing but it is signed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.sources.vercel import events
from ingest.sources.vercel.demo.fake import Vercel, make
from ingest.testing.recorded import Recorded, Sending

_STATES = ("QUEUED", "BUILDING", "CANCELED", "ERROR", "READY")
_LONG_AGO_MS = 1_700_000_000_000
_NO_ID = re.compile(r"[^A-Za-z0-9_-]")


def _object(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = within.get(name)
    return found if isinstance(found, dict) else {}


def _told(of: Recorded) -> Mapping[str, Any]:
    return _object(of.payload, "payload")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(of: Recorded) -> str:
    told = _told(of)
    project = told.get("project")
    named = _text(_object(told, "project").get("name")) or _text(project)
    return named or _text(_object(told, "deployment").get("name")) or _text(told.get("name"))


def _connection(of: Recorded) -> str | None:
    """The project, by its id where that is told, else by a name that was its only one.

    A deployment that names no project at all has one that nothing is known of.
    """
    told = _told(of)
    deployment = _object(told, "deployment")
    id_ = _text(_object(told, "project").get("id")) or _text(told.get("projectId"))
    id_ = id_ or _text(deployment.get("projectId"))
    if not id_ and _text(told.get("project")).startswith("prj_"):
        id_ = told["project"]
    name = _name(of) or ("nobody" if deployment.get("id") else "")
    return id_ or (f"prj_of_{_NO_ID.sub('-', name)}" if name else None)


def _team(of: Sequence[Recorded]) -> str | None:
    told = (
        _text(_object(_told(r), "team").get("id")) or _text(r.payload.get("teamId")) for r in of
    )
    return next(filter(None, told), None)


def _metadata(connection: str, of: Sequence[Recorded]) -> dict[str, Any]:
    team = _team(of)
    name = next(filter(None, map(_name, of)), connection)
    known = {"type": "vercel", "vercelProjectId": connection, "projectName": name}
    return known | ({"vercelTeamId": team} if team else {})


def _headers(_of: Recorded, _delivery_id: str, _now: datetime) -> dict[str, str]:
    return {"content-type": "application/json", "user-agent": "Vercel Webhooks"}


def _event_action(of: Recorded) -> tuple[str, str]:
    kind, _, action = events.name(_text(of.payload.get("type"))).partition(".")
    return kind, action


def _state(of: Recorded) -> str:
    stage = events.STAGES.get(events.name(_text(of.payload.get("type"))))
    return stage.state if stage else "QUEUED"


def _provider(recorded: Sequence[Recorded]) -> Vercel:
    """Every project that is named, and every deployment in the last state that is told of it."""
    vercel = make()
    connections: dict[str, list[Recorded]] = {}
    for one in recorded:
        connection = _connection(one)
        if connection is not None:
            connections.setdefault(connection, []).append(one)
    for connection, of in connections.items():
        known = _metadata(connection, of)
        team = known.get("vercelTeamId")
        if team:
            vercel.put_team(team, _text(_object(_told(of[-1]), "team").get("slug")) or team)
        vercel.put_project(connection, known["projectName"], team)
        for one in of:
            _deploy(vercel, connection, one)
    return vercel


def _deploy(vercel: Vercel, connection: str, one: Recorded) -> None:
    told = _told(one)
    deployment = _object(told, "deployment")
    id_ = _text(deployment.get("id")) or _text(told.get("deploymentId"))
    if not id_ or events.name(_text(one.payload.get("type"))) == events.DELETED:
        return
    at = one.payload.get("createdAt")
    at_ms = at if isinstance(at, int) else _LONG_AGO_MS
    if id_ not in vercel.deployments:
        host = (_text(deployment.get("url")) or _text(told.get("url"))).rpartition("://")[2]
        more = {"target": told.get("target"), "meta": _object(deployment, "meta")}
        vercel.deploy(id_, connection, host or f"{id_}.vercel.app", at_ms=at_ms, **more)
    made = vercel.deployments[id_]
    vercel.made_at(id_, min(made["createdAt"], at_ms))
    state, known = _state(one), made["readyState"]
    if _STATES.index(state) <= _STATES.index(known):
        return
    if state == "ERROR":
        vercel.log(id_, "stderr", f"Error: the build of {id_} failed", at_ms=at_ms)
        message = _text(deployment.get("errorMessage")) or f"{id_} failed"
        vercel.fail(id_, at_ms=at_ms, code="BUILD_FAILED", message=message, step="buildStep")
    else:
        vercel.become(id_, state, at_ms=at_ms)


SENDING = Sending(_connection, _metadata, _headers, _event_action, provider=_provider)
