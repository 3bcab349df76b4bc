"""Notion's part: a post-mortem is written, gathers what it speaks of, and is commented. No I/O.

The shapes are those of Notion's webhook payloads: they say that something changed, and the rest is
looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from ingest.core.values import JSON
from ingest.sources.notion.demo.fake import Notion, make
from ingest.sources.notion.demo.shapes import block, in_database, in_page, mention, rich
from ingest.testing.sample import SampleDelivery

WORKSPACE = "7a1b2c3d-0000-4000-8000-000000000001"
POST_MORTEM = "1f0b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
TITLE = "Post-mortem: yesterday's ferries after midnight"

_GITHUB = "https://github.com/brindle-ferries/departures"
_LINEAR = "https://linear.app/brindle/issue/DEP-12/passengers-wait-for-ferries-that-left-yesterday"
_SENTRY = "https://brindle.sentry.io/issues/5150007001/"
_TICKET = "https://brindle.zendesk.com/agent/tickets/7890"
_DEPLOYMENT = "dpl_Br1nd1eBoards0001Production"


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://www.notion.so/brindle/{name}"))


_DATABASE, _TABLE, _DRAFT, _COMMENT = (
    _id("database"),
    _id("table"),
    _id("draft"),
    _id("comment"),
)
_MARIT: dict[str, JSON] = {"id": _id("user/marit"), "type": "person"}

_SAID = (
    block("heading_2", rich("What happened")),
    block(
        "paragraph",
        rich("From midnight on the boards showed the day before: "),
        rich("the error", href=_SENTRY),
        rich(", tracked in "),
        rich("DEP-12", href=_LINEAR),
        rich("."),
    ),
    block("heading_2", rich("What mended it")),
    block(
        "bulleted_list_item",
        rich("The change: "),
        rich(f"{_GITHUB}/pull/42", href=f"{_GITHUB}/pull/42"),
        children=[
            block("paragraph", rich(f"Live with {_DEPLOYMENT}.")),
        ],
    ),
    block("to_do", rich("Answer the passenger"), checked=True),
)


def provider() -> Notion:
    """The workspace as it is when the story is over."""
    notion = make()
    notion.put_database(
        _DATABASE,
        "Post-mortems",
        at="2026-03-01T09:00:00Z",
        sources={_TABLE: "Post-mortems"},
        description=[rich("What went wrong, and what keeps it from going wrong again.")],
        columns=("Name", "Ticket", "Status"),
    )
    notion.put_page(
        POST_MORTEM,
        TITLE,
        at="2026-03-02T15:00:00Z",
        parent=in_database(_DATABASE, _TABLE),
        properties={
            "Ticket": {"id": "tick", "type": "url", "url": _TICKET},
            "Status": {"id": "stat", "type": "status", "status": {"name": "Done"}},
        },
    )
    notion.edit_page(
        POST_MORTEM,
        at="2026-03-02T15:40:00Z",
        blocks=_SAID,
    )
    notion.put_page(_DRAFT, "Untitled thoughts", at="2026-03-02T15:01:00Z")
    notion.trash(_DRAFT, at="2026-03-02T15:50:00Z")
    notion.put_comment(
        _COMMENT,
        in_page(POST_MORTEM),
        rich("See also "),
        mention(_DATABASE, "Post-mortems"),
        rich(f" and {_GITHUB}/issues/41."),
        at="2026-03-02T15:30:00Z",
    )
    return notion


def _delivery(
    arrives_min: int, title: str, type_: str, entity: str, at: str, **data: JSON
) -> SampleDelivery:
    payload: dict[str, JSON] = {
        "id": _id(f"events/{arrives_min}"),
        "timestamp": at,
        "workspace_id": WORKSPACE,
        "workspace_name": "Brindle Ferries",
        "subscription_id": _id("subscription"),
        "integration_id": _id("integration"),
        "type": type_,
        "authors": [_MARIT],
        "attempt_number": 1,
        "api_version": "2025-09-03",
        "entity": {"id": entity, "type": type_.partition(".")[0]},
        "data": dict(data),
    }
    headers = {"content-type": "application/json", "user-agent": "notion-webhooks/1.0"}
    return SampleDelivery(arrives_min, title, headers, payload)


_IN_DATABASE: dict[str, JSON] = {"id": _DATABASE, "type": "database", "data_source_id": _TABLE}
_IN_SPACE: dict[str, JSON] = {"id": WORKSPACE, "type": "space"}

METADATA: Mapping[str, JSON] = {
    "notionWorkspaceId": WORKSPACE,
    "notionWorkspaceName": "Brindle Ferries",
    "databaseIds": [_DATABASE],
    "webhookId": _id("subscription"),
}
"""What the connection of the story stands for; laid over the sample\'s."""

DELIVERIES = (
    _delivery(
        35,
        "a post-mortem edited (before it is created)",
        "page.content_updated",
        POST_MORTEM,
        "2026-03-02T15:40:12.410Z",
        parent=_IN_DATABASE,
        updated_blocks=[{"id": _id("block"), "type": "block"}],
    ),
    _delivery(
        36,
        "a comment on it",
        "comment.created",
        _COMMENT,
        "2026-03-02T15:30:05.020Z",
        page_id=POST_MORTEM,
        parent={"id": POST_MORTEM, "type": "page"},
    ),
    _delivery(
        37,
        "the post-mortem created",
        "page.created",
        POST_MORTEM,
        "2026-03-02T15:00:31.500Z",
        parent=_IN_DATABASE,
    ),
    _delivery(
        38,
        "a new column in its database",
        "data_source.schema_updated",
        _TABLE,
        "2026-03-02T15:02:00.000Z",
        parent={"id": _DATABASE, "type": "database"},
        updated_properties=[{"id": "tick", "name": "Ticket", "action": "created"}],
    ),
    _delivery(
        39,
        "a page thrown away",
        "page.deleted",
        _DRAFT,
        "2026-03-02T15:50:44.000Z",
        parent=_IN_SPACE,
    ),
)
