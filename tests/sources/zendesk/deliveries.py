"""Deliveries and look-ups of an invented account, Halcyon Rail, in the shapes Zendesk sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Message, Normalised
from ingest.sources.zendesk.documents import documents
from ingest.sources.zendesk.normalise import normalise

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))
ACCOUNT = "900"
CONNECTION: dict[str, JSON] = {
    "type": "zendesk",
    "zendeskSubdomain": "halcyon",
    "zendeskAccountId": ACCOUNT,
}
WITH_NOTES: dict[str, JSON] = CONNECTION | {"includePrivateNotes": True}
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def body(name: str) -> dict[str, Any]:
    """A fresh copy of a fixture's body, to be bent by the test."""
    told: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())["body"]
    return told


def headers(name: str) -> dict[str, str]:
    told = json.loads((FIXTURES / f"{name}.json").read_text())["headers"]
    return {key.lower(): value for key, value in told.items()}


def said(
    payload: Mapping[str, Any],
    connection: Mapping[str, JSON] = CONNECTION,
    *,
    of: Mapping[str, str] | None = None,
) -> Normalised:
    """What the adapter makes of a payload."""
    return normalise(Message(of or {}, payload, "delivery", NOW, ACCOUNT, connection))


def asked(payload: Mapping[str, Any], connection: Mapping[str, JSON] = CONNECTION) -> Refresh:
    """The one change of a payload, a look-up."""
    (change,) = said(payload, connection).changes
    assert isinstance(change, Refresh)
    return change


def told(payload: Mapping[str, Any], connection: Mapping[str, JSON] = CONNECTION) -> Upsert:
    """What a payload tells of its ticket where nobody can be asked; of comments see `comment`."""
    change, *_comments = asked(payload, connection).otherwise
    assert isinstance(change, Upsert)
    return change


def deleted(payload: Mapping[str, Any]) -> Delete:
    """The deletion that a payload states."""
    change = said(payload).changes[0]
    assert isinstance(change, Delete)
    return change


def identity(kind: str, id_: int) -> Identity:
    return Identity("zendesk", ACCOUNT, kind, str(id_))


def seen(
    kind: str, id_: int, raw: JSON, connection: Mapping[str, JSON] = CONNECTION
) -> Change | Refresh:
    """The one change that a look-up's answer makes."""
    (change,) = documents(Lookup(identity(kind, id_), raw=raw, sent_at=NOW, connection=connection))
    return change


def document(kind: str, id_: int, raw: JSON, connection: Mapping[str, JSON] = CONNECTION) -> Upsert:
    change = seen(kind, id_, raw, connection)
    assert isinstance(change, Upsert)
    return change
