"""The metadata that we write for Linear: the seed's interfaces, and the members that it lacks.

Law: a field that is not known is left out, never null. Documents that the seed has no word for have
another `kind`. The seed's actions have no dot, ours have
one (`reaction.create`): that tells the two kinds of event apart. `DOCUMENT_TYPES` and `EVENT_TYPES`
are the members of the unions, `SEED_TYPES` those of the seed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ingest.sources.forms import NAME, WORD
from ingest.sources.metadata import ConnectionMetadata, Metadata, ResyncedMetadata


class _Metadata(Metadata):
    type: Literal["linear"] = "linear"


class LinearDocMetadata(_Metadata):
    """The seed's `LinearDocMetadata`. `state` is one of todo, in-progress, done, canceled."""

    kind: Literal["issue", "comment", "project"]
    id: str
    url: str
    created_at: str
    updated_at: str
    identifier: str | None = None
    team_id: str | None = None
    team_key: str | None = None
    project_id: str | None = None
    state: str | None = None
    priority: int | None = None
    labels: list[str] | None = None
    assignee_id: str | None = None
    issue_id: str | None = None
    issue_identifier: str | None = None
    user_id: str | None = None
    user_name: str | None = None


class _PageMetadata(_Metadata):
    """What the members of ours share with the seed's: id, page and times."""

    id: str
    url: str
    created_at: str
    updated_at: str


class LinearUpdateDocMetadata(_PageMetadata):
    """A report on a project or an initiative; `health` is onTrack, atRisk or offTrack."""

    kind: Literal["project-update", "initiative-update"]
    project_id: str | None = None
    initiative_id: str | None = None
    health: str | None = None
    user_id: str | None = None
    user_name: str | None = None


class LinearDocumentDocMetadata(_PageMetadata):
    """A document of a project, an initiative, an issue or another document; `userId` wrote it."""

    kind: Literal["document"]
    project_id: str | None = None
    initiative_id: str | None = None
    issue_id: str | None = None
    parent_document_id: str | None = None
    user_id: str | None = None


class LinearInitiativeDocMetadata(_PageMetadata):
    """An initiative; `state` and `priority` as of an issue."""

    kind: Literal["initiative"]
    state: str | None = None
    priority: int | None = None
    health: str | None = None


class LinearEventMetadata(_Metadata):
    """The seed's `LinearEventMetadata`: what happened to an issue, a comment or a project."""

    action: Literal["create", "update", "remove"]
    webhook_id: str
    issue_id: str | None = None
    comment_id: str | None = None
    project_id: str | None = None
    updated_at: str


class LinearOtherEventMetadata(_Metadata):
    """Every event that the seed cannot say: `<type>.<action>`, and what Linear told of its object.

    `objectId` is the object's own id (a reaction's, a cycle's); the others as in the seed.
    """

    action: Annotated[str, Field(pattern=r"\.")]
    webhook_id: str
    object_id: str | None = None
    issue_id: str | None = None
    comment_id: str | None = None
    project_id: str | None = None
    updated_at: str | None = None


class LinearResyncEventMetadata(ResyncedMetadata):
    """A document that a sync run found changed."""

    type: Literal["linear"] = "linear"


class LinearSourceMetadata(ConnectionMetadata):
    """The seed's connection metadata, and two optional fields of ours.

    `onlyTeamIds` narrows the connection to those teams: without it the whole organization comes.
    `teamKeys` are the keys of further teams whose bare mentions (`ENG-12`) belong to it.
    """

    type: Literal["linear"] = "linear"
    linear_team_id: Annotated[str, WORD]
    linear_team_key: Annotated[str, WORD]
    linear_organization_id: Annotated[str, WORD]
    team_name: Annotated[str, NAME]
    webhook_id: Annotated[str, WORD] | None = None
    access_token_hash: Annotated[str, WORD] | None = None
    only_team_ids: Annotated[list[Annotated[str, WORD]], Field(min_length=1)] | None = None
    team_keys: list[Annotated[str, WORD]] | None = None


DOCUMENT_TYPES: tuple[type[Metadata], ...] = (
    LinearDocMetadata,
    LinearUpdateDocMetadata,
    LinearDocumentDocMetadata,
    LinearInitiativeDocMetadata,
)
EVENT_TYPES: tuple[type[Metadata], ...] = (
    LinearEventMetadata,
    LinearOtherEventMetadata,
    LinearResyncEventMetadata,
)
SEED_TYPES: frozenset[type[BaseModel]] = frozenset(
    {LinearDocMetadata, LinearEventMetadata, LinearSourceMetadata}
)
