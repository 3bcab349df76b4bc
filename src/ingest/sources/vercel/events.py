"""Vercel's kinds of event: what each says of a deployment, which are ignored and why, the record.

Law: no kind is dropped silently. One that is ignored stands here with its reason, and its event is
recorded all the same. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Headers, Message, Payload
from ingest.sources.vercel.payloads import time_if
from ingest.sources.vercel.types import (
    SeedAction,
    VercelEventMetadata,
    VercelOtherEventMetadata,
)
from ingest.sources.wire import mapping, nonblank

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Stage:
    """What an event says of its deployment: its state, the event in the seed's terms, and its
    place among events of one state (the table of `Upsert.priority`).
    """

    state: str
    priority: int
    seed: SeedAction | None
    is_ready: bool = False


# …/webhooks-api, "Supported event types". Which of two last states holds, where nobody can be
# asked: a deployment is ready before its checks are over, they can fail it or it can be canceled
# until then, `succeeded` ends them, and only what succeeded is promoted.
STAGES: Mapping[str, Stage] = {
    "deployment.created": Stage("BUILDING", 50, "deployment.created"),
    "deployment.ready": Stage("READY", 100, "deployment.ready", is_ready=True),
    "deployment.canceled": Stage("CANCELED", 150, None),
    "deployment.error": Stage("ERROR", 160, "deployment.error"),
    "deployment.succeeded": Stage("READY", 200, "deployment.ready", is_ready=True),
    "deployment.promoted": Stage("READY", 300, "deployment.ready"),
}
DELETED = "deployment.cleanup"

HINTS = frozenset(
    {
        "deployment.blocked",
        "deployment.prepared",
        "deployment.rollback",
        "deployment.checks.failed",
        "deployment.checks.succeeded",
        "deployment.checks-completed",
    }
)
"""Events that tell no state, and after which it may be another: the deployment is looked up."""

_NOT_DOCUMENTS = "domains, settings and variables are not documents"
_NO_COMMENTS = "comments on previews are not documents"
_NO_STATE = "it says nothing about the state of the deployment"
IGNORED: Mapping[str, str] = {
    "ai-gateway.": "it concerns the use of other services, not a deployment",
    "alerts.": "alerts are not documents",
    "attack.": "attacks are not documents",
    "botid.": "the firewall's events are not documents",
    "budget.": "it concerns the account, not a deployment",
    "comment.": _NO_COMMENTS,
    "deployment.build-requested": _NO_STATE,
    "deployment.check-rerequested": _NO_STATE,
    "deployment.check.": _NO_STATE,
    "deployment.checkrun.": _NO_STATE,
    "deployment.integration.": _NO_STATE,
    "domain.": _NOT_DOCUMENTS,
    "edge-config.": _NOT_DOCUMENTS,
    "firewall.": "the firewall's events are not documents",
    "flag.": _NOT_DOCUMENTS,
    "function.": "it concerns the use of other services, not a deployment",
    "integration-configuration.permission-upgraded": (
        "it says what the integration may read, and nothing about a document"
    ),
    "integration-configuration.scope-change-confirmed": (
        "it says what the integration may read, and nothing about a document"
    ),
    "integration-configuration.transferred": "it concerns the account, not a deployment",
    "integration-resource.": "resources of integrations are not documents",
    "marketplace.": "it concerns the account, not a deployment",
    "message.": _NO_COMMENTS,
    "observability.": "measurements are not documents",
    "project.created": "a project without deployments has no text of its own",
    "project.domain.": _NOT_DOCUMENTS,
    "project.env-variable.": _NOT_DOCUMENTS,
    "project.renamed": "deployments keep the name that they were made with",
    "project.rolling-release.": "rolling releases are not documents",
    "thread.": _NO_COMMENTS,
    "test-webhook": "a test that asks whether we listen",
}
"""Reasons by the kind's name, or by the beginning of many names: up to a dot, as the sheet has it
that documents and SDK spell what follows differently."""

OF_OTHERS: Mapping[str, str] = {
    "integration-configuration.removed": "an integration that no connection is of",
    "project.removed": "a project that no connection is of",
}
"""What is shown with a connection; why it says nothing to the others."""

_OLD = {"deployment": "deployment.created"}
_WITH_HYPHEN = ("integration-configuration-", "integration-resource-", "edge-config-")


def name(raw: str) -> str:
    """The kind's name of today: until 2023 `deployment-ready` stood for `deployment.ready`."""
    if "." in raw:
        return raw
    for kind in _WITH_HYPHEN:
        if raw.startswith(kind):
            return f"{kind[:-1]}.{raw[len(kind) :]}"
    kind, hyphen, event = raw.partition("-")
    known = hyphen and kind in {"deployment", "project", "domain"}
    return f"{kind}.{event}" if known else _OLD.get(raw, raw)


def ignored_because(kind: str) -> str:
    """Why deliveries of this kind change no document."""
    shown = ascii(kind)[1:-1][:_LONGEST_NAME]
    named = kind[:_LONGEST_NAME]
    beginnings = (named[: at + 1] for at, mark in enumerate(named) if mark == ".")
    reasons = [IGNORED[start] for start in (*beginnings, kind) if start in IGNORED]
    return f"{shown}: {reasons[-1]}" if reasons else f"unknown type {shown}"


def unowned_because(_headers: Headers, payload: Payload) -> str | None:
    """Why a delivery that names no project of ours changes nothing."""
    kind = name(nonblank(payload, "type") or "")
    if kind in OF_OTHERS:
        return f"{kind}: {OF_OTHERS[kind]}"
    reason = ignored_because(kind)
    return None if reason.startswith("unknown type") else reason


def of_deployment(
    message: Message, kind: str, told: Mapping[str, str], *, state: str | None = None
) -> dict[str, JSON]:
    """The event of a deployment that the payload tells whole: in the seed's terms if it can."""
    stage = STAGES.get(kind)
    if stage is None or stage.seed is None:
        return _other(message, kind, told, state)
    return VercelEventMetadata(
        action=stage.seed,
        webhook_id=_webhook(message),
        deployment_id=told["deployment_id"],
        deployment_url=told["deployment_url"],
        state=state or stage.state,
        environment=told["environment"],
        triggered_at=told["triggered_at"],
    ).told()


def of_other(message: Message, kind: str) -> dict[str, JSON]:
    """The event of anything else: nothing is required of its payload."""
    told = mapping(message.payload, "payload")
    at = time_if(message.payload.get("createdAt"))
    ids = {
        "deployment_id": nonblank(told, "deployment", "id"),
        "project_id": nonblank(told, "project", "id") or nonblank(told, "projectId"),
        "triggered_at": iso(at) if at else None,
    }
    return _other(message, kind, {key: value for key, value in ids.items() if value}, None)


def _other(
    message: Message, kind: str, told: Mapping[str, str], state: str | None
) -> dict[str, JSON]:
    stage = STAGES.get(kind)
    return VercelOtherEventMetadata(
        action=_named(kind),
        webhook_id=_webhook(message),
        deployment_id=told.get("deployment_id"),
        deployment_url=told.get("deployment_url"),
        project_id=told.get("project_id"),
        state=state or (stage.state if stage else None),
        environment=told.get("environment"),
        triggered_at=told.get("triggered_at"),
    ).told()


def _named(kind: str) -> str:
    """Vercel's own name; one that has no dot is nobody's yet."""
    name = kind[:_LONGEST_NAME]
    return name if "." in name else f"unknown.{name}"


def _webhook(message: Message) -> str:
    """The connection's: a payload of today does not name its webhook, one of before 2023 does."""
    known = nonblank(message.connection, "webhookId")
    return known or nonblank(message.payload, "webhookId") or ""
