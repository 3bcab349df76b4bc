"""Where the branch that a connection follows stands now.

Law: a branch that cannot be seen is gone only where the repository is readable, no other default
took its place, and the connection follows it by its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from ingest.core.errors import PermanentError, TransientError
from ingest.core.times import iso, parse_time
from ingest.sources.github.answers import BranchAnswer
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.payloads import read
from ingest.sources.http import Absent

# git-check-ref-format(1); such a name in a path would ask for something else.
_BAD_REF = re.compile(r"\.\.|[\x00-\x20\x7f~^:?*\[\\]|\A[/.-]|/\Z|//|@\{|\.lock\Z|/\.")


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
    named = metadata.get("branch")
    default = repository.default_branch
    branch = named if isinstance(named, str) and named else default
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
    if _BAD_REF.search(branch) or not branch:
        raise PermanentError(f"{branch[:80]!r} is no name of a branch (git check-ref-format)")
    path = f"{repository.path}/branches/{quote(branch, safe='')}"
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
        api.get(f"{repository.path}/git/trees/{quote(repository.default_branch, safe='')}")
    except Absent as error:
        if error.status == 409:
            return
    raise TransientError(
        f"GitHub shows no branch {repository.default_branch} of {repository.full_name}, "
        "which is its default; nothing is concluded from that"
    )
