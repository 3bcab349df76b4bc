"""Sentry's kinds of event: which are ignored and why, and the metadata that records each.

Law: no kind is dropped silently. One that is ignored stands here with its reason, and its event is
recorded all the same. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ingest.core.canonical import digest
from ingest.core.errors import BadPayload
from ingest.core.slugs import bounded_key
from ingest.core.times import from_epoch_s
from ingest.core.values import JSON
from ingest.sources.contract import Headers, Message, Payload
from ingest.sources.sentry.payloads import moment, spelled, word
from ingest.sources.sentry.types import (
    RESOURCES,
    SentryEventMetadata,
    SentryOtherEventMetadata,
)
from ingest.sources.wire import mapping, nonblank, unusable

# docs.sentry.io, "Webhooks", and the resources of `app_platform_event.py`.
IGNORED: Mapping[str, str] = {
    "metric_alert": "an alert on a metric is no document",
    "preprod_artifact": "builds of mobile apps are not documents",
    "seer": "what an agent works out about an issue is no document",
}

NOT_CONNECTED = "installation.created: a connection is made with `ingest source connect`"
UNINSTALLED = "the integration is uninstalled in Sentry"

_SeedAction = Literal["created", "assigned", "resolved", "event.created"]
_SEED: Mapping[tuple[str, str], _SeedAction] = {
    ("issue", "created"): "created",
    ("issue", "assigned"): "assigned",
    ("issue", "resolved"): "resolved",
    ("error", "created"): "event.created",
    ("event_alert", "triggered"): "event.created",
}

_LONGEST_NAME = 100
_SKEW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about; `main` is what its key names."""

    main: str
    issue_id: str | None = None
    event_id: str | None = None
    comment_id: str | None = None
    object_id: str | None = None
    level: str | None = None


def kind(message: Message) -> tuple[str, str]:
    """Resource and action; raises `BadPayload` where one is missing."""
    resource = nonblank(message.headers.get("sentry-hook-resource"))
    if resource is None:
        raise BadPayload("Sentry-Hook-Resource", "missing")
    resource = resource.strip().lower()
    told = message.payload.get("action")
    action = nonblank(told)
    if action is None:
        raise unusable(told, "action", "not a name")
    return resource[:_LONGEST_NAME], action[:_LONGEST_NAME]


def ignored_because(resource: str, action: str) -> str:
    """Why deliveries of this kind change no document."""
    reason = IGNORED.get(resource)
    return f"{resource}: {reason}" if reason else f"unknown event {resource}.{action}"


def unowned_because(headers: Headers, payload: Payload) -> str | None:
    """Why a delivery that names no project of ours changes nothing."""
    resource = headers.get("sentry-hook-resource", "").strip().lower()
    if resource == "installation" and payload.get("action") == "created":
        return NOT_CONNECTED
    return f"{resource}: {IGNORED[resource]}" if resource in IGNORED else None


def sent_at_micros(message: Message) -> int | None:
    """When Sentry sent it, in microseconds since 1970, as far as that can be.

    Nobody signs `Sentry-Hook-Timestamp`: a time that lies far after the receipt is not believed,
    for no later change could win against it.
    """
    told = message.headers.get("sentry-hook-timestamp", "").strip()
    if not (told.isascii() and told.isdigit() and len(told) < 16):
        return None
    seconds = int(told)
    if not 0 < seconds <= (message.received_at + _SKEW).timestamp():
        return None
    return seconds * 1_000_000


def key(resource: str, action: str, subject: Subject, message: Message) -> str:
    """The key of the fact: `Request-ID` is another one for each attempt."""
    return bounded_key(f"{resource}.{action}:{subject.main}:{digest(dict(message.payload))}")


def recorded(resource: str, action: str, subject: Subject, message: Message) -> dict[str, JSON]:
    """The event in the seed's terms where it has a word for it, else in ours."""
    installation = word(mapping(message.payload, "installation").get("uuid"))
    webhook_id = installation or nonblank(message.connection, "webhookId") or ""
    triggered_at = _triggered_at(message)
    known = _SEED.get((resource, action))
    if known is not None and subject.issue_id is not None:
        return SentryEventMetadata(
            action=known,
            webhook_id=webhook_id,
            issue_id=subject.issue_id,
            event_id=subject.event_id,
            level=subject.level,
            triggered_at=triggered_at,
        ).told()
    return SentryOtherEventMetadata(
        action=f"{resource}.{action}" if resource in RESOURCES else f"other.{resource}.{action}",
        webhook_id=webhook_id,
        issue_id=subject.issue_id,
        event_id=subject.event_id,
        comment_id=subject.comment_id,
        object_id=subject.object_id,
        level=subject.level,
        triggered_at=triggered_at,
    ).told()


def other_subject(message: Message) -> Subject:
    """What an event is about that changes nothing; nothing is required of it.

    Subjects as in `utils/webhook_subjects.py` of getsentry/sentry.
    """
    data = mapping(message.payload, "data")
    alert, run = mapping(data, "metric_alert"), word(data.get("run_id"))
    run = run or word(data.get("sentry_run_id"))
    event = mapping(data.get("event") or data.get("error"))
    issue = word(data.get("group_id")) or word(data.get("issue_id"))
    issue = issue or word(mapping(data, "issue").get("id"))
    object_id = word(alert.get("id")) or word(mapping(alert, "alert_rule").get("id")) or run
    comment_id, event_id = word(data.get("comment_id")), word(event.get("event_id"))
    return Subject(
        main=object_id or comment_id or event_id or issue or "",
        issue_id=issue,
        event_id=event_id,
        comment_id=comment_id,
        object_id=object_id,
    )


def _triggered_at(message: Message) -> str:
    """By the header; where that says nothing, by the alert's own time, else when it came."""
    micros = sent_at_micros(message)
    if micros is not None:
        return spelled(from_epoch_s(micros // 1_000_000))
    alert = mapping(message.payload, "data", "metric_alert")
    told = moment(alert.get("date_closed")) or moment(alert.get("date_detected"))
    return spelled(told or message.received_at)
