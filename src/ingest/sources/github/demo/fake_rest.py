"""GitHub's REST answers about one repository: its git, and its conversations and releases."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ingest.sources.github.demo import fake_shapes
from ingest.sources.github.demo.fake_shapes import Repository, failure, redirect
from ingest.testing.fakes import Answer, Asked

_BRANCH = re.compile(r"branches/(.+)")
_TREE = re.compile(r"git/trees/(.+)")
_BLOB = re.compile(r"git/blobs/([0-9a-f]+)")
_COMPARE = re.compile(r"compare/(.+)\.\.\.(.+)")
_BLOCKED_BY = re.compile(r"issues/(\d+)/dependencies/blocked_by")

_Around = Mapping[str, Any]


def _issue(of: Repository, told: _Around, _around: _Around) -> dict[str, Any]:
    number = told["number"]
    return {**told, "url": f"{of.api}/issues/{number}", "repository_url": of.api}


def _pull(of: Repository, told: _Around, _around: _Around) -> dict[str, Any]:
    base = {**(told.get("base") or {}), "repo": fake_shapes.repository(of)}
    return {**told, "url": f"{of.api}/pulls/{told['number']}", "base": base}


def _comment(of: Repository, told: _Around, around: _Around) -> dict[str, Any]:
    page = "pull" if around.get("parent") == "pull_request" else "issues"
    return {
        "html_url": f"{of.page}/{page}/{around['number']}#issuecomment-{told['id']}",
        **told,
        "url": f"{of.api}/issues/comments/{told['id']}",
        "issue_url": f"{of.api}/issues/{around['number']}",
    }


def _under_pull(of: Repository, told: _Around, around: _Around) -> dict[str, Any]:
    return {**told, "pull_request_url": f"{of.api}/pulls/{around['number']}"}


def _numbered(_of: Repository, told: _Around, around: _Around) -> dict[str, Any]:
    return {**told, **around}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a kind is kept, and where it is asked for; None: over GraphQL only."""

    key: str
    path: re.Pattern[str] | None
    made: Callable[[Repository, _Around, _Around], dict[str, Any]]


OBJECTS: Mapping[str, Shape] = {
    "issue": Shape("number", re.compile(r"issues/(\d+)"), _issue),
    "pull_request": Shape("number", re.compile(r"pulls/(\d+)"), _pull),
    "comment": Shape("id", re.compile(r"issues/comments/(\d+)"), _comment),
    "review": Shape("id", re.compile(r"pulls/\d+/reviews/(\d+)"), _under_pull),
    "review_comment": Shape("id", re.compile(r"pulls/comments/(\d+)"), _under_pull),
    "release": Shape("id", re.compile(r"releases/(\d+)"), _numbered),
    "discussion": Shape("number", None, _numbered),
    "discussion_comment": Shape("id", None, _numbered),
}


def object_answer(of: Repository, rest: str, asked: Asked) -> Answer | None:
    """One conversation, remark or release; None where no such thing is asked for."""
    for kind, shape in OBJECTS.items():
        found = shape.path.fullmatch(rest) if shape.path else None
        if found is None:
            continue
        told = of.objects.get((kind, found[1]))
        if told is not None:
            state = {"state": str(told["state"]).upper()} if kind == "review" else {}
            return Answer(200, {**told, **state})
        if kind == "issue":
            return _absent_issue(of, int(found[1]), asked)
        return failure(404, "Not Found")
    blocked = _BLOCKED_BY.fullmatch(rest)
    issue = of.objects.get(("issue", blocked[1])) if blocked else None
    return Answer(200, issue.get("blocked_by_issues", [])) if issue else None


def _absent_issue(of: Repository, number: int, asked: Asked) -> Answer:
    """A pull request answers; an issue that moved redirects, one that was deleted is gone."""
    pull = of.objects.get(("pull_request", str(number)))
    if pull is not None:
        return Answer(200, fake_shapes.as_issue(of, pull))
    if number in of.moved:
        repository, new_number = of.moved[number]
        return redirect(f"{asked.url}/repositories/{repository}/issues/{new_number}")
    return failure(410, "This issue was deleted")


def git_answer(
    of: Repository, rest: str, asked: Asked, tree_limit: int, compare_limit: int
) -> Answer | None:
    """A branch, a comparison, a tree or a blob; None where no such thing is asked for."""
    if found := _BRANCH.fullmatch(rest):
        return _branch(of, found[1], asked)
    if not of.git.commits and rest.startswith("git/"):
        return failure(409, "Git Repository is empty.")
    if found := _COMPARE.fullmatch(rest):
        base, head = (of.git.commits.get(sha) for sha in found.groups())
        if base is None or head is None:
            return failure(404, "Not Found")
        return Answer(200, fake_shapes.comparison(of, base, head, compare_limit))
    if found := _TREE.fullmatch(rest):
        return _tree(of, found[1], asked, tree_limit)
    if found := _BLOB.fullmatch(rest):
        content = of.git.blobs.get(found[1])
        if content is None:
            return failure(404, "Not Found")
        return Answer(200, fake_shapes.blob(of, found[1], content))
    return None


def _branch(of: Repository, name: str, asked: Asked) -> Answer:
    commit = of.git.commits.get(of.git.branches.get(name, ""))
    if commit is not None:
        return Answer(200, fake_shapes.branch(of, name, commit))
    if name in of.git.renamed:
        to = of.git.renamed[name]
        return redirect(f"{asked.url}/repositories/{of.id}/branches/{to}")
    return failure(404, "Branch not found")


def _tree(of: Repository, ref: str, asked: Asked, limit: int) -> Answer:
    found = of.git.tree(ref)
    if found is None:
        return failure(404, "Not Found")
    sha, entries = found
    if not asked.one("recursive"):
        return Answer(200, fake_shapes.tree(of, sha, entries, truncated=False))
    lines = of.git.below(sha)
    shown = list(islice(lines, limit))
    return Answer(200, fake_shapes.tree(of, sha, shown, truncated=next(lines, None) is not None))
