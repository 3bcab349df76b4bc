"""What Sentry says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: docs.sentry.io, "Integration Platform: Webhooks"; `app_platform_event.py` of
getsentry/sentry, which makes the headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest.core.errors import BadInput, BadPayload
from ingest.core.signing import Scheme
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Headers, Payload
from ingest.sources.hosts import host_of
from ingest.sources.ids import any_id, member, tenant_id, text_id
from ingest.sources.sentry.slugs import keys_by_names, learned, renamed, slug_of, slugs
from ingest.sources.sentry.types import SentrySourceMetadata
from ingest.sources.wire import text

# The integration's Client Secret over the raw body. `Sentry-Hook-Timestamp` is not signed, so it
# proves nothing. Calls of the integration's own interface are signed in another header.
SCHEME = Scheme(
    header="Sentry-Hook-Signature",
    algorithm="sha256",
    encoding="hex",
    other_headers=("Sentry-App-Signature",),
)

PUBLIC_HOST = "sentry.io"
_SUBJECTS = ("issue", "event", "error")
_MOST_PROJECTS = 100


def _request_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("request-id") or None


def _tenants(_headers: Headers, payload: Payload) -> tuple[str, ...]:
    """The project's id: a text inside an issue, a number beside an event.

    Comments and metric alerts name projects by slug alone, and so may the rest; it is one project's
    only within an installation, or on a connection's own route. An installation names but itself
    and its organization.
    """
    told = member(payload.get("data"), "data")
    for name in _SUBJECTS:
        id_ = _project_id(told.get(name), f"data.{name}.project")
        if id_ is not None and id_.isdigit():
            return (id_,)
    installation = _installation(payload)
    if told.get("installation") is not None:
        installed = member(told.get("installation"), "data.installation")
        organization = _field(dict(installed), "organization", "slug")
        own = (f"installation:{installation}",) if installation else ()
        return (*own, f"organization:{organization}") if organization else own
    slugs = tuple(_slugs(told))
    within = tuple(f"installation:{installation}/{slug}" for slug in slugs if installation)
    return (*within, *(f"slug:{slug}" for slug in slugs))


def _project_id(subject: JSON, path: str) -> str | None:
    """The id, or the slug in its place, of the project that an issue or an event is in."""
    project = _project(subject)
    if not isinstance(project, Mapping):
        return any_id(project, path)
    id_ = any_id(project.get("id"), f"{path}.id")
    if id_ is None and any_id(project.get("slug"), f"{path}.slug") is None:
        raise BadPayload(path, "has neither id nor slug")
    return id_


def _project(subject: JSON) -> JSON:
    return subject.get("project") if isinstance(subject, dict) else None


def _field(raw: JSON, *names: str) -> JSON:
    for name in names:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def _installation(payload: Payload) -> str | None:
    installation = member(payload.get("installation"), "installation")
    return text_id(installation.get("uuid"), "installation.uuid")


def _slugs(data: Payload) -> Iterable[str]:
    projects = _field(data.get("metric_alert"), "projects")
    if not isinstance(projects, list | None):
        raise BadPayload("data.metric_alert.projects", "is no list")
    listed = projects or []
    within = (_field(_project(data.get(name)), "slug") for name in _SUBJECTS)
    instead = (_field(_project(data.get(name)), "id") for name in _SUBJECTS)
    as_text = (_project(data.get(name)) for name in _SUBJECTS)
    told = (
        *(*within, *instead, *as_text),
        any_id(data.get("project_slug"), "data.project_slug"),
        any_id(data.get("project"), "data.project"),
        *listed[:_MOST_PROJECTS],
    )
    return dict.fromkeys(slug for slug in told if isinstance(slug, str) and slug)


def _connection_tenants(metadata: Payload) -> tuple[str, ...]:
    told = tenant_id(metadata, "sentryProjectId", "the project's id")
    installation = text(metadata, "webhookId")
    if installation is None:
        return (told,)
    within = tuple(f"installation:{installation}/{slug}" for slug in slugs(metadata))
    return (told, *within, f"installation:{installation}")


def _is_lifecycle(headers: Headers, payload: Payload) -> bool:
    """The header is not signed: the body has to be of that kind."""
    told = payload.get("data")
    is_installation = headers.get("sentry-hook-resource", "").strip().lower() == "installation"
    return is_installation and isinstance(told, Mapping) and "installation" in told


def _field_of(tenant: str) -> str | None:
    """What is known of an installation alone is found by the connection's `webhookId`."""
    return "webhookId" if tenant.startswith("installation:") else None


def _accounts(payload: Payload) -> frozenset[str]:
    installation = _installation(payload)
    return frozenset({installation} if installation else ())


def _connection_accounts(metadata: Payload) -> frozenset[str]:
    installation = text(metadata, "webhookId")
    return frozenset({installation} if installation else ())


def _own_names(metadata: Payload) -> frozenset[str]:
    """The project's slugs, also where one was given for the id, and the organization's."""
    id_ = text(metadata, "sentryProjectId") or ""
    named = {
        *(("slug", slug) for slug in slugs(metadata)),
        ("slug", None if id_.isdigit() else id_),
        ("organization", text(metadata, "sentryOrganizationSlug")),
    }
    return frozenset(f"{kind}:{name}" for kind, name in named if name)


def _prefix(metadata: Payload) -> frozenset[str]:
    """Short ids begin with the project's slug in upper case: `FRONT-END-9`."""
    slug = slug_of(metadata)
    return frozenset({slug.upper()} if slug else ())


def _former_prefixes(metadata: Payload) -> frozenset[str]:
    return frozenset(slug.upper() for slug in slugs(metadata)[1:])


def _slug_in(key: str) -> str | None:
    """`FRONT-END` of `FRONT-END-9`."""
    before, dash, _ = key.rpartition("-")
    return before.upper() if dash else None


def _scope(_tenant: str, metadata: Payload) -> str:
    """An id is unique at its host; whose it is, the project says: `sentry.io/4505`.

    The project is the connection's own, so none speaks of what is another's.
    """
    return f"{api_host(metadata)}/{text(metadata, 'sentryProjectId')}"


def api_host(metadata: Payload) -> str:
    """Where the organization lives, whatever a setting names."""
    return (text(metadata, "apiHost") or PUBLIC_HOST).lower()


def _owned_pages(metadata: Payload, api_url: str) -> frozenset[str]:
    """The host of a Sentry of one's own; what is on Sentry's says itself what it is."""
    host = host_of(api_url) or api_host(metadata)
    is_public = host == PUBLIC_HOST or host.endswith(f".{PUBLIC_HOST}")
    return frozenset() if is_public else frozenset({host})


def _check_token(token: str) -> None:
    if "://" in token:
        raise BadInput("this is a URL (a DSN?), not a token; give an internal integration's token")
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise BadInput("a token of Sentry is one word of printable ASCII, as its integration shows")


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
    tenants=_tenants,
    connection=SentrySourceMetadata,
    connection_tenants=_connection_tenants,
    own_names=_own_names,
    accounts=_accounts,
    connection_accounts=_connection_accounts,
    scope=_scope,
    is_lifecycle=_is_lifecycle,
    tenant_field=_field_of,
    owned_prefixes=_prefix,
    label_fields={"sentry_projects": "sentryProjectSlug"},
    owned_pages=_owned_pages,
    prefix_of=_slug_in,
    learned=learned,
    former_prefixes=_former_prefixes,
    keys_by_names=keys_by_names,
    renamed=renamed,
    api_url=lambda metadata: f"https://{api_host(metadata)}/api/0",
    api_hosts=(PUBLIC_HOST, f"*.{PUBLIC_HOST}"),  # `us.`, `de.`, and each organization's own name
    api_host_field="apiHost",
    check_token=_check_token,
    gather_s=5.0,  # errors come in bursts, and each look-up takes three requests or more
    signs_for_all_tenants=True,  # one Client Secret signs for every organization that installs it
)
