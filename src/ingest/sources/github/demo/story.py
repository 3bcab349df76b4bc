"""GitHub's part: an issue, the pull request that closes it, its talk, a release and files. No I/O.

The shapes are those of GitHub's webhook schemas, with the fields that a real payload has. What is
looked up, the files of the pushes above all, is at the `provider`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ingest.core.values import JSON
from ingest.sources.github.demo.fake import GitHub, make
from ingest.testing.sample import SampleDelivery

REPOSITORY = "brindle-ferries/departures"
_PAGE = f"https://github.com/{REPOSITORY}"
_API = f"https://api.github.com/repos/{REPOSITORY}"
_ISSUE, _PULL = 41, 42
_OWNER: dict[str, JSON] = {"login": "brindle-ferries", "id": 90_400_001, "type": "Organization"}
_ID = 730_400_001
_REPOSITORY: dict[str, JSON] = {
    "id": _ID,
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


def _delivery(
    arrives_min: int, title: str, event: str, payload: Mapping[str, JSON], *, end: str = "processed"
) -> SampleDelivery:
    headers = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/0demo00",
        "x-github-event": event,
        "x-github-delivery": str(uuid5(NAMESPACE_URL, f"{_PAGE}/deliveries/{arrives_min}")),
    }
    around: dict[str, JSON] = {
        "repository": _REPOSITORY,
        "organization": _OWNER,
        "sender": _LENA,
    }
    copies = 2 if event == "pull_request" and payload["action"] == "opened" else 1
    return SampleDelivery(arrives_min, title, headers, {**around, **payload}, end, copies)


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
_PULLED = _pull("2026-03-02T11:00:00Z")
_MERGED_PULL = _pull(_CLOSED_AT, **_CLOSED, **_MERGED)
_DONE = _issue(_CLOSED_AT, body=_EDITED["body"], labels=[_BUG], state_reason="completed", **_CLOSED)

_RELEASE: dict[str, JSON] = {
    "id": 2_000_000_001,
    "node_id": "RE_kwDOK4demo1",
    "html_url": f"{_PAGE}/releases/tag/v2026.3.2",
    "author": _LENA,
    "tag_name": "v2026.3.2",
    "target_commitish": "main",
    "name": "The boards know what day it is",
    "body": f"The date changes at the pier's midnight (#{_PULL}), see DEP-12.",
    "draft": False,
    "prerelease": False,
    "assets": [],
    "created_at": "2026-03-02T14:00:00Z",
    "published_at": "2026-03-02T14:20:00Z",
    "updated_at": "2026-03-02T14:20:00Z",
}
_DISCUSSION: dict[str, JSON] = {
    "id": 2_050_000_001,
    "node_id": "D_kwDOK4demo1",
    "number": 43,
    "title": "Which other clocks do we have?",
    "body": f"After #{_ISSUE} somebody should look at the ticket machines.",
    "html_url": f"{_PAGE}/discussions/43",
    "user": _ODD,
    "state": "open",
    "locked": False,
    "category": {"id": 1, "name": "Ideas", "slug": "ideas", "is_answerable": False},
    "answer_html_url": None,
    "comments": 0,
    "labels": [],
    "created_at": "2026-03-02T14:30:00Z",
    "updated_at": "2026-03-02T14:30:00Z",
}
_README = "# Departures\n\nThe boards on the piers. What they show is told in `docs/boards`.\n"
_CLOCK = "# The clock\n\nThe boards run in UTC.\n"
_MIDNIGHT = f"""---
title: What the boards show after midnight
owner: lena-of-brindle
---
# Midnight

A ferry belongs to the day of its pier. Until {REPOSITORY}#{_PULL} the boards compared dates in
UTC, and showed yesterday's ferries: DEP-12, first seen as
https://brindle.sentry.io/issues/5150007001/ and reported in
https://brindle.zendesk.com/agent/tickets/7890.
"""


def _played() -> tuple[GitHub, list[dict[str, Any]]]:
    """GitHub as it is when the story ends, and what it pushed on the way, oldest first."""
    github = make()
    github.add(_ID, REPOSITORY)
    before = {"README.md": _README, "docs/boards/clock.md": _CLOCK, "src/boards.py": "ZONE = 'UTC'"}
    after = {
        "docs/boards/clock.md": None,
        "docs/boards/midnight.md": _MIDNIGHT,
        "src/boards.py": "ZONE = 'Europe/Oslo'",
    }
    branch, at = "lena/dep-12-time-zone", ("2026-03-01T09:00:00Z", "2026-03-02T11:00:00Z")
    pushes = [
        github.change(_ID, "main", before, at=at[0], message="Write down what there is"),
        github.change(_ID, branch, {"src/boards.py": "ZONE = pier.zone"}, at=at[1], sha="5f" * 20),
        github.change(
            _ID,
            "main",
            after,
            at="2026-03-02T14:00:00Z",
            message=f"Compare dates in the pier's time zone (#{_PULL})",
            sha="a1" * 20,
        ),
    ]
    github.put(_ID, "issue", _DONE)
    github.put(_ID, "pull_request", _MERGED_PULL)
    github.put(_ID, "comment", _SEEN, number=_ISSUE)
    github.put(_ID, "review", _REVIEW, number=_PULL)
    github.put(_ID, "release", _RELEASE)
    github.put(_ID, "discussion", _DISCUSSION)
    return github, pushes


def provider() -> GitHub:
    """The repository when all is over."""
    return _played()[0]


_FIRST_PUSH, _BRANCH_PUSH, _MERGE_PUSH = _played()[1]

METADATA: Mapping[str, JSON] = {
    "githubRepoId": "730400001",
    "githubInstallationId": "48000001",
    "repoFullName": REPOSITORY,
    "owner": "brindle-ferries",
    "language": "Python",
}
"""What the connection of the story stands for; laid over the sample\'s."""

DELIVERIES = (
    _delivery(
        2,
        "issue #41 edited (before it is opened)",
        "issues",
        {"action": "edited", "issue": _EDITED, "changes": {"body": {"from": _ASKED}}},
    ),
    _delivery(
        4,
        "a comment on issue #41",
        "issue_comment",
        {"action": "created", "issue": _EDITED, "comment": _SEEN},
    ),
    _delivery(5, "issue #41 opened", "issues", {"action": "opened", "issue": _issue(_OPENED_AT)}),
    _delivery(
        7,
        "another comment",
        "issue_comment",
        {"action": "created", "issue": _EDITED, "comment": _HASTY},
    ),
    _delivery(
        8,
        "pull request #42 merged (before it is opened)",
        "pull_request",
        {"action": "closed", "pull_request": _MERGED_PULL},
    ),
    _delivery(
        9,
        "pull request #42 opened (sent twice)",
        "pull_request",
        {"action": "opened", "pull_request": _PULLED},
    ),
    _delivery(
        11,
        "pull request #42 approved",
        "pull_request_review",
        {"action": "submitted", "review": _REVIEW, "pull_request": _pull(_CLOSED_AT)},
    ),
    _delivery(12, "issue #41 closed", "issues", {"action": "closed", "issue": _DONE}),
    _delivery(
        13,
        "the other comment deleted",
        "issue_comment",
        {"action": "deleted", "issue": _DONE, "comment": _HASTY},
    ),
    _delivery(
        15,
        "somebody stars the repository",
        "star",
        {"action": "created", "starred_at": "2026-03-02T15:00:00Z"},
        end="skipped",
    ),
    _delivery(20, "the merge pushed to main (before the push before it)", "push", _MERGE_PUSH),
    _delivery(21, "the first files pushed to main", "push", _FIRST_PUSH),
    _delivery(22, "a push to another branch", "push", _BRANCH_PUSH, end="skipped"),
    _delivery(23, "release v2026.3.2", "release", {"action": "published", "release": _RELEASE}),
    _delivery(24, "discussion #43", "discussion", {"action": "created", "discussion": _DISCUSSION}),
)
