"""What a delivery of GitHub's means for documents. Pure: the same message, the same answer.

Law: one delivery speaks of its own object only. A comment carries its issue, but in a pull request
only the issue's view of it, and reviews carry a short form: replacing a document with those would
lose what the whole form told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from ingest.core.changes import UPSERT_PRIORITY, Change, Delete
from ingest.core.identity import Identity
from ingest.core.slugs import bounded_key
from ingest.core.times import to_micros
from ingest.sources.contract import Message, Normalised, Payload
from ingest.sources.github import documents, events, fields, payloads
from ingest.sources.github.documents import Place

# The times have a grain of one second, so that one act's deliveries tie. Whatever follows on an
# opening stands above it, a closing above the labels set along with it, and what already shows
# the closing above the closing itself.
_PRIORITY: Mapping[str, int] = {
    "opened": 50,
    "created": 50,
    "submitted": 50,
    "closed": 200,
    "dismissed": 200,
    "reopened": 300,
}
_AFTER_CLOSING = 210
_CLOSED = frozenset({"closed", "dismissed"})

# [WH-OAS] `issues.transferred` is sent for the old repository, where the number never returns.
_GONE = frozenset({"deleted", "transferred"})

_PARTIAL = "the payload holds only a part of the object"
_ISSUE_VIEW = "an issue's view of a pull request, which pull_request events tell whole"
_PENDING = "a pending review is seen by its author alone"


@dataclass(frozen=True, slots=True)
class _Skipped:
    """The delivery is understood and changes nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one event is read: its main object's key and known fields, and what it means.

    `gone` is None where GitHub has no deletion.
    """

    member: str
    known: frozenset[str]
    whole: Callable[[Message, str], Change | _Skipped]
    gone: Callable[[Message], Delete] | None = None


def normalise(message: Message) -> Normalised:
    """The event to record and the change to apply; raises `BadPayload` with the path."""
    event = events.recorded(message)
    name = events.name(message)
    reason = events.IGNORED.get(name)
    if reason is not None:
        return Normalised(event=event, skip=reason)
    kind = _KINDS.get(name)
    if kind is None:
        return Normalised(event=event, skip=f"unknown event {ascii(name)[1:-1][:80]}")
    try:
        outcome = _read(kind, message)
    except ValidationError as error:
        raise payloads.bad_payload(error) from None
    drift = fields.drift(message.payload, member=kind.member, known=kind.known)
    if isinstance(outcome, _Skipped):
        return Normalised(event=event, skip=outcome.reason, drift=drift)
    return Normalised(event=event, changes=(outcome,), drift=drift)


def _read(kind: _Kind, message: Message) -> Change | _Skipped:
    """An action that we do not know is an upsert where the object is whole: newest wins anyway."""
    action = payloads.Act.model_validate(_object(message.payload)).action
    if action not in _GONE:
        return kind.whole(message, action)
    if kind.gone is None:
        return _Skipped(f"unknown action {action}")
    return kind.gone(message)


def _issue(message: Message, action: str) -> Change | _Skipped:
    told = payloads.IssueEvent.model_validate(_object(message.payload))
    # `issues.milestoned` and `demilestoned` are sent for pull requests too.
    if told.issue.pull_request is not None:
        return _Skipped(_ISSUE_VIEW)
    if told.issue.state is None:
        return _Skipped(_PARTIAL)
    return documents.issue(
        _place(message, told.repository),
        told.issue,
        priority=_priority(action, told.issue.state),
        aliases=_former_keys(message.payload),
    )


def _pull_request(message: Message, action: str) -> Change | _Skipped:
    told = payloads.PullRequestEvent.model_validate(_object(message.payload))
    if told.pull_request.state is None:
        return _Skipped(_PARTIAL)
    return documents.pull_request(
        _place(message, told.repository),
        told.pull_request,
        priority=_priority(action, told.pull_request.state),
    )


def _comment(message: Message, action: str) -> Change:
    told = payloads.IssueCommentEvent.model_validate(_object(message.payload))
    return documents.comment(
        _place(message, told.repository),
        told.comment,
        number=told.issue.number,
        parent="issue" if told.issue.pull_request is None else "pull_request",
        priority=_priority(action),
    )


def _review(message: Message, action: str) -> Change | _Skipped:
    told = payloads.ReviewEvent.model_validate(_object(message.payload))
    state = told.review.state.lower()
    if state == "pending":
        return _Skipped(_PENDING)
    return documents.review(
        _place(message, told.repository),
        told.review,
        number=told.pull_request.number,
        priority=_priority(action, state),
    )


def _review_comment(message: Message, action: str) -> Change:
    told = payloads.ReviewCommentEvent.model_validate(_object(message.payload))
    return documents.review_comment(
        _place(message, told.repository),
        told.comment,
        number=told.pull_request.number,
        priority=_priority(action),
    )


def _issue_gone(message: Message) -> Delete:
    told = payloads.IssueGone.model_validate(_object(message.payload))
    place, issue = _place(message, told.repository), told.issue
    return _gone(place.identity("issue", issue.number), issue, key=place.key(issue.number))


def _comment_gone(message: Message) -> Delete:
    told = payloads.IssueCommentGone.model_validate(_object(message.payload))
    place, comment = _place(message, told.repository), told.comment
    key = place.key(told.issue.number, f"comment/{comment.id}")
    return _gone(place.identity("comment", comment.id), comment, key=key)


def _review_comment_gone(message: Message) -> Delete:
    told = payloads.ReviewCommentGone.model_validate(_object(message.payload))
    place, comment = _place(message, told.repository), told.comment
    key = place.key(told.pull_request.number, f"review-comment/{comment.id}")
    return _gone(place.identity("review_comment", comment.id), comment, key=key)


def _gone(identity: Identity, of: payloads.GoneIssue | payloads.GoneComment, *, key: str) -> Delete:
    """Numbers and ids never return, so it is final; its tombstone still answers to its key."""
    version = to_micros(of.updated_at) if of.updated_at else 0
    return Delete(identity, version, final=True, aliases=(key,))


def _former_keys(payload: Payload) -> tuple[str, ...]:
    """[WH-OAS] A transferred issue is `opened` in its new repository, and names the old one."""
    repository = events.at(payload, "changes", "old_repository", "full_name")
    number = events.at(payload, "changes", "old_issue", "number")
    if isinstance(repository, str) and repository and type(number) is int and number >= 0:
        return (bounded_key(f"{repository}#{number}"),)
    return ()


def _priority(action: str, state: str = "") -> int:
    after = _AFTER_CLOSING if state in _CLOSED else UPSERT_PRIORITY
    return _PRIORITY.get(action, after)


def _place(message: Message, repository: payloads.Repository) -> Place:
    return Place(message.tenant, repository.full_name)


def _object(payload: Payload) -> dict[str, object]:
    """Strict models take a `dict` and no other mapping."""
    return payload if isinstance(payload, dict) else dict(payload)


_KINDS: Mapping[str, _Kind] = {
    "issues": _Kind("issue", fields.ISSUE, _issue, _issue_gone),
    "pull_request": _Kind("pull_request", fields.PULL_REQUEST, _pull_request),
    "issue_comment": _Kind("comment", fields.COMMENT, _comment, _comment_gone),
    "pull_request_review": _Kind("review", fields.REVIEW, _review),
    "pull_request_review_comment": _Kind(
        "comment", fields.REVIEW_COMMENT, _review_comment, _review_comment_gone
    ),
}
