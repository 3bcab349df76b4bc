"""GitHub's webhooks as GitHub spells them: around an object, its repository and what it belongs to.

Law: of an object that is gone nothing is needed but whose it was. Shapes as in `payloads`.
"""

from __future__ import annotations

from ingest.sources.github.payloads import (
    Comment,
    Conversation,
    Discussion,
    DiscussionComment,
    Id,
    Issue,
    Name,
    Numbered,
    PullRequest,
    Release,
    Repository,
    Review,
    ReviewComment,
    Strict,
    Time,
    Wire,
)


class Act(Wire):
    """What happened; without it a deletion could pass for a change."""

    action: Name


class IssueEvent(Wire):
    issue: Issue
    repository: Repository


class PullRequestEvent(Wire):
    pull_request: PullRequest
    repository: Repository


class DiscussionEvent(Wire):
    discussion: Discussion
    repository: Repository


class ReleaseEvent(Wire):
    release: Release
    repository: Repository


class IssueCommentEvent(Wire):
    issue: Conversation
    comment: Comment
    repository: Repository


class ReviewEvent(Wire):
    pull_request: Numbered
    review: Review
    repository: Repository


class ReviewCommentEvent(Wire):
    pull_request: Numbered
    comment: ReviewComment
    repository: Repository


class DiscussionCommentEvent(Wire):
    discussion: Numbered
    comment: DiscussionComment
    repository: Repository


class GoneNumber(Wire):
    """What a deletion needs of an issue: whose it is; a broken title must not keep it alive."""

    number: Id
    updated_at: Time | None = None


class GoneId(Wire):
    id: Id
    updated_at: Time | None = None


class GoneRelease(Wire):
    id: Id
    tag_name: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class IssueGone(Wire):
    issue: GoneNumber
    repository: Repository


class DiscussionGone(Wire):
    discussion: GoneNumber
    repository: Repository


class ReleaseGone(Wire):
    release: GoneRelease
    repository: Repository


class IssueCommentGone(Wire):
    issue: Numbered
    comment: GoneId
    repository: Repository


class ReviewCommentGone(Wire):
    pull_request: Numbered
    comment: GoneId
    repository: Repository


class DiscussionCommentGone(Wire):
    discussion: Numbered
    comment: GoneId
    repository: Repository


class Push(Wire):
    """`before` and `after` are forty zeros where the branch came or went."""

    ref: Name
    before: str | None = None
    after: str | None = None
    forced: bool | None = None
    created: bool | None = None
    deleted: bool | None = None


class RefGone(Wire):
    """`ref` is a bare name here."""

    ref: Name
    ref_type: Name


class DefaultBranch(Wire):
    default_branch: Name


class Defaulted(Wire):
    repository: DefaultBranch


class Renamed(Wire):
    """`full_name` is the new one."""

    repository: Repository


class Here(Repository):
    id: Id | None = None


class Elsewhere(Strict):
    id: Id | None = None


class Related(Strict):
    """An issue that is only pointed at."""

    number: Id
    repository_url: str | None = None


class Dependency(Strict):
    blocked_issue: Related | None = None
    blocked_issue_repo: Elsewhere | None = None
    blocking_issue: Related | None = None
    blocking_issue_repo: Elsewhere | None = None
    repository: Here


class SubIssue(Strict):
    sub_issue: Related | None = None
    sub_issue_repo: Elsewhere | None = None
    parent_issue: Related | None = None
    parent_issue_repo: Elsewhere | None = None
    repository: Here
