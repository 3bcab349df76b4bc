"""The metadata that we write for Zendesk: the seed's interfaces, and the member that it lacks.

Law: a field that is not known is left out, never null. The seed's actions begin with `ticket.` or
`article.`, ours with `zen:event-type:`: that tells the two kinds of event apart. `DOCUMENT_TYPES`
and `EVENT_TYPES` are the members of the unions, `SEED_TYPES` those of the seed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ingest.sources.forms import WORD
from ingest.sources.hosts import HOST, LABEL
from ingest.sources.metadata import ConnectionMetadata, Metadata, ResyncedMetadata

SeedAction = Literal["ticket.created", "ticket.updated", "article.published", "article.updated"]


class _Metadata(Metadata):
    type: Literal["zendesk"] = "zendesk"


class ZendeskDocMetadata(_Metadata):
    """The seed's `ZendeskDocMetadata`; words are in lower case, as in Zendesk's API.

    `commentCount` counts the comments that the document holds, the description included: the public
    ones, or all where the connection wants private notes.
    """

    kind: Literal["ticket", "article"]
    url: str
    updated_at: str
    ticket_id: int | None = None
    status: str | None = None
    priority: str | None = None
    ticket_type: str | None = None
    assignee_id: int | None = None
    submitter_id: int | None = None
    tags: list[str] | None = None
    comment_count: int | None = None
    article_id: int | None = None
    section_id: int | None = None
    locale: str | None = None
    promoted: bool | None = None
    vote_sum: int | None = None


class ZendeskCommentDocMetadata(_Metadata):
    """A comment that an event told, while nobody could be asked for its ticket's conversation."""

    kind: Literal["comment"]
    url: str
    updated_at: str
    comment_id: int
    ticket_id: int
    author_id: int | None = None
    author_name: str | None = None


class ZendeskEventMetadata(_Metadata):
    """The seed's `ZendeskEventMetadata`: a ticket or an article that is there after the event."""

    action: SeedAction
    webhook_id: str
    ticket_id: int | None = None
    article_id: int | None = None
    triggered_at: str


class ZendeskOtherEventMetadata(_Metadata):
    """Every event that the seed cannot say, under Zendesk's own name for its type."""

    action: Annotated[str, Field(pattern=r"^zen:event-type:")]
    webhook_id: str
    ticket_id: int | None = None
    article_id: int | None = None
    triggered_at: str


class ZendeskResyncEventMetadata(ResyncedMetadata):
    """A document that a sync run changed; `kind` is `ticket`, `article` or `translation`."""

    type: Literal["zendesk"] = "zendesk"


class ZendeskSourceMetadata(ConnectionMetadata):
    """The seed's connection metadata, and three optional fields of ours.

    `includePrivateNotes` takes the internal notes of tickets in: without it they stay out.
    `brandSubdomains` are the account's further subdomains, whose URLs name its things too.
    `mappedHosts` are the domains of its own that its help centres are under: so do URLs there.
    """

    type: Literal["zendesk"] = "zendesk"
    zendesk_subdomain: Annotated[str, LABEL]
    zendesk_account_id: Annotated[str, WORD]
    webhook_id: Annotated[str, WORD] | None = None
    access_token_hash: Annotated[str, WORD] | None = None
    include_private_notes: bool | None = None
    brand_subdomains: list[Annotated[str, LABEL]] | None = None
    mapped_hosts: list[Annotated[str, HOST]] | None = None


DOCUMENT_TYPES = (ZendeskDocMetadata, ZendeskCommentDocMetadata)
EVENT_TYPES = (ZendeskEventMetadata, ZendeskOtherEventMetadata, ZendeskResyncEventMetadata)
SEED_TYPES: frozenset[type[BaseModel]] = frozenset(
    {ZendeskDocMetadata, ZendeskEventMetadata, ZendeskSourceMetadata}
)
