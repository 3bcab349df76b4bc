"""GitHub's objects as documents: one mapping, whoever tells of them (webhook, look-up, listing).

Law: an `Upsert` is a function of the object and the repository's name alone, so that every telling
of one state is the same document; only `priority` and `aliases` may come from elsewhere. Fields
that move without `updated_at` (counts, reactions, mergeability) are left out. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ingest.core.changes import UPSERT_PRIORITY, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.slugs import bounded_key
from ingest.core.times import iso, to_micros
from ingest.core.values import JSON
from ingest.sources.github.payloads import (
    Branch,
    Comment,
    Fork,
    Issue,
    PullRequest,
    Review,
    ReviewComment,
    User,
)

_TITLES = {"comment": "Comment on", "review": "Review of", "review_comment": "Comment in"}
_NOWHERE = Branch()
_NO_FORK = Fork()


@dataclass(frozen=True, slots=True)
class Place:
    """The repository an object is in: its immutable id as scope, and its present name."""

    scope: str
    repository: str

    def identity(self, kind: str, id_: int) -> Identity:
        return Identity("github", self.scope, kind, str(id_))

    def key(self, number: int, child: str = "") -> str:
        """The human key: `owner/repo#123`, or with a child `owner/repo#123/comment/5`."""
        below = f"/{child}" if child else ""
        return bounded_key(f"{self.repository}#{number}{below}")


def issue(
    place: Place, of: Issue, *, priority: int = UPSERT_PRIORITY, aliases: tuple[str, ...] = ()
) -> Upsert:
    """An issue; bare `#12` in its text is the issue's own repository."""
    special: dict[str, JSON] = {
        "stateReason": of.state_reason,
        "issueType": of.type.name if of.type else None,
    }
    return _conversation(
        place, of, kind="issue", special=special, priority=priority, aliases=aliases
    )


def pull_request(place: Place, of: PullRequest, *, priority: int = UPSERT_PRIORITY) -> Upsert:
    """A pull request. Listings lack `merged`, so `merged_at` decides; `draft` is absent from old
    ones. `merge_commit_sha` names a passing trial merge until the pull request is merged.
    """
    head, base = of.head or _NOWHERE, of.base or _NOWHERE
    special: dict[str, JSON] = {
        "draft": bool(of.draft),
        "merged": of.merged_at is not None,
        "mergedAt": _iso(of.merged_at),
        "mergeCommitSha": of.merge_commit_sha if of.merged_at else None,
        "headRef": head.ref,
        "headSha": head.sha,
        "headRepoFullName": (head.repo or _NO_FORK).full_name,
        "baseRef": base.ref,
    }
    return _conversation(place, of, kind="pull_request", special=special, priority=priority)


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
        special={"conversation": _wire(parent)},
        priority=priority,
    )


def review(place: Place, of: Review, *, number: int, priority: int = UPSERT_PRIORITY) -> Upsert:
    """A submitted review. Its state is lower case in webhooks and upper case in the REST API."""
    updated_at = of.updated_at or of.submitted_at
    if updated_at is None:
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
        times=(of.submitted_at, updated_at),
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
    created_at, updated_at = times
    metadata: dict[str, JSON] = {
        "type": "github",
        "kind": _wire(kind),
        "repoFullName": place.repository,
        "id": of.id,
        "number": number,
        "url": of.html_url,
        "author": _login(of.user),
        "createdAt": _iso(created_at),
        "updatedAt": iso(updated_at),
    }
    return Upsert(
        identity=place.identity(kind, of.id),
        version=to_micros(updated_at),
        source_id=place.key(number, f"{_wire(kind)}/{of.id}"),
        title=f"{_TITLES[kind]} {place.key(number)}",
        body=of.body or "",
        metadata=_present(metadata | special),
        created_at=created_at,
        parent=parent,
        home=place.repository,
        priority=priority,
    )


def _conversation(
    place: Place,
    of: Issue | PullRequest,
    *,
    kind: str,
    special: dict[str, JSON],
    priority: int,
    aliases: tuple[str, ...] = (),
) -> Upsert:
    metadata: dict[str, JSON] = {
        "type": "github",
        "kind": _wire(kind),
        "repoFullName": place.repository,
        "number": of.number,
        "title": of.title,
        "state": of.state,
        "url": of.html_url,
        "author": _login(of.user),
        "labels": None if of.labels is None else _sorted(n.name for n in of.labels if n),
        "assignees": None if of.assignees is None else _sorted(u.login for u in of.assignees if u),
        "milestone": of.milestone.title if of.milestone else None,
        "createdAt": _iso(of.created_at),
        "updatedAt": iso(of.updated_at),
        "closedAt": _iso(of.closed_at),
    }
    return Upsert(
        identity=place.identity(kind, of.number),
        version=to_micros(of.updated_at),
        source_id=place.key(of.number),
        title=of.title,
        body=of.body or "",
        metadata=_present(metadata | special),
        created_at=of.created_at,
        aliases=aliases,
        home=place.repository,
        priority=priority,
    )


def _wire(kind: str) -> str:
    """The kind as metadata spells it: `pull-request` for `pull_request`."""
    return kind.replace("_", "-")


def _login(user: User | None) -> str | None:
    return user.login if user else None


def _sorted(names: Iterable[str | None]) -> list[JSON]:
    """GitHub lists them in no order that means anything."""
    return [*sorted({name for name in names if name is not None})]


def _iso(time: datetime | None) -> str | None:
    return iso(time) if time else None


def _present(fields: dict[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value is not None}
