"""The commit that a deployment was built from, out of its `meta` and its `gitSource`.

Law: where `meta` tells a commit it tells all of it, as webhooks, look-ups and lists carry it alike;
`gitSource`, which look-ups alone have, speaks where it tells none. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.core.values import JSON
from ingest.sources.wire import nonblank

# The contract sheet: each Git provider has its own names; `git…` are those of the command line.
_PROVIDERS = ("github", "gitlab", "bitbucket", "git")
_OWNERS = (
    ("githubOrg", "githubRepo", "githubRepoId"),
    ("githubCommitOrg", "githubCommitRepo", "githubCommitRepoId"),
)
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_NUMBER = re.compile(r"[1-9][0-9]{0,6}")
_ID = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Commit:
    """What is known of a commit. `repository` (`owner/repo`), its id and the number of the pull
    request are GitHub's alone; the id is that of the repository which is named.
    """

    sha: str | None = None
    branch: str | None = None
    message: str | None = None
    repository: str | None = None
    pull_request: str | None = None
    repository_id: str | None = None

    @property
    def short(self) -> str | None:
        return self.sha[:7] if self.sha else None

    @property
    def key(self) -> str | None:
        """The pull request, as GitHub's documents are keyed."""
        if self.repository and self.pull_request:
            return f"{self.repository}#{self.pull_request}"
        return None


def commit(meta: Mapping[str, JSON], source: Mapping[str, JSON] | None = None) -> Commit:
    """The commit of a deployment; all of it is absent for what was uploaded by hand."""
    beside = source if source is not None and not tells_commit(meta) else {}
    on_github = str(beside.get("type")).startswith("github")
    repository, repository_id = _repository(meta, beside if on_github else {})
    return Commit(
        sha=_of(meta, "CommitSha") or nonblank(beside, "sha"),
        branch=_of(meta, "CommitRef") or nonblank(beside, "ref"),
        message=_of(meta, "CommitMessage"),
        repository=repository,
        pull_request=_number(meta.get("githubPrId")) or _number(beside.get("prId")),
        repository_id=repository_id,
    )


def tells_commit(meta: Mapping[str, JSON]) -> bool:
    """Whether `meta` names the commit, or at least its branch."""
    return bool(_of(meta, "CommitSha") or _of(meta, "CommitRef"))


def _of(meta: Mapping[str, JSON], field: str) -> str | None:
    told = (nonblank(meta.get(f"{provider}{field}")) for provider in _PROVIDERS)
    return next(filter(None, told), None)


def _repository(
    meta: Mapping[str, JSON], source: Mapping[str, JSON]
) -> tuple[str | None, str | None]:
    """The project's own repository before that of the commit, which may be a fork's; and its id."""
    told = [tuple(meta.get(field) for field in fields) for fields in _OWNERS]
    told.append((source.get("org"), source.get("repo"), source.get("repoId")))
    for owner, name, id_ in told:
        named = f"{owner}/{name}" if nonblank(owner) and nonblank(name) else ""
        if _REPOSITORY.fullmatch(named):
            return named, _id(id_)
    return None, None


def _number(raw: JSON) -> str | None:
    told = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    return told if _NUMBER.fullmatch(told) else None


def _id(raw: JSON) -> str | None:
    """A repository's id; `meta` has it as a text."""
    told = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    return told if _ID.fullmatch(told) else None
