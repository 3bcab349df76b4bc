"""How Notion sends: the workspace says whose a delivery is, and every object is looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.sources.notion.demo.fake import Notion, make
from ingest.sources.notion.demo.shapes import (
    WORKSPACE,
    Object,
    block,
    in_block,
    in_database,
    in_page,
    rich,
)
from ingest.sources.notion.ids import dashed
from ingest.testing.fakes import Provider
from ingest.testing.recorded import Recorded, Sending

_EARLY = "2020-01-01T00:00:00Z"


def _event_action(of: Recorded) -> tuple[str, str]:
    if set(of.payload) == {"verification_token"}:
        return "verification", ""
    event, _, action = str(of.payload.get("type") or "").partition(".")
    return event, action


def _connection(of: Recorded) -> str | None:
    """The handshake names no workspace: it is for the connection that waits for it."""
    told = of.payload.get("workspace_id")
    return told if isinstance(told, str) and told else None


def _metadata(connection: str, of: Sequence[Recorded]) -> dict[str, Any]:
    names = [one.payload.get("workspace_name") for one in of]
    return {
        "type": "notion",
        "notionWorkspaceId": connection,
        "notionWorkspaceName": next((n for n in names if isinstance(n, str)), "Unnamed"),
        "databaseIds": [],
    }


def _headers(_of: Recorded, _delivery_id: str, _now: datetime) -> Mapping[str, str]:
    return {"content-type": "application/json", "user-agent": "notion-webhooks/1.0"}


def _object(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = within.get(name)
    return found if isinstance(found, dict) else {}


def provider(recorded: Sequence[Recorded]) -> Provider:
    """A workspace with a page, a database or a comment for every id that a payload names.

    What the latest event of an object says of it is how it is: in the trash, gone, or there.
    """
    notion = make()
    notion.page_size = 100
    told = [one.payload for one in recorded if dashed(_object(one.payload, "entity").get("id"))]
    told.sort(key=lambda payload: str(payload.get("timestamp")))
    for payload in told:
        _place(notion, payload)
    for payload in told:
        _happen(notion, payload)
    return notion


def _place(notion: Notion, payload: Mapping[str, Any]) -> None:
    """The objects that stand around an event's own: its parent, and a comment's page."""
    data = _object(payload, "data")
    page = dashed(data.get("page_id"))
    if page is not None:
        _page(notion, page, WORKSPACE)
    told = _object(data, "parent")
    id_ = dashed(told.get("id"))
    if id_ is None:
        return
    if told.get("type") == "database":
        _database(notion, id_, str(dashed(told.get("data_source_id")) or id_), WORKSPACE)
    elif told.get("type") == "page":
        _page(notion, id_, WORKSPACE)
    elif told.get("type") == "block":
        on = page or str(dashed(id_.replace("-", "")[::-1]))
        _page(notion, on, WORKSPACE)
        ids = dict.fromkeys([*notion.block_ids(on), id_])
        said = [{**block("paragraph", rich(f"Block {own}.")), "id": own} for own in ids]
        notion.edit_page(on, at=_EARLY, blocks=said)


def _parent(payload: Mapping[str, Any]) -> Object:
    told = _object(_object(payload, "data"), "parent")
    id_ = dashed(told.get("id"))
    if id_ is None:
        return WORKSPACE
    if told.get("type") == "database":
        return in_database(id_, str(dashed(told.get("data_source_id")) or id_))
    return {"page": in_page(id_), "block": in_block(id_)}.get(str(told.get("type")), WORKSPACE)


def _happen(notion: Notion, payload: Mapping[str, Any]) -> None:
    """The object of an event, as the event leaves it."""
    id_ = str(dashed(_object(payload, "entity").get("id")))
    event, _, action = str(payload.get("type")).partition(".")
    if action in ("locked", "unlocked"):
        return
    at, parent = str(payload.get("timestamp") or _EARLY), _parent(payload)
    if event == "comment":
        notion.put_comment(id_, parent, rich(f"Comment {id_}"), at=at)
        if action == "deleted":
            notion.destroy(id_)
        return
    if event == "page":
        _page(notion, id_, parent)
    elif event == "database":
        _database(notion, id_, id_, parent)
    elif event == "data_source":
        _database(notion, str(parent.get("database_id") or id_), id_, WORKSPACE)
        return
    else:
        return
    (notion.trash if action == "deleted" else notion.restore)(id_, at=at)


def _page(notion: Notion, id_: str, parent: Object) -> None:
    if id_ not in notion.pages:
        said = [block("paragraph", rich(f"What page {id_} says."))]
        notion.put_page(id_, f"Page {id_[:8]}", at=_EARLY, parent=parent, blocks=said)
    elif parent is not WORKSPACE:
        notion.move(id_, parent, at=notion.pages[id_]["last_edited_time"])


def _database(notion: Notion, id_: str, source: str, parent: Object) -> None:
    if id_ not in notion.databases:
        notion.put_database(id_, f"Database {id_[:8]}", at=_EARLY, sources={source: "Table"})
    if parent is not WORKSPACE:
        notion.move(id_, parent, at=notion.databases[id_]["last_edited_time"])


SENDING = Sending(_connection, _metadata, _headers, _event_action, provider=provider)
