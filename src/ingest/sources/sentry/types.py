"""The metadata that we write for Sentry: the seed's interfaces, and the members that it lacks.

Law: a field that is not known is left out, never null. `kind` and `action` tell the members apart:
the seed's actions name none of Sentry's resources, ours begin with one (`issue.unresolved`), or
with `other` where it is new. `DOCUMENT_TYPES` and `EVENT_TYPES` are the members of the unions,
`SEED_TYPES` those of the seed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ingest.sources.forms import ID, WORD
from ingest.sources.hosts import HOST
from ingest.sources.metadata import ConnectionMetadata, Metadata, ResyncedMetadata

RESOURCES = (
    "activity_alert",
    "comment",
    "error",
    "event_alert",
    "installation",
    "issue",
    "metric_alert",
    "preprod_artifact",
    "seer",
)
"""Every `Sentry-Hook-Resource` that we have heard of."""

LONGEST_DAYS = 3_650
"""That somebody may keep events for."""


class _Metadata(Metadata):
    type: Literal["sentry"] = "sentry"


class SentryDocMetadata(_Metadata):
    """The seed's `SentryDocMetadata`; lists are sorted, times are spelled as Sentry spells them.

    `agedOut` is ours: no event of it is left within Sentry's retention, so that no list names it.
    """

    kind: Literal["issue"] = "issue"
    issue_id: str
    short_id: str
    project: str
    platform: str | None = None
    level: str
    status: str
    culprit: str | None = None
    count: int
    user_count: int | None = None
    environments: list[str]
    releases: list[str]
    tags: dict[str, list[str]]
    first_seen: str
    last_seen: str
    url: str
    aged_out: Literal[True] | None = None


class SentryCommentDocMetadata(_Metadata):
    """A comment on an issue, which the seed does not know; its page is that of the issue."""

    kind: Literal["comment"] = "comment"
    comment_id: str
    issue_id: str
    user_id: str | None = None
    user_name: str | None = None
    created_at: str | None = None


class SentryEventMetadata(_Metadata):
    """The seed's `SentryEventMetadata`: what happened to an issue that the delivery names."""

    action: Literal["created", "assigned", "resolved", "event.created"]
    webhook_id: str
    issue_id: str
    event_id: str | None = None
    level: str | None = None
    triggered_at: str


class SentryOtherEventMetadata(_Metadata):
    """Every event that the seed cannot say: `<resource>.<action>`, and what Sentry told of it.

    `objectId` is the id of what has no field of its own (a metric alert's, a run's).
    """

    action: Annotated[str, Field(pattern=rf"^({'|'.join(RESOURCES)}|other)\.")]
    webhook_id: str
    issue_id: str | None = None
    event_id: str | None = None
    comment_id: str | None = None
    object_id: str | None = None
    level: str | None = None
    triggered_at: str


class SentryResyncEventMetadata(ResyncedMetadata, _Metadata):
    """What a sync run changed, which Sentry told nobody."""


class SentrySourceMetadata(ConnectionMetadata):
    """The seed's connection metadata, and three optional fields of ours.

    `projectSlugs` are further slugs that the project was told to have, and since when; we write it.
    `apiHost` is where the organization lives (`de.sentry.io`, a host of its own), if not sentry.io.
    `retentionDays` is for how long that keeps events, if not for 90 days.
    """

    type: Literal["sentry"] = "sentry"
    sentry_organization_slug: Annotated[str, ID]
    sentry_project_slug: Annotated[str, ID]
    sentry_project_id: Annotated[str, ID]
    webhook_id: Annotated[str, WORD] | None = None
    access_token_hash: Annotated[str, WORD] | None = None
    project_slugs: dict[Annotated[str, ID], str] | None = None
    api_host: Annotated[str, HOST] | None = None
    retention_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = None


DOCUMENT_TYPES = (SentryDocMetadata, SentryCommentDocMetadata)
EVENT_TYPES = (SentryEventMetadata, SentryOtherEventMetadata, SentryResyncEventMetadata)
SEED_TYPES: frozenset[type[BaseModel]] = frozenset(
    {SentryDocMetadata, SentryEventMetadata, SentrySourceMetadata}
)
