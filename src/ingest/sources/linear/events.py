"""Linear's kinds of event: which are ignored and why, and the metadata that records each.

Law: no kind is dropped silently. One that is ignored stands here with its reason, and its event is
recorded all the same. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from ingest.core.values import JSON
from ingest.sources.contract import Headers, Payload
from ingest.sources.linear.payloads import Entity
from ingest.sources.linear.types import LinearEventMetadata, LinearOtherEventMetadata
from ingest.sources.wire import mapping, text

_NO_TEXT = "it has no text of its own"
_ACCOUNT = "it concerns the app or the account, not a document"

# `WebhookResourceType` of Linear's schema.graphql, and the payload types of the SDK's
# webhooks/types.ts that are no resources (IssueSLA, OAuthApp, AppUserNotification, …).
IGNORED: Mapping[str, str] = {
    "AgentActivity": "agents' sessions are not documents",
    "AgentSession": "agents' sessions are not documents",
    "AgentSessionEvent": "agents' sessions are not documents",
    "AppUserNotification": "a notification repeats what its own event tells",
    "AuditEntry": _ACCOUNT,
    "Customer": "customers are not documents",
    "CustomerNeed": "customers' needs are not documents",
    "Cycle": _NO_TEXT,
    "IssueLabel": "it is read from the issues that carry it",
    "IssueSLA": _NO_TEXT,
    "OAuthApp": _ACCOUNT,
    "OAuthAuthorization": _ACCOUNT,
    "PermissionChange": "it tells which teams can be read, not what is in them; a resync does",
    "ProjectLabel": "labels of projects are not kept",
    "Reaction": _NO_TEXT,
    "Release": "a release lists issues, which tell their own changes",
    "ReleaseNote": "release notes are made of the issues that they list",
    "User": "people are not documents",
}

_LONGEST_NAME = 100

_SEED_ACTIONS: Mapping[str, Literal["create", "update", "remove"]] = {
    "create": "create",
    "update": "update",
    "remove": "remove",
}


class _Ids(TypedDict):
    """The objects that an event names; both kinds of event spell them alike."""

    issue_id: str | None
    comment_id: str | None
    project_id: str | None


def ignored_because(type_: str) -> str:
    """Why deliveries of this type change no document."""
    reason = IGNORED.get(type_)
    return f"{type_}: {reason}" if reason else f"unknown type {type_[:_LONGEST_NAME]}"


def unowned_because(_headers: Headers, payload: Payload) -> str | None:
    """Why a delivery that names no organization of ours changes nothing."""
    type_ = text(payload, "type") or ""
    return f"{type_}: {IGNORED[type_]}" if type_ in IGNORED else None


def of_document(type_: str, action: str, payload: Payload, entity: Entity) -> dict[str, JSON]:
    """The event of an issue, a comment or a project: in the seed's terms where it has a word."""
    webhook_id = text(payload, "webhookId") or ""
    ids = _Ids(
        issue_id=entity.id if type_ == "Issue" else entity.its_issue_id,
        comment_id=entity.id if type_ == "Comment" else None,
        project_id=entity.id if type_ == "Project" else entity.its_project_id,
    )
    known = _SEED_ACTIONS.get(action)
    if known is None:
        return LinearOtherEventMetadata(
            action=_dotted(type_, action),
            webhook_id=webhook_id,
            object_id=entity.id,
            updated_at=entity.updated_at,
            **ids,
        ).told()
    return LinearEventMetadata(
        action=known, webhook_id=webhook_id, updated_at=entity.updated_at, **ids
    ).told()


def of_other(type_: str, payload: Payload) -> dict[str, JSON]:
    """The event of anything else; its object is not ours to judge, so nothing is required of it."""
    issue = mapping(payload, "issueData")  # IssueSLA has this in the place of `data`
    data = mapping(payload, "data") or issue
    return LinearOtherEventMetadata(
        action=_dotted(type_, text(payload, "action") or "unknown"),
        webhook_id=text(payload, "webhookId") or "",
        object_id=text(data, "id"),
        issue_id=text(data, "issueId") or text(issue, "id"),
        comment_id=text(data, "commentId"),
        project_id=text(data, "projectId"),
        updated_at=text(data, "updatedAt") or text(payload, "createdAt"),
    ).told()


def _dotted(type_: str, action: str) -> str:
    """`ProjectUpdate`, `create` → `projectUpdate.create`."""
    return f"{type_[:1].lower()}{type_[1:_LONGEST_NAME]}.{action[:_LONGEST_NAME]}"
