"""What Zendesk says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: developer.zendesk.com/documentation/webhooks/verifying and
…/webhooks/creating-and-monitoring-webhooks.
"""

from __future__ import annotations

from datetime import timedelta

from ingest.core.signing import Scheme, SignedTime
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Headers, Payload
from ingest.sources.hosts import LABEL
from ingest.sources.ids import any_id, tenant_id
from ingest.sources.zendesk.events import is_event
from ingest.sources.zendesk.mentions import ABBREVIATION
from ingest.sources.zendesk.tokens import check_token, token_end
from ingest.sources.zendesk.types import ZendeskSourceMetadata

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

_GATHER_S = 2.0  # one save of an agent makes several events, which come within a second or two


def _delivery_key(headers: Headers, payload: Payload) -> str | None:
    """The event's id, which two webhooks share, else the invocation's.

    In the body of a trigger, which an admin writes, a number as `id` may well be the ticket's: then
    every later delivery would look like a repetition of the first.
    """
    told = payload.get("id")
    event_id = _id(told) if is_event(payload) or not _is_number(told) else None
    return event_id or headers.get("x-zendesk-webhook-invocation-id") or None


def _account(headers: Headers, payload: Payload) -> tuple[str, ...]:
    """Of a trigger's body, which names no account, the header tells it."""
    told = any_id(payload.get("account_id"), "account_id") or headers.get("x-zendesk-account-id")
    return (told,) if told else ()


def _is_number(value: JSON) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.strip().isdigit())


def _id(value: JSON) -> str | None:
    known = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if known and value != "" else None


def _connection_account(metadata: Payload) -> tuple[str, ...]:
    return (tenant_id(metadata, "zendeskAccountId", "the account's id"),)


def _api_url(metadata: Payload) -> str:
    """Of what is no subdomain no URL: some other account's might come of it."""
    told = metadata.get("zendeskSubdomain")
    return f"https://{told}.zendesk.com" if LABEL.fits(told) else ""


def _owned(metadata: Payload) -> frozenset[str]:
    """The subdomains that the account's URLs begin with, and what people write before a number."""
    brands = metadata.get("brandSubdomains")
    told = [metadata.get("zendeskSubdomain"), *(brands if isinstance(brands, list) else ())]
    own = {name.lower() for name in told if isinstance(name, str) and name}
    return frozenset({*own, ABBREVIATION})


def _owned_pages(metadata: Payload, _api_url: str) -> frozenset[str]:
    """The hosts of help centres that are under a domain of the customer's own."""
    told = metadata.get("mappedHosts")
    hosts = told if isinstance(told, list) else ()
    return frozenset(host.lower() for host in hosts if isinstance(host, str) and host)


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
    delivery_key=_delivery_key,
    tenants=_account,
    connection=ZendeskSourceMetadata,
    connection_tenants=_connection_account,
    shaped_by=lambda metadata: {"includePrivateNotes": bool(metadata.get("includePrivateNotes"))},
    owned_prefixes=_owned,
    label_fields={"zendesk_subdomains": "zendeskSubdomain"},
    owned_pages=_owned_pages,
    api_url=_api_url,
    api_hosts=("*.zendesk.com",),
    api_host_field="zendeskSubdomain",
    check_token=check_token,
    token_end=token_end,
    one_of=(("ticket",),),
    gather_s=_GATHER_S,
    templated=True,  # the body of a trigger: `{{ticket.description}}` is put in as it is
)
