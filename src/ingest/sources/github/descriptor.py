"""What GitHub says about itself. Rules: docs.github.com, "Webhook events and payloads",
"Validating webhook deliveries" and "Best practices for using webhooks".
"""

from __future__ import annotations

from ingest.core.errors import BadInput
from ingest.core.signing import Scheme
from ingest.sources.contract import Descriptor, Headers, Payload
from ingest.sources.github.events import at
from ingest.sources.github.tokens import check_token
from ingest.sources.github.types import GitHubSourceMetadata


def _delivery_key(headers: Headers, _payload: Payload) -> str | None:
    """A GUID, the same on each redelivery of one delivery."""
    return headers.get("x-github-delivery") or None


def _tenant(_headers: Headers, payload: Payload) -> tuple[str, ...]:
    """The repository's id survives renames and transfers; lifecycle events name no repository."""
    id_ = at(payload, "repository", "id")
    return (str(id_),) if type(id_) is int and 0 <= id_ < 2**63 else ()


def _connection_tenant(metadata: Payload) -> tuple[str, ...]:
    id_ = metadata.get("githubRepoId")
    if isinstance(id_, str) and id_:
        return (id_,)
    raise BadInput("githubRepoId is missing in the connection's metadata; give the repository's id")


def _is_ping(headers: Headers, _payload: Payload) -> bool:
    return headers.get("x-github-event") == "ping"


DESCRIPTOR = Descriptor(
    source_type="github",
    title="GitHub",
    # `X-Hub-Signature` (SHA-1) is legacy and ignored; no time is sent or signed.
    scheme=Scheme(
        header="X-Hub-Signature-256", algorithm="sha256", encoding="hex", prefix="sha256="
    ),
    needed_headers=("x-github-event", "x-github-delivery"),
    kept_headers=frozenset(
        {
            "content-type",
            "user-agent",
            "x-github-delivery",
            "x-github-enterprise-host",
            "x-github-enterprise-version",
            "x-github-event",
            "x-github-hook-id",
            "x-github-hook-installation-target-id",
            "x-github-hook-installation-target-type",
        }
    ),
    delivery_key=_delivery_key,
    tenants=_tenant,
    connection=GitHubSourceMetadata,
    connection_tenants=_connection_tenant,
    api_url=lambda _metadata: "https://api.github.com",
    api_hosts=("api.github.com",),
    check_token=check_token,
    is_handshake=_is_ping,
    # A GitHub App has one webhook and one secret for all repositories that installed it.
    signs_for_all_tenants=True,
    accepts_forms=True,
)
