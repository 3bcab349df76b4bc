"""What Vercel says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: vercel.com/docs/webhooks/webhooks-api.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingest.core.errors import BadInput
from ingest.core.signing import Scheme
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Headers, Payload

# …/webhooks-api, "Securing webhooks": HMAC-SHA1, and no signed time but the event's own, which a
# retry repeats for a day.
SCHEME = Scheme(header="x-vercel-signature", algorithm="sha1", encoding="hex")


class VercelSourceMetadata(BaseModel):
    """The seed's connection metadata."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True, extra="allow"
    )

    type: Literal["vercel"] = "vercel"
    vercel_project_id: Annotated[str, Field(min_length=1)]
    vercel_team_id: str | None = None
    project_name: str
    webhook_id: str | None = None
    access_token_hash: str | None = None


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) and value else None


def _event_id(_headers: Headers, payload: Payload) -> str | None:
    return _text(payload.get("id"))


def _project(_headers: Headers, payload: Payload) -> str | None:
    """`payload.project.id`; the older events (`deployment-error`) say `payload.projectId`.

    Events of domains and configurations belong to a team and name no project.
    """
    told = payload.get("payload")
    if not isinstance(told, dict):
        return None
    project = told.get("project")
    id_ = project.get("id") if isinstance(project, dict) else None
    return _text(id_) or _text(told.get("projectId")) or _text(project)


def _connection_project(metadata: Payload) -> str:
    told = metadata.get("vercelProjectId")
    if isinstance(told, str) and told:
        return told
    raise BadInput("vercelProjectId is missing in the connection's metadata; give the project's id")


DESCRIPTOR = Descriptor(
    source_type="vercel",
    title="Vercel",
    scheme=SCHEME,
    needed_headers=(),
    kept_headers=frozenset({"user-agent", "content-type"}),
    delivery_key=_event_id,
    tenant=_project,
    connection=VercelSourceMetadata,
    connection_tenant=_connection_project,
    signs_for_all_tenants=True,  # an integration's secret signs for every team that installs it
)
