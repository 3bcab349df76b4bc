"""Notion's ids: one UUID in two spellings, and the page that it names. Performs no I/O.

Law: dashed and in lower case is the form of every key; the 32 hex digits are that of URLs. Of a URL
the id is the last 32 hex digits of the path, or `p` of the query, which is a page opened over a
database; `v` is a view, and what follows `#` a block.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ingest.core.values import JSON

_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_PAGES = "https://www.notion.so/"
_HEX = "[0-9a-fA-F]"
_ID = rf"({_HEX}{{32}}|{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})"
_LAST = re.compile(rf"(?<![A-Za-z0-9]){_ID}/?[.,;:!*_~]*\Z")
_OPENED = re.compile(rf"(?:\A|&)p={_ID}(?![A-Za-z0-9])")
_OWN_HOSTS = frozenset({"notion.so", "notion.com", "app.notion.com"})
_LASTING = frozenset({"v", "d"})
"""Of a query: the view and the discussion; the rest says how somebody came there."""


def dashed(told: JSON) -> str | None:
    """`8-4-4-4-12` in lower case, out of either spelling; None where it is no UUID."""
    if not isinstance(told, str) or not told.isascii():
        return None
    plain = told.lower()
    if _UUID.fullmatch(plain) is None:
        return None
    hexed = plain.replace("-", "")
    return "-".join((hexed[:8], hexed[8:12], hexed[12:16], hexed[16:20], hexed[20:]))


def undashed(id_: str) -> str:
    """The 32 hex digits of a dashed id."""
    return id_.replace("-", "")


def page_url(id_: str) -> str:
    """The URL under which Notion finds a page or a database, whatever its title is."""
    return _PAGES + undashed(id_)


def id_of(path: str, query: str) -> str | None:
    """The id in the path and the query of a URL of Notion's."""
    found = _OPENED.search(query) or _LAST.search(path, max(0, len(path) - 60))
    return dashed(found[1]) if found else None


def lasting(url: str) -> str:
    """The URL of a page in one spelling, for Notion's own has changed, and holds the title; any
    other one as it is.

    …/page/changelog, June 2026: `https://app.notion.com/p/<id>`.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    id_ = id_of(parts.path, parts.query) if host in _OWN_HOSTS else None
    if id_ is None:
        return url
    query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] in _LASTING])
    bare = urlsplit(page_url(id_))
    return urlunsplit(bare._replace(query=query, fragment=parts.fragment))
