"""The human keys of Linear's objects and their pages, made from what a payload tells.

Payloads before 2023 carry neither `identifier` nor `url`: team key and number make the one, and the
other is made from it. Performs no I/O.
"""

from __future__ import annotations

import re

from ingest.core.errors import BadPayload
from ingest.sources.linear.payloads import Comment, Issue

IDENTIFIER = re.compile(r"([A-Za-z][A-Za-z0-9]{0,9})-[0-9]{1,9}")
"""`ENG-12`: the team's key, and the number."""
_KEY_IN_URL = re.compile(r"/issue/([A-Za-z][A-Za-z0-9]{0,9}-[0-9]{1,9})(?![A-Za-z0-9])")


def identifier_of(issue: Issue, page: str | None) -> str:
    """`ENG-12`: told, made of the team's key and the number, or read in a URL.

    Raises `BadPayload` where none of the three is there.
    """
    if issue.identifier:
        return issue.identifier
    if issue.team and issue.team.key and issue.number is not None:
        return f"{issue.team.key}-{issue.number}"
    found = _key_in(issue.url, page)
    if found is None:
        problem = "missing, and neither team.key with number nor a URL tells it"
        raise BadPayload("data.identifier", problem)
    return found


def issue_url(identifier: str) -> str:
    """The page of an issue, in the form that needs no workspace."""
    return f"https://linear.app/issue/{identifier}"


def commented_key(comment: Comment, page: str | None) -> str | None:
    """The key of the issue commented on; in 2021 only the comment's URL names it."""
    issue = comment.its_issue
    told = issue.identifier if issue else None
    return told or _key_in(issue.url if issue else None, comment.url, page)


def comment_url(comment: Comment, page: str | None, on_issue: str | None) -> str:
    """The page commented on, and the anchor that Linear makes of the first 8 digits of the id."""
    page = page or issue_url(on_issue or comment.issue_id or comment.id)
    return f"{page}#comment-{comment.id[:8]}"


def _key_in(*urls: str | None) -> str | None:
    found = (_KEY_IN_URL.search(url) for url in urls if url)
    return next((match[1].upper() for match in found if match), None)
