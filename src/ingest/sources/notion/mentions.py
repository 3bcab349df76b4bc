"""How pages and databases are mentioned: by the URLs of Notion's hosts, and nothing else.

Law: the id is the last 32 hex digits of the path, or `p` of the query, which is a page opened over
a database; `v` is a view, and what follows `#` a block. A bare id names nothing. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.links import host_start
from ingest.core.references import Context, Mention, Syntax
from ingest.sources.notion.ids import dashed

# The contract sheet, section e: `notion.so`, `app.notion.com`, and a workspace's own site.
_URL = re.compile(
    r"(?:notion\.so|(?:app\.)?notion\.com|(?<![\w-])[A-Za-z0-9-]{1,63}+\.notion\.site)"
    r"(/[^\s<>()\[\]{}\"'`?#|\\^]{0,500}+)?"
    r"(?:\?([^\s<>()\[\]{}\"'`#|\\^]{1,500}+))?"
)
_HEX = "[0-9a-fA-F]"
_ID = rf"({_HEX}{{32}}|{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})"
_LAST = re.compile(rf"(?<![A-Za-z0-9]){_ID}/?[.,;:!*_~]*\Z")
_OPENED = re.compile(rf"(?:\A|&)p={_ID}(?![A-Za-z0-9])")


def fold(key: str) -> str:
    """An id is written with dashes or without, in any case (RFC 9562, 4)."""
    return dashed(key) or key


def _find(text: str, _context: Context) -> Iterator[Mention]:
    if "notion." not in text:
        return
    for found in _URL.finditer(text):
        start = host_start(text, found.start())
        key = _key(found[1] or "", found[2] or "")
        if start is not None and key is not None:
            yield Mention(start, found.end(), "notion", key, "url")


def _key(path: str, query: str) -> str | None:
    found = _OPENED.search(query) or _LAST.search(path, max(0, len(path) - 60))
    return dashed(found[1]) if found else None


MENTIONS = Syntax(source="notion", find=_find, fold=fold)
