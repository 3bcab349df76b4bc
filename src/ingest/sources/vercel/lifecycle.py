"""What Vercel tells of a project and of an integration: it concerns connections, and no deployment.

vercel.com/docs/webhooks/webhooks-api: `project.removed` and `.created`,
`integration-configuration.removed` and `.permission-upgraded`. An integration that could see all
projects of a team names none of them: it is the team's connections' then. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Message, Notice, Payload
from ingest.sources.vercel.payloads import time_if
from ingest.sources.wire import items, mapping, nonblank, text

PROJECT_REMOVED, PROJECT_CREATED = "project.removed", "project.created"
REMOVED = "integration-configuration.removed"
UPGRADED = "integration-configuration.permission-upgraded"
KINDS = frozenset({PROJECT_REMOVED, REMOVED, UPGRADED})

_GONE = "the project was removed"
_UNINSTALLED = "the integration was removed"
_TAKEN_AWAY = "the project was taken from the integration's"


def account(team: str) -> str:
    """How a team is called among what a connection stands for."""
    return f"team:{team}"


def tenants(kind: str, payload: Payload) -> tuple[str, ...]:
    """The projects that an integration's event lists, else its team; none for another event."""
    told = mapping(payload, "payload")
    listed: tuple[JSON, ...] = tuple(items(told, "configuration", "projects"))
    if kind == UPGRADED:
        listed = (*items(told, "projects", "added"), *items(told, "projects", "removed"))
    named = tuple(filter(None, map(text, listed)))
    team = text(told, "team", "id") or text(payload, "teamId")
    return named or ((account(team),) if team and kind in (REMOVED, UPGRADED) else ())


def notices(message: Message, kind: str) -> tuple[Notice, ...]:
    """What the delivery says of its connection. A later complete listing takes documents away; this
    event names none of them.
    """
    told = mapping(message.payload, "payload")
    own = nonblank(message.connection, "vercelProjectId")
    at = time_if(message.payload.get("createdAt"))
    at_micros = None if at is None else to_micros(at)
    if kind in (PROJECT_REMOVED, PROJECT_CREATED):
        named = nonblank(told, "project", "id") or nonblank(told, "projectId")
        problem = _GONE if kind == PROJECT_REMOVED else None
        return (Notice("project", problem, at_micros),) if own and named == own else ()
    if _is_another_team_s(message):
        return ()
    if kind == REMOVED and _could_see(told, own):
        return (Notice("integration", _UNINSTALLED, at_micros),)
    if kind == UPGRADED:
        return _upgraded(told, own, at_micros)
    return ()


def _upgraded(
    told: Mapping[str, JSON], own: str | None, at_micros: int | None
) -> tuple[Notice, ...]:
    selects_all = nonblank(told, "configuration", "projectSelection") == "all"
    if selects_all or own in items(told, "projects", "added"):
        return (Notice("project", None, at_micros), Notice("integration", None, at_micros))
    if own is not None and own in items(told, "projects", "removed"):
        return (Notice("project", _TAKEN_AWAY, at_micros),)
    return ()


def _could_see(told: Mapping[str, JSON], own: str | None) -> bool:
    """An integration that names no project could see them all."""
    listed = mapping(told, "configuration").get("projects")
    return not isinstance(listed, list) or not listed or own in listed


def _is_another_team_s(message: Message) -> bool:
    told = mapping(message.payload, "payload")
    team = nonblank(told, "team", "id") or nonblank(message.payload, "teamId")
    own = message.connection.get("vercelTeamId")
    return bool(team and own and team != own)
