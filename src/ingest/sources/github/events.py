"""Which events of GitHub's we know: what is recorded of each, and why some are left alone.

Law: "known and ignored on purpose" is an entry here, with a reason that a person understands.
What the others mean for documents is in `normalise`. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ingest.core.values import JSON
from ingest.sources.contract import Headers, Message, Payload
from ingest.sources.github.places import name_of
from ingest.sources.wire import at, text

_REASONS: Mapping[str, tuple[str, ...]] = {
    "a handshake: GitHub asks whether we listen": ("ping",),
    "comments on commits are not documents": ("commit_comment",),
    "wiki pages are not documents": ("gollum",),
    "resolving a thread changes no comment in it": ("pull_request_review_thread",),
    "says nothing about a document": ("public", "repository_import"),
    "lifecycle of the App at an account: shown with its connections": ("installation",),
    "lifecycle: which repositories the App may read: shown with their connections": (
        "installation_repositories",
    ),
    "lifecycle: an account was renamed, and ids stay": ("installation_target",),
    "lifecycle: a person's own leave for the app, which reads nothing in their name": (
        "github_app_authorization",
    ),
    "lifecycle: the webhook was removed at GitHub, and nothing more comes by it": ("meta",),
    "lifecycle: what an account pays for": ("marketplace_purchase",),
    "a new branch or tag is not a document; the push tells its files": ("create",),
    "labels and milestones are read from the issues that carry them": ("label", "milestone"),
    "project boards are not documents": (
        "project",
        "project_card",
        "project_column",
        "projects_v2",
        "projects_v2_item",
        "projects_v2_status_update",
    ),
    "about members, rights and settings, and not about a document": (
        "branch_protection_configuration",
        "branch_protection_rule",
        "bypass_request_push_ruleset",
        "bypass_request_secret_scanning",
        "custom_property",
        "custom_property_values",
        "deploy_key",
        "enterprise",
        "exemption_request_push_ruleset",
        "exemption_request_secret_scanning",
        "member",
        "membership",
        "org_block",
        "organization",
        "personal_access_token_request",
        "repository_ruleset",
        "security_and_analysis",
        "team",
        "team_add",
        "user",
    ),
    "about how popular the repository is, and not about a document": (
        "fork",
        "sponsorship",
        "star",
        "watch",
    ),
    "about builds and deployments, and not about a document": (
        "check_run",
        "check_suite",
        "deployment",
        "deployment_protection_rule",
        "deployment_review",
        "deployment_status",
        "merge_group",
        "package",
        "page_build",
        "registry_package",
        "repository_dispatch",
        "status",
        "workflow_dispatch",
        "workflow_job",
        "workflow_run",
    ),
    "security alerts are not documents": (
        "code_scanning_alert",
        "dependabot_alert",
        "dismissal_request_code_scanning",
        "dismissal_request_dependabot",
        "dismissal_request_secret_scanning",
        "repository_advisory",
        "repository_vulnerability_alert",
        "secret_scanning_alert",
        "secret_scanning_alert_location",
        "secret_scanning_scan",
        "security_advisory",
    ),
    "an event that GitHub has withdrawn": ("cache_sync", "content_reference"),
}

IGNORED: Mapping[str, str] = {
    event: reason for reason, events in _REASONS.items() for event in events
}

_OF_A_RUN = "resync"
"""What a sync run records; no event of GitHub's is called so."""


def name(message: Message) -> str:
    """The event's name, which stands in the header and not in the body."""
    return named(message.headers)


def named(headers: Headers) -> str:
    """The same of a delivery of which no more is known; names are the same in any case."""
    return headers.get("x-github-event", "").lower()


def unowned_because(headers: Headers, _payload: Payload) -> str | None:
    """Why a delivery that names no repository of ours changes nothing."""
    return IGNORED.get(named(headers))


def recorded(message: Message) -> dict[str, JSON]:
    """The event's metadata. It asks nothing of the payload: every delivery can be recorded."""
    event = name(message)
    if event == "push":
        return _push(message)
    payload = message.payload
    action = text(payload, "action")
    named = f"{event}.{action}" if action else event
    fields: dict[str, JSON] = {
        "type": "github",
        "action": f"unknown.{named}" if named == _OF_A_RUN else named,
        "deliveryId": message.delivery_key,
        "repository": _repository(message),
        "sender": text(payload, "sender", "login"),
        "number": _number(payload),
    }
    return {field: value for field, value in fields.items() if value is not None}


def _push(message: Message) -> dict[str, JSON]:
    """The seed's one event member; it knows no optional field, so absence is the empty text."""
    payload = message.payload
    return {
        "type": "github",
        "action": "push",
        "beforeSha": text(payload, "before") or "",
        "afterSha": text(payload, "after") or "",
        "deliveryId": message.delivery_key,
        "pusher": text(payload, "pusher", "name") or "",
        "ref": text(payload, "ref") or "",
        "repository": _repository(message) or "",
    }


def _repository(message: Message) -> str | None:
    told = text(message.payload, "repository", "full_name")
    return name_of(message, told) if told else None


def _number(payload: Payload) -> int | None:
    numbers: Iterator[JSON] = (
        at(payload, conversation, "number")
        for conversation in ("issue", "pull_request", "discussion")
    )
    return next((n for n in numbers if type(n) is int and 0 <= n < 2**63), None)
