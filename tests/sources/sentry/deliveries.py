"""Deliveries of an invented organization, Halcyon Rail, in the shapes that Sentry sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.core.changes import Change, Patch, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.sources.contract import Message, Normalised
from ingest.sources.sentry import SOURCE
from tests.factories import METADATA

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))
CONNECTION = METADATA["sentry"]
HOST = "sentry.io"
ISSUE_ID = "1170820242"
RECEIVED_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told(name: str) -> dict[str, Any]:
    """A fresh copy of a fixture, `headers` and `body`, to be bent by the test."""
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    found["headers"] = {key.lower(): value for key, value in found["headers"].items()}
    return found


def data(name: str) -> Any:
    """What a fixture tells of: its `data`."""
    return told(name)["body"]["data"]


def said(
    fixture: dict[str, Any],
    received_at: datetime = RECEIVED_AT,
    *,
    connection: Mapping[str, Any] = CONNECTION,
) -> Normalised:
    """What the adapter makes of a delivery."""
    message = Message(
        headers=fixture["headers"],
        payload=fixture["body"],
        delivery_key="a delivery",
        received_at=received_at,
        scope=HOST,
        connection=connection,
    )
    return SOURCE.normalise(message)


def asked(fixture: dict[str, Any]) -> Refresh:
    """The one change of a delivery, a look-up."""
    (change,) = said(fixture).changes
    assert isinstance(change, Refresh)
    return change


def told_change(fixture: dict[str, Any]) -> Change:
    """The one change that is left where nobody can be asked."""
    (change,) = said(fixture).untokened
    return change


def upsert(fixture: dict[str, Any]) -> Upsert:
    """The same, a whole object."""
    change = told_change(fixture)
    assert isinstance(change, Upsert)
    return change


def of_event(fixture: dict[str, Any]) -> tuple[Upsert, Patch]:
    """What an event leaves where nobody can be asked: what stands in for its issue, and fields."""
    whole, some = said(fixture).untokened
    assert isinstance(whole, Upsert)
    assert isinstance(some, Patch)
    return whole, some


def patch(fixture: dict[str, Any]) -> Patch:
    """The fields alone."""
    return of_event(fixture)[1]


def identity(kind: str = "issue", id_: str = ISSUE_ID) -> Identity:
    return Identity("sentry", HOST, kind, id_)
