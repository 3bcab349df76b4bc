"""How issues are mentioned: `FRONT-END-9`, and the URLs of their pages.

Law: a short id counts only for a store that owns its project, since `UTF-8` looks the same; a URL
names its issue, by the numeric id or the short one, without that: on Sentry's own hosts, and in a
form that is Sentry's alone on any. In other forms it counts on the host of a connection.
Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.core.references import NAME_OF_FILE, Context, Mention, Syntax

# The contract sheet, section e, after `utils/groupreference.py` of getsentry/sentry, which takes
# any case; in prose only capitals are told from a compound (`web-app`). An id is taken whole, with
# all its dashes: `SENTRY-FOR-SENTRY-2KV` is no issue of the project `sentry`.
# From the dash before the counter on, for dashes are rare.
_DASH_COUNTER = re.compile(
    rf"-(?<=[A-Z0-9_-]-)([A-Z0-9]{{1,12}})(?![A-Za-z0-9@-]|_{{1,2}}[A-Za-z0-9]|\.[0-9]|{NAME_OF_FILE})"
)
_PROJECT_REVERSED = re.compile(r"[A-Z0-9_-]{0,120}[A-Z0-9_](?![A-Za-z0-9_.@\\-])")
_PROJECT_CHARS = 121
# `utils/numbers.py`: counters in base 32 without I, L, O and U, and none begins with a zero.
_COUNTER = re.compile(r"[1-9A-HJKMNP-TV-Z][0-9A-HJKMNP-TV-Z]*|[1-9A-Z][0-9A-Z]*[0-9][0-9A-Z]*")
# In small letters after the words that Sentry acts on; `web-3d` and `api-v2` are other things.
_IDS = r":?[ \t]{1,3}(?P<ids>[a-z0-9_-]{3,132}(?:,[ \t]{0,3}[a-z0-9_-]{3,132}){0,20})"
_FIXED = {
    "ix": re.compile(rf"ix(?<=\b[Ff]ix)(?:e[sd])?{_IDS}"),
    "lose": re.compile(rf"lose(?<=\b[Cc]lose)[sd]?{_IDS}"),
    "esolve": re.compile(rf"esolve(?<=\b[Rr]esolve)[sd]?{_IDS}"),
}
_SMALL_ID = re.compile(
    r"(?<![a-z0-9_-])([a-z0-9_][a-z0-9_-]{0,120})-(?=[a-z0-9]*[0-9])(?=[a-z0-9]*[a-z])"
    r"(?!v[0-9]+\b)([a-z0-9]{3,12})(?![a-z0-9_@-]|\.[0-9])"
)
# Words that a project's name makes a compound with (`API-KEY`), though they could be counters.
_WORD_LIST = """
    ACCESS APP APPS ASSETS ASYNC AWS BASE BASED BETA CACHE CDN CMS CSS DATA DB DEV DNS END ENV
    FETCH FRAME FRAMES GCP GET HA JS KEY KEYS MAC MAP MVP NAME NEXT PAGE PAGES PARSER
    PATCH PAY PR QA RC REACT READY RENDER RTC SAFE SDK SERVER SERVERS SET SETS SPA SPEC SPECS STAGE
    STATE STATS STEP STEPS TAB TABS TEAM TEAMS TEST TESTS TEXT TREE TS TYPE TYPES VAR VM WATCH
"""
_WORDS = frozenset(_WORD_LIST.split())
_VERSION = re.compile(r"V[0-9]{1,2}")

_PAGE = re.compile(
    r"(?<![A-Za-z0-9_.@/-])(?:https?://)?"
    r"(?P<host>(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24})(?P<port>:[0-9]{1,5})?/"
    r"(?P<path>(?:[\w.-]{1,100}/){0,5})(?P<last>issues|group)/"
    r"(?:(?P<id>[0-9]{1,19})|(?P<project>[A-Za-z0-9_][A-Za-z0-9_-]{0,120})-"
    r"(?P<counter>[A-Za-z0-9]{1,12}))(?![A-Za-z0-9_-])"
)
# A page stands within one stretch of such characters, and begins so far before its `/issues/` at
# most. Only those stretches are searched: most of a text is none.
_MARK = re.compile(r"/(?:issues|group)/")
_IN_PAGE = re.compile(r"[\w.:/-]*+")
_REACH = 1_024
# `sentry.io/issues/1`, `acme.sentry.io/issues/1`, `sentry.io/acme/web/issues/1` (until 2020),
# `app.getsentry.com/acme/web/group/1` (until 2016), and on any host what only Sentry has.
_HOSTS = ("sentry.io", "getsentry.com")
_UNDER_HOSTS = tuple(f".{name}" for name in _HOSTS)
_ANYWHERE = re.compile(r"(?:api/0/)?organizations/[\w-]{1,100}/")
# Of another host's pages: those of one project (`acme/web/`), and what the API answers at.
_OF_PROJECT = re.compile(r"(?:[\w-]{1,100}/[\w-]{1,100}/|api/0/)?")
# Others' hosts, and those of Sentry's own pages.
_NO_SENTRY_LIST = """
    github.com www.github.com gitlab.com bitbucket.org
    blog.sentry.io docs.sentry.io help.sentry.io status.sentry.io
"""
_NO_SENTRY = frozenset(_NO_SENTRY_LIST.split())
# `[WEB-3B](https://acme.sentry.io/issues/6611223344/)`, as Sentry itself writes it elsewhere.
_LABEL = re.compile(
    r"\[[*_]{0,2}(?P<project>[A-Z0-9_][A-Z0-9_-]{0,120})-(?P<counter>[A-Z0-9]{1,12})[*_]{0,2}\]\(<?\Z"
)
_LABEL_CHARS = 144


def fold(key: str) -> str:
    """Short ids are the same in any case (`utils/groupreference.py`)."""
    return key if "/" in key else key.upper()


def _find(text: str, context: Context) -> Iterator[Mention]:
    if "-" in text:
        yield from _short_ids(text)
        for mark, fixed in _FIXED.items():
            if mark in text:
                yield from _small_ids(text, fixed)
    if "/" in text and ("/issues/" in text or "/group/" in text):
        yield from _pages(text, context)


def _short_ids(text: str) -> Iterator[Mention]:
    for found in _DASH_COUNTER.finditer(text):
        counter, dash = found[1], found.start()
        if not _is_counter(counter):
            continue
        before = text[max(0, dash - _PROJECT_CHARS - 1) : dash][::-1]
        if (reversed_ := _PROJECT_REVERSED.match(before)) is not None:
            start = dash - reversed_.end()
            if text.startswith("_", found.end()):
                start = min(dash, start + _emphasis(text, start))
            project = text[start:dash]
            key = f"{project}-{counter}"
            yield Mention(start, found.end(), "sentry", key, "text", project)


def _emphasis(text: str, start: int) -> int:
    """How many underscores open `_WEB-7F_` or `__WEB-7F__`."""
    return 2 if text.startswith("__", start) else int(text.startswith("_", start))


def _small_ids(text: str, fixed: re.Pattern[str]) -> Iterator[Mention]:
    for listed in fixed.finditer(text):
        for found in _SMALL_ID.finditer(text, *listed.span("ids")):
            project, counter = found[1].upper(), found[2].upper()
            if _is_counter(counter):
                key = f"{project}-{counter}"
                yield Mention(found.start(), found.end(), "sentry", key, "text", project)


def _is_counter(told: str) -> bool:
    if told in _WORDS or _VERSION.fullmatch(told):
        return False
    return _COUNTER.fullmatch(told) is not None


def _pages(text: str, context: Context) -> Iterator[Mention]:
    """Those on the host of the text's own page need no owner."""
    own = context.host if context.source_type == "sentry" else None
    for found in _in_stretches(text):
        host = found["host"].lower()
        named = _named(found, text)
        if named is None or host in _NO_SENTRY:
            continue
        key, prefix = named
        if not (host in _HOSTS or host.endswith(_UNDER_HOSTS) or _is_sentrys(found)):
            if _OF_PROJECT.fullmatch(found["path"]) is None:
                continue
            place = f"{host}{found['port'] or ''}"
            prefix = prefix or (None if place == own else place)
        yield Mention(found.start(), found.end(), "sentry", key, "url", prefix)


def _in_stretches(text: str) -> Iterator[re.Match[str]]:
    mark = _MARK.search(text)
    while mark is not None:
        at = mark.start()
        before = _IN_PAGE.match(text[max(0, at - _REACH) : at][::-1])
        after = _IN_PAGE.match(text, at)
        start, end = at - (before.end() if before else 0), after.end() if after else at
        yield from _PAGE.finditer(text, start, end)
        mark = _MARK.search(text, end)


def _named(page: re.Match[str], text: str) -> tuple[str, str | None] | None:
    """The issue's id; or its short id, which counts where somebody owns the project."""
    if page["id"] is not None:
        return _labelled(text, page.start()) or page["id"], None
    project, counter = page["project"].upper(), page["counter"].upper()
    return (f"{project}-{counter}", project) if _is_counter(counter) else None


def _labelled(text: str, start: int) -> str | None:
    """The short id by which the label of a link calls the issue whose page begins at `start`; what
    could as well be a tracker's key (`ENG-605`) is none.
    """
    if text[start - 1 : start] not in "(<":
        return None
    label = _LABEL.search(text, max(0, start - _LABEL_CHARS), start)
    if label is None or not _is_counter(label["counter"]):
        return None
    project, counter = label["project"], label["counter"]
    return None if counter.isdigit() and project.isalnum() else f"{project}-{counter}"


def _is_sentrys(page: re.Match[str]) -> bool:
    """Whether only Sentry has such a path."""
    return page["last"] == "issues" and _ANYWHERE.fullmatch(page["path"]) is not None


MENTIONS = Syntax(source="sentry", find=_find, fold=fold)
