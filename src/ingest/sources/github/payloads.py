"""GitHub's JSON as GitHub spells it: of each object only the fields that we need.

Law: strict about what we need, relaxed about the rest. A field is required only where no document
can be made without it; null stands for absence everywhere; what is not declared is not looked at.
The shapes are those of `@octokit/openapi-webhooks` and `@octokit/webhooks-schemas`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from ingest.core.errors import BadPayload
from ingest.core.times import parse_time
from ingest.sources.wire import LenientModel, WireModel, below

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _time(value: object) -> datetime:
    """A time that can be a version: GitHub is younger than the epoch, so earlier ones are junk."""
    told = parse_time(value) if isinstance(value, str) else None
    if told is None or told < _EPOCH:
        raise ValueError("not a time since 1970")
    return told


Time = Annotated[datetime, PlainValidator(_time)]
Id = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(min_length=1)]


M = TypeVar("M", bound=BaseModel)


class Strict(WireModel):
    """Base of what we wrote ourselves; no coercion, so that junk is seen as junk."""

    model_config = ConfigDict(strict=True)


class Wire(LenientModel):
    """Base of what GitHub sends; no coercion either."""

    model_config = ConfigDict(strict=True)


class Repository(Wire):
    full_name: Name


class User(Wire):
    """Null where the account is gone (GitHub shows `ghost`)."""

    login: str | None = None


class Named(Wire):
    """A label or an issue type."""

    name: str | None = None


class Milestone(Wire):
    title: str | None = None


class DependencyCounts(Wire):
    """How many issues block one, open or not: the payload does not say which."""

    total_blocked_by: int | None = None


class Numbered(Wire):
    """The short form of a pull request that reviews and line comments carry."""

    number: Id


def is_pull_request(link: object) -> bool:
    """Whether an issue is a pull request, by its `pull_request`.

    Until 2013 every issue had one, and of what was none all in it was null.
    """
    return any(value is not None for value in link.values()) if isinstance(link, Mapping) else False


class Conversation(Wire):
    """The issue of a comment; see `is_pull_request`."""

    number: Id
    pull_request: object = None


class Issue(Wire):
    """[WH-OAS] The items of `labels` and `assignees` may be null."""

    number: Id
    title: str
    updated_at: Time
    state: str | None = None
    state_reason: str | None = None
    body: str | None = None
    html_url: str | None = None
    user: User | None = None
    labels: list[Named | None] | None = None
    assignees: list[User | None] | None = None
    milestone: Milestone | None = None
    type: Named | None = None
    created_at: Time | None = None
    closed_at: Time | None = None
    pull_request: object = None
    parent_issue_url: str | None = None
    issue_dependencies_summary: DependencyCounts | None = None


class Fork(Wire):
    full_name: str | None = None


class Branch(Wire):
    """Head or base of a pull request; `repo` is null where the fork was deleted."""

    ref: str | None = None
    sha: str | None = None
    repo: Fork | None = None


class PullRequest(Wire):
    number: Id
    title: str
    updated_at: Time
    state: str | None = None
    body: str | None = None
    html_url: str | None = None
    user: User | None = None
    labels: list[Named | None] | None = None
    assignees: list[User | None] | None = None
    milestone: Milestone | None = None
    draft: bool | None = None
    merged_at: Time | None = None
    merge_commit_sha: str | None = None
    head: Branch | None = None
    base: Branch | None = None
    created_at: Time | None = None
    closed_at: Time | None = None


class Comment(Wire):
    id: Id
    updated_at: Time
    created_at: Time | None = None
    body: str | None = None
    html_url: str | None = None
    user: User | None = None


class Review(Wire):
    """`updated_at` exists only in the newest schema; a pending review has no time at all."""

    id: Id
    state: str
    submitted_at: Time | None = None
    updated_at: Time | None = None
    body: str | None = None
    html_url: str | None = None
    user: User | None = None
    commit_id: str | None = None


class ReviewComment(Comment):
    pull_request_review_id: Id | None = None
    in_reply_to_id: Id | None = None
    path: str | None = None
    line: Id | None = None
    start_line: Id | None = None
    side: str | None = None
    commit_id: str | None = None


class Category(Wire):
    name: str | None = None


class Discussion(Wire):
    """A look-up goes over GraphQL, and `graphql` spells its answer as webhooks do."""

    number: Id
    title: str
    updated_at: Time
    state: str | None = None
    state_reason: str | None = None
    body: str | None = None
    html_url: str | None = None
    user: User | None = None
    category: Category | None = None
    answer_html_url: str | None = None
    created_at: Time | None = None


class DiscussionComment(Comment):
    """`parent_id` is the comment that a reply answers."""

    parent_id: Id | None = None


class Release(Wire):
    """`updated_at` exists only in the newest schema; `published_at` is null in a draft."""

    id: Id
    tag_name: Name
    name: str | None = None
    body: str | None = None
    draft: bool | None = None
    prerelease: bool | None = None
    html_url: str | None = None
    author: User | None = None
    target_commitish: str | None = None
    created_at: Time | None = None
    published_at: Time | None = None
    updated_at: Time | None = None

    @property
    def time(self) -> datetime | None:
        """Its version. `created_at` stands before `published_at`, which is lost on unpublishing."""
        return self.updated_at or self.created_at or self.published_at


class Blocking(Wire):
    """An issue that blocks another one; it may be in another repository."""

    number: Id
    html_url: str | None = None


class Around(Wire):
    """An answer of GitHub's as the client hands it over, with what it took to get it."""

    object: dict[str, object]
    number: Id | None = None
    parent: str | None = None
    blocked_by: list[Blocking] | None = None


def read(model: type[M], told: object, at: str = "") -> M:
    """What is told, as the model; raises `BadPayload` with the JSON path of the first fault.

    Strict models take a `dict` and no other mapping. `at` is where it stands in what was sent.
    """
    try:
        return model.model_validate(dict(told) if isinstance(told, Mapping) else told)
    except ValidationError as error:
        raise bad_payload(error, at) from None


def bad_payload(error: ValidationError, at: str = "") -> BadPayload:
    """The first thing that pydantic found wrong, as our error with its JSON path."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    problem = "required and missing" if first["type"] == "missing" else first["msg"]
    return BadPayload(below(at, first["loc"]) or "the answer", problem)
