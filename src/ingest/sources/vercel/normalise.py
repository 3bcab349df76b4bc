"""What a delivery of Vercel's means: its event, and what becomes of one deployment.

Law: the kind of the event says the state, the payload all the rest, and nothing but the earliest of
the times that are told stays of when it was said. Every state is a hint where somebody can be
asked, as the payload knows neither errors nor all of the times. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from ingest.core.changes import Change, Delete, Field, Patch, Refresh
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.slugs import bounded_key
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Message, Normalised, Payload
from ingest.sources.drift import drift
from ingest.sources.later import fresh
from ingest.sources.vercel import events, lifecycle
from ingest.sources.vercel.documents import (
    LAST,
    TIMES_RANK,
    Deployed,
    document,
    environment_of,
    failure,
    host_of,
    version,
)
from ingest.sources.vercel.events import Stage
from ingest.sources.vercel.git import commit
from ingest.sources.vercel.mentions import is_own_host
from ingest.sources.vercel.payloads import (
    DEPLOYMENT_FIELDS,
    ENVELOPE_FIELDS,
    PAYLOAD_FIELDS,
    Deployment,
    Told,
    time,
    time_if,
)
from ingest.sources.wire import mapping, nonblank, read, unusable

PATIENCE_S = 60.0
_BEGINNINGS = frozenset({"QUEUED", "INITIALIZING", "BUILDING"})


def normalise(message: Message) -> Normalised:
    """The meaning of one delivery; raises `BadPayload` where its deployment is not told."""
    raw = nonblank(message.payload, "type")
    if raw is None:
        raise unusable(message.payload.get("type"), "type", "not a name")
    kind = events.name(raw)
    meaning = _stage if kind in events.STAGES else _OF.get(kind)
    if meaning is not None:
        return meaning(message, kind)
    event = events.of_other(message, kind)
    notices = lifecycle.notices(message, kind)
    gone = next((one.problem for one in notices if one.problem is not None), None)
    other = events.OF_OTHERS.get(kind)
    why = gone or other
    skip = f"{kind}: {why}" if why else events.ignored_because(kind)
    return Normalised(event, skip=skip, notices=notices)


def identity(scope: str, deployment_id: str) -> Identity:
    """A deployment's id is unique at its API's host."""
    return Identity("vercel", scope, "deployment", deployment_id)


def _stage(message: Message, kind: str) -> Normalised:
    """A state: looked up where that can be; else the payload is the document."""
    at = time(message.payload.get("createdAt"), "createdAt")
    of = _deployed(message, kind, at)
    whom = identity(message.scope, of.id)
    whole = document(whom, of, priority=events.STAGES[kind].priority)
    event = events.of_deployment(
        message,
        kind,
        {
            "deployment_id": of.id,
            "deployment_url": f"https://{of.host}",
            "environment": of.environment,
            "triggered_at": iso(at),
        },
        state=of.status,
    )
    hint = {**fresh(), **_hinted(message)}
    ask = Refresh(whom, hint, otherwise=(whole, _times(whom, of)), patience_s=PATIENCE_S)
    return Normalised(event, (ask,), drift=_unknown_fields(message.payload))


def _times(whom: Identity, of: Deployed) -> Patch:
    """The earliest that is told of each time, in whatever order the events come.

    It ranks above every state, so that a later state does not take back what an earlier one knew.
    """
    told = {"createdAt": Field(iso(of.created_at), "min")}
    if of.ready_at is not None:
        told["readyAt"] = Field(iso(of.ready_at), "min")
    return Patch(whom, TIMES_RANK, told)


def _deployed(message: Message, kind: str, at: datetime) -> Deployed:
    stage = events.STAGES[kind]
    told = _told(message)
    of = _deployment(told)
    host = _host(of, told)
    target = told.target or of.target
    return Deployed(
        id=of.id,
        host=host,
        project=of.name or _project_name(told) or host.partition(".")[0],
        status=_status(of, stage),
        created_at=time_if(of.created_at) or at,
        environment=environment_of(target, of.custom_environment_id),
        target=target,
        commit=commit(of.meta),
        page=nonblank(told.links, "deployment") or of.inspector_url,
        ready_at=at if stage.is_ready else None,
        failure=failure(stage.state, of, of.error_message),
    )


def _host(of: Deployment, told: Told) -> str:
    url = of.url or told.url
    if url is None:
        raise BadPayload("payload.deployment.url", "missing")
    return host_of(url)


def _status(of: Deployment, stage: Stage) -> str:
    """The event's; a payload may say more exactly how far a deployment is that has just begun."""
    told = of.ready_state
    return told if told is not None and {told, stage.state} <= _BEGINNINGS else stage.state


def _deleted(message: Message, kind: str) -> Normalised:
    """…/webhooks-api, `deployment.cleanup`: deleted for good, and the id never returns.

    It comes when somebody deleted it, and 30 days after it aged out: a look-up tells which.
    """
    of = _deployment(_told(message))
    host = host_of(of.url).lower() if of.url else ""
    whom = identity(message.scope, of.id)
    ask = Refresh(whom, _hinted(message), patience_s=PATIENCE_S, gone=True)
    gone = Delete(
        whom,
        version=version(LAST),
        final=True,
        confirm=ask,
        aliases=(bounded_key(of.id), *((bounded_key(host),) if is_own_host(host) else ())),
    )
    return Normalised(
        events.of_other(message, kind),
        (replace(ask, otherwise=(gone,)),),
        drift=_unknown_fields(message.payload),
    )


def _hint(message: Message, kind: str) -> Normalised:
    """The deployments that the payload names are looked up; a rollback names two."""
    told = mapping(message.payload, "payload")
    named = (
        mapping(told, "deployment").get("id"),
        *(told.get(name) for name in ("deploymentId", "fromDeploymentId", "toDeploymentId")),
    )
    ids = dict.fromkeys(id_ for id_ in map(nonblank, named) if id_ and len(id_) <= 255)
    event = events.of_other(message, kind)
    if not ids:
        return Normalised(event, skip=f"{kind}: it names no deployment")
    hint = {**fresh(), **_hinted(message)}
    asks: tuple[Change | Refresh, ...] = tuple(
        Refresh(identity(message.scope, id_), hint, patience_s=PATIENCE_S) for id_ in ids
    )
    return Normalised(event, asks)


def _told(message: Message) -> Told:
    return read(Told, message.payload.get("payload"), "payload")


def _deployment(told: Told) -> Deployment:
    if told.deployment is not None:
        return told.deployment
    if told.deployment_id is None:
        raise BadPayload("payload.deployment", "missing")
    return read(Deployment, {"id": told.deployment_id, "name": told.name}, "payload.deployment")


def _project_name(told: Told) -> str | None:
    return nonblank(told.project, "name") or told.name or nonblank(told.project)


def _hinted(message: Message) -> dict[str, JSON]:
    """The team, which every request for what is a team's has to name."""
    team = mapping(message.payload, "payload", "team")
    id_ = nonblank(team, "id") or nonblank(message.payload, "teamId")
    return {"teamId": id_} if id_ else {}


def _unknown_fields(payload: Payload) -> tuple[str, ...]:
    """What Vercel's documents do not name."""
    told = mapping(payload, "payload")
    return drift(
        ("envelope", payload, ENVELOPE_FIELDS),
        ("payload", told, PAYLOAD_FIELDS),
        ("deployment", mapping(told, "deployment"), DEPLOYMENT_FIELDS),
    )


_OF: Mapping[str, Callable[[Message, str], Normalised]] = {
    events.DELETED: _deleted,
    **dict.fromkeys(events.HINTS, _hint),
}
