"""What is handed over of one object, by a look-up and by a list alike: see `client`."""

from __future__ import annotations

import re

from ingest.core.errors import BadPayload, Refused
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.wire import at

MOST_BLOCKING = 100
"""Issues that block one: those of the first page."""
CONVERSATION = {
    "comment": "issue_url",
    "review": "pull_request_url",
    "review_comment": "pull_request_url",
}
"""The field that names the conversation of what stands in one."""
_NUMBER_AT_END = re.compile(r"/([0-9]{1,18})\Z")


def in_conversation(kind: str, told: dict[str, JSON]) -> dict[str, JSON]:
    """A child with its conversation's number; `…/issues/12` is said of pull requests too.

    Raises `BadPayload` where it names none. Answers of 2012 name a pull request among the links
    alone, which today's have too.
    """
    urls = (told.get(CONVERSATION[kind]), at(told, "_links", "pull_request", "href"))
    named = (_NUMBER_AT_END.search(url) for url in urls if isinstance(url, str))
    found = next(filter(None, named), None)
    if found is None:
        raise BadPayload(CONVERSATION[kind], "names no conversation")
    raw: dict[str, JSON] = {"object": told, "number": int(found[1])}
    if kind == "comment":
        page = told.get("html_url")
        is_pull = isinstance(page, str) and f"/pull/{found[1]}" in page
        raw["parent"] = "pull_request" if is_pull else "issue"
    return raw


def is_blocked(issue: dict[str, JSON]) -> bool:
    """Whether the issue says that others block it, so that they have to be asked for."""
    summary = issue.get("issue_dependencies_summary")
    count = summary.get("total_blocked_by") if isinstance(summary, dict) else None
    return isinstance(count, int) and count >= 1


def blocked_by(api: GitHubApi, repository: Repository, issue: dict[str, JSON]) -> JSON:
    """[REST-OAS] issues/list-dependencies-blocked-by; asked only where there are any.

    An issue that may be read is told without those, where the token may not read them.
    """
    if not is_blocked(issue):
        return []
    path = f"{repository.path}/issues/{issue['number']}/dependencies/blocked_by"
    try:
        told = api.get(path, params={"per_page": MOST_BLOCKING}).json()
    except Absent:
        return []
    except Refused as refusal:
        if refusal.stale:
            raise
        return []
    listed = told[:MOST_BLOCKING] if isinstance(told, list) else []
    return [one for one in listed if isinstance(one, dict)]
