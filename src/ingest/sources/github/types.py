"""The metadata that we write for GitHub: the seed's members exactly, and ours beside them.

Law: camelCase on the wire, an absent optional field is left out and never null, and a document's
metadata is a function of the object alone, never of the delivery that told it. `DOCUMENT_TYPES`
and `EVENT_TYPES` are the members of the unions, `SEED_TYPES` those of the seed.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from ingest.core.errors import BadInput
from ingest.sources.forms import DIGITS, NAME, Form
from ingest.sources.github import globs
from ingest.sources.github.names import BRANCH, FULL_NAME, OWNER, PATH
from ingest.sources.metadata import ConnectionMetadata, Metadata, ResyncedMetadata


class Written(Metadata):
    type: Literal["github"]


class GitHubDocMetadata(Written):
    """A file: the seed's member, with the `kind` that tells it from ours optional."""

    kind: Literal["file"] | None = None
    path: str
    commit_sha: str
    committed_at: str
    repo_full_name: str
    branch: str | None = None


class _Numbered(Written):
    """What issues, pull requests and discussions share; their numbers are of one sequence."""

    repo_full_name: str
    number: int
    title: str
    state: str
    url: str | None = None
    author: str | None = None
    created_at: str | None = None
    updated_at: str


class _Conversation(_Numbered):
    """What issues and pull requests share; `labels` and `assignees` (logins) are sorted."""

    labels: list[str] | None = None
    assignees: list[str] | None = None
    milestone: str | None = None
    closed_at: str | None = None


class GitHubIssueDocMetadata(_Conversation):
    """An issue; `issueType` is the organization's (`Bug`), `stateReason` why it was closed."""

    kind: Literal["issue"]
    state_reason: str | None = None
    issue_type: str | None = None


class GitHubPullRequestDocMetadata(_Conversation):
    """A pull request; `mergeCommitSha` only once merged, before that GitHub names a trial merge."""

    kind: Literal["pull-request"]
    draft: bool
    merged: bool
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    head_ref: str | None = None
    head_sha: str | None = None
    head_repo_full_name: str | None = None
    base_ref: str | None = None


class GitHubDiscussionDocMetadata(_Numbered):
    """A discussion; `category` by name, `answerUrl` the comment chosen as its answer."""

    kind: Literal["discussion"]
    state_reason: str | None = None
    category: str | None = None
    answered: bool
    answer_url: str | None = None


class _Remark(Written):
    """What comments and reviews share: their own `id`, and the `number` of their conversation."""

    repo_full_name: str
    id: int
    number: int
    conversation: Literal["issue", "pull-request", "discussion"]
    url: str | None = None
    author: str | None = None
    created_at: str | None = None


class GitHubCommentDocMetadata(_Remark):
    """A comment in the conversation of an issue or a pull request."""

    kind: Literal["comment"]
    updated_at: str


class GitHubReviewDocMetadata(_Remark):
    """A review; `state` in lower case: commented, changes_requested, approved, dismissed."""

    kind: Literal["review"]
    state: str
    commit_sha: str | None = None


class GitHubReviewCommentDocMetadata(_Remark):
    """A comment on lines of a pull request; `line` is absent where the line is outdated."""

    kind: Literal["review-comment"]
    updated_at: str
    review_id: int | None = None
    in_reply_to_id: int | None = None
    path: str | None = None
    line: int | None = None
    start_line: int | None = None
    side: str | None = None
    commit_sha: str | None = None


class GitHubDiscussionCommentDocMetadata(_Remark):
    """A comment in a discussion; `inReplyToId` is the comment that it answers."""

    kind: Literal["discussion-comment"]
    updated_at: str
    in_reply_to_id: int | None = None


class GitHubReleaseDocMetadata(Written):
    """A published release; `targetCommitish` is the branch or commit that its tag was made from."""

    kind: Literal["release"]
    repo_full_name: str
    id: int
    tag_name: str
    url: str | None = None
    author: str | None = None
    prerelease: bool
    target_commitish: str | None = None
    created_at: str | None = None
    published_at: str | None = None


class GitHubEventMetadata(Written):
    """A push: the seed's member, exactly; a field that GitHub left out is the empty text."""

    action: Literal["push"]
    before_sha: str
    after_sha: str
    delivery_id: str
    pusher: str
    ref: str
    repository: str


def _is_others(action: str) -> str:
    if action in ("push", "resync"):
        raise ValueError("an action of another type")
    return action


class GitHubActionEventMetadata(Written):
    """Every other event: `action` is `<event>.<action>`, or the event alone where it has none."""

    action: Annotated[str, AfterValidator(_is_others)]
    delivery_id: str
    repository: str | None = None
    sender: str | None = None
    number: int | None = None


class GitHubResyncEventMetadata(ResyncedMetadata, Written):
    """A document that a sync run changed: what no webhook told."""

    type: Literal["github"] = "github"


class Permissions(BaseModel):
    """What the connection's token may do in the repository."""

    admin: bool
    push: bool
    pull: bool


_INSTALLATION = Form(r"[0-9]{0,19}", "the number of the App's installation, 0 where there is none")


class GitHubSourceMetadata(ConnectionMetadata):
    """A connected repository: the seed's member."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    type: Literal["github"]
    github_repo_id: Annotated[str, DIGITS]
    github_installation_id: Annotated[str, _INSTALLATION]
    repo_full_name: Annotated[str, FULL_NAME]
    owner: Annotated[str, OWNER]
    default_branch: Annotated[str, BRANCH]
    language: Annotated[str, NAME] | None = None
    private: bool
    permissions: Permissions
    config_path: Annotated[str, PATH] | None = None
    branch: Annotated[str, BRANCH] | None = None
    include: list[str] | None = None
    exclude: list[str] | None = None

    @model_validator(mode="after")
    def _with_globs_that_can_be_used(self) -> Self:
        try:
            globs.read({"include": [*(self.include or ())], "exclude": [*(self.exclude or ())]})
        except BadInput as error:
            raise ValueError(str(error)) from error
        return self


DOCUMENT_TYPES: tuple[type[Written], ...] = (
    GitHubDocMetadata,
    GitHubIssueDocMetadata,
    GitHubPullRequestDocMetadata,
    GitHubCommentDocMetadata,
    GitHubReviewDocMetadata,
    GitHubReviewCommentDocMetadata,
    GitHubDiscussionDocMetadata,
    GitHubDiscussionCommentDocMetadata,
    GitHubReleaseDocMetadata,
)
EVENT_TYPES: tuple[type[Written], ...] = (
    GitHubEventMetadata,
    GitHubActionEventMetadata,
    GitHubResyncEventMetadata,
)
SEED_TYPES: frozenset[type[BaseModel]] = frozenset(
    {GitHubDocMetadata, GitHubEventMetadata, GitHubSourceMetadata}
)
