"""Comments and reviews as documents: children of the conversation that they stand in.

Law: a remark is a function of itself, its conversation's number and the repository's name, and
never speaks for its conversation. Performs no I/O.
"""

from __future__ import annotations

from datetime import datetime

from ingest.core.changes import UPSERT_PRIORITY, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.times import iso, to_micros
from ingest.core.values import JSON
from ingest.sources.github.payloads import Comment, DiscussionComment, Review, ReviewComment
from ingest.sources.github.places import Place, login, present, told, wire

_TITLES = {
    "comment": "Comment on",
    "discussion_comment": "Comment on",
    "review": "Review of",
    "review_comment": "Comment in",
}


def comment(
    place: Place, of: Comment, *, number: int, parent: str, priority: int = UPSERT_PRIORITY
) -> Upsert:
    """A comment in a conversation; `parent` is the kind of it, `issue` or `pull_request`."""
    return _child(
        place,
        of,
        number=number,
        kind="comment",
        parent=place.identity(parent, number),
        times=(of.created_at, of.updated_at),
        special={"conversation": wire(parent), "updatedAt": iso(of.updated_at)},
        priority=priority,
    )


def review(
    place: Place,
    of: Review,
    *,
    number: int,
    seen_at: datetime | None = None,
    priority: int = UPSERT_PRIORITY,
) -> Upsert:
    """A submitted review. Its state is lower case in webhooks and upper case in the REST API.

    That API tells no `updated_at`: the version is then the time at which it was asked, `seen_at`,
    and the metadata leaves the time out by either road.
    """
    version = of.updated_at or seen_at or of.submitted_at
    if version is None:
        raise BadPayload("review.submitted_at", "required and missing, and so is updated_at")
    special: dict[str, JSON] = {
        "conversation": "pull-request",
        "state": of.state.lower(),
        "commitSha": of.commit_id,
    }
    return _child(
        place,
        of,
        number=number,
        kind="review",
        parent=place.identity("pull_request", number),
        times=(of.submitted_at, version),
        special=special,
        priority=priority,
    )


def review_comment(
    place: Place, of: ReviewComment, *, number: int, priority: int = UPSERT_PRIORITY
) -> Upsert:
    """A comment on lines: a child of its review where it has one, else of the pull request."""
    special: dict[str, JSON] = {
        "conversation": "pull-request",
        "reviewId": of.pull_request_review_id,
        "inReplyToId": of.in_reply_to_id,
        "path": of.path,
        "line": of.line,
        "startLine": of.start_line,
        "side": of.side,
        "commitSha": of.commit_id,
        "updatedAt": iso(of.updated_at),
    }
    review_id = of.pull_request_review_id
    return _child(
        place,
        of,
        number=number,
        kind="review_comment",
        parent=place.identity("pull_request", number)
        if review_id is None
        else place.identity("review", review_id),
        times=(of.created_at, of.updated_at),
        special=special,
        priority=priority,
    )


def discussion_comment(
    place: Place, of: DiscussionComment, *, number: int, priority: int = UPSERT_PRIORITY
) -> Upsert:
    """A comment in a discussion; a reply is a child of the comment that it answers."""
    answered = of.parent_id
    return _child(
        place,
        of,
        number=number,
        kind="discussion_comment",
        parent=place.identity("discussion", number)
        if answered is None
        else place.identity("discussion_comment", answered),
        times=(of.created_at, of.updated_at),
        special={
            "conversation": "discussion",
            "inReplyToId": answered,
            "updatedAt": iso(of.updated_at),
        },
        priority=priority,
    )


def key(place: Place, kind: str, id_: int, *, number: int) -> str:
    """`owner/repo#123/review-comment/5`."""
    return place.key(number, f"{wire(kind)}/{id_}")


def _child(
    place: Place,
    of: Comment | Review,
    *,
    number: int,
    kind: str,
    parent: Identity,
    times: tuple[datetime | None, datetime],
    special: dict[str, JSON],
    priority: int,
) -> Upsert:
    """`times` are when it was made, and when it was last changed: its version."""
    created_at, changed_at = times
    metadata: dict[str, JSON] = {
        "type": "github",
        "kind": wire(kind),
        "repoFullName": place.repository,
        "id": of.id,
        "number": number,
        "url": of.html_url,
        "author": login(of.user),
        "createdAt": told(created_at),
    }
    return Upsert(
        identity=place.identity(kind, of.id),
        version=to_micros(changed_at),
        source_id=key(place, kind, of.id, number=number),
        title=f"{_TITLES[kind]} #{number}",  # a repository's name would change with it
        title_is_made_up=True,
        body=of.body or "",
        metadata=present(metadata | special),
        created_at=created_at,
        parent=parent,
        home=place.repository,
        home_scope=place.scope,
        priority=priority,
    )
