"""The fixtures of this folder as messages, and what an adapter made of them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.sources.contract import Message, Normalised
from ingest.sources.github import SOURCE
from ingest.sources.github.normalise import normalise

FIXTURES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "fixtures").glob("*.json"))
}
CONNECTION = {"githubRepoId": "510001", "repoFullName": "acme/payments", "defaultBranch": "main"}
RECEIVED_AT = datetime(2024, 3, 5, 12, tzinfo=UTC)


def message(fixture: str, body: Any = None) -> Message:
    """The fixture as the adapter sees it, with another body where one is given."""
    told = FIXTURES[fixture]
    headers = {name.lower(): value for name, value in told["headers"].items()}
    payload = copy.deepcopy(told["body"]) if body is None else body
    return Message(
        headers=headers,
        payload=payload,
        delivery_key=headers["x-github-delivery"],
        received_at=RECEIVED_AT,
        scope=next(iter(SOURCE.descriptor.tenants(headers, told["body"])), ""),
        connection=CONNECTION,
    )


def body(fixture: str) -> Any:
    """A copy of the fixture's body, free to be changed."""
    return copy.deepcopy(FIXTURES[fixture]["body"])


def told(fixture: str, body: Any = None) -> Normalised:
    return normalise(message(fixture, body))


def upsert(fixture: str, body: Any = None) -> Upsert:
    """The one upsert that the fixture means, where nobody can be asked."""
    (change,) = told(fixture, body).untokened
    assert isinstance(change, Upsert)
    return change


def delete(fixture: str, body: Any = None) -> Delete:
    """The one delete that the fixture means, where nobody can be asked."""
    (change,) = told(fixture, body).untokened
    assert isinstance(change, Delete)
    return change


def asked(fixture: str, body: Any = None) -> Refresh:
    """The one look-up that the fixture asks for."""
    (change,) = told(fixture, body).changes
    assert isinstance(change, Refresh)
    return change
