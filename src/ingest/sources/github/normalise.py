"""What a delivery of GitHub's means for documents. Pure: the same message, the same answer.

Law: one delivery speaks of its own object only. A comment carries its issue, but in a pull request
only the issue's view of it, and reviews carry a short form: replacing a document with those would
lose what the whole form told. What a payload tells in part is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ingest.core.naming import Rename
from ingest.sources.contract import Message, Normalised
from ingest.sources.github import events, fields, gone, proof, pushes, relations, tellings
from ingest.sources.github.envelopes import Act
from ingest.sources.github.outcomes import Outcome, Skipped
from ingest.sources.github.payloads import read

# [WH-OAS] `transferred` is sent for the old repository, where the number never returns.
_GONE = frozenset({"deleted", "transferred"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one event is read: its main object's key and known fields, and what it means.

    `gone` is None where GitHub has no deletion.
    """

    member: str
    known: frozenset[str]
    whole: Callable[[Message, str], Outcome]
    gone: Callable[[Message], Outcome] | None = None


_OBJECTS: Mapping[str, _Kind] = {
    "issues": _Kind("issue", fields.ISSUE, tellings.issue, gone.issue),
    "pull_request": _Kind("pull_request", fields.PULL_REQUEST, tellings.pull_request),
    "discussion": _Kind("discussion", fields.DISCUSSION, tellings.discussion, gone.discussion),
    "issue_comment": _Kind("comment", fields.COMMENT, tellings.comment, gone.comment),
    "pull_request_review": _Kind("review", fields.REVIEW, tellings.review),
    "pull_request_review_comment": _Kind(
        "comment", fields.REVIEW_COMMENT, tellings.review_comment, gone.review_comment
    ),
    "discussion_comment": _Kind(
        "comment", fields.DISCUSSION_COMMENT, tellings.discussion_comment, gone.discussion_comment
    ),
    "release": _Kind("release", fields.RELEASE, tellings.release, gone.release),
}
_SIGNS: Mapping[str, Callable[[Message], Outcome | Rename]] = {
    "push": pushes.push,
    "delete": pushes.ref_deleted,
    "repository": pushes.repository,
    "issue_dependencies": relations.dependency,
    "sub_issues": relations.sub_issue,
}


def normalise(message: Message) -> Normalised:
    """The event to record and the changes to apply; raises `BadPayload` with the path."""
    event = events.recorded(message)
    name = events.name(message)
    proof.require(name, message.payload)
    drift: tuple[str, ...] = ()
    outcome: Outcome | Rename
    if name in events.IGNORED:
        outcome = Skipped(events.IGNORED[name])
    elif name in _SIGNS:
        outcome = _SIGNS[name](message)
    elif name in _OBJECTS:
        kind = _OBJECTS[name]
        outcome = _object(kind, message)
        drift = fields.unknown_fields(message.payload, member=kind.member, known=kind.known)
    else:
        outcome = Skipped(f"unknown event {ascii(name)[1:-1][:80]}")
    if isinstance(outcome, Skipped):
        withdraws = outcome.reason if outcome.withdraws else None
        return Normalised(event, skip=outcome.reason, drift=drift, withdraws=withdraws)
    if isinstance(outcome, Rename):
        return Normalised(event, renames=(outcome,))
    return Normalised(event, outcome, drift=drift)


def _object(kind: _Kind, message: Message) -> Outcome:
    """An action that we do not know is an upsert where the object is whole: newest wins anyway."""
    action = read(Act, message.payload).action
    if action not in _GONE:
        return kind.whole(message, action)
    if kind.gone is None:
        return Skipped(f"unknown action {action}")
    return kind.gone(message)
