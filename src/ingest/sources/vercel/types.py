"""The metadata that we write for Vercel: the seed's interfaces, and the member that it lacks.

Law: a field that is not known is left out, never null. The seed has three actions; every other one
is a member of ours, so that the action tells the two kinds of event apart. `DOCUMENT_TYPES` and
`EVENT_TYPES` are the members of the unions, `SEED_TYPES` those of the seed.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel

from ingest.sources.forms import ID, NAME, WORD
from ingest.sources.hosts import HOST
from ingest.sources.metadata import ConnectionMetadata, Metadata, ResyncedMetadata

SeedAction = Literal["deployment.created", "deployment.ready", "deployment.error"]
SEED_ACTIONS: frozenset[str] = frozenset(get_args(SeedAction))


class _Metadata(Metadata):
    type: Literal["vercel"] = "vercel"


class VercelDocMetadata(_Metadata):
    """The seed's `VercelDocMetadata`. `environment` is production, preview or a custom one's slug;
    `status` is Vercel's `readyState`; `errorCount` counts within the end of the build log.

    `agedOut` is ours, and true where Vercel has removed the deployment for its age alone.
    """

    kind: Literal["deployment"] = "deployment"
    deployment_id: str
    deployment_url: str
    project: str
    environment: str
    status: str
    target: str | None = None
    commit_sha: str | None = None
    commit_message: str | None = None
    branch: str | None = None
    error_count: int | None = None
    error_summary: str | None = None
    created_at: str
    ready_at: str | None = None
    url: str
    aged_out: bool | None = None


class VercelEventMetadata(_Metadata):
    """The seed's `VercelEventMetadata`: a deployment is created, can be used, or has failed."""

    action: SeedAction
    webhook_id: str
    deployment_id: str
    deployment_url: str
    state: str
    environment: str
    triggered_at: str


class VercelResyncEventMetadata(ResyncedMetadata):
    """What a sync run changed of a document."""

    type: Literal["vercel"] = "vercel"


_OTHERS = SEED_ACTIONS | {"resync"}


def _is_ours(action: str) -> str:
    if action in _OTHERS:
        raise ValueError("an action of another type")
    return action


class VercelOtherEventMetadata(_Metadata):
    """Every event of Vercel's that the seed cannot say: its own name of it, and what it names."""

    action: Annotated[str, AfterValidator(_is_ours)]
    webhook_id: str
    deployment_id: str | None = None
    deployment_url: str | None = None
    project_id: str | None = None
    state: str | None = None
    environment: str | None = None
    triggered_at: str | None = None


class VercelSourceMetadata(ConnectionMetadata):
    """The seed's connection metadata, and an optional field of ours.

    `apiHost` is the host of an API that is not the public one; identities lie within it.
    """

    type: Literal["vercel"] = "vercel"
    vercel_project_id: Annotated[str, ID]
    vercel_team_id: Annotated[str, ID] | None = None
    project_name: Annotated[str, NAME]
    webhook_id: Annotated[str, WORD] | None = None
    access_token_hash: Annotated[str, WORD] | None = None
    api_host: Annotated[str, HOST] | None = None


DOCUMENT_TYPES = (VercelDocMetadata,)
EVENT_TYPES = (VercelEventMetadata, VercelResyncEventMetadata, VercelOtherEventMetadata)
SEED_TYPES: frozenset[type[BaseModel]] = frozenset(
    {VercelDocMetadata, VercelEventMetadata, VercelSourceMetadata}
)
