"""The webhook that `ingest send-test` sends for a repository: an issue is opened. No I/O."""

from __future__ import annotations

from ingest.core.values import JSON
from ingest.testing.sample import TRIAL_TEXT, TRIAL_TITLE, SampleDelivery, TrialWebhook

_NUMBER = 999_999_999
"""No repository has as many issues."""


def trial(told: TrialWebhook) -> SampleDelivery:
    """An issue of the connection's repository that was opened just now."""
    name, owner = told.text("repoFullName"), told.text("owner")
    number = int(told.about or _NUMBER)
    at, page = told.second, f"https://github.com/{name}"
    sender: dict[str, JSON] = {"login": owner, "id": 1, "type": "User"}
    repository: dict[str, JSON] = {
        "id": int(told.text("githubRepoId")),
        "name": name.rpartition("/")[2],
        "full_name": name,
        "private": bool(told.metadata.get("private")),
        "owner": sender,
        "html_url": page,
        "default_branch": told.text("defaultBranch", "main"),
    }
    issue: dict[str, JSON] = {
        "id": 9_000_000_000_000 + number,
        "node_id": "I_sendTest",
        "number": number,
        "title": TRIAL_TITLE,
        "body": TRIAL_TEXT,
        "html_url": f"{page}/issues/{number}",
        "user": sender,
        "state": "open",
        "locked": False,
        "labels": [],
        "assignees": [],
        "milestone": None,
        "comments": 0,
        "author_association": "OWNER",
        "created_at": at,
        "updated_at": at,
        "closed_at": None,
    }
    payload: dict[str, JSON] = {
        "action": "opened",
        "issue": issue,
        "repository": repository,
        "sender": sender,
    }
    installation = told.text("githubInstallationId").lstrip("0")
    if installation:
        payload["installation"] = {"id": int(installation)}
    headers = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/send-test",
        "x-github-event": "issues",
        "x-github-delivery": told.delivery_id,
    }
    return SampleDelivery(0, f"issue #{number} opened", headers, payload)
