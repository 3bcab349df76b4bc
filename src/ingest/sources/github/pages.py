"""A page of one of GitHub's REST lists: what stands on it, and where the next one is.

Law: the next page is the one that GitHub names (RFC 8288, `rel="next"`), by whichever parameters;
none is counted here. Its query alone is followed, on the path that was asked for: what a link says
leads to no other list, and a repository that is renamed meanwhile is no obstacle.
[DOC: using-pagination-in-the-rest-api]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from ingest.core.errors import BadPayload
from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.sources.answers import Response
from ingest.sources.http import Params
from ingest.sources.listing import Listed

PER_PAGE = 100
Query = dict[str, str]
Object = dict[str, JSON]
_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_REL = re.compile(r';\s*rel="?([a-z]+)"?')
_MOST_PARAMETERS = 20


class Gets(Protocol):
    """What asks for a page: as whom, is its own matter."""

    def get(self, path: str, *, params: Params | None, unless: str | None) -> Response:
        """See `api.GitHubApi.get`."""
        ...


@dataclass(frozen=True, slots=True)
class ListPage:
    """items: the objects on it. next: the query of the next page, None on the last one. total:
    about how many the whole list has, where GitHub says which page is the last.
    tag: its entity tag. unchanged: it is as it was, and nothing of it is told (304).
    """

    items: tuple[JSON, ...]
    next: Query | None = None
    total: int | None = None
    tag: str | None = None
    unchanged: bool = False


def list_page(
    api: Gets, path: str, query: Mapping[str, str], *, unless: str | None = None
) -> ListPage:
    """One page; raises `BadPayload` for an answer that is no list, and what `Api.get` raises."""
    answer = api.get(path, params={**query, "per_page": str(PER_PAGE)}, unless=unless)
    tag = answer.headers.get("etag")
    if answer.status == 304:
        return ListPage((), tag=unless, unchanged=True)
    told = answer.json()
    if not isinstance(told, list):
        raise BadPayload("$", "is no list")
    links = _links(answer.headers.get("link", ""))
    last = links.get("last", {}).get("page", "")
    total = int(last) * PER_PAGE if last.isascii() and last.isdigit() and len(last) < 10 else None
    return ListPage(tuple(told), links.get("next"), total, tag)


def _links(header: str) -> dict[str, Query]:
    """The queries of the pages beside this one, by what they are to it.

    Raises `BadPayload` for one that names none: the list would end there for no reason.
    """
    found: dict[str, Query] = {}
    for url, parameters in _LINK.findall(header):
        rel = _REL.search(parameters)
        if rel is None:
            continue
        found[rel[1]] = _query(url)
        if rel[1] == "next" and not found[rel[1]]:
            raise BadPayload("link", "names a next page without a query")
    return found


def _query(url: str) -> Query:
    try:
        return dict(parse_qsl(urlsplit(url).query, max_num_fields=_MOST_PARAMETERS))
    except ValueError:
        return {}


def seconds(time: datetime | None) -> str | None:
    """A time as GitHub's lists are asked and compared by it; what is below a second is cut off."""
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}"


def query_of(told: JSON) -> Query | None:
    """A query out of a cursor."""
    if not isinstance(told, dict):
        return None
    return {name: value for name, value in told.items() if isinstance(value, str)} or None


def moved_at(told: JSON) -> str | None:
    """When an object changed last, to the second, as it is compared and asked for; None: unsaid."""
    at = told.get("updated_at") if isinstance(told, dict) else None
    try:
        return seconds(parse_time(at)) if isinstance(at, str) else None
    except ValueError:
        return None


def key_of(told: JSON, name: str) -> int | None:
    """Its own key; None for what is no object, or has none."""
    key = told.get(name) if isinstance(told, dict) else None
    return key if type(key) is int and key >= 0 else None


def oldest(items: Iterable[JSON]) -> str | None:
    """When that of them changed which did so first; None where none says it."""
    return min((when for told in items if (when := moved_at(told))), default=None)


def newest(items: Iterable[JSON]) -> str | None:
    """The same of the one that changed last."""
    return max((when for told in items if (when := moved_at(told))), default=None)


def listed_of(
    items: Iterable[JSON], make: Callable[[Object], Listed | None]
) -> tuple[tuple[Listed, ...], str | None]:
    """The objects, each as `make` reads it (None: it is none of these), and why some are missing.

    One that cannot be read costs the others nothing, and lets nothing be taken for absent.
    """
    found: list[Listed] = []
    gap: str | None = None
    for told in items:
        try:
            listed = make(told) if isinstance(told, dict) else None
        except BadPayload as error:
            gap = f"GitHub lists what cannot be read: {error}"
            continue
        if not isinstance(told, dict):
            gap = "GitHub lists what is no object"
        elif listed is not None:
            found.append(listed)
    return tuple(found), gap
