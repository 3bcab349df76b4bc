"""What Sentry says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: docs.sentry.io, "Integration Platform: Webhooks"; `app_platform_event.py` of
getsentry/sentry, which makes the headers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingest.core.errors import BadInput
from ingest.core.signing import Scheme
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Headers, Payload

# The integration's Client Secret over the raw body. `Sentry-Hook-Timestamp` is not signed, so it
# proves nothing. Calls of the integration's own interface are signed in another header.
SCHEME = Scheme(
    header="Sentry-Hook-Signature",
    algorithm="sha256",
    encoding="hex",
    other_headers=("Sentry-App-Signature",),
)

_SUBJECTS = ("issue", "event", "error")


class SentrySourceMetadata(BaseModel):
    """The seed's connection metadata."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True, extra="allow"
    )

    type: Literal["sentry"] = "sentry"
    sentry_organization_slug: str
    sentry_project_slug: str
    sentry_project_id: Annotated[str, Field(min_length=1)]
    webhook_id: str | None = None
    access_token_hash: str | None = None


def _request_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("request-id") or None


def _project(_headers: Headers, payload: Payload) -> str | None:
    """The project's id: a text inside an issue, a number beside an event.

    Comments and metric alerts name projects by slug alone, installations name none.
    """
    data = payload.get("data")
    if not isinstance(data, dict):
        return None
    for name in _SUBJECTS:
        subject = data.get(name)
        project = subject.get("project") if isinstance(subject, dict) else None
        told = _id(project.get("id") if isinstance(project, dict) else project)
        if told is not None:
            return told
    return None


def _id(value: JSON) -> str | None:
    known = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if known and value != "" else None


def _connection_project(metadata: Payload) -> str:
    told = metadata.get("sentryProjectId")
    if isinstance(told, str) and told:
        return told
    raise BadInput("sentryProjectId is missing in the connection's metadata; give the project's id")


DESCRIPTOR = Descriptor(
    source_type="sentry",
    title="Sentry",
    scheme=SCHEME,
    needed_headers=("sentry-hook-resource", "request-id"),  # the body does not say what it is about
    kept_headers=frozenset(
        {
            "request-id",
            "sentry-hook-resource",
            "sentry-hook-timestamp",
            "user-agent",
            "content-type",
        }
    ),
    delivery_key=_request_id,
    tenant=_project,
    connection=SentrySourceMetadata,
    connection_tenant=_connection_project,
    signs_for_all_tenants=True,  # one Client Secret signs for every organization that installs it
)
