"""Lists that move while they are read: what changed since a time, in the order of its last change.

Law: no row is skipped that nobody touched. A page's number is an offset, and a row that is touched
meanwhile moves to the end and shifts all behind it; so the second page is the first one of what
changed since the newest row that was read. Where a whole page has one time, GitHub's own link is
followed, and the page before is looked at once more: it ends as it did, or else all of that time is
read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.pages import (
    ListPage,
    Object,
    Query,
    key_of,
    list_page,
    listed_of,
    moved_at,
    newest,
    query_of,
    seconds,
)
from ingest.sources.github.payloads import is_pull_request
from ingest.sources.github.sights import blocked_by, in_conversation, is_blocked
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.sources.wire import items, text

_CALLS_OF_A_LIST = 2
"""Requests for a page of the provider's, and for the one before it."""
_Make = Callable[[GitHubApi, Repository, Object], Object | None]


@dataclass(frozen=True, slots=True)
class _List:
    """path: below the repository. key: the field. make: what is handed over of one, None where it
    is none of this kind. more: parameters.
    """

    kind: str
    path: str
    key: str
    make: _Make
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _At:
    """Where a listing stands. since: all that changed before is read. next: the query of a page
    that GitHub named, `before` that of the page before it, and `last` the key with which that
    ended. done: keys and times of what is told already.
    """

    since: str | None = None
    next: Query | None = None
    before: Query | None = None
    last: int | None = None
    done: frozenset[tuple[int, str]] = frozenset()

    def as_json(self) -> JSON:
        told: dict[str, JSON] = {
            "since": self.since,
            "next": None if self.next is None else {**self.next},
            "before": None if self.before is None else {**self.before},
            "last": self.last,
            "done": [[key, at] for key, at in sorted(self.done)],
        }
        return {name: value for name, value in told.items() if value not in (None, [])}


def issues(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """[REST-OAS] issues/list-for-repo"""
    return _page(_ISSUES, api, repository, request)


def comments(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """[REST-OAS] issues/list-comments-for-repo: of issues and of pull requests."""
    return _page(_COMMENTS, api, repository, request)


def review_comments(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """[REST-OAS] pulls/list-review-comments-for-repo"""
    return _page(_REVIEW_COMMENTS, api, repository, request)


def _issue(api: GitHubApi, repository: Repository, told: Object) -> Object | None:
    """A pull request is listed as an issue too, with less; it has a list of its own."""
    if is_pull_request(told.get("pull_request")):
        return None
    return {"object": told, "blocked_by": blocked_by(api, repository, told)}


def _comment(_api: GitHubApi, _repository: Repository, told: Object) -> Object:
    return in_conversation("comment", told)


def _review_comment(_api: GitHubApi, _repository: Repository, told: Object) -> Object:
    return in_conversation("review_comment", told)


_ISSUES = _List("issue", "issues", "number", _issue, {"state": "all"})
_COMMENTS = _List("comment", "issues/comments", "id", _comment)
_REVIEW_COMMENTS = _List("review_comment", "pulls/comments", "id", _review_comment)


def _page(of: _List, api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    at, path = _at(request.cursor, request.since), f"{repository.path}/{of.path}"
    narrowed = {"since": at.since} if at.since else {}
    query = at.next or {**of.more, "sort": "updated", "direction": "asc", **narrowed}
    page = list_page(api, path, query)
    is_shifted = at.next is not None and _last(of, list_page(api, path, at.before or {})) != at.last
    left = [told for told in page.items if _stamp(of, told) not in at.done]
    taken = left[: _affordable(left, max(request.most_calls - _CALLS_OF_A_LIST, 1))]
    listed, gap = listed_of(taken, lambda told: _listed(of, api, repository, told))
    now: _At | None = replace(at, done=at.done | _stamps(of, taken))
    if len(taken) == len(left):
        now = _after(of, at, query, page, is_shifted=is_shifted)
    total = page.total if request.cursor is None and of is not _ISSUES else None
    return Page(listed, cursor=None if now is None else now.as_json(), gap=gap, expected=total)


def _listed(of: _List, api: GitHubApi, repository: Repository, told: Object) -> Listed | None:
    key = key_of(told, of.key)
    if key is None:
        raise BadPayload(of.key, "required and missing")
    try:
        raw = of.make(api, repository, told)
    except BadPayload:
        raw = {"object": told}  # it is there, and whoever reads it says what is wrong
    if raw is None:
        return None
    identity = Identity("github", repository.id, of.kind, str(key))
    return Listed(identity, {**raw, "repository": repository.full_name})


def _after(of: _List, at: _At, query: Query, page: ListPage, *, is_shifted: bool) -> _At | None:
    """Where the listing stands after a page; None at its end."""
    if is_shifted:
        return _At(at.since)
    if page.next is None:
        return None
    last = newest(page.items)
    if last is not None and last > (at.since or ""):
        return _At(last, done=_stamps(of, [one for one in page.items if moved_at(one) == last]))
    return _At(at.since, page.next, query, _last(of, page))


def _affordable(told: Sequence[JSON], most: int) -> int:
    """How many of them, from the first one, do not ask for more than `most` requests."""
    asked = 0
    for place, one in enumerate(told):
        asked += isinstance(one, dict) and is_blocked(one)
        if asked > most:
            return place
    return len(told)


def _last(of: _List, page: ListPage) -> int | None:
    return key_of(page.items[-1], of.key) if page.items else None


def _stamp(of: _List, told: JSON) -> tuple[int, str] | None:
    key, when = key_of(told, of.key), moved_at(told)
    return None if key is None or when is None else (key, when)


def _stamps(of: _List, told: Sequence[JSON]) -> frozenset[tuple[int, str]]:
    return frozenset(stamp for one in told if (stamp := _stamp(of, one)) is not None)


def _at(cursor: JSON, since: datetime | None) -> _At:
    """Where the page before left it; what is no cursor begins at the beginning."""
    if not isinstance(cursor, dict):
        return _At(seconds(since))
    done = (_as_stamp(one) for one in items(cursor, "done"))
    return _At(
        text(cursor, "since"),
        query_of(cursor.get("next")),
        query_of(cursor.get("before")),
        key_of(cursor, "last"),
        frozenset(stamp for stamp in done if stamp is not None),
    )


def _as_stamp(told: JSON) -> tuple[int, str] | None:
    key, when = told if isinstance(told, list) and len(told) == 2 else (None, None)
    return (key, when) if isinstance(key, int) and isinstance(when, str) else None
