"""How pages and databases are mentioned: by the URLs of Notion's hosts, and nothing else.

Law: where the id stands in a URL, `ids` says; a bare id names nothing. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.links import host_start
from ingest.core.references import Context, Mention, Syntax
from ingest.sources.notion.ids import dashed, id_of

# The contract sheet, section e: `notion.so`, `app.notion.com`, and a workspace's own site.
_URL = re.compile(
    r"(?:notion\.so|(?:app\.)?notion\.com|(?<![\w-])[A-Za-z0-9-]{1,63}+\.notion\.site)"
    r"(/[^\s<>()\[\]{}\"'`?#|\\^]{0,500}+)?"
    r"(?:\?([^\s<>()\[\]{}\"'`#|\\^]{1,500}+))?"
)


def fold(key: str) -> str:
    """An id is written with dashes or without, in any case (RFC 9562, 4)."""
    return dashed(key) or key


def _find(text: str, _context: Context) -> Iterator[Mention]:
    if "notion." not in text:
        return
    for found in _URL.finditer(text):
        start = host_start(text, found.start())
        key = id_of(found[1] or "", found[2] or "")
        if start is not None and key is not None:
            yield Mention(start, found.end(), "notion", key, "url")


MENTIONS = Syntax(source="notion", find=_find, fold=fold)
