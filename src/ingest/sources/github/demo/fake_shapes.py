"""GitHub's shapes: what its REST answers, GraphQL answers and pushes look like."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from ingest.sources.github.demo.fake_git import EMPTY, Commit, Entry, File, Git, changes
from ingest.sources.github.demo.fake_objects import Objects
from ingest.testing.fakes import Answer

_ALIKE = 0.5
"""git-diff(1), `-M`: what is half the same was renamed."""
API, PAGE = "https://api.github.com", "https://github.com"
DOCS = "https://docs.github.com/rest"


@dataclass(slots=True)
class Repository:
    """A repository: its id stays, its name may change; `readable` by the token or not.

    moved: transferred issues: number, to (repository id, number). switched_off: paths of lists
    (`issues`) that its owner has switched off, and `forbidden` those that the token may not read.
    hooks: its webhooks, and what was delivered to each, oldest first. administered: whether the
    token may see and make them.
    """

    id: int
    full_name: str
    default_branch: str = "main"
    private: bool = True
    readable: bool = True
    git: Git = field(default_factory=Git)
    objects: Objects = field(default_factory=Objects)
    moved: dict[int, tuple[int, int]] = field(default_factory=dict)
    switched_off: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    deliveries: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    administered: bool = True

    @property
    def api(self) -> str:
        return f"{API}/repos/{self.full_name}"

    @property
    def page(self) -> str:
        return f"{PAGE}/{self.full_name}"


def failure(status: int, message: str) -> Answer:
    """An error as the REST API says it."""
    return Answer(status, {"message": message, "documentation_url": DOCS, "status": str(status)})


def redirect(url: str) -> Answer:
    """301: for what has moved."""
    body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCS}
    return Answer(301, body, {"location": url})


def as_listed(of: Repository, kind: str, told: Mapping[str, Any], path: str) -> dict[str, Any]:
    """An object as a list shows it: not all that it shows alone, and a pull request as an issue."""
    if kind == "pull_request" and path == "issues":
        return as_issue(of, told)
    if kind == "pull_request":
        return {k: v for k, v in told.items() if k not in ("merged", "mergeable", "additions")}
    if kind == "review":
        return {**told, "state": str(told["state"]).upper()}
    return {k: v for k, v in told.items() if k != "blocked_by_issues"}


def as_issue(of: Repository, pull: Mapping[str, Any]) -> dict[str, Any]:
    """A pull request is an issue too."""
    link = {"url": pull["url"], "html_url": pull.get("html_url")}
    kept = {k: v for k, v in pull.items() if k not in ("head", "base", "merged")}
    return {**kept, "repository_url": of.api, "pull_request": link}


def repository(of: Repository) -> dict[str, Any]:
    """[REST-OAS] repos/get"""
    owner, _, name = of.full_name.partition("/")
    return {
        "id": of.id,
        "node_id": f"R_{of.id}",
        "name": name,
        "full_name": of.full_name,
        "private": of.private,
        "visibility": "private" if of.private else "public",
        "owner": {"login": owner, "id": of.id + 1, "type": "Organization"},
        "html_url": of.page,
        "url": of.api,
        "default_branch": of.default_branch,
        "has_issues": "issues" not in of.switched_off,
        "has_discussions": "discussions" not in of.switched_off,
        "archived": False,
        "language": None,
        "permissions": {"admin": False, "push": False, "pull": True},
    }


def branch(of: Repository, name: str, commit: Commit) -> dict[str, Any]:
    """[REST-OAS] repos/get-branch"""
    person = {"name": "Lena", "email": "lena@example.com", "date": commit.at}
    return {
        "name": name,
        "commit": {
            "sha": commit.sha,
            "commit": {"author": person, "committer": person, "message": commit.message},
            "url": f"{of.api}/commits/{commit.sha}",
            "parents": [{"sha": sha} for sha in commit.parents],
        },
        "protected": False,
    }


def tree(of: Repository, sha: str, entries: Sequence[Entry], *, truncated: bool) -> dict[str, Any]:
    """[REST-OAS] git/get-tree: folders and submodules have no size."""
    return {
        "sha": sha,
        "url": f"{of.api}/git/trees/{sha}",
        "tree": [
            {
                "path": entry.path,
                "mode": entry.mode,
                "type": entry.type,
                "sha": entry.sha,
                **({"size": entry.size} if entry.size is not None else {}),
                "url": f"{of.api}/git/{entry.type}s/{entry.sha}",
            }
            for entry in entries
        ],
        "truncated": truncated,
    }


def blob(of: Repository, sha: str, content: bytes) -> dict[str, Any]:
    """[REST-OAS] git/get-blob: base64, broken into lines."""
    return {
        "sha": sha,
        "node_id": f"B_{sha}",
        "size": len(content),
        "url": f"{of.api}/git/blobs/{sha}",
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }


def comparison(of: Repository, base: Commit, head: Commit, limit: int) -> dict[str, Any]:
    """[REST-OAS] repos/compare-commits: from the merge base, and at most so many files."""
    ahead, behind = of.git.ancestors(head.sha), of.git.ancestors(base.sha)
    merge_base = of.git.merge_base(base.sha, head.sha)
    status = "diverged"
    if base.sha == head.sha:
        status = "identical"
    elif base.sha in ahead:
        status = "ahead"
    elif head.sha in behind:
        status = "behind"
    before = merge_base.files if merge_base else {}
    return {
        "url": f"{of.api}/compare/{base.sha}...{head.sha}",
        "status": status,
        "ahead_by": len(ahead - behind),
        "behind_by": len(behind - ahead),
        "total_commits": len(ahead - behind),
        "commits": [],
        "files": _compared(before, head.files)[:limit],
    }


def _compared(before: Mapping[str, File], after: Mapping[str, File]) -> list[dict[str, Any]]:
    told = changes(before, after)
    left = {path: before[path] for path in told["removed"]}
    files = [{"filename": p, "status": "modified", "sha": after[p].sha} for p in told["modified"]]
    for path in told["added"]:
        former = _former(path, after[path], left)
        one = {"filename": path, "status": "added", "sha": after[path].sha}
        if former is not None:
            del left[former]
            one |= {"status": "renamed", "previous_filename": former}
        files.append(one)
    files += [
        {"filename": path, "status": "removed", "sha": file.sha} for path, file in left.items()
    ]
    return files


def _former(path: str, file: File, left: Mapping[str, File]) -> str | None:
    """What the file was called: one of its name and much like it, else one of its content."""
    name = path.rpartition("/")[2]
    for old, gone in left.items():
        if old.rpartition("/")[2] == name and _alike(gone, file):
            return old
    return next((old for old, gone in left.items() if gone.sha == file.sha and file.content), None)


def _alike(one: File, other: File) -> bool:
    matched = SequenceMatcher(None, one.content, other.content)
    return one.sha == other.sha or matched.quick_ratio() >= _ALIKE


def push(of: Repository, name: str, before: str, after: str, *, forced: bool) -> dict[str, Any]:
    """The `push` event: times of the repository are seconds since 1970, commits oldest first."""
    known = of.git.ancestors(before)
    new = [of.git.commits[sha] for sha in of.git.ancestors(after) - known]
    commits = [_pushed(of, one) for one in sorted(new, key=lambda c: len(of.git.ancestors(c.sha)))]
    told = repository(of)
    told |= {"created_at": 1_768_204_800, "pushed_at": 1_772_460_000}
    return {
        "ref": f"refs/heads/{name}",
        "before": before,
        "after": after,
        "repository": told,
        "pusher": {"name": "lena-of-brindle", "email": None},
        "sender": {"login": "lena-of-brindle", "id": 90_500_001, "type": "User"},
        "created": before == EMPTY,
        "deleted": after == EMPTY,
        "forced": forced,
        "base_ref": None,
        "compare": f"{of.page}/compare/{before[:12]}...{after[:12]}",
        "commits": commits,
        "head_commit": commits[-1] if commits else None,
    }


def _pushed(of: Repository, commit: Commit) -> dict[str, Any]:
    parent = of.git.commits.get(commit.parents[0]) if commit.parents else None
    person = {"name": "Lena", "email": "lena@example.com", "username": "lena-of-brindle"}
    return {
        "id": commit.sha,
        "tree_id": (of.git.tree(commit.sha) or (EMPTY, ()))[0],
        "distinct": True,
        "message": commit.message,
        "timestamp": datetime.fromisoformat(commit.at).isoformat(),
        "url": f"{of.page}/commit/{commit.sha}",
        "author": person,
        "committer": person,
        **changes(parent.files if parent else {}, commit.files),
    }


def discussion(of: Repository, told: Mapping[str, Any]) -> dict[str, Any]:
    """A discussion, kept as webhooks tell it, as GraphQL does."""
    category = told.get("category") or {}
    answer = told.get("answer_html_url")
    reason = told.get("state_reason")
    return {
        **remark(told),
        "number": told["number"],
        "title": told.get("title"),
        "locked": bool(told.get("locked")),
        "closed": told.get("state") == "closed",
        "stateReason": reason.upper() if reason else None,
        "isAnswered": answer is not None,
        "category": {"name": category.get("name"), "slug": category.get("slug")},
        "answer": {"url": answer} if answer else None,
        "labels": {"nodes": [{"name": one["name"]} for one in told.get("labels") or ()]},
        "repository": {"databaseId": of.id},
    }


def discussion_comment(of: Repository, told: Mapping[str, Any]) -> dict[str, Any]:
    """A comment on a discussion as GraphQL tells it."""
    parent = told.get("parent_id")
    return {
        **remark(told),
        "deletedAt": told.get("deleted_at"),
        "replyTo": {"databaseId": parent} if parent else None,
        "discussion": {"number": told["number"], "repository": {"databaseId": of.id}},
    }


def remark(told: Mapping[str, Any]) -> dict[str, Any]:
    login = (told.get("user") or {}).get("login")
    is_bot = str(login).endswith("[bot]")
    kind = "Bot" if is_bot else "User"
    author = {"login": login.removesuffix("[bot]"), "__typename": kind} if login else None
    return {
        "databaseId": told["id"],
        "id": told.get("node_id"),
        "body": told.get("body"),
        "url": told.get("html_url"),
        "createdAt": told.get("created_at"),
        "updatedAt": told.get("updated_at"),
        "authorAssociation": told.get("author_association"),
        "author": author,
    }
