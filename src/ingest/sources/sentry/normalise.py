"""What a Sentry delivery means: its event, and the change of one issue or comment.

Law: nobody signs the time of a delivery, so where a look-up is possible an issue is looked up, and
what the payload says of it only stands in. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ingest.core.changes import Change, Delete, Refresh
from ingest.core.errors import BadPayload
from ingest.core.times import from_epoch_s, to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Message, Normalised, Notice
from ingest.sources.drift import drift
from ingest.sources.later import fresh
from ingest.sources.sentry import events, proof
from ingest.sources.sentry.documents import comment_document, identity, issue_document
from ingest.sources.sentry.events import Subject
from ingest.sources.sentry.patches import event_patch, stand_in
from ingest.sources.sentry.payloads import ISSUE_FIELDS, Comment, Event, Issue
from ingest.sources.wire import mapping, nonblank, read

LAG_S = 300.0
"""A webhook can be ahead of the API: so long a 404 is no news."""

# What is told in one second: an issue is created before anything is done to it, and resolved last.
# `ignored` and `archived` are one thing: the enum has the former, the documents the latter.
_ISSUE_PRIORITY: Mapping[str, int] = {
    "created": 50,
    "assigned": 100,
    "unresolved": 150,
    "ignored": 200,
    "archived": 200,
    "resolved": 250,
}
_BESIDE_AN_ALERT = 75
_COMMENT_PRIORITY: Mapping[str, int] = {"created": 50, "updated": 100}


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a payload is about, and what it changes; else why nothing."""

    subject: Subject
    changes: tuple[Change | Refresh, ...] = ()
    skip: str | None = None
    drift: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def normalise(message: Message) -> Normalised:
    """The meaning of one delivery; raises `BadPayload` where its object is not whole."""
    resource, action = events.kind(message)
    proof.require(resource, mapping(message.payload, "data"))
    meant = _MEANINGS.get((resource, action), _nothing)(message, resource, action)
    return Normalised(
        event=events.recorded(resource, action, meant.subject, message),
        changes=meant.changes,
        skip=meant.skip,
        drift=meant.drift,
        event_key=events.key(resource, action, meant.subject, message),
        once=True,
        notices=meant.notices,
    )


def _nothing(message: Message, resource: str, action: str) -> _Meaning:
    skip = events.ignored_because(resource, action)
    return _Meaning(events.other_subject(message), skip=skip)


def _issue(message: Message, _resource: str, action: str) -> _Meaning:
    told = mapping(message.payload, "data").get("issue")
    issue = read(Issue, told, "data.issue")
    assignee = mapping(message.payload, "data", "assignee")
    if assignee and not issue.assigned_to:
        issue = issue.model_copy(update={"assigned_to": dict(assignee)})
    sent_at = events.sent_at_micros(message)
    if issue.first_seen is None and issue.last_seen is None and sent_at is not None:
        # It was last seen then, or before.
        issue = issue.model_copy(update={"last_seen": from_epoch_s(sent_at // 1_000_000)})
    try:
        document = issue_document(issue, message.scope, message.connection, taken=message.taken)
    except BadPayload as error:
        raise BadPayload(f"data.{error.path}", error.problem) from error
    upsert = replace(
        document,
        version=_version(message, issue.last_seen, issue.first_seen),
        priority=_ISSUE_PRIORITY.get(action, _BESIDE_AN_ALERT),
    )
    # What else happens to an issue may happen when its events are past their retention.
    hint = fresh() if action == "created" else {}
    if issue.short_id:
        # Merged away by now, it would be told as another issue, and nobody would know what it was.
        hint["shortId"] = issue.short_id
    return _Meaning(
        Subject(issue.id, issue_id=issue.id, level=issue.level),
        (Refresh(upsert.identity, hint, otherwise=(upsert,), patience_s=LAG_S),),
        drift=drift(("issue", mapping(told), ISSUE_FIELDS)),
    )


def _alerted(message: Message, resource: str, action: str) -> _Meaning:
    """What happened to an issue, beside the issue as it is then."""
    if mapping(message.payload, "data").get("issue") is None:
        return _Meaning(
            events.other_subject(message), skip=f"{resource}.{action}: no issue is told"
        )
    return _issue(message, resource, action)


def _event(message: Message, resource: str, action: str) -> _Meaning:
    """An error or an alert: it tells of one event of an issue, but rarely the issue."""
    data = mapping(message.payload, "data")
    names = ("error", "event") if resource == "error" else ("event", "error")
    name = next((n for n in names if data.get(n) is not None), names[0])
    if data.get(name) is None and data.get("issue") is not None:
        return _issue(message, resource, action)
    event = read(Event, data.get(name), f"data.{name}")
    issue_id = event.of_issue
    subject = Subject(event.event_id or "", issue_id, event.event_id, level=event.level)
    if issue_id is None:
        return _Meaning(subject, skip=f"{resource}.{action}: its event names no issue")
    version = _version(message, event.at)
    told = (
        stand_in(event, message, issue_id),
        event_patch(event, message.scope, issue_id, version),
    )
    return _Meaning(
        subject,
        (
            Refresh(
                identity(message.scope, "issue", issue_id),
                fresh(),
                otherwise=tuple(change for change in told if change is not None),
                patience_s=LAG_S,
            ),
        ),
    )


def _comment(message: Message, _resource: str, action: str) -> _Meaning:
    comment = read(Comment, _comment_data(message), "data")
    subject = Subject(comment.comment_id, issue_id=comment.issue_id, comment_id=comment.comment_id)
    version = _version(message, comment.timestamp)
    # An edit back to a former text is the very same body again, and nothing but the issue's
    # activity shows whether a comment is there.
    on_issue = Refresh(identity(message.scope, "issue", comment.issue_id), patience_s=LAG_S)
    if action == "deleted":
        # Told to the second: a look-up of that very second that saw the comment seems to be newer.
        gone = identity(message.scope, "comment", comment.comment_id)
        hint: dict[str, JSON] = {"issueId": comment.issue_id}
        confirm = Refresh(gone, hint, patience_s=LAG_S, gone=True)
        return _Meaning(subject, (Delete(gone, version, final=True, confirm=confirm),))
    if not comment.comment:
        raise BadPayload("data.comment", "missing")
    author = mapping(message.payload, "actor")
    document = comment_document(comment, message.scope, author)
    upsert = replace(document, version=version, priority=_COMMENT_PRIORITY[action])
    return _Meaning(subject, (upsert, on_issue))


def _comment_data(message: Message) -> JSON:
    """Flat, and the same where the comment is an object of its own."""
    data = message.payload.get("data")
    comment = mapping(data).get("comment")
    if not isinstance(data, Mapping) or not isinstance(comment, Mapping):
        return data
    around: dict[str, JSON] = {
        "comment_id": comment.get("id"),
        "issue_id": mapping(data, "issue").get("id"),
    }
    told: dict[str, JSON] = {**around, **comment, **data}
    told["comment"] = nonblank(comment, "text") or nonblank(comment, "comment") or ""
    return told


def _installed(message: Message, _resource: str, _action: str) -> _Meaning:
    notice = Notice("installation", None, events.sent_at_micros(message))
    skip = events.NOT_CONNECTED
    return _Meaning(_of_installation(message), skip=skip, notices=(notice,))


def _uninstalled(message: Message, _resource: str, _action: str) -> _Meaning:
    reason = events.UNINSTALLED
    notice = Notice("installation", reason, events.sent_at_micros(message))
    return _Meaning(_of_installation(message), skip=reason, notices=(notice,))


def _of_installation(message: Message) -> Subject:
    told = mapping(message.payload, "data", "installation")
    id_ = nonblank(told, "uuid") or nonblank(mapping(message.payload, "installation").get("uuid"))
    return Subject(id_ or "", object_id=id_)


_Read = Callable[[Message, str, str], _Meaning]
# docs.sentry.io, "Webhooks"; of errors and alerts there is one action each.
_MEANINGS: Mapping[tuple[str, str], _Read] = {
    **{("issue", action): _issue for action in _ISSUE_PRIORITY},
    ("activity_alert", "triggered"): _alerted,
    ("error", "created"): _event,
    ("event_alert", "triggered"): _event,
    **{("comment", action): _comment for action in (*_COMMENT_PRIORITY, "deleted")},
    ("installation", "created"): _installed,
    ("installation", "deleted"): _uninstalled,
}


def _version(message: Message, *told: datetime | None) -> int:
    """When Sentry sent it; where that cannot be, the newest time that the object tells."""
    micros = events.sent_at_micros(message)
    if micros is not None:
        return micros
    return next((to_micros(at) for at in told if at is not None), 0)
