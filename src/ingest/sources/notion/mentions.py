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
_HOST = re.compile(r"notion\.(?P<end>so|com|site)")
_SITE_REVERSED = re.compile(r"\.[A-Za-z0-9-]{1,63}+(?![\w-])")
_SITE_CHARS = 66
_REST = re.compile(
    r"(/[^\s<>()\[\]{}\"'`?#|\\^]{0,500}+)?"
    r"(?:\?([^\s<>()\[\]{}\"'`#|\\^]{1,500}+))?"
)


def fold(key: str) -> str:
    """An id is written with dashes or without, in any case (RFC 9562, 4)."""
    return dashed(key) or key


def _find(text: str, _context: Context) -> Iterator[Mention]:
    if not ("." in text and "notion." in text):
        return
    done = 0
    for host in _HOST.finditer(text):
        at = _host_start(text, host, done)
        rest = _REST.match(text, host.end()) if at is not None else None
        if at is None or rest is None:
            continue
        done = rest.end()
        start, key = host_start(text, at), id_of(rest[1] or "", rest[2] or "")
        if start is not None and key is not None:
            yield Mention(start, done, "notion", key, "url")


def _host_start(text: str, host: re.Match[str], done: int) -> int | None:
    """Where the name of a host begins of which the end is found; None where it is none, or stands
    in the URL that ends at `done`.
    """
    at = host.start()
    if at < done:
        return None
    if host["end"] == "site":
        before = text[max(0, at - _SITE_CHARS) : at][::-1]
        site = _SITE_REVERSED.match(before)
        start = at - site.end() if site else -1
        return start if start >= done else None
    is_app = host["end"] == "com" and at - 4 >= done and text.startswith("app.", at - 4)
    return at - 4 if is_app else at


MENTIONS = Syntax(source="notion", find=_find, fold=fold)
