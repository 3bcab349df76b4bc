"""GitHub's part: an issue, the pull request that closes it, a review and comments. No I/O.

The shapes are those of GitHub's webhook schemas, with the fields that a real payload has.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from ingest.core.values import JSON
from ingest.demo.story import Actor, Letter

REPOSITORY = "brindle-ferries/departures"
_PAGE = f"https://github.com/{REPOSITORY}"
_API = f"https://api.github.com/repos/{REPOSITORY}"
_ISSUE, _PULL = 41, 42
_OWNER: dict[str, JSON] = {"login": "brindle-ferries", "id": 90_400_001, "type": "Organization"}
_REPOSITORY: dict[str, JSON] = {
    "id": 730_400_001,
    "node_id": "R_kgDOK4demo1",
    "name": "departures",
    "full_name": REPOSITORY,
    "private": True,
    "owner": _OWNER,
    "html_url": _PAGE,
    "url": _API,
    "description": "Boards on the piers",
    "fork": False,
    "created_at": "2026-01-12T08:00:00Z",
    "updated_at": "2026-03-02T07:00:00Z",
    "pushed_at": "2026-03-02T07:00:00Z",
    "language": "Python",
    "default_branch": "main",
}


def _user(login: str) -> dict[str, JSON]:
    number = 90_500_000 + sum(login.encode())
    return {"login": login, "id": number, "type": "User", "html_url": f"https://github.com/{login}"}


_LENA, _ODD = _user("lena-of-brindle"), _user("odd-of-brindle")


def _conversation(number: int, page: str, **fields: JSON) -> dict[str, JSON]:
    """What issues and pull requests share; `fields` are the telling's own."""
    return {
        "id": 2_100_000_000 + number,
        "node_id": f"I_kwDOK4demo{number}",
        "number": number,
        "html_url": f"{_PAGE}/{page}/{number}",
        "url": f"{_API}/{page}/{number}",
        "user": _LENA,
        "state": "open",
        "locked": False,
        "labels": [],
        "assignees": [],
        "milestone": None,
        "author_association": "MEMBER",
        "closed_at": None,
        **fields,
    }


_ASKED = "The board at pier 3 shows yesterday's ferries until 01:00. Reported in OPS-3."


def _issue(updated_at: str, **fields: JSON) -> dict[str, JSON]:
    told: dict[str, JSON] = {
        "title": "Board shows yesterday's departures after midnight",
        "body": _ASKED,
        "comments": 0,
        "created_at": "2026-03-02T08:10:00Z",
        "updated_at": updated_at,
        **fields,
    }
    return _conversation(_ISSUE, "issues", **told)


def _pull(updated_at: str, **fields: JSON) -> dict[str, JSON]:
    told: dict[str, JSON] = {
        "title": "Compare dates in the pier's time zone",
        "body": f"Fixes #{_ISSUE}\n\nCompletes DEP-12. `#99` in code is no mention.",
        "draft": False,
        "merged": False,
        "merged_at": None,
        "merge_commit_sha": None,
        "head": {"ref": "lena/dep-12-time-zone", "sha": "5f" * 20, "repo": _REPOSITORY},
        "base": {"ref": "main", "sha": "3c" * 20, "repo": _REPOSITORY},
        "created_at": "2026-03-02T11:00:00Z",
        "updated_at": updated_at,
        **fields,
    }
    return _conversation(_PULL, "pull", **told)


def _comment(id_: int, number: int, body: str, at: str) -> dict[str, JSON]:
    return {
        "id": id_,
        "node_id": f"IC_kwDOK4demo{id_}",
        "html_url": f"{_PAGE}/issues/{number}#issuecomment-{id_}",
        "user": _ODD,
        "author_association": "MEMBER",
        "body": body,
        "created_at": at,
        "updated_at": at,
    }


def _letter(
    arrives: int, says: str, event: str, payload: Mapping[str, JSON], *, end: str = "processed"
) -> Letter:
    headers = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/0demo00",
        "x-github-event": event,
        "x-github-delivery": str(uuid5(NAMESPACE_URL, f"{_PAGE}/deliveries/{arrives}")),
    }
    around: dict[str, JSON] = {
        "repository": _REPOSITORY,
        "organization": _OWNER,
        "sender": _LENA,
    }
    copies = 2 if event == "pull_request" and payload["action"] == "opened" else 1
    return Letter(arrives, says, headers, {**payload, **around}, end, copies)


_CLOSED: dict[str, JSON] = {"state": "closed", "closed_at": "2026-03-02T14:00:00Z"}
_MERGED: dict[str, JSON] = {
    "merged": True,
    "merged_at": "2026-03-02T14:00:00Z",
    "merge_commit_sha": "a1" * 20,
}
_BUG: dict[str, JSON] = {"id": 610_000_001, "name": "bug", "color": "d73a4a"}
_HASTY = _comment(1_800_000_002, _ISSUE, "Wrong thread, sorry.", "2026-03-02T09:30:00Z")
_SEEN = _comment(1_800_000_001, _ISSUE, "Seen at pier 5 too; see DEP-12.", "2026-03-02T09:00:00Z")
_REVIEW: dict[str, JSON] = {
    "id": 1_900_000_001,
    "node_id": "PRR_kwDOK4demo1",
    "user": _ODD,
    "body": f"This closes #{_ISSUE} for me.",
    "state": "approved",
    "submitted_at": "2026-03-02T13:00:00Z",
    "commit_id": "5f" * 20,
    "html_url": f"{_PAGE}/pull/{_PULL}#pullrequestreview-1900000001",
}
_OPENED_AT, _EDITED_AT, _CLOSED_AT = (f"2026-03-02T{at}:00Z" for at in ("08:10", "08:40", "14:00"))
_EDITED = _issue(_EDITED_AT, body=f"{_ASKED}\n\nThe clock runs in UTC.", labels=[_BUG])
_DONE = _issue(_CLOSED_AT, body=_EDITED["body"], labels=[_BUG], state_reason="completed", **_CLOSED)

ACTOR = Actor(
    source_type="github",
    name=REPOSITORY,
    metadata={
        "type": "github",
        "githubRepoId": "730400001",
        "githubInstallationId": "48000001",
        "repoFullName": REPOSITORY,
        "owner": "brindle-ferries",
        "defaultBranch": "main",
        "language": "Python",
        "private": True,
        "permissions": {"admin": False, "push": False, "pull": True},
    },
    letters=(
        _letter(
            2,
            "issue #41 edited (before it is opened)",
            "issues",
            {"action": "edited", "issue": _EDITED, "changes": {"body": {"from": _ASKED}}},
        ),
        _letter(
            4,
            "a comment on issue #41",
            "issue_comment",
            {"action": "created", "issue": _EDITED, "comment": _SEEN},
        ),
        _letter(5, "issue #41 opened", "issues", {"action": "opened", "issue": _issue(_OPENED_AT)}),
        _letter(
            7,
            "another comment",
            "issue_comment",
            {"action": "created", "issue": _EDITED, "comment": _HASTY},
        ),
        _letter(
            8,
            "pull request #42 merged (before it is opened)",
            "pull_request",
            {"action": "closed", "pull_request": _pull(_CLOSED_AT, **_CLOSED, **_MERGED)},
        ),
        _letter(
            9,
            "pull request #42 opened (sent twice)",
            "pull_request",
            {"action": "opened", "pull_request": _pull("2026-03-02T11:00:00Z")},
        ),
        _letter(
            11,
            "pull request #42 approved",
            "pull_request_review",
            {"action": "submitted", "review": _REVIEW, "pull_request": _pull(_CLOSED_AT)},
        ),
        _letter(12, "issue #41 closed", "issues", {"action": "closed", "issue": _DONE}),
        _letter(
            13,
            "the other comment deleted",
            "issue_comment",
            {"action": "deleted", "issue": _DONE, "comment": _HASTY},
        ),
        _letter(
            15,
            "somebody stars the repository",
            "star",
            {"action": "created", "starred_at": "2026-03-02T15:00:00Z"},
            end="skipped",
        ),
    ),
)
