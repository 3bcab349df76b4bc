"""What a payload says of an object that is there: its document, or a look-up for one.

Law: what tells only a part never replaces the whole. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.changes import UPSERT_PRIORITY, Delete, Refresh
from ingest.core.slugs import bounded_key
from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Message, Payload
from ingest.sources.github import conversations, discussions, envelopes, releases, remarks
from ingest.sources.github.outcomes import Outcome, Skipped, ask
from ingest.sources.github.payloads import Repository, is_pull_request, read
from ingest.sources.github.places import Place, place_of
from ingest.sources.wire import at, text

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

# Without `updated_at` all tellings of a release tie; several go out as it is published.
_RELEASE_PRIORITY: Mapping[str, int] = {"created": 50, "released": 120, "edited": 200}

_PENDING = "a pending review is seen by its author alone"
_DRAFT = "a draft release is no document until it is published"


def issue(message: Message, action: str) -> Outcome:
    """`milestoned` and `demilestoned` are sent for pull requests too, in an issue's view of them.

    How many issues block it is told, and not which.
    """
    told = read(envelopes.IssueEvent, message.payload)
    place = _place(message, told.repository)
    if is_pull_request(told.issue.pull_request):
        whom = place.identity("pull_request", told.issue.number)
        return (ask(whom, told=to_micros(told.issue.updated_at)),)
    identity = place.identity("issue", told.issue.number)
    if told.issue.state is None:
        return (ask(identity, told=to_micros(told.issue.updated_at)),)
    whole = conversations.issue(
        place,
        told.issue,
        priority=_priority(action, told.issue.state),
        aliases=_former_keys(message.payload),
    )
    counts = told.issue.issue_dependencies_summary
    if counts is not None and (counts.total_blocked_by or 0) > 0:
        return (ask(identity, otherwise=(whole,), told=whole.version),)
    return (whole,)


def pull_request(message: Message, action: str) -> Outcome:
    told = read(envelopes.PullRequestEvent, message.payload)
    place = _place(message, told.repository)
    if told.pull_request.state is None:
        whom = place.identity("pull_request", told.pull_request.number)
        return (ask(whom, told=to_micros(told.pull_request.updated_at)),)
    priority = _priority(action, told.pull_request.state)
    return (conversations.pull_request(place, told.pull_request, priority=priority),)


def discussion(message: Message, action: str) -> Outcome:
    told = read(envelopes.DiscussionEvent, message.payload)
    place = _place(message, told.repository)
    state = discussions.state(told.discussion)
    if state is None:
        whom = place.identity("discussion", told.discussion.number)
        return (ask(whom, told=to_micros(told.discussion.updated_at)),)
    priority = _priority(action, state)
    return (discussions.discussion(place, told.discussion, priority=priority),)


def comment(message: Message, action: str) -> Outcome:
    told = read(envelopes.IssueCommentEvent, message.payload)
    return (
        remarks.comment(
            _place(message, told.repository),
            told.comment,
            number=told.issue.number,
            parent="pull_request" if is_pull_request(told.issue.pull_request) else "issue",
            priority=_priority(action),
        ),
    )


def review(message: Message, action: str) -> Outcome:
    """`updated_at` is young: without it a look-up says more than the order of two payloads can."""
    told = read(envelopes.ReviewEvent, message.payload)
    place, number = _place(message, told.repository), told.pull_request.number
    state = told.review.state.lower()
    if state == "pending":
        return Skipped(_PENDING)
    of, identity = told.review, place.identity("review", told.review.id)
    hint: dict[str, JSON] = {"number": number}
    if of.updated_at is None and of.submitted_at is None:
        return (ask(identity, hint),)
    whole = remarks.review(place, of, number=number, priority=_priority(action, state))
    return (whole,) if of.updated_at is not None else (ask(identity, hint, otherwise=(whole,)),)


def review_comment(message: Message, action: str) -> Outcome:
    told = read(envelopes.ReviewCommentEvent, message.payload)
    return (
        remarks.review_comment(
            _place(message, told.repository),
            told.comment,
            number=told.pull_request.number,
            priority=_priority(action),
        ),
    )


def discussion_comment(message: Message, action: str) -> Outcome:
    told = read(envelopes.DiscussionCommentEvent, message.payload)
    return (
        remarks.discussion_comment(
            _place(message, told.repository),
            told.comment,
            number=told.discussion.number,
            priority=_priority(action),
        ),
    )


def release(message: Message, action: str) -> Outcome:
    """`updated_at` is as young here. A draft need not have a tag."""
    if action == "unpublished":
        return _unpublished(message)
    if at(message.payload, "release", "draft") is True:
        return Skipped(_DRAFT)
    told = read(envelopes.ReleaseEvent, message.payload)
    of, place = told.release, _place(message, told.repository)
    identity = place.identity("release", of.id)
    if of.time is None:
        return (ask(identity),)
    whole = releases.release(
        place,
        of,
        priority=_RELEASE_PRIORITY.get(action, UPSERT_PRIORITY),
        aliases=_former_tag(place, message.payload),
    )
    return (whole,) if of.updated_at is not None else (ask(identity, otherwise=(whole,)),)


def _unpublished(message: Message) -> Outcome:
    """A draft again, with the same id; it may be published once more, so this is not for good.

    Whether `updated_at` moves then is unverified; where it does not, a look-up that saw the release
    before outranks what is told, so one is asked for beside.
    """
    told = read(envelopes.ReleaseGone, message.payload)
    of, place = told.release, _place(message, told.repository)
    identity, time = place.identity("release", of.id), of.updated_at or of.created_at
    keys = (place.tag(of.tag_name),) if of.tag_name else ()
    hidden = Delete(identity, None if time is None else to_micros(time), aliases=keys)
    if of.updated_at is None:
        return (ask(identity, otherwise=(hidden,)),)
    return hidden, Refresh(identity)


def _former_keys(payload: Payload) -> tuple[str, ...]:
    """[WH-OAS] A transferred issue is `opened` in its new repository, and names the old one."""
    repository = text(payload, "changes", "old_repository", "full_name")
    number = at(payload, "changes", "old_issue", "number")
    if repository is not None and type(number) is int and number >= 0:
        return (bounded_key(f"{repository}#{number}"),)
    return ()


def _former_tag(place: Place, payload: Payload) -> tuple[str, ...]:
    tag = text(payload, "changes", "tag_name", "from")
    return () if tag is None else (place.tag(tag),)


def _priority(action: str, state: str = "") -> int:
    after = _AFTER_CLOSING if state in _CLOSED else UPSERT_PRIORITY
    return _PRIORITY.get(action, after)


def _place(message: Message, repository: Repository) -> Place:
    return place_of(message, repository.full_name)
