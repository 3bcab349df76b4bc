"""Lists that cannot be narrowed by time: pull requests and releases.

Law: of pull requests those that changed come first, until they are older than what was asked for:
a row that is touched meanwhile comes once more, or the next run sees it, and none is skipped. All
of them are listed by their creation, which nothing moves. A page that is as it was is not told
again (`if-none-match`; another token's tags fit nothing, and harm nothing). [REST-OAS] pulls/list,
repos/list-releases
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.github.api import GitHubApi, Repository
from ingest.sources.github.pages import (
    Object,
    Query,
    key_of,
    list_page,
    listed_of,
    moved_at,
    query_of,
)
from ingest.sources.listing import Listed, Page, PageRequest

_BY_CREATION: Query = {"state": "all", "sort": "created", "direction": "asc"}
_BY_CHANGE: Query = {"state": "all", "sort": "updated", "direction": "desc"}
_MOST_KEPT = 50
"""Pages of releases that are known by their tags."""


def pulls(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """`kept` is the tag of the first page by change: where it fits, nothing changed since."""
    since, cursor = request.since, request.cursor if isinstance(request.cursor, dict) else {}
    kept = request.kept if isinstance(request.kept, str) else None
    asked = query_of(cursor.get("next"))
    query = asked or (_BY_CREATION if since is None else _BY_CHANGE)
    is_first = asked is None and since is not None
    page = list_page(api, f"{repository.path}/pulls", query, unless=kept if is_first else None)
    if page.unchanged:
        return Page(kept=kept)
    if is_first:
        kept = page.tag
    elif since is not None:
        kept = tag if isinstance(tag := cursor.get("tag"), str) else None
    listed, gap = listed_of(page.items, lambda told: _listed(repository, "pull_request", told))
    oldest = min((when for told in page.items if (when := moved_at(told))), default=None)
    is_past = since is not None and oldest is not None and oldest < f"{since:%Y-%m-%dT%H:%M:%SZ}"
    if page.next is None or is_past:
        return Page(listed, kept=kept, gap=gap)
    after: dict[str, JSON] = {"next": {**page.next}, "tag": None if since is None else kept}
    total = page.total if asked is None and since is None else None
    return Page(listed, cursor=after, gap=gap, expected=total)


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
    cursor = request.cursor if isinstance(request.cursor, dict) else {}
    gathered = _known_pages(cursor.get("pages"))
    known = _known_pages(request.kept)[len(gathered) : len(gathered) + 1]
    path, query = f"{repository.path}/releases", query_of(cursor.get("next")) or {}
    page = list_page(api, path, query, unless=known[0].tag if known else None)
    published = [told for told in page.items if not _is_draft(told)]
    listed, gap = listed_of(published, lambda told: _listed(repository, "release", told))
    there: tuple[Identity, ...] = ()
    if page.unchanged:
        now = known[0]
        there = tuple(_identity(repository, "release", id_) for id_ in now.ids)
    else:
        ids = tuple(id_ for told in published if (id_ := key_of(told, "id")) is not None)
        now = _Known(page.tag or "", ids, page.next)
    pages: list[JSON] = [one.as_json() for one in (*gathered, now)][:_MOST_KEPT]
    if now.next is None:
        return Page(listed, there, kept=pages, gap=gap)
    total = page.total if not gathered else None
    after: dict[str, JSON] = {"next": {**now.next}, "pages": pages}
    return Page(listed, there, cursor=after, gap=gap, expected=total)


def _known_pages(told: JSON) -> list[_Known]:
    """As far as they can be read; the first that cannot ends them."""
    found: list[_Known] = []
    for one in told if isinstance(told, list) else ():
        tag, ids = (one.get("tag"), one.get("ids")) if isinstance(one, dict) else (None, None)
        if not (isinstance(one, dict) and isinstance(tag, str) and isinstance(ids, list)):
            break
        keys = tuple(id_ for id_ in ids if type(id_) is int)
        found.append(_Known(tag, keys, query_of(one.get("next"))))
    return found


def _is_draft(told: JSON) -> bool:
    return isinstance(told, dict) and told.get("draft") is True


def _listed(repository: Repository, kind: str, told: Object) -> Listed:
    name = "number" if kind == "pull_request" else "id"
    key = key_of(told, name)
    if key is None:
        raise BadPayload(name, "required and missing")
    raw: Object = {"object": told, "repository": repository.full_name}
    return Listed(_identity(repository, kind, key), raw)


def _identity(repository: Repository, kind: str, key: int) -> Identity:
    return Identity("github", repository.id, kind, str(key))
