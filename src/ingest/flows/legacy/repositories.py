"""A legacy repository becomes a connected source, in the seed's terms. Pure.

Law: what the metadata must have and the legacy row did not tell is filled in by a rule, and each is
noted; what has not the form that requests need is kept beside, under `legacy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.flows.legacy.columns import beside, flag, number, readable, text, time, time_if
from ingest.flows.legacy.lines import Row, Value
from ingest.flows.legacy.reporting import Notes
from ingest.sources.forms import DIGITS, NAME, Form
from ingest.sources.github.names import BRANCH, FULL_NAME, OWNER, PATH
from ingest.store.connections import DISCONNECTED, PAUSED

SOURCE = "github"
UNKNOWN = "unknown"
DEFAULT_BRANCH = "main"
NAME_CHARS, STATUS_CHARS = 255, 16
_INSTALLATION = Form(r"[0-9]{1,19}", "the number of an installation")
_COLUMNS = frozenset(
    {
        "id",
        "organization_id",
        "github_repo_id",
        "github_installation_id",
        "permissions",
        "is_active",
        "connected_at",
        "last_synced_at",
        "config_status",
        "config_path",
        "config_detected_at",
        "workspace_id",
        "document_count",
        "last_ingested_at",
        "metadata",
        "created_at",
    }
)
_USED = frozenset({"fullName", "owner", "defaultBranch", "language", "private"})
_ACTS = ("admin", "push", "pull")


@dataclass(frozen=True, slots=True)
class LegacyRepository:
    """A repository as the other rows need it.

    number: the provider's. name: `owner/repo`, None where nothing tells it. ingested: whether it
    ever brought a document, as its own row says.
    """

    connection_id: str
    organization_id: str
    number: str
    name: str | None
    ingested: bool
    default_branch: str


def connection(
    row: Row, notes: Notes, taken_at: str, linked_name: str | None
) -> tuple[dict[str, Value], LegacyRepository] | None:
    """Our row of the connection, and what others need of it; None where it is refused.

    linked_name: `owner/repo` as the link to a store has it.
    """
    repo_id = text(row, "github_repo_id")
    if not DIGITS.fits(repo_id):
        notes.refused("repository-id", "github_repo_id", repo_id)
        return None
    told = row.get("metadata")
    metadata: Mapping[str, Value] = told if isinstance(told, dict) else {}
    name = _name(metadata, linked_name, notes)
    source_metadata = _metadata(row, metadata, name, notes)
    deleted = metadata.get("deleted") is True
    made: dict[str, Value] = {
        "id": notes.id,
        "organization_id": text(row, "organization_id"),
        "workspace_id": text(row, "workspace_id"),
        "source_type": SOURCE,
        "display_name": _display_name(name, repo_id),
        "source_metadata": source_metadata,
        **_standing(row, notes, deleted=deleted),
        "document_count": number(row, "document_count", 0),
        **_times(row, notes, taken_at),
    }
    return made, LegacyRepository(
        connection_id=notes.id,
        organization_id=text(row, "organization_id") or "",
        number=repo_id,
        name=name,
        ingested=_ingested(row),
        default_branch=str(source_metadata["defaultBranch"]),
    )


def of_link(
    link: Row, organization_id: str, workspace_id: str, taken_at: str
) -> tuple[dict[str, Value], LegacyRepository] | None:
    """The disconnected connection of a link whose repository is not connected: the link goes on,
    and its documents are known to be of that repository. None where it names none.
    """
    repo_id, id_ = text(link, "github_repo_id"), text(link, "id") or ""
    if not DIGITS.fits(repo_id):
        return None
    told = text(link, "repo_full_name")
    name = told if FULL_NAME.fits(told) else None
    at = text(link, "linked_at") or taken_at
    at = at if readable(at) is not None else taken_at
    shown = _repo_full_name(name, repo_id)
    made: dict[str, Value] = {
        "id": id_,
        "organization_id": organization_id,
        "workspace_id": workspace_id,
        "source_type": SOURCE,
        "display_name": _display_name(name, repo_id),
        "source_metadata": {
            "type": SOURCE,
            "githubRepoId": repo_id,
            "githubInstallationId": "0",
            "repoFullName": shown,
            "owner": shown.partition("/")[0],
            "defaultBranch": DEFAULT_BRANCH,
            "private": True,
            "permissions": dict.fromkeys(_ACTS, False),
        },
        "is_active": False,
        "config_status": DISCONNECTED,
        "document_count": 0,
        "last_synced_at": None,
        "last_ingested_at": None,
        "connected_at": at,
        "created_at": at,
        "updated_at": at,
    }
    return made, LegacyRepository(id_, organization_id, repo_id, name, True, DEFAULT_BRANCH)


def _ingested(row: Row) -> bool:
    """A repository of which nothing was ever ingested brought no document."""
    return number(row, "document_count", 0) > 0 or row.get("last_ingested_at") is not None


def _name(metadata: Mapping[str, Value], linked: str | None, notes: Notes) -> str | None:
    """What the metadata say; else the link; else nobody knows."""
    told = metadata.get("fullName")
    if FULL_NAME.fits(told):
        return told
    if FULL_NAME.fits(linked):
        notes.changed("name-from-link", "metadata.fullName", told, linked)
        return linked
    notes.guessed("name-unknown", "metadata.fullName", told)
    return None


def _display_name(name: str | None, repo_id: str) -> str:
    return (name or f"{SOURCE}:{repo_id}")[:NAME_CHARS]


def _repo_full_name(name: str | None, repo_id: str) -> str:
    return name or f"{UNKNOWN}/{repo_id}"


def _metadata(
    row: Row, metadata: Mapping[str, Value], name: str | None, notes: Notes
) -> dict[str, Value]:
    repo_id = text(row, "github_repo_id") or ""
    shown = _repo_full_name(name, repo_id)
    made: dict[str, Value] = {
        "type": SOURCE,
        "githubRepoId": repo_id,
        "githubInstallationId": _installation(row, notes),
        "repoFullName": shown,
        "owner": _owner(metadata, shown, notes),
        "defaultBranch": _default_branch(metadata, notes),
        "private": _private(metadata, notes),
        "permissions": _permissions(row.get("permissions"), notes),
    }
    language = _formed(metadata.get("language"), NAME, "metadata.language", notes)
    config_path = _formed(row.get("config_path"), PATH, "config_path", notes)
    made |= {"language": language} if language is not None else {}
    made |= {"configPath": config_path} if config_path is not None else {}
    return made | {"legacy": _kept_beside(row, metadata, made)}


def _installation(row: Row, notes: Notes) -> str:
    told = text(row, "github_installation_id")
    if _INSTALLATION.fits(told):
        return told
    notes.changed("malformed", "github_installation_id", told, "0")
    return "0"


def _owner(metadata: Mapping[str, Value], shown: str, notes: Notes) -> str:
    """The login: the UI wrote it as a text, the provider writes an object that has one."""
    told = metadata.get("owner")
    login = told.get("login") if isinstance(told, dict) else told
    if OWNER.fits(login):
        return login
    owner = shown.partition("/")[0]
    notes.changed("owner-from-name", "metadata.owner", told, owner)
    return owner


def _default_branch(metadata: Mapping[str, Value], notes: Notes) -> str:
    told = metadata.get("defaultBranch")
    if BRANCH.fits(told):
        return told
    notes.guessed("default-branch", "metadata.defaultBranch", told, DEFAULT_BRANCH)
    return DEFAULT_BRANCH


def _private(metadata: Mapping[str, Value], notes: Notes) -> bool:
    told = metadata.get("private")
    if isinstance(told, bool):
        return told
    notes.guessed("private-assumed", "metadata.private", told, after=True)
    return True


def _permissions(told: Value, notes: Notes) -> dict[str, Value]:
    given = told if isinstance(told, dict) else {}
    made: dict[str, Value] = {act: given.get(act) is True for act in _ACTS}
    if any(not isinstance(given.get(act), bool) for act in _ACTS):
        notes.guessed("permissions-assumed", "permissions", told, made)
    return made


def _formed(told: Value, form: Form, name: str, notes: Notes) -> str | None:
    if told is None or form.fits(told):
        return told
    notes.changed("malformed", name, told)
    return None


def _kept_beside(
    row: Row, metadata: Mapping[str, Value], made: Mapping[str, Value]
) -> dict[str, Value]:
    """What the seed's metadata have no field for, and what of the legacy row is not said by it."""
    told = row.get("metadata")
    rest = {name: one for name, one in metadata.items() if name not in _USED or one is None}
    odd = {
        name: metadata[name]
        for name, ours in (("fullName", "repoFullName"), *((n, n) for n in _USED - {"fullName"}))
        if name in metadata and metadata[name] != made.get(ours)
    }
    columns = {
        "configStatus": row.get("config_status"),
        "configDetectedAt": row.get("config_detected_at"),
        "configPath": row.get("config_path"),
        "githubInstallationId": row.get("github_installation_id"),
        "permissions": row.get("permissions"),
        "isActive": row.get("is_active"),
        "documentCount": row.get("document_count"),
        "metadata": {**rest, **odd} if isinstance(told, dict) else told,
        **beside(row, _COLUMNS),
    }
    return {name: one for name, one in columns.items() if one is not None}


def _standing(row: Row, notes: Notes, *, deleted: bool) -> dict[str, Value]:
    """A deleted repository is disconnected, one that was switched off is paused."""
    active = flag(row, "is_active", otherwise=True)
    status = (text(row, "config_status") or "pending")[:STATUS_CHARS]
    if deleted:
        notes.changed("repository-deleted", "config_status", status, DISCONNECTED)
        return {"is_active": False, "config_status": DISCONNECTED}
    if not active:
        notes.changed("repository-inactive", "config_status", status, PAUSED)
        return {"is_active": False, "config_status": PAUSED}
    return {"is_active": True, "config_status": status}


def _times(row: Row, notes: Notes, taken_at: str) -> dict[str, Value]:
    """The legacy table had no time of its last change: it is the latest that the row tells."""
    created_at = time(row, "created_at", notes, ("connected_at",), taken_at)
    connected_at = time(row, "connected_at", notes, ("created_at",), taken_at)
    lasts = {name: time_if(row, name, notes) for name in ("last_synced_at", "last_ingested_at")}
    known = [one for one in (created_at, connected_at, *lasts.values()) if one is not None]
    return {
        "created_at": created_at,
        "connected_at": connected_at,
        **lasts,
        "updated_at": max(known, key=_sortable),
    }


def _sortable(told: str) -> str:
    """Every time in one form; PostgreSQL writes a fraction only where there is one."""
    found = readable(told)
    return "" if found is None else found.isoformat(timespec="microseconds")
