"""What Zendesk says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: developer.zendesk.com/documentation/webhooks/verifying and
…/webhooks/creating-and-monitoring-webhooks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingest.core.errors import BadInput
from ingest.core.signing import Scheme, SignedTime
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Headers, Payload

_SIGNED_AT = "X-Zendesk-Webhook-Signature-Timestamp"

# …/webhooks/verifying: the timestamp header and the raw body are signed as one text. No window is
# documented; ten minutes outlast the retries of one invocation, which may repeat the timestamp.
# The refused secret is the public one that signs what the button "Test webhook" sends.
SCHEME = Scheme(
    header="X-Zendesk-Webhook-Signature",
    algorithm="sha256",
    encoding="base64",
    prefix_header=_SIGNED_AT,
    time=SignedTime(place="header", name=_SIGNED_AT, form="iso", window=timedelta(minutes=10)),
    refused_secrets=frozenset({"dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="}),
)


class ZendeskSourceMetadata(BaseModel):
    """The seed's connection metadata."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True, extra="allow"
    )

    type: Literal["zendesk"] = "zendesk"
    zendesk_subdomain: str
    zendesk_account_id: Annotated[str, Field(min_length=1)]
    webhook_id: str | None = None
    access_token_hash: str | None = None


def _event_id(headers: Headers, payload: Payload) -> str | None:
    """The event's id, which two webhooks share; a trigger's body, written by an admin, has none."""
    told = payload.get("id")
    event_id = told if isinstance(told, str) else None
    return event_id or headers.get("x-zendesk-webhook-invocation-id") or None


def _account(headers: Headers, payload: Payload) -> str | None:
    return _id(payload.get("account_id")) or headers.get("x-zendesk-account-id") or None


def _id(value: JSON) -> str | None:
    known = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if known and value != "" else None


def _connection_account(metadata: Payload) -> str:
    told = metadata.get("zendeskAccountId")
    if isinstance(told, str) and told:
        return told
    raise BadInput(
        "zendeskAccountId is missing in the connection's metadata; give the account's id"
    )


DESCRIPTOR = Descriptor(
    source_type="zendesk",
    title="Zendesk",
    scheme=SCHEME,
    needed_headers=(),
    kept_headers=frozenset(
        {
            "x-zendesk-account-id",
            "x-zendesk-webhook-id",
            "x-zendesk-webhook-invocation-id",
            "x-zendesk-webhook-signature-timestamp",
            "user-agent",
            "content-type",
        }
    ),
    delivery_key=_event_id,
    tenant=_account,
    connection=ZendeskSourceMetadata,
    connection_tenant=_connection_account,
)
