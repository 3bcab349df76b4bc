"""The metadata that we write for Notion: the seed's interfaces, and the members that it lacks.

Law: a field that is not known is left out, never null. The seed's actions have no dot, ours have
one (`view.created`): that tells the two kinds of event apart. `DOCUMENT_TYPES` and `EVENT_TYPES`
are the members of the unions, `SEED_TYPES` those of the seed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ingest.sources.forms import NAME, WORD
from ingest.sources.metadata import ConnectionMetadata, Metadata, ResyncedMetadata


class _Metadata(Metadata):
    type: Literal["notion"] = "notion"


class NotionDocMetadata(_Metadata):
    """The seed's `NotionDocMetadata`. `properties` are plain values by name, of rows alone.

    `isArchived` is ours, and true where somebody put the page away: it is there, and in no view.
    """

    kind: Literal["database-page", "doc-page"]
    page_id: str
    database_id: str | None = None
    title: str
    url: str
    properties: dict[str, Any] | None = None
    last_edited_time: str
    last_edited_by: str | None = None
    is_archived: bool | None = None


class NotionDatabaseMetadata(_Metadata):
    """A database itself: its pages are its children. `dataSources` are the names of its tables."""

    kind: Literal["database"] = "database"
    database_id: str
    title: str
    url: str
    data_sources: list[str] | None = None
    last_edited_time: str
    last_edited_by: str | None = None


class NotionCommentMetadata(_Metadata):
    """A comment on a page or on a block of it; `pageId` is that page in either case."""

    kind: Literal["comment"] = "comment"
    comment_id: str
    discussion_id: str | None = None
    page_id: str | None = None
    url: str
    created_by: str | None = None
    author_name: str | None = None
    last_edited_time: str


class NotionEventMetadata(_Metadata):
    """The seed's `NotionEventMetadata`: what happened to a page, a database or a comment.

    `pageId` is the page, for a comment the one that it is on, for a database or a data source its
    own id. `lastEditedTime` is the time of the event, as no event tells that of its object.
    """

    action: Literal["created", "updated", "deleted"]
    webhook_id: str
    page_id: str
    database_id: str | None = None
    last_edited_time: str


class NotionOtherEventMetadata(_Metadata):
    """Every event that the seed cannot say, under Notion's own name of it (`view.created`)."""

    action: Annotated[str, Field(pattern=r"\.")]
    webhook_id: str
    object_id: str | None = None
    timestamp: str | None = None


class NotionResyncEventMetadata(ResyncedMetadata):
    """A change that a sync run found: no event of Notion's told it."""

    type: Literal["notion"] = "notion"


class NotionSourceMetadata(ConnectionMetadata):
    """The seed's connection metadata.

    `databaseIds` narrows the connection to the rows of those databases; empty, all rows come.
    Pages outside of databases come in either case: the connection's token decides which.
    """

    type: Literal["notion"] = "notion"
    notion_workspace_id: Annotated[str, WORD]
    notion_workspace_name: Annotated[str, NAME]
    database_ids: list[Annotated[str, WORD]]
    webhook_id: Annotated[str, WORD] | None = None
    access_token_hash: Annotated[str, WORD] | None = None


DOCUMENT_TYPES = (NotionDocMetadata, NotionDatabaseMetadata, NotionCommentMetadata)
EVENT_TYPES = (NotionEventMetadata, NotionOtherEventMetadata, NotionResyncEventMetadata)
SEED_TYPES: frozenset[type[BaseModel]] = frozenset(
    {NotionDocMetadata, NotionEventMetadata, NotionSourceMetadata}
)
