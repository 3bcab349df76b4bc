"""What Notion says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: developers.notion.com/reference/webhooks and …/webhooks-events-delivery.
"""

from __future__ import annotations

from ingest.core.errors import BadInput
from ingest.core.signing import Scheme
from ingest.sources.contract import Descriptor, Filter, Headers, Payload
from ingest.sources.ids import tenant_id, text_id
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.types import NotionSourceMetadata
from ingest.sources.wire import items, text

# …/reference/webhooks, "Validating event payloads": the key is the subscription's verification
# token, `secret_` included. The body's `timestamp` is the time of the event, which a retry repeats
# for a day: no window is possible.
SCHEME = Scheme(header="X-Notion-Signature", algorithm="sha256", encoding="hex", prefix="sha256=")

_TOKEN = "verification_token"  # noqa: S105 - the name of a field
_SECRET = "secret_"  # noqa: S105 - how each of them begins
_LONGEST_SECRET = 200


def _event_id(_headers: Headers, payload: Payload) -> str | None:
    return text(payload, "id")


def _workspace(_headers: Headers, payload: Payload) -> tuple[str, ...]:
    """The workspace alone: a public integration, and its subscription, serve several of them."""
    told = text_id(payload.get("workspace_id"), "workspace_id")
    return (dashed(told) or told,) if told else ()


def _connection_workspace(metadata: Payload) -> tuple[str, ...]:
    told = tenant_id(metadata, "notionWorkspaceId", "the workspace's id")
    return (dashed(told) or told,)


FREE = "no database"
"""The label of what stands in no database, which no choice of databases leaves out."""


def chosen_databases(metadata: Payload) -> frozenset[str] | None:
    """The databases that a connection wants the rows of; None for all."""
    wanted = map(text, items(metadata, "databaseIds"))
    return frozenset(dashed(id_) or id_ for id_ in wanted if id_) or None


def _wanted(metadata: Payload) -> frozenset[str] | None:
    """A connection without a choice of databases wants them all; none leaves out free pages."""
    chosen = chosen_databases(metadata)
    return None if chosen is None else chosen | {FREE}


def _verification_token(payload: Payload) -> str | None:
    """…/reference/webhooks, step 2: a body of the token and nothing else sets a webhook up."""
    token = payload.get(_TOKEN)
    if len(payload) != 1 or not isinstance(token, str):
        return None
    whole = token.startswith(_SECRET) and len(_SECRET) < len(token) <= _LONGEST_SECRET
    return token if whole and token.isascii() and token.isprintable() else None


def _check_token(token: str) -> None:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput(
            "a Notion token is one word of ASCII (ntn_… or secret_…); "
            "copy it from the integration's Configuration tab"
        )


# …/reference/webhooks: subscriptions are made in the integration's settings alone. No API knows
# them, nor what was delivered.
BY_HAND = (
    "open the integration at notion.so/profile/integrations, tab Webhooks, create a subscription "
    "to {url} for the events of pages, databases, data sources and comments, and paste there the "
    "verification token that `ingest source verification` shows"
)

DESCRIPTOR = Descriptor(
    source_type="notion",
    title="Notion",
    scheme=SCHEME,
    needed_headers=(),
    kept_headers=frozenset({"user-agent", "content-type"}),
    delivery_key=_event_id,
    tenants=_workspace,
    connection=NotionSourceMetadata,
    connection_tenants=_connection_workspace,
    connection_filter=_wanted,
    filters={
        "database": Filter(
            "databaseIds", "ids of the databases whose rows are wanted; free pages are", nothing=[]
        )
    },
    verification_token=_verification_token,
    api_url=lambda _metadata: "https://api.notion.com/v1",
    api_hosts=("api.notion.com",),
    check_token=_check_token,
    volatile_fields=frozenset({"attempt_number"}),
    signs_for_all_tenants=True,  # a public integration has one subscription for all workspaces
)
