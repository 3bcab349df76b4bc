"""How Linear sends: the time of sending is signed, the organization says whose a delivery is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.core.times import to_micros
from tests.corpus.folder import Recorded
from tests.corpus.knowledge import Knowledge

_TIMESTAMP = re.compile(rb'("webhookTimestamp"\s*:\s*)-?[0-9]+')
_UNNAMED = "unnamed:"


def _act(of: Recorded) -> tuple[str, str]:
    return str(of.payload.get("type") or ""), str(of.payload.get("action") or "")


def _house(of: Recorded) -> str:
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


def _metadata(house: str, of: Sequence[Recorded]) -> dict[str, Any]:
    teams = dict(sorted(team for recorded in of for team in _teams(recorded)))
    key = next(iter(teams), "NONE")
    return {
        "type": "linear",
        "linearTeamId": teams.get(key) or "unknown",
        "linearTeamKey": key,
        "linearOrganizationId": house,
        "teamName": key,
        "teamKeys": list(teams),
    }


def _headers(of: Recorded, delivery_id: str, now: datetime) -> dict[str, str]:
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Linear-Webhook",
        "linear-event": _act(of)[0],
        "linear-delivery": delivery_id,
        "linear-timestamp": str(to_micros(now) // 1000),
    }


def _dated(body: bytes, now: datetime) -> bytes:
    """Only the number changes: a body that has no such field gets none."""
    at_ms = str(to_micros(now) // 1000).encode()
    return _TIMESTAMP.sub(lambda found: found[1] + at_ms, body)


KNOWLEDGE = Knowledge(_house, _metadata, _headers, _act, _dated)
