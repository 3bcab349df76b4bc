"""What Vercel says about itself: how it signs, names and scopes a delivery. Performs no I/O.

Documents: vercel.com/docs/webhooks/webhooks-api.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ingest.core.errors import BadInput, BadPayload
from ingest.core.signing import Scheme
from ingest.sources.contract import Descriptor, Headers, Payload
from ingest.sources.ids import member, tenant_id, text_id
from ingest.sources.vercel import events, lifecycle
from ingest.sources.vercel.types import VercelSourceMetadata
from ingest.sources.wire import mapping, text

# …/webhooks-api, "Securing webhooks": HMAC-SHA1, and no signed time but the event's own, which a
# retry repeats for a day.
SCHEME = Scheme(header="x-vercel-signature", algorithm="sha1", encoding="hex")

PUBLIC_HOST = "api.vercel.com"
_PROJECT_ID = re.compile(r"prj_[\w-]{1,200}")
_TOKEN = re.compile(r"[\x21-\x7e]{16,512}")


def _delivery_key(_headers: Headers, payload: Payload) -> str | None:
    """The delivery's id; where there is none, what happened to which deployment at what time."""
    told = mapping(payload, "payload")
    deployment = text(told, "deployment", "id") or text(told, "deploymentId")
    type_, at = text(payload, "type"), payload.get("createdAt")
    id_ = text(payload, "id")
    if id_:
        return id_
    if type_ and deployment and isinstance(at, int | str) and not isinstance(at, bool):
        return f"{type_}:{deployment}:{at}"
    return None


def _tenants(_headers: Headers, payload: Payload) -> tuple[str, ...]:
    """The project's id, in any of the places that the years gave it; else the project's name.

    A name is unique within a team alone. Events of domains and accounts name no project; that an
    integration is removed names all that it could see.
    """
    told = member(payload.get("payload"), "payload")
    project = told.get("project")
    if not isinstance(project, str | dict | None):
        raise BadPayload("payload.project", "is neither a name nor an object")
    deployment = mapping(told, "deployment")
    ids = (
        text_id(mapping(project).get("id"), "payload.project.id"),
        text_id(told.get("projectId"), "payload.projectId"),
        text_id(deployment.get("projectId"), "payload.deployment.projectId"),
    )
    id_ = next(filter(None, ids), None)
    bare = text(project)
    if bare and id_ is None and _PROJECT_ID.fullmatch(bare):
        id_ = bare
    if id_:
        return (id_,)
    names = (mapping(project).get("name"), project, deployment.get("name"), told.get("name"))
    name = next(filter(None, map(text, names)), None)
    if name is None and project is not None:
        raise BadPayload("payload.project", "has neither id nor name")
    if name is None:
        return lifecycle.tenants(_kind(payload), payload)
    team = _team(payload)
    return (f"team:{team}/{name}", f"name:{name}") if team else (f"name:{name}",)


def _team(payload: Payload) -> str | None:
    told = member(payload.get("payload"), "payload")
    return text(told, "team", "id") or text(payload, "teamId")


def _accounts(payload: Payload) -> frozenset[str]:
    team = _team(payload)
    return frozenset({team} if team else ())


def _connection_accounts(metadata: Payload) -> frozenset[str]:
    team = text(metadata, "vercelTeamId")
    return frozenset({team} if team else ())


def _connection_tenants(metadata: Payload) -> tuple[str, ...]:
    project = tenant_id(metadata, "vercelProjectId", "the project's id")
    team, name = text(metadata, "vercelTeamId"), text(metadata, "projectName")
    named = (f"{lifecycle.account(team)}/{name}",) if team and name else ()
    return (project, *named, *((lifecycle.account(team),) if team else ()))


def _kind(payload: Payload) -> str:
    return events.name(text(payload, "type") or "")


def _is_lifecycle(_headers: Headers, payload: Payload) -> bool:
    return _kind(payload) in lifecycle.KINDS


def _field_of(tenant: str) -> str | None:
    is_team = tenant.startswith(lifecycle.account("")) and "/" not in tenant
    return "vercelTeamId" if is_team else None


def _own_names(metadata: Payload) -> frozenset[str]:
    name = text(metadata, "projectName")
    return frozenset({f"name:{name}"}) if name else frozenset()


def _owned_pages(metadata: Payload, _api_url: str) -> frozenset[str]:
    """Hosts of deployments begin with the project's name, in small letters."""
    name = text(metadata, "projectName")
    return frozenset({name.lower()} if name else ())


def _scope(_tenant: str, metadata: Payload) -> str:
    """An id is unique at its host; whose it is, the project says: `api.vercel.com/prj_1`.

    The project is the connection's own, so none speaks of what is another's.
    """
    return f"{api_host(metadata)}/{text(metadata, 'vercelProjectId')}"


def api_host(metadata: Payload) -> str:
    """The host of the connection's API."""
    told = (text(metadata, "apiHost") or "").strip().lower()
    host = urlsplit(told).netloc if "://" in told else told.partition("/")[0]
    return host or PUBLIC_HOST


def _check_token(token: str) -> None:
    if not _TOKEN.fullmatch(token):
        raise BadInput(
            "that is no Vercel access token: give the bare token, as vercel.com/account/tokens "
            "shows it, without 'Bearer' and without blanks"
        )


DESCRIPTOR = Descriptor(
    source_type="vercel",
    title="Vercel",
    scheme=SCHEME,
    needed_headers=(),
    kept_headers=frozenset({"user-agent", "content-type"}),
    delivery_key=_delivery_key,
    key_may_be_absent=True,
    tenants=_tenants,
    connection=VercelSourceMetadata,
    connection_tenants=_connection_tenants,
    own_names=_own_names,
    accounts=_accounts,
    connection_accounts=_connection_accounts,
    scope=_scope,
    is_lifecycle=_is_lifecycle,
    tenant_field=_field_of,
    owned_pages=_owned_pages,
    label_fields={"vercel_projects": "projectName"},
    api_url=lambda metadata: f"https://{api_host(metadata)}",
    api_hosts=(PUBLIC_HOST,),
    api_host_field="apiHost",
    check_token=_check_token,
    gather_s=2.0,  # `ready` and `succeeded` come together
    signs_for_all_tenants=True,  # an integration's secret signs for every team that installs it
)
