"""What Sentry says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: docs.sentry.io, "Integration Platform: Webhooks"; `app_platform_event.py` of
getsentry/sentry, which makes the headers.
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest.core.errors import BadInput
from ingest.core.signing import Scheme
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor, Headers, Payload
from ingest.sources.sentry.types import SentrySourceMetadata

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
    data = payload.get("data")
    told = data if isinstance(data, dict) else payload  # the WebHooks plugin has no envelope
    for name in _SUBJECTS:
        project = _project(told.get(name))
        id_ = _id(project.get("id") if isinstance(project, dict) else project)
        if id_ is not None and id_.isdigit():
            return (id_,)
    installation = _installation(payload)
    if isinstance(told.get("installation"), dict) and data is told:
        organization = _field(told["installation"], "organization", "slug")
        own = (f"installation:{installation}",) if installation else ()
        return (*own, f"organization:{organization}") if organization else own
    slugs = tuple(_slugs(told))
    within = tuple(f"installation:{installation}/{slug}" for slug in slugs if installation)
    return (*within, *(f"slug:{slug}" for slug in slugs))


def _project(subject: JSON) -> JSON:
    return subject.get("project") if isinstance(subject, dict) else None


def _field(raw: JSON, *names: str) -> JSON:
    for name in names:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def _installation(payload: Payload) -> str | None:
    installation = payload.get("installation")
    return _id(installation.get("uuid")) if isinstance(installation, dict) else None


def _slugs(data: Payload) -> Iterable[str]:
    projects = _field(data.get("metric_alert"), "projects")
    listed = projects if isinstance(projects, list) else []
    within = (_field(_project(data.get(name)), "slug") for name in _SUBJECTS)
    instead = (_field(_project(data.get(name)), "id") for name in _SUBJECTS)
    as_text = (_project(data.get(name)) for name in _SUBJECTS)
    told = (
        *(*within, *instead, *as_text),
        *(data.get("project_slug"), data.get("project"), *listed[:_MOST_PROJECTS]),
    )
    return dict.fromkeys(slug for slug in told if isinstance(slug, str) and slug)


def _id(value: JSON) -> str | None:
    known = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if known and value != "" else None


def _connection_tenants(metadata: Payload) -> tuple[str, ...]:
    told = _text(metadata, "sentryProjectId")
    if told is None:
        raise BadInput(
            "sentryProjectId is missing in the connection's metadata; give the project's id"
        )
    installation, slug = _text(metadata, "webhookId"), _text(metadata, "sentryProjectSlug")
    if installation is None:
        return (told,)
    within = (f"installation:{installation}/{slug}",) if slug else ()
    return (told, *within, f"installation:{installation}")


def _own_names(metadata: Payload) -> frozenset[str]:
    """The project's slug, also where it was given for the id, and the organization's."""
    id_ = _text(metadata, "sentryProjectId") or ""
    named = {
        ("slug", _text(metadata, "sentryProjectSlug")),
        ("slug", None if id_.isdigit() else id_),
        ("organization", _text(metadata, "sentryOrganizationSlug")),
    }
    return frozenset(f"{kind}:{name}" for kind, name in named if name)


def _prefix(metadata: Payload) -> frozenset[str]:
    """Short ids begin with the project's slug in upper case: `FRONT-END-9`."""
    slug = _text(metadata, "sentryProjectSlug")
    return frozenset({slug.upper()} if slug else ())


def api_host(metadata: Payload) -> str:
    """Where the organization lives; the scope of its identities, whatever a setting names."""
    return (_text(metadata, "apiHost") or PUBLIC_HOST).lower()


def _text(metadata: Payload, name: str) -> str | None:
    told = metadata.get(name)
    return told if isinstance(told, str) and told else None


def _check_token(token: str) -> None:
    if "://" in token:
        raise BadInput("this is a URL (a DSN?), not a token; give an organization's auth token")
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise BadInput("a token of Sentry is one word of printable ASCII (`sntrys_…`, `sntryu_…`)")


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
    scope=lambda _tenant, metadata: api_host(metadata),
    owned_prefixes=_prefix,
    api_url=lambda metadata: f"https://{api_host(metadata)}/api/0",
    api_hosts=(PUBLIC_HOST, f"*.{PUBLIC_HOST}"),  # `us.`, `de.`, and each organization's own name
    api_host_field="apiHost",
    check_token=_check_token,
    gather_s=5.0,  # errors come in bursts, and a look-up takes a dozen requests
    signs_for_all_tenants=True,  # one Client Secret signs for every organization that installs it
)
