"""Notion's JSON as Notion spells it: the fields that we read of events and of objects.

Law: required is only what no document can do without; of all else null, absence and what makes no
sense say the same; what we do not read is tolerated in any form. Answers of API versions
2022-06-28, 2025-09-03 and 2026-03-11 are read alike. Source: the types of `@notionhq/client`.
Performs no I/O.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator

from ingest.sources import wire
from ingest.sources.notion.ids import dashed
from ingest.sources.wire import Loose, Text, WireModel

_ENVELOPE = """
    accessible_by api_version attempt_number authors data entity id integration_id subscription_id
    timestamp type workspace_id workspace_name
"""
_DATA = "page_id parent target transcript_id updated_blocks updated_properties"

ENVELOPE_FIELDS = frozenset(_ENVELOPE.split())
"""Every field of an event that we have heard of; another one is drift."""

DATA_FIELDS = frozenset(_DATA.split())


def _uuid(told: str) -> str:
    found = dashed(told)
    if found is None:
        raise ValueError("not a UUID")
    return found


Id = Annotated[str, AfterValidator(_uuid)]
Flag = Annotated[bool | None, Loose]
Map = Annotated[dict[str, Any] | None, Loose]
Items = Annotated[list[Any] | None, Loose]
"""Nothing depends on these: whatever they cannot be says nothing."""


class Entity(WireModel):
    id: Id


class Event(WireModel):
    """What is needed of an event; the rest of it is looked up."""

    entity: Entity


class Object(WireModel):
    """What a page, a database and a comment have in common."""

    id: Id
    last_edited_time: str
    created_time: Text = None
    url: Text = None
    parent: Map = None
    in_trash: Flag = None
    archived: Flag = None
    is_archived: Flag = None
    last_edited_by: Map = None

    @property
    def is_trashed(self) -> bool:
        """`archived` is the older name of `in_trash`, and gone since 2026-03-11."""
        return bool(self.archived if self.in_trash is None else self.in_trash)

    @property
    def version(self) -> int:
        """`last_edited_time` in microseconds: Notion rounds it to the minute, so ties are usual."""
        return wire.version(self.last_edited_time, "last_edited_time")

    @property
    def created_at(self) -> datetime | None:
        return wire.time_if(self.created_time)


class Page(Object):
    properties: Map = None


class Database(Object):
    """`properties` are its columns in answers of versions before 2025-09-03."""

    title: Items = None
    description: Items = None
    data_sources: Items = None
    properties: Map = None


class Comment(Object):
    discussion_id: Text = None
    rich_text: Items = None
    attachments: Items = None
    created_by: Map = None
    display_name: Map = None
