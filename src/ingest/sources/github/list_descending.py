"""Lists that cannot be narrowed by time: pull requests and releases.

Law: of pull requests those that changed come first, until they are older than what was asked for:
a row that is touched meanwhile comes once more, or the next run sees it, and none is skipped. All
of them are listed by their creation, which nothing moves. A page that is as it was is not told
again (`if-none-match`; another token's tags fit nothing, and harm nothing). [REST-OAS] pulls/list,
repos/list-releases
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    oldest,
    query_of,
    seconds,
)
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.sources.wire import at, items, text

_BY_CREATION: Query = {"state": "all", "sort": "created", "direction": "asc"}
_BY_CHANGE: Query = {"state": "all", "sort": "updated", "direction": "desc"}
_MOST_KEPT = 50
"""Pages of releases that are known by their tags."""


def pulls(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """All of them, or those that changed."""
    since = seconds(request.since)
    if since is None:
        return _all_pulls(api, repository, request)
    return _changed_pulls(api, repository, request, since)


def _all_pulls(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """What the last listing of changes left stays true: nothing that it named is older now."""
    query = query_of(at(request.cursor, "next")) or _BY_CREATION
    page = list_page(api, f"{repository.path}/pulls", query)
    listed, gap = _pulls_on(repository, page)
    if page.next is None:
        return Page(listed, kept=request.kept, gap=gap)
    total = page.total if request.cursor is None else None
    return Page(listed, cursor={"next": {**page.next}}, gap=gap, expected=total)


def _changed_pulls(
    api: GitHubApi, repository: Repository, request: PageRequest, since: str
) -> Page:
    """`kept` is the tag of the first page: where it still fits, nothing changed since."""
    asked, kept = query_of(at(request.cursor, "next")), text({"kept": request.kept}, "kept")
    unless = kept if asked is None else None
    page = list_page(api, f"{repository.path}/pulls", asked or _BY_CHANGE, unless=unless)
    if page.unchanged:
        return Page(kept=kept)
    tag = page.tag if asked is None else text(request.cursor, "tag")
    listed, gap = _pulls_on(repository, page)
    if page.next is None or (oldest(page.items) or since) < since:
        return Page(listed, kept=tag, gap=gap)
    return Page(listed, cursor={"next": {**page.next}, "tag": tag}, gap=gap)


def _pulls_on(repository: Repository, page: ListPage) -> tuple[tuple[Listed, ...], str | None]:
    return listed_of(page.items, lambda told: _listed(repository, "pull_request", told))


@dataclass(frozen=True, slots=True)
class _Known:
    """A page of releases: its tag, the ids on it, and the query of the next one."""

    tag: str
    ids: tuple[int, ...]
    next: Query | None

    def as_json(self) -> JSON:
        after: JSON = None if self.next is None else {**self.next}
        return {"tag": self.tag, "ids": [*self.ids], "next": after}


def releases(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """Always all of them; `kept` are its pages with their tags, which the cursor gathers.

    A token that may push sees drafts: they are no documents.
    """
    gathered = _known_pages(at(request.cursor, "pages"))
    known = next(iter(_known_pages(request.kept)[len(gathered) :]), None)
    query = query_of(at(request.cursor, "next")) or {}
    page = list_page(api, f"{repository.path}/releases", query, unless=known.tag if known else None)
    if page.unchanged and known is not None:
        there = tuple(_identity(repository, "release", id_) for id_ in known.ids)
        return _released(Page(present=there), known, gathered)
    published = [told for told in page.items if at(told, "draft") is not True]
    listed, gap = listed_of(published, lambda told: _listed(repository, "release", told))
    ids = tuple(id_ for told in published if (id_ := key_of(told, "id")) is not None)
    total = page.total if request.cursor is None else None
    told = Page(listed, gap=gap, expected=total)
    return _released(told, _Known(page.tag or "", ids, page.next), gathered)


def _released(page: Page, now: _Known, gathered: Sequence[_Known]) -> Page:
    """The page with what is to be known of it, and where the next one is."""
    pages: list[JSON] = [one.as_json() for one in (*gathered, now)][:_MOST_KEPT]
    if now.next is None:
        return replace(page, kept=pages)
    return replace(page, cursor={"next": {**now.next}, "pages": pages})


def _known_pages(told: JSON) -> list[_Known]:
    """As far as they can be read; the first that cannot ends them."""
    found: list[_Known] = []
    for one in told if isinstance(told, list) else ():
        tag, ids = text(one, "tag"), items(one, "ids")
        if tag is None:
            break
        keys = tuple(id_ for id_ in ids if type(id_) is int)
        found.append(_Known(tag, keys, query_of(at(one, "next"))))
    return found


def _listed(repository: Repository, kind: str, told: Object) -> Listed:
    name = "number" if kind == "pull_request" else "id"
    key = key_of(told, name)
    if key is None:
        raise BadPayload(name, "required and missing")
    raw: Object = {"object": told, "repository": repository.full_name}
    return Listed(_identity(repository, kind, key), raw)


def _identity(repository: Repository, kind: str, key: int) -> Identity:
    return Identity("github", repository.id, kind, str(key))
