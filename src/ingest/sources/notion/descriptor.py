"""What Notion says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: developers.notion.com/reference/webhooks and …/webhooks-events-delivery.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingest.core.errors import BadInput
from ingest.core.signing import Scheme
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Headers, Payload

# …/reference/webhooks, "Validating event payloads": the key is the subscription's verification
# token, `secret_` included. The body's `timestamp` is the time of the event, which a retry repeats
# for a day: no window is possible.
SCHEME = Scheme(header="X-Notion-Signature", algorithm="sha256", encoding="hex", prefix="sha256=")


class NotionSourceMetadata(BaseModel):
    """The seed's connection metadata."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True, extra="allow"
    )

    type: Literal["notion"] = "notion"
    notion_workspace_id: Annotated[str, Field(min_length=1)]
    notion_workspace_name: str
    database_ids: list[str]
    webhook_id: str | None = None
    access_token_hash: str | None = None


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) and value else None


def _event_id(_headers: Headers, payload: Payload) -> str | None:
    return _text(payload.get("id"))


def _workspace(_headers: Headers, payload: Payload) -> str | None:
    return _text(payload.get("workspace_id"))


def _connection_workspace(metadata: Payload) -> str:
    told = metadata.get("notionWorkspaceId")
    if isinstance(told, str) and told:
        return told
    raise BadInput(
        "notionWorkspaceId is missing in the connection's metadata; give the workspace's id"
    )


DESCRIPTOR = Descriptor(
    source_type="notion",
    title="Notion",
    scheme=SCHEME,
    needed_headers=(),
    kept_headers=frozenset({"user-agent", "content-type"}),
    delivery_key=_event_id,
    tenant=_workspace,
    connection=NotionSourceMetadata,
    connection_tenant=_connection_workspace,
    volatile_fields=frozenset({"attempt_number"}),
    signs_for_all_tenants=True,  # a public integration has one subscription for all workspaces
)
