"""Deliveries of an invented organization, Halcyon Rail, in the shapes that Linear sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Message, Normalised
from ingest.sources.linear.normalise import normalise

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))
ORGANIZATION = "8c0a2f7e-organization-of-the-connection"


def body(name: str) -> dict[str, Any]:
    """A fresh copy of a fixture's body, to be bent by the test."""
    told: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())["body"]
    return told


def said(payload: dict[str, Any], *, tenant: str = ORGANIZATION, **connection: JSON) -> Normalised:
    """What the adapter makes of a payload, for a connection with this metadata."""
    return normalise(
        Message(
            headers={},
            payload=payload,
            delivery_key="delivery",
            received_at=datetime(2026, 3, 2, tzinfo=UTC),
            scope=tenant,
            connection=connection,
        )
    )


def upsert(payload: dict[str, Any]) -> Upsert:
    """The one change of a payload, an upsert: what is applied where nobody can be asked."""
    (change,) = said(payload).untokened
    assert isinstance(change, Upsert)
    return change


def delete(payload: dict[str, Any]) -> Delete:
    """The one change of a payload, a delete, which needs no look-up."""
    (change,) = said(payload).told
    assert isinstance(change, Delete)
    return change


def asked(payload: dict[str, Any]) -> Refresh:
    """The one look-up that a payload asks for; it tells nothing beside."""
    result = said(payload)
    (refresh,) = result.asked
    assert result.told == ()
    return refresh


def identity(kind: str, id_: str) -> Identity:
    return Identity("linear", ORGANIZATION, kind, id_)
