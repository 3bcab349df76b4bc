"""How Linear sends: the time of sending is signed, the organization says whose a delivery is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.core.times import parse_time, to_micros
from ingest.sources.linear.demo.fake import Linear, make
from ingest.testing.recorded import Recorded, Sending

_TIMESTAMP = re.compile(rb'("webhookTimestamp"\s*:\s*)-?[0-9]+')
_UNNAMED = "unnamed:"
_LONG_AGO = "2020-01-01T00:00:00.000Z"


def _event_action(of: Recorded) -> tuple[str, str]:
    return str(of.payload.get("type") or ""), str(of.payload.get("action") or "")


def _connection(of: Recorded) -> str:
    """Payloads of 2021 name no organization: those of one origin came to one webhook."""
    told = of.payload.get("organizationId")
    return told if isinstance(told, str) and told else _UNNAMED + of.origin.partition("@")[0]


def _object(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = within.get(name)
    return found if isinstance(found, dict) else {}


def _teams(of: Recorded) -> Iterator[tuple[str, str]]:
    """(key, id) of the teams that a payload names; the id may be empty."""
    data = _object(of.payload, "data")
    for holder in (data, _object(data, "issue")):
        team = _object(holder, "team")
        if team.get("key"):
            yield str(team["key"]), str(team.get("id") or holder.get("teamId") or "")
        if holder.get("identifier"):
            yield str(holder["identifier"]).partition("-")[0], str(holder.get("teamId") or "")


def _metadata(connection: str, of: Sequence[Recorded]) -> dict[str, Any]:
    teams = dict(sorted(team for recorded in of for team in _teams(recorded)))
    key = next(iter(teams), "NONE")
    return {
        "type": "linear",
        "linearTeamId": teams.get(key) or "unknown",
        "linearTeamKey": key,
        "linearOrganizationId": connection,
        "teamName": key,
        "teamKeys": list(teams),
    }


def _headers(of: Recorded, delivery_id: str, now: datetime) -> dict[str, str]:
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Linear-Webhook",
        "linear-event": _event_action(of)[0],
        "linear-delivery": delivery_id,
        "linear-timestamp": str(to_micros(now) // 1000),
    }


def _dated(body: bytes, now: datetime) -> bytes:
    """Only the number changes: a body that has no such field gets none."""
    at_ms = str(to_micros(now) // 1000).encode()
    return _TIMESTAMP.sub(lambda found: found[1] + at_ms, body)


_KNOWN = frozenset(
    ["Issue", "Comment", "Project", "ProjectUpdate", "Document", "Initiative", "InitiativeUpdate"]
)
_EMBEDDED = {
    "comment": "Comment",
    "document": "Document",
    "initiative": "Initiative",
    "initiativeUpdate": "InitiativeUpdate",
    "issue": "Issue",
    "project": "Project",
    "projectUpdate": "ProjectUpdate",
}


def _provider(of: Sequence[Recorded]) -> Linear:
    """The API with an object for every id that the payloads name, as the last of them tells it.

    A removed object lies in the trash; what is only named by an id is made up.
    """
    linear = make()
    told = sorted(of, key=lambda r: str(_object(r.payload, "data").get("updatedAt") or ""))
    connections = [_connection(recorded) for recorded in told]
    if connections:
        linear.organization = {
            "id": max(set(connections), key=connections.count),
            "name": "Recorded",
        }
    for recorded in told:
        _learn_embedded(linear, _object(recorded.payload, "data"))
        for key, id_ in _teams(recorded):
            linear.put("team", id=id_, key=key, name=key)
    for recorded in told:
        _learn(linear, recorded)
    return linear


def _learn(linear: Linear, of: Recorded) -> None:
    type_, action = _event_action(of)
    data, page = _object(of.payload, "data"), of.payload.get("url")
    if type_ not in _KNOWN or not data.get("id"):
        return
    linear.learn(type_, data, page if isinstance(page, str) else None)
    if action == "remove":
        at = data.get("archivedAt") or data.get("updatedAt") or _LONG_AGO
        kind = f"{type_[0].lower()}{type_[1:]}"
        linear.trash(kind, str(data["id"]), parse_time(str(at)))
    for link in _linked(data):
        linear.attach(str(data["id"]), link, "linked")


def _linked(data: Mapping[str, Any]) -> list[str]:
    """The URLs of the attachments that an issue's payload names."""
    found = data.get("attachments")
    nodes = found.get("nodes") if isinstance(found, dict) else found
    listed = nodes if isinstance(nodes, list) else []
    return [str(node["url"]) for node in listed if isinstance(node, dict) and node.get("url")]


def _learn_embedded(linear: Linear, data: Mapping[str, Any]) -> None:
    """What is embedded, or named by its id alone, exists too."""
    for name, type_ in _EMBEDDED.items():
        told = {**_object(data, name)}
        told.setdefault("id", data.get(f"{name}Id"))
        if told["id"]:
            linear.learn(type_, {"createdAt": _LONG_AGO, "updatedAt": _LONG_AGO, **told})


SENDING = Sending(_connection, _metadata, _headers, _event_action, _dated, _provider)
