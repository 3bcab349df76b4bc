"""A repository with objects of every kind, and its lists walked to their ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.core.changes import Change, Refresh
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.github import SOURCE
from ingest.sources.github.documents import documents
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.testing.walking import MOST_PAGES
from tests.sources.github.looking import ID, NAME, NOW, Looking, identity

START = datetime(2026, 3, 1, tzinfo=UTC)
RESOURCES = [one.name for one in SOURCE.listing.resources] if SOURCE.listing else []
LISTS = [name for name in RESOURCES if name != "files"]
PAGE = f"https://github.com/{NAME}"
Seen = dict[Identity, Listed]


def at_minute(minute: int) -> str:
    """A time of GitHub's, so long after the start."""
    return f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def issue(number: int, minute: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": 10_000 + number,
        "number": number,
        "title": f"Issue {number}",
        "body": f"It is broken, see #{number + 1}.",
        "state": "closed" if number % 2 else "open",
        "html_url": f"{PAGE}/issues/{number}",
        "user": {"login": "lena"},
        "labels": [{"name": "bug"}],
        "assignees": [],
        "created_at": at_minute(number),
        "updated_at": at_minute(minute),
        **fields,
    }


def pull(number: int, minute: int, **fields: Any) -> dict[str, Any]:
    told = issue(number, minute, html_url=f"{PAGE}/pull/{number}", title=f"Pull {number}")
    head = {"ref": f"b{number}", "sha": "5f" * 20, "repo": None}
    return {**told, "draft": False, "merged": False, "merged_at": None, "head": head, **fields}


def remark(id_: int, minute: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "node_id": f"N_{id_}",
        "body": f"Remark {id_}",
        "user": {"login": "odd" if id_ % 3 else "helper[bot]"},
        "created_at": at_minute(minute),
        "updated_at": at_minute(minute),
        **fields,
    }


def fill(at: Looking, each: int = 4) -> None:
    """So many of every kind, and each nested list longer than a small page."""
    put = at.github.put
    for n in range(1, each + 1):
        blocked = {"total_blocked_by": n % 2}
        blocking = [{"number": 900 + n, "html_url": f"{PAGE}/issues/{900 + n}"}] * (n % 2)
        told = issue(n, n, issue_dependencies_summary=blocked, blocked_by_issues=blocking)
        put(ID, "issue", told)
        put(ID, "pull_request", pull(100 + n, n))
        put(ID, "comment", remark(1_000 + n, n), number=n)
        put(ID, "comment", remark(1_500 + n, n), number=100 + n, parent="pull_request")
        put(ID, "release", release(3_000 + n, n))
        discuss(at, 200 + n, n, comments=n + 1)
        for m in range(n):
            review(at, 2_000 + 10 * n + m, 100 + n, n)
        url = f"{PAGE}/pull/{100 + n}#discussion_r{2_500 + n}"
        told = remark(2_500 + n, n, html_url=url, pull_request_review_id=2_000 + 10 * n)
        put(ID, "review_comment", told | {"path": "a.py", "line": n}, number=100 + n)


def release(id_: int, minute: int, **fields: Any) -> dict[str, Any]:
    told = {
        "id": id_,
        "tag_name": f"v{id_}",
        "name": f"Version {id_}",
        "body": "What is new",
        "draft": False,
        "html_url": f"{PAGE}/releases/tag/v{id_}",
        "created_at": at_minute(minute),
        "published_at": at_minute(minute),
    }
    return told | fields


def review(at: Looking, id_: int, number: int, minute: int, **fields: Any) -> None:
    told: dict[str, Any] = {
        "id": id_,
        "node_id": f"PRR_{id_}",
        "state": "approved",
        "body": f"Review {id_}",
        "user": {"login": "odd"},
        "submitted_at": at_minute(minute),
        "commit_id": "5f" * 20 if id_ % 2 else None,
        "html_url": f"{PAGE}/pull/{number}#pullrequestreview-{id_}",
    }
    at.github.put(ID, "review", told | fields, number=number)


def discuss(at: Looking, number: int, minute: int, *, comments: int = 0, replies: int = 3) -> None:
    """A discussion, comments in it, and replies to the first of them."""
    page = f"{PAGE}/discussions/{number}"
    told = {"category": {"name": "Ideas", "slug": "ideas"}, "html_url": page}
    at.github.put(ID, "discussion", issue(number, minute) | told)
    for n in range(comments):
        id_ = number * 100 + n
        url = f"{page}#discussioncomment-{id_}"
        at.github.put(ID, "discussion_comment", remark(id_, minute, html_url=url), number=number)
    for n in range(replies if comments else 0):
        id_ = number * 100 + 50 + n
        url = f"{page}#discussioncomment-{id_}"
        reply = remark(id_, minute, html_url=url, parent_id=number * 100)
        at.github.put(ID, "discussion_comment", reply, number=number)


def asking(at: Looking, resource: str, since: datetime | None = None) -> PageRequest:
    """The request of a list's first page."""
    return PageRequest(resource, since, NOW, connection=at.metadata)


def ask(at: Looking, resource: str, since: datetime | None = None, **more: JSON) -> Page:
    """One page of a list; `more` are the request's `cursor` and `kept`."""
    asked = asking(at, resource, since)
    return at.client().list_page(replace(asked, cursor=more.get("cursor"), kept=more.get("kept")))


def pages(
    at: Looking, resource: str, since: datetime | None = None, kept: JSON = None
) -> Iterator[Page]:
    """A list, page by page, to its end."""
    cursor: JSON = None
    for _ in range(MOST_PAGES):
        page = ask(at, resource, since, cursor=cursor, kept=kept)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
    raise AssertionError("it never ends")


def walk(at: Looking, resource: str, since: datetime | None = None, kept: JSON = None) -> Seen:
    """What a list names, to its end."""
    found: Seen = {}
    for page in pages(at, resource, since, kept):
        assert page.gap is None
        found |= {one.identity: one for one in page.listed}
    return found


def here(at: Looking, kind: str) -> set[Identity]:
    """Every object of a kind at GitHub."""
    return {identity(kind, key) for key in at.github.repositories[ID].objects.shelf(kind)}


def said(at: Looking, of: Listed) -> tuple[Change | Refresh, ...]:
    """What the source says of a listed object."""
    return documents(Lookup(of.identity, of.hint, sent_at=NOW, connection=at.metadata, raw=of.raw))


def looked_up(at: Looking, of: Identity, hint: Mapping[str, Any]) -> tuple[Change | Refresh, ...]:
    """What it says of the same object where that is looked up alone."""
    sight = at.client().fetch_one(Lookup(of, hint))
    return documents(Lookup(of, hint, sent_at=NOW, connection=at.metadata, raw=sight.raw))
