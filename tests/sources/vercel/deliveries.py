"""Deliveries of an invented company, Halcyon Rail, in the shapes that Vercel sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.core.changes import Change, Patch, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Message, Normalised
from ingest.sources.vercel.documents import documents
from ingest.sources.vercel.normalise import normalise

_HERE = Path(__file__).parent
_FILES = {path.stem: path for path in [*_HERE.glob("fixtures/*.json"), *_HERE.glob("gone/*.json")]}
NAMES = sorted(_FILES)
HOST = "api.vercel.com"
LAMPS = "dpl_Hx7Signals0000Lamps0001"
CONNECTION: Mapping[str, JSON] = {
    "type": "vercel",
    "vercelProjectId": "prj_1",
    "vercelTeamId": "team_halcyon",
    "projectName": "web",
    "webhookId": "hook_1",
}


def body(name: str) -> dict[str, Any]:
    """A fresh copy of a fixture's body, to be bent by the test."""
    told: dict[str, Any] = json.loads(_FILES[name].read_text())["body"]
    return told


def said(
    payload: dict[str, Any], *, scope: str = HOST, connection: Mapping[str, JSON] = CONNECTION
) -> Normalised:
    """What the adapter makes of a payload."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return normalise(Message({}, payload, "delivery", at, scope, connection))


def told(name: str) -> tuple[Change, ...]:
    """What is left of a fixture where nobody can be asked."""
    return said(body(name)).untokened


def upsert(payload: dict[str, Any]) -> Upsert:
    """The whole object of a payload."""
    whole, patch = said(payload).untokened
    assert isinstance(whole, Upsert)
    assert isinstance(patch, Patch)
    return whole


def identity(id_: str = LAMPS) -> Identity:
    return Identity("vercel", HOST, "deployment", id_)


def found(raw: JSON, id_: str = LAMPS) -> tuple[Change | Refresh, ...]:
    """What becomes of a sight."""
    return documents(Lookup(identity(id_), raw=raw, sent_at=datetime(2026, 3, 2, tzinfo=UTC)))


def seen(deployment: Mapping[str, JSON], events: list[JSON] | None = None) -> Upsert:
    """The document of a deployment that was looked up."""
    raw: JSON = {"deployment": dict(deployment), "events": events}
    (change,) = found(raw, str(deployment["id"]))
    assert isinstance(change, Upsert)
    return change


def as_the_api(payload: dict[str, Any], state: str, **more: JSON) -> dict[str, JSON]:
    """The deployment of a payload as `GET /v13/deployments/{id}` answers it."""
    inner = payload["payload"]
    deployment = inner["deployment"]
    return {
        **deployment,
        "readyState": state,
        "target": inner["target"],
        "inspectorUrl": inner["links"]["deployment"],
        "createdAt": payload["createdAt"],
        "projectId": inner["project"]["id"],
        "source": "git",
        **more,
    }
