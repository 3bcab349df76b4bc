"""Deliveries and look-ups of an invented workspace, Halcyon Rail, in the shapes that Notion has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Message, Normalised, Sight
from ingest.sources.notion.client import NotionClient, connect
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.documents import documents
from ingest.sources.notion.normalise import normalise
from ingest.testing.fakes import Fake

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))
SCOPE = "0b5c1d9e-7a43-4c7e-9f5d-6a1f0e2d3c4b"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT = "2026-03-02T08:00:31Z"
LATER = "2026-03-02T08:10:04Z"


def uid(name: str) -> str:
    """The id of a thing of the workspace, as the fixtures have it."""
    return str(uuid5(NAMESPACE_DNS, f"halcyon/{name}"))


PAGE, OTHER, DATABASE, SOURCE, COMMENT, BLOCK = (
    uid(name) for name in ("page", "other", "database", "source", "comment", "block")
)


def body(name: str) -> dict[str, Any]:
    """A fresh copy of a fixture's body, to be bent by the test."""
    told: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())["body"]
    return told


def said(payload: dict[str, Any]) -> Normalised:
    """What the adapter makes of a payload."""
    return normalise(Message({}, payload, "delivery", NOW, SCOPE))


def asked(name: str) -> Refresh:
    """The one look-up that a fixture asks for."""
    (refresh,) = said(body(name)).changes
    assert isinstance(refresh, Refresh)
    return refresh


def identity(kind: str, id_: str) -> Identity:
    return Identity("notion", SCOPE, kind, id_)


def client(fake: Fake, metadata: Mapping[str, JSON] | None = None) -> NotionClient:
    """A client of the fake, with its token."""
    return connect(Access(fake.url, fake.provider.token, metadata or {}, lambda: NOW))


def seen(fake: Fake, kind: str, id_: str, **hint: JSON) -> Sight:
    """What a look-up reads."""
    connected = client(fake)
    try:
        return connected.fetch_one(Lookup(identity(kind, id_), hint))
    finally:
        connected.close()


def meant(sight: Sight, kind: str, id_: str) -> Change | Refresh:
    """The one change that is made of a sight."""
    assert sight.raw is not None
    (change,) = documents(Lookup(identity(kind, id_), raw=sight.raw, sent_at=NOW))
    return change


def document(fake: Fake, kind: str, id_: str, **hint: JSON) -> Upsert:
    """The document that a look-up comes to."""
    change = meant(seen(fake, kind, id_, **hint), kind, id_)
    assert isinstance(change, Upsert)
    return change


def deletion(fake: Fake, kind: str, id_: str) -> Delete:
    """The deletion that a look-up comes to."""
    change = meant(seen(fake, kind, id_), kind, id_)
    assert isinstance(change, Delete)
    return change


def page(**fields: JSON) -> dict[str, JSON]:
    """A page as Notion's API shows it."""
    notion = Notion()
    notion.put_page(PAGE, "Timetable", at=AT)
    return {**notion.pages[PAGE], **fields}


def page_document(raw_page: Mapping[str, JSON], **more: JSON) -> Upsert:
    """The document that a page's answer makes, without a network."""
    change = meant(Sight({"page": dict(raw_page), "blocks": [], **more}), "page", PAGE)
    assert isinstance(change, Upsert)
    return change
