"""Notion's kinds of event: what is looked up for each, which are ignored and why, their record.

Law: no kind is dropped silently. One that is ignored stands here with its reason, and its event is
recorded all the same. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ingest.core.values import JSON
from ingest.sources.contract import Headers, Payload
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.types import NotionEventMetadata, NotionOtherEventMetadata
from ingest.sources.wire import mapping, text

_LOCK = "a lock changes nothing of what a page says"
_VIEW = "a view shows what its database holds"
_FILE = "a file is read where a page shows it"

# developers.notion.com/reference/webhooks-events-delivery, and `BaseWebhookPayload` of
# @notionhq/client for those that the page does not list.
IGNORED: Mapping[str, str] = {
    "page.locked": _LOCK,
    "page.unlocked": _LOCK,
    "view.created": _VIEW,
    "view.updated": _VIEW,
    "view.deleted": _VIEW,
    "file_upload.created": _FILE,
    "file_upload.completed": _FILE,
    "file_upload.expired": _FILE,
    "file_upload.upload_failed": _FILE,
}

LOOKED_UP: Mapping[str, str] = {
    "page.created": "page",
    "page.content_updated": "page",
    "page.properties_updated": "page",
    "page.moved": "page",
    "page.deleted": "page",
    "page.undeleted": "page",
    "page.transcription_block.transcript_deleted": "page",
    "database.created": "database",
    "database.moved": "database",
    "database.deleted": "database",
    "database.undeleted": "database",
    # Both are told by `data_source.…` since API version 2025-09-03.
    "database.content_updated": "database",
    "database.schema_updated": "database",
    "data_source.created": "data_source",
    "data_source.content_updated": "data_source",
    "data_source.schema_updated": "data_source",
    "data_source.moved": "data_source",
    "data_source.deleted": "data_source",
    "data_source.undeleted": "data_source",
    "comment.created": "comment",
    "comment.updated": "comment",
}
"""Kinds that say only that something changed, and the kind of object that did."""

COMMENT_DELETED = "comment.deleted"

_ACTIONS: Mapping[str, Literal["created", "deleted"]] = {
    "created": "created",
    "deleted": "deleted",
}
_SAID_BY_SEED = ("page.", "database.", "data_source.", "comment.")
_LONGEST_NAME = 100
_DATABASES = ("database", "database_id")


def ignored_because(type_: str) -> str:
    """Why deliveries of this type change no document."""
    reason = IGNORED.get(type_)
    return f"{type_}: {reason}" if reason else f"unknown type {type_[:_LONGEST_NAME]}"


def unowned_because(_headers: Headers, payload: Payload) -> str | None:
    """Why a delivery that names no workspace of ours changes nothing."""
    type_ = text(payload, "type") or ""
    return f"{type_}: {IGNORED[type_]}" if type_ in IGNORED else None


def record(type_: str, payload: Payload) -> dict[str, JSON]:
    """The event's metadata: in the seed's terms where it has a word and the payload an object."""
    entity, data = mapping(payload, "entity"), mapping(payload, "data")
    id_, time = dashed(entity.get("id")), text(payload, "timestamp")
    page = _page_of(data) if type_.startswith("comment.") else id_
    webhook_id = text(payload, "subscription_id") or ""
    known = type_ in LOOKED_UP or type_ in IGNORED or type_ == COMMENT_DELETED
    if known and type_.startswith(_SAID_BY_SEED) and page and time:
        return NotionEventMetadata(
            action=_ACTIONS.get(type_.partition(".")[2], "updated"),
            webhook_id=webhook_id,
            page_id=page,
            database_id=_database(type_, id_, mapping(data, "parent")),
            last_edited_time=time,
        ).told()
    return NotionOtherEventMetadata(
        action=_dotted(type_), webhook_id=webhook_id, object_id=id_, timestamp=time
    ).told()


def _page_of(data: Payload) -> str | None:
    """The page that a comment is on."""
    parent = mapping(data, "parent")
    on_page = parent.get("type") in ("page", "page_id")
    return dashed(data.get("page_id")) or (dashed(parent.get("id")) if on_page else None)


def _database(type_: str, id_: str | None, parent: Payload) -> str | None:
    if type_.startswith("database."):
        return id_
    return dashed(parent.get("id")) if parent.get("type") in _DATABASES else None


def _dotted(type_: str) -> str:
    """Notion's own name; one that has no dot is nobody's yet."""
    name = type_[:_LONGEST_NAME]
    return name if "." in name else f"unknown.{name}"
