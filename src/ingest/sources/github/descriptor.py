"""What GitHub says about itself. Rules: docs.github.com, "Webhook events and payloads",
"Validating webhook deliveries" and "Best practices for using webhooks".
"""

from __future__ import annotations

from ingest.core.errors import BadPayload
from ingest.core.signing import Scheme
from ingest.sources.contract import Descriptor, Filter, Headers, Payload
from ingest.sources.github import lifecycle
from ingest.sources.github.names import REPOSITORY
from ingest.sources.github.tokens import check_token
from ingest.sources.github.types import GitHubSourceMetadata
from ingest.sources.hosts import host_of
from ingest.sources.ids import member, number_id, tenant_id


def _delivery_key(headers: Headers, _payload: Payload) -> str | None:
    """A GUID, the same on each redelivery of one delivery."""
    return headers.get("x-github-delivery") or None


def _tenant(headers: Headers, payload: Payload) -> tuple[str, ...]:
    """The repository's id survives renames and transfers; what is told of an App names its
    installation, and lists repositories.

    One that is named and has no id is nobody's, rather than everybody's.
    """
    repository = payload.get("repository")
    if repository is None:
        return lifecycle.tenants(headers, payload)
    id_ = number_id(member(repository, "repository").get("id"), "repository.id")
    if id_ is None:
        raise BadPayload("repository.id", "missing")
    return (id_,)


def _connection_tenant(metadata: Payload) -> tuple[str, ...]:
    repository = tenant_id(metadata, "githubRepoId", "the repository's id")
    return (repository, *map(lifecycle.installation, sorted(_own_installation(metadata))))


def _installation(payload: Payload) -> frozenset[str]:
    """Of an App every delivery names its installation, which is an account's."""
    told = member(payload.get("installation"), "installation")
    id_ = number_id(told.get("id"), "installation.id")
    return frozenset({id_} if id_ else ())


def _own_installation(metadata: Payload) -> frozenset[str]:
    """`0` stands for none."""
    told = metadata.get("githubInstallationId")
    return frozenset({told.lstrip("0")} if isinstance(told, str) and told.strip("0") else ())


def _name(metadata: Payload) -> frozenset[str]:
    """GitHub's names are the same in any case."""
    told = metadata.get("repoFullName")
    return frozenset({told.lower()} if isinstance(told, str) and told else ())


def _name_in(key: str) -> str | None:
    """`acme/web` of `acme/web#12`, `acme/web@v1`, `acme/web:a.md`, `acme/web/discussions/1`."""
    found = REPOSITORY.match(key)
    return found[1].lower() if found else None


def _scope(tenant: str, metadata: Payload) -> str:
    """The repository's id, by whichever of its names a delivery is the connection's."""
    told = metadata.get("githubRepoId")
    return told if isinstance(told, str) and told else tenant


def _field_of(tenant: str) -> str | None:
    return "githubInstallationId" if tenant.startswith(lifecycle.installation("")) else None


def _owned_pages(_metadata: Payload, api_url: str) -> frozenset[str]:
    """The host of an Enterprise: `ghe.example/api/v3`, or `api.example.ghe.com` where GitHub runs
    it.
    """
    host = host_of(api_url).removeprefix("api.")
    return frozenset({host} - {"", "github.com"})


def _is_ping(headers: Headers, _payload: Payload) -> bool:
    return headers.get("x-github-event", "").lower() == "ping"


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
    accounts=_installation,
    connection_accounts=_own_installation,
    scope=_scope,
    filters={
        "include": Filter("include", "globs of the files that are wanted"),
        "exclude": Filter("exclude", "globs of those that are not"),
        "branch": Filter(
            "branch", "the branch whose files they are; else the default one", many=False
        ),
    },
    # One document for each path: that of whichever branch was looked at last.
    shaped_by=lambda metadata: {"branch": metadata.get("branch")},
    owned_prefixes=_name,
    label_fields={"repo": "repoFullName"},
    owned_pages=_owned_pages,
    prefix_of=_name_in,
    api_url=lambda _metadata: "https://api.github.com",
    api_hosts=("api.github.com",),
    check_token=check_token,
    is_handshake=_is_ping,
    is_lifecycle=lifecycle.is_lifecycle,
    tenant_field=_field_of,
    # A GitHub App has one webhook and one secret for all repositories that installed it.
    signs_for_all_tenants=True,
    accepts_forms=True,
    # The three share their numbers, and an issue becomes a pull request, or a discussion.
    one_of=(("issue", "pull_request", "discussion"),),
)
