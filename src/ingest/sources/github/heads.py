"""Where the branch that a connection follows stands now.

Law: a branch that cannot be seen is gone only where the repository is readable, no other default
took its place, and the connection follows it by its name.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.errors import TransientError
from ingest.core.times import iso, parse_time
from ingest.sources.answers import Absent
from ingest.sources.forms import own, segment
from ingest.sources.github.answers import BranchAnswer
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.names import BRANCH
from ingest.sources.github.payloads import read

_A_BRANCH = "the name of a branch"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the branch stands; `sha` is None where the branch, and so every file of it, is gone."""

    branch: str
    sha: str | None = None
    committed_at: str | None = None


def head_of(api: GitHubApi, repository: Repository) -> Head:
    """The head of the branch that the connection follows.

    One that names no branch of its own follows the default one, whichever was asked about. A named
    one that is gone was perhaps the default and has a successor; only if not, its files are gone.
    """
    metadata = api.access.metadata
    default = repository.default_branch
    branch = own(metadata, "branch", BRANCH) or default
    try:
        return _branch(api, repository, branch)
    except Absent:
        pass
    if branch != default:
        if metadata.get("defaultBranch") != branch:
            return Head(branch)
        try:
            return _branch(api, repository, default)
        except Absent:
            pass
    _require_empty(api, repository)
    return Head(branch)


def _branch(api: GitHubApi, repository: Repository, branch: str) -> Head:
    """[REST-OAS] repos/get-branch: a renamed branch redirects to its new name."""
    path = f"{repository.path}/branches/{segment(branch, _A_BRANCH, BRANCH)}"
    answer = read(BranchAnswer, api.get(path).json())
    committer = answer.commit.commit.committer
    return Head(answer.name, answer.commit.sha, _iso(committer.date if committer else None))


def _iso(date: str | None) -> str | None:
    """A commit may bear any date that its author's clock, or a script, gave it."""
    try:
        return iso(parse_time(date)) if date else None
    except ValueError:
        return None


def _require_empty(api: GitHubApi, repository: Repository) -> None:
    """The default branch of a repository is missing only where it has no commit (409)."""
    try:
        tree = segment(repository.default_branch, _A_BRANCH, BRANCH)
        api.get(f"{repository.path}/git/trees/{tree}")
    except Absent as error:
        if error.status == 409:
            return
    raise TransientError(
        f"GitHub shows no branch {repository.default_branch} of {repository.full_name}, "
        "which is its default; nothing is concluded from that"
    )
