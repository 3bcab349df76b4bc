"""Notion's ids: one UUID in two spellings, and the page that it names. Performs no I/O.

Law: dashed and in lower case is the form of every key; the 32 hex digits are that of URLs.
"""

from __future__ import annotations

import re

from ingest.core.values import JSON

_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_PAGES = "https://www.notion.so/"


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
