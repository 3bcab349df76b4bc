"""What Linear says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: linear.app/developers/webhooks; `packages/sdk/src/webhooks/client.ts` of Linear's SDK.
"""

from __future__ import annotations

from datetime import timedelta

from ingest.core.signing import Scheme, SignedTime
from ingest.sources.contract import Descriptor, Filter, Headers, Payload
from ingest.sources.ids import tenant_id, text_id
from ingest.sources.linear.keys import OWNED
from ingest.sources.linear.lifecycle import is_lifecycle
from ingest.sources.linear.tokens import check_token, token_end
from ingest.sources.linear.types import LinearSourceMetadata

# linear.app/developers/webhooks, "Securing webhooks": HMAC-SHA256 of the raw body in hex, and a
# `webhookTimestamp` in milliseconds. Linear advises a window of a minute and tries again after a
# minute, an hour and six; several receivers saw it repeat the first body then, time included, and
# give up the webhook that refused it. So 8 hours are taken (docs/decisions/0029), and the field may
# differ from attempt to attempt or not. The header `Linear-Timestamp` is signed by nobody: it says
# nothing here. Bodies before 2023 have neither the time nor `webhookId`.
SCHEME = Scheme(
    header="Linear-Signature",
    algorithm="sha256",
    encoding="hex",
    time=SignedTime(
        place="body",
        name="webhookTimestamp",
        form="epoch_ms",
        window=timedelta(hours=8),
        ahead=timedelta(seconds=60),
        drops_late=True,
        told_with="webhookId",
    ),
)


def _delivery_key(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("linear-delivery") or None


def _organization(_headers: Headers, payload: Payload) -> tuple[str, ...]:
    """Payloads of 2021 name no organization; their scope is that of the connection they came to."""
    told = text_id(payload.get("organizationId"), "organizationId")
    return (told,) if told else ()


def _connection_organization(metadata: Payload) -> tuple[str, ...]:
    return (tenant_id(metadata, "linearOrganizationId", "the organization's id"),)


def _wanted_teams(metadata: Payload) -> frozenset[str] | None:
    wanted = metadata.get("onlyTeamIds")
    return frozenset(map(str, wanted)) if isinstance(wanted, list) else None


def _team_keys(metadata: Payload) -> frozenset[str]:
    """The connection's own team key, and those of the organization's other teams where given."""
    more = metadata.get("teamKeys")
    told = [metadata.get("linearTeamKey"), *(more if isinstance(more, list) else ())]
    return frozenset(key.upper() for key in told if isinstance(key, str) and key)


def _team_in(key: str) -> str | None:
    """`ENG` of `ENG-12`, and of the project `P-ENG-12`; other objects are called by their ids."""
    found = OWNED.fullmatch(key)
    return found[1].upper() if found else None


DESCRIPTOR = Descriptor(
    source_type="linear",
    title="Linear",
    scheme=SCHEME,
    needed_headers=("linear-delivery",),
    kept_headers=frozenset(
        {"linear-delivery", "linear-event", "linear-timestamp", "user-agent", "content-type"}
    ),
    delivery_key=_delivery_key,
    tenants=_organization,
    connection=LinearSourceMetadata,
    connection_tenants=_connection_organization,
    api_url=lambda _metadata: "https://api.linear.app",
    api_hosts=("api.linear.app",),
    connection_filter=_wanted_teams,
    filters={"team": Filter("onlyTeamIds", "ids of the teams that are wanted")},
    is_lifecycle=is_lifecycle,
    owned_prefixes=_team_keys,
    label_fields={"linear_team_keys": "linearTeamKey"},
    prefix_of=_team_in,
    check_token=check_token,
    token_end=token_end,
    volatile_fields=frozenset({"webhookTimestamp"}),
    one_of=(("issue",),),
    signs_for_all_tenants=True,  # one OAuth app's secret signs for every organization it is in
)
