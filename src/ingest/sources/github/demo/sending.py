"""How GitHub sends: the event's name is a header, and the repository says whose a delivery is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.sources.github.demo.fake import GitHub, make
from ingest.sources.github.demo.fake_shapes import Repository
from ingest.sources.github.payloads import is_pull_request
from ingest.testing.recorded import Recorded, Sending

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


def _event_action(of: Recorded) -> tuple[str, str]:
    return _event(of), str(of.payload.get("action") or "")


def _repository(of: Recorded) -> Mapping[str, Any]:
    found = of.payload.get("repository")
    return found if isinstance(found, dict) else {}


def _connection(of: Recorded) -> str | None:
    id_ = _repository(of).get("id")
    return str(id_) if type(id_) is int and id_ >= 0 else None


def _metadata(connection: str, of: Sequence[Recorded]) -> dict[str, Any]:
    repository = _repository(of[-1])
    installations = (r.payload.get("installation") for r in of)
    installation = next(
        (told for told in installations if isinstance(told, dict)), _NO_INSTALLATION
    )
    full_name = str(repository.get("full_name") or f"unknown/{connection}")
    return {
        "type": "github",
        "githubRepoId": connection,
        "githubInstallationId": str(installation.get("id") or 0),
        "repoFullName": full_name,
        "owner": full_name.partition("/")[0],
        "defaultBranch": _default_branch(repository),
        "private": bool(repository.get("private")),
        "permissions": {"admin": False, "push": False, "pull": True},
        "include": ["**"],
    }


def _default_branch(repository: Mapping[str, Any]) -> str:
    """Payloads until 2013 call it otherwise."""
    return str(repository.get("default_branch") or repository.get("master_branch") or "main")


def _headers(of: Recorded, delivery_id: str, _now: datetime) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/0c0de00",
        "x-github-event": _event(of),
        "x-github-delivery": delivery_id,
        "x-github-hook-id": "1",
    }


# The API: an object for every id that a payload names, as the newest payload has it, and for every
# branch that was pushed the files that its commits name.

_OWN: Mapping[str, tuple[str, str]] = {
    "issue": ("issue", "number"),
    "parent_issue": ("issue", "number"),
    "sub_issue": ("issue", "number"),
    "blocked_issue": ("issue", "number"),
    "blocking_issue": ("issue", "number"),
    "pull_request": ("pull_request", "number"),
    "discussion": ("discussion", "number"),
    "release": ("release", "id"),
    "review": ("review", "id"),
}
_COMMENTS: Mapping[str, tuple[str, str]] = {
    "issue_comment": ("comment", "issue"),
    "pull_request_review_comment": ("review_comment", "pull_request"),
    "discussion_comment": ("discussion_comment", "discussion"),
}
_SOME_TIME = "2024-01-01T00:00:00Z"


def _provider(recorded: Sequence[Recorded]) -> GitHub:
    github = make()
    for one in recorded:
        connection = _connection(one)
        if connection is None:
            continue
        of = github.repositories.get(int(connection)) or _added(github, one, int(connection))
        for kind, key, told, around in _objects(one):
            known = of.objects.get((kind, str(told[key])), {})
            if str(known.get("updated_at") or "") <= str(told.get("updated_at") or ""):
                github.put(of.id, kind, known | told, **around)
        if _event(one) == "push":
            _pushed(github, of, one.payload)
    for one in recorded:
        _take_away(github, one)
    return github


def _added(github: GitHub, of: Recorded, id_: int) -> Repository:
    """Made-up payloads give one name to several repositories, which GitHub never does."""
    told = _repository(of)
    name = str(told.get("full_name") or f"unknown/{id_}")
    if any(known.full_name.lower() == name.lower() for known in github.repositories.values()):
        name = f"{name}-{id_}"
    return github.add(id_, name, default_branch=_default_branch(told))


def _objects(of: Recorded) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(kind, its key's name, the object, what it stands in) of each that a payload tells."""
    payload = of.payload
    pull = _whole(payload.get("pull_request"), "number")
    for name, (kind, key) in _OWN.items():
        told = _whole(payload.get(name), key)
        if told is None:
            continue
        if is_pull_request(told.pop("pull_request", None)):
            yield "pull_request", key, told, {}
        else:
            yield kind, key, told, {"number": pull["number"]} if kind == "review" and pull else {}
    kind, above = _COMMENTS.get(_event(of), ("", ""))
    comment, parent = _whole(payload.get("comment"), "id"), _whole(payload.get(above), "number")
    if comment is not None and parent is not None:
        around = {"number": parent["number"]}
        is_pull = kind == "comment" and is_pull_request(parent.get("pull_request"))
        yield kind, "id", comment, around | ({"parent": "pull_request"} if is_pull else {})


def _whole(told: object, key: str) -> dict[str, Any] | None:
    return dict(told) if isinstance(told, dict) and type(told.get(key)) is int else None


def _pushed(github: GitHub, of: Repository, payload: Mapping[str, Any]) -> None:
    """The commits' lists are applied in their order; a file's content is its path."""
    ref = str(payload.get("ref") or "")
    if ref.startswith("refs/tags/"):
        return
    branch = ref.removeprefix("refs/heads/")
    changes: dict[str, str | None] = {}
    for commit in payload.get("commits") or ():
        for path in (*(commit.get("added") or ()), *(commit.get("modified") or ())):
            changes[path] = f"The file {path}\n"
        changes |= dict.fromkeys(commit.get("removed") or ())
    if payload.get("deleted"):
        of.git.branches.pop(branch, None)
    elif branch:
        github.change(of.id, branch, changes, at=_SOME_TIME, sha=str(payload.get("after")))


def _take_away(github: GitHub, of: Recorded) -> None:
    """What a payload says was deleted is not there any more."""
    connection, (event, action) = _connection(of), _event_action(of)
    name = "comment" if event in _COMMENTS else {"issues": "issue"}.get(event, event)
    kind = _COMMENTS[event][0] if event in _COMMENTS else name
    told = of.payload.get(name)
    if connection is None or action != "deleted" or not isinstance(told, dict):
        return
    for key in ("number", "id"):
        github.repositories[int(connection)].objects.pop((kind, str(told.get(key))), None)


SENDING = Sending(_connection, _metadata, _headers, _event_action, provider=_provider)
