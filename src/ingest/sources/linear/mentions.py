"""How Linear's things are mentioned: `ENG-123`, and the URLs of their pages.

Law: a bare key counts only for a store that owns its team's prefix, since `UTF-8` looks the same;
a URL names its issue without that. Small letters make a key where Linear itself reads it: after a
magic word, and at the beginning of a branch's name. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ingest.core.links import host_start
from ingest.core.phrases import EdgeKind
from ingest.core.references import NAME_OF_FILE, Context, Mention, Syntax
from ingest.sources.linear.keys import IDENTIFIER

# The contract sheet, section e: a team's key is 1 to 7 letters and digits. From the dash on first,
# for dashes are rare; `ENG-12.5`, `PEP-561-249`, `UTF-16LE` and `ENG-12@a.test` are others.
_KEY_CHARS = 7
_DASH = re.compile(
    r"-(?<=[A-Za-z0-9]-)([1-9][0-9]{0,6}+)(?![A-Za-z0-9@]|_{1,2}[A-Za-z0-9]|\.[0-9]"
    rf"|-[0-9]{{1,9}}+(?![A-Za-z0-9])|{NAME_OF_FILE})"
)
_TEAM_REVERSED = re.compile(r"[A-Z0-9]{0,6}[A-Z](?![A-Za-z0-9])(?!_{1,2}[A-Za-z0-9])(?!-[A-Z0-9_])")
_MAGIC_BEFORE = re.compile(
    r"(?<![\w-])(?:close[sd]?|closing|fix(?:e[sd]|ing)?|resolve[sd]?|resolving|complete[sd]?"
    r"|completing|implement(?:s|ed|ing)?|linear issue|refs?|references|part of|relate[sd] to"
    r"|contributes to|towards?):?[ \t]{1,3}(?:[a-z][a-z0-9]{0,6}-[0-9]{1,7}"
    r"(?:,[ \t]{0,3}(?:and[ \t]{1,3})?|[ \t]{1,3}(?:and|&)[ \t]{1,3})){0,20}\[?\Z",
    re.IGNORECASE,
)
_MAGIC_CHARS, _LIST_CHARS = 20, 200
_IN_LIST = (", ", ",", "and ", "& ")
# The branch names that Linear offers: `jane/eng-123-fix-login`, also as a merge names them.
_BRANCH_TEAM = re.compile(r"(?:(?<=[A-Za-z0-9]/)|(?<=branch '))[a-z][a-z0-9]{0,6}\Z")
# A branch that another one is merged into, and one that stands without quotes.
_MERGED_TEAM = re.compile(r"(?:(?<= into )|(?<= into ')|(?<= branch ))[a-z][a-z0-9]{0,6}\Z")
_MERGE_LINE = re.compile(r"[ \t*-]{0,4}Merge (?:remote-tracking )?branch ")
_MERGE_CHARS = 300
_SMALL_TEAM = re.compile(r"(?<![A-Za-z0-9_.@/-])[a-z][A-Za-z0-9]{0,6}\Z")
_BRANCH_TITLE = re.compile(r"-[a-z]")
_MERGED_TITLE = re.compile(r"[-/][a-z]")

_HOST = "linear.app/"
_APP = "linear://"  # the program's own links
_ISSUE = re.compile(
    r"linear(?:\.app/|://)(?:[\w-]{1,100}+/)?issue/([A-Za-z][A-Za-z0-9]{0,6}-[1-9][0-9]{0,6})(?![A-Za-z0-9_])"
)
# Other pages end in the `slugId` of the thing, which is an alias of its document.
_PAGE = re.compile(
    r"linear\.app/(?:[\w-]{1,100}+/)?(?:project|document|initiative)/(?:[\w%.-]{0,200}-)?([0-9a-f]{12})(?![\w-])"
)

_CLOSING = """complete completes completed completing implement implements implemented implementing
"""
# Magic words that are Linear's alone; those that all share are in `core.phrases`.
_KEYWORDS: Mapping[str, EdgeKind | None] = {
    **dict.fromkeys(_CLOSING.split(), "resolves"),
    "linear issue": "resolves",
    "skip": None,
    "ignore": None,
}


def fold(key: str) -> str:
    """Identifiers are told and asked for in any case; ids and the ends of URLs are hexadecimal."""
    return key.upper() if IDENTIFIER.fullmatch(key) else key.lower()


def _find(text: str, _context: Context) -> Iterator[Mention]:
    if "-" in text:
        yield from _keys(text)
        if "/" in text and (_HOST in text or _APP in text):
            yield from _pages(text, _ISSUE)
            yield from _pages(text, _PAGE)


def _keys(text: str) -> Iterator[Mention]:
    """`ENG-123`, and `eng-123` after a magic word or at the last beginning of a branch's name."""
    for found in _DASH.finditer(text):
        at = found.start()
        low = max(0, at - _KEY_CHARS - 9)
        capitals = _TEAM_REVERSED.match(text[low:at][::-1])
        if capitals is not None:
            prefix = capitals[0][::-1]
            key, start = f"{prefix}-{found[1]}", at - capitals.end()
            yield Mention(start, found.end(), "linear", key, "text", prefix)
            continue
        team = _small_team(text, low, at)
        if team is None and _BRANCH_TITLE.match(text, found.end()):
            team = _BRANCH_TEAM.search(text, low, at)
        if team is None and _MERGED_TITLE.match(text, found.end()):
            team = _merged_team(text, low, at)
        if team is not None:
            prefix = team[0].upper()
            key = f"{prefix}-{found[1]}"
            yield Mention(team.start(), found.end(), "linear", key, "text", prefix)


def _small_team(text: str, low: int, at: int) -> re.Match[str] | None:
    """linear.app/docs/github: a magic word's ids are read in any case."""
    team = _SMALL_TEAM.search(text, low, at)
    if team is None:
        return None
    start = team.start()
    reach = _LIST_CHARS if text.endswith(_IN_LIST, max(0, start - 4), start) else _MAGIC_CHARS
    return team if _MAGIC_BEFORE.search(text, max(0, start - reach), start) else None


def _merged_team(text: str, low: int, at: int) -> re.Match[str] | None:
    """In the line that git writes: `Merge branch 'main' into eng-12-totals`."""
    team = _MERGED_TEAM.search(text, low, at)
    if team is None:
        return None
    line = text.rfind("\n", max(0, at - _MERGE_CHARS), at)
    head = text[line + 1 if line >= 0 else max(0, at - _MERGE_CHARS) : team.start()]
    return team if _MERGE_LINE.match(head) else None


def _pages(text: str, page: re.Pattern[str]) -> Iterator[Mention]:
    """The pages of issues (keyed `ENG-123`), or the others (keyed by their `slugId`)."""
    for found in page.finditer(text):
        start = host_start(text, found.start())
        if start is not None:
            key = found[1].upper() if page is _ISSUE else found[1]
            yield Mention(start, found.end(), "linear", key, "url")


MENTIONS = Syntax(source="linear", find=_find, keywords=_KEYWORDS, fold=fold)
