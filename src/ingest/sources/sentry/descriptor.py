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

    Comments and metric alerts name projects by slug alone, which is one project's only within an
    installation, or on a connection's own route. An installation names but itself.
    """
    data = payload.get("data")
    if not isinstance(data, dict):
        return ()
    for name in _SUBJECTS:
        subject = data.get(name)
        project = subject.get("project") if isinstance(subject, dict) else None
        told = _id(project.get("id") if isinstance(project, dict) else project)
        if told is not None:
            return (told,)
    installation = _installation(payload)
    if isinstance(data.get("installation"), dict):
        return (f"installation:{installation}",) if installation else ()
    slugs = tuple(_slugs(data))
    within = tuple(f"installation:{installation}/{slug}" for slug in slugs if installation)
    return (*within, *(f"slug:{slug}" for slug in slugs))


def _installation(payload: Payload) -> str | None:
    installation = payload.get("installation")
    return _id(installation.get("uuid")) if isinstance(installation, dict) else None


def _slugs(data: Payload) -> Iterable[str]:
    alert = data.get("metric_alert")
    projects = alert.get("projects") if isinstance(alert, dict) else None
    listed = projects if isinstance(projects, list) else []
    told = (data.get("project_slug"), *listed[:_MOST_PROJECTS])
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


def _own_slug(metadata: Payload) -> frozenset[str]:
    slug = _text(metadata, "sentryProjectSlug")
    return frozenset({f"slug:{slug}"} if slug else ())


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
    own_names=_own_slug,
    scope=lambda _tenant, metadata: api_host(metadata),
    owned_prefixes=_prefix,
    api_url=lambda metadata: f"https://{api_host(metadata)}/api/0",
    check_token=_check_token,
    gather_s=5.0,  # errors come in bursts, and a look-up takes a dozen requests
    signs_for_all_tenants=True,  # one Client Secret signs for every organization that installs it
)
