"""How issues are mentioned: `FRONT-END-9`, and the URLs of their pages.

Law: a short id counts only for a store that owns its project, since `UTF-8` looks the same; a URL
names its issue, by the numeric id, without that. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.references import Context, Mention, Syntax

# The contract sheet, section e, after `utils/groupreference.py` of getsentry/sentry, which takes
# any case; in prose only capitals are told from a compound (`web-app`). An id is taken whole, with
# all its dashes: `SENTRY-FOR-SENTRY-2KV` is no issue of the project `sentry`.
_SHORT_ID = re.compile(
    r"(?<![A-Za-z0-9_.@\\-])[A-Z0-9_][A-Z0-9_-]{0,120}-[A-Z0-9]{1,12}(?![A-Za-z0-9_@-]|\.[0-9])"
)
# `utils/numbers.py`: counters in base 32 without I, L, O and U, and none begins with a zero.
_COUNTER = re.compile(r"[1-9A-HJKMNP-TV-Z][0-9A-HJKMNP-TV-Z]*|[1-9A-Z][0-9A-Z]*[0-9][0-9A-Z]*")
# Words that a project's name makes a compound with (`API-KEY`), though they could be counters.
_WORD_LIST = "APP APPS CSS DEV ENV FRAME KEY KEYS PAGE PR SDK SPA TEST TESTS VAR"
_WORDS = frozenset(_WORD_LIST.split())

_PAGE = re.compile(
    r"(?<![A-Za-z0-9_.@/-])(?:https?://)?"
    r"(?P<host>(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24})(?::[0-9]{1,5})?/"
    r"(?P<path>(?:[\w.-]{1,100}/){0,4})(?P<last>issues|group)/(?P<id>[0-9]{1,19})(?![\w-])"
)
# `sentry.io/issues/1`, `acme.sentry.io/issues/1`, `sentry.io/acme/web/issues/1` (until 2020),
# `app.getsentry.com/acme/web/group/1` (until 2016), and on any host what only Sentry has.
_HOSTS = ("sentry.io", "getsentry.com")
_ANYWHERE = re.compile(r"(?:api/0/)?organizations/[\w-]{1,100}/")


def fold(key: str) -> str:
    """Short ids are the same in any case (`utils/groupreference.py`)."""
    return key if "/" in key else key.upper()


def _find(text: str, _context: Context) -> Iterator[Mention]:
    if "-" in text:
        yield from _short_ids(text)
    if "/issues/" in text or "/group/" in text:
        yield from _pages(text)


def _short_ids(text: str) -> Iterator[Mention]:
    for found in _SHORT_ID.finditer(text):
        project, _, counter = found[0].rpartition("-")
        if _COUNTER.fullmatch(counter) and counter not in _WORDS:
            yield Mention(found.start(), found.end(), "sentry", found[0], "text", project)


def _pages(text: str) -> Iterator[Mention]:
    for found in _PAGE.finditer(text):
        host, path = found["host"].lower(), found["path"]
        at_sentry = host in _HOSTS or host.endswith(tuple(f".{name}" for name in _HOSTS))
        if at_sentry or (found["last"] == "issues" and _ANYWHERE.fullmatch(path)):
            yield Mention(found.start(), found.end(), "sentry", found["id"], "url")


MENTIONS = Syntax(source="sentry", find=_find, fold=fold)
