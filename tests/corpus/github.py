"""How GitHub sends: the event's name is a header, and the repository says whose a delivery is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.corpus.folder import Recorded
from tests.corpus.knowledge import Knowledge

# Where neither the file nor the index names the event: the first whose members are all there.
_BY_MEMBERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("pull_request", "review"), "pull_request_review"),
    (("pull_request", "thread"), "pull_request_review_thread"),
    (("pull_request", "comment"), "pull_request_review_comment"),
    (("issue", "comment"), "issue_comment"),
    (("discussion", "comment"), "discussion_comment"),
    (("pull_request",), "pull_request"),
    (("issue",), "issues"),
    (("discussion",), "discussion"),
    (("release",), "release"),
    (("zen", "hook"), "ping"),
    (("commits", "ref"), "push"),
    (("comment",), "commit_comment"),
    (("installation", "repositories_added"), "installation_repositories"),
    (("repository",), "repository"),
    (("installation",), "installation"),
)

_NO_INSTALLATION: Mapping[str, Any] = {}


def _event(of: Recorded) -> str:
    told = of.headers.get("x-github-event") or of.event
    guessed = (event for members, event in _BY_MEMBERS if all(m in of.payload for m in members))
    return told or next(guessed, "unknown")


def _act(of: Recorded) -> tuple[str, str]:
    return _event(of), str(of.payload.get("action") or "")


def _repository(of: Recorded) -> Mapping[str, Any]:
    found = of.payload.get("repository")
    return found if isinstance(found, dict) else {}


def _house(of: Recorded) -> str | None:
    id_ = _repository(of).get("id")
    return str(id_) if type(id_) is int and id_ >= 0 else None


def _metadata(house: str, of: Sequence[Recorded]) -> dict[str, Any]:
    repository = _repository(of[-1])
    installations = (r.payload.get("installation") for r in of)
    installation = next(
        (told for told in installations if isinstance(told, dict)), _NO_INSTALLATION
    )
    full_name = str(repository.get("full_name") or f"unknown/{house}")
    return {
        "type": "github",
        "githubRepoId": house,
        "githubInstallationId": str(installation.get("id") or 0),
        "repoFullName": full_name,
        "owner": full_name.partition("/")[0],
        "defaultBranch": repository.get("default_branch") or "main",
        "private": bool(repository.get("private")),
        "permissions": {"admin": False, "push": False, "pull": True},
    }


def _headers(of: Recorded, delivery_id: str, _now: datetime) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/0c0de00",
        "x-github-event": _event(of),
        "x-github-delivery": delivery_id,
        "x-github-hook-id": "1",
    }


KNOWLEDGE = Knowledge(_house, _metadata, _headers, _act)
