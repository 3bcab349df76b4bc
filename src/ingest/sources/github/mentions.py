"""How issues, pull requests and discussions are mentioned: `owner/repo#12`, `#12`, `GH-12`, URLs.

Law: the three share one sequence of numbers in a repository, so all are keyed `owner/repo#12`
(`owner/repo/discussions/12` is an alias of a discussion). Autolinks name conversations alone, so
`owner/repo@sha`, `/commit/…`, `/blob/…` and `/releases/…` name nothing. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ingest.core.identity import Identity
from ingest.core.links import host_start
from ingest.core.references import Context, Mention, Syntax
from ingest.sources.github.names import REPOSITORY

# The contract sheet, section e, after docs.github.com, autolinked-references-and-urls.
_OWNER = "[A-Za-z0-9][A-Za-z0-9-]{0,38}"
_REPO = "[A-Za-z0-9._-]{1,100}"
_NUMBER = "([1-9][0-9]{0,6}+)"

_HASH = re.compile(rf"#{_NUMBER}(?![A-Za-z0-9_%]|[.,][0-9])")
_GH = re.compile(rf"(?<![A-Za-z0-9_./-])[Gg][Hh]-{_NUMBER}(?![A-Za-z0-9_]|[.][0-9])")
_PAGE = re.compile(
    rf"github\.com/({_OWNER}+)/({_REPO}+)/(?:issues|pull|pulls|discussions)/{_NUMBER}(?![\w-])"
)
_NO_OWNERS = frozenset({"orgs", "users", "apps", "sponsors", "settings"})

_REPO_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_REPO_NAME = re.compile(_REPO)
_OWNER_REVERSED = re.compile(r"[A-Za-z0-9-]{0,38}[A-Za-z0-9](?![\w./@\\-])")
_OWNER_MAX, _REPO_MAX = 39, 100
# A page of a document with an anchor (`docs/setup.md#2`) looks like a repository.
_DOCUMENTS = (".md", ".mdx", ".html", ".htm", ".rst", ".txt", ".adoc")

# What follows these words is a count or somebody else's number: `attempt #2`, `order #1001`.
_COUNTED_LIST = """
    answer apartment argument attempt batch box bugzilla build case channel chapter column commit
    customer day element entry example exercise field figure frame goal invoice item iteration
    jira job layer lesson level line mantis node number option order page parameter part patient
    phase place player point question rank reason record redmine revision room round row rule run
    scenario section shard slide slot sprint stage step suite table take test thread trac trial
    try user version week worker
"""
_COUNTED = frozenset(_COUNTED_LIST.split())
_RANKED = frozenset({"a", "is", "are", "my", "our", "the", "their", "your", "number"})

_COLOUR = r"(?:colou?rs?|background|foreground|bg|fg|hex|rgb|css|palette|gradient|tint|shades?)"
_COLOUR_NEAR = re.compile(
    rf"\b{_COLOUR}\b|\b(?:dark|light)\b|#[0-9]{{0,5}}[a-f][0-9a-f]{{2,5}}\b", re.IGNORECASE
)
_COLOUR_BEFORE = re.compile(rf"\b{_COLOUR}[\"']?[ \t]?[:=]?[ \t]?[\"']?\Z", re.IGNORECASE)
_COLOUR_REACH = 48


@dataclass(frozen=True, slots=True)
class _Home:
    """The repository that a text stands in, by its name, in lower case too, and its id."""

    name: str
    lower: str
    scope: str | None

    def thing(self, number: str) -> Identity | None:
        """What `#12` is in it, by the first of the kinds that share its numbers."""
        return None if self.scope is None else Identity("github", self.scope, "issue", number)


def fold(key: str) -> str:
    """Owners and repositories are the same in any case; what stands behind them is not."""
    found = REPOSITORY.match(key)
    return found[1].lower() + key[found.end(1) :] if found else key


def _find(text: str, context: Context) -> Iterator[Mention]:
    """Bare numbers are those of the text's own repository, so only texts that have one have any.

    The cheap questions come first: most texts hold none of the three marks.
    """
    home = None
    if context.home is not None:
        home = _Home(context.home, context.home.lower(), context.scope)
    if "#" in text:
        yield from _numbers(text, home)
    if "github.com/" in text:
        yield from _pages(text, home)
    if home is not None and ("GH-" in text or "gh-" in text):
        for found in _GH.finditer(text):
            yield _mention(found.start(), found.end(), home.name, found[1], home=home)


def _mention(
    start: int,
    end: int,
    repository: str,
    number: str,
    *,
    home: _Home | None,
    origin: Literal["url", "text"] = "text",
) -> Mention:
    """A repository's name is the same in any case; its own texts may spell it otherwise, and mean
    it by its id.
    """
    thing = None
    if home is not None and (repository is home.name or repository.lower() == home.lower):
        repository, thing = home.name, home.thing(number)
    return Mention(start, end, "github", f"{repository}#{number}", origin, thing=thing)


def _numbers(text: str, home: _Home | None) -> Iterator[Mention]:
    """`owner/repo#12`, and `#12` where it stands alone."""
    for found in _HASH.finditer(text):
        at = found.start()
        if at and text[at - 1] in _REPO_CHARS:
            start = _repository_start(text, at)
            if start is not None:
                yield _mention(start, found.end(), text[start:at], found[1], home=home)
        elif home is not None and _stands_alone(text, found):
            yield _mention(at, found.end(), home.name, found[1], home=home)


def _repository_start(text: str, at: int) -> int | None:
    """Where the `owner/repo` that ends at `at` begins; None where there is none."""
    slash = text.rfind("/", max(0, at - _REPO_MAX - 1), at)
    if slash < 1 or _REPO_NAME.fullmatch(text, slash + 1, at) is None:
        return None
    if text.endswith(_DOCUMENTS, slash + 1, at):
        return None
    owner = _OWNER_REVERSED.match(text[max(0, slash - _OWNER_MAX - 1) : slash][::-1])
    return slash - owner.end() if owner else None


def _stands_alone(text: str, found: re.Match[str]) -> bool:
    """Whether `#12` is no entity (`&#12;`), escape, anchor of a path, count or colour."""
    at = found.start()
    before = text[at - 1 : at]
    if before and before in "&\\#@":
        return False
    if before == "/" and not text[at - 2 : at - 1].isdigit():
        return False
    if before.isspace():
        word = text[max(0, at - 16) : at].split()[-1:]
        name = word[0].lower() if word else ""
        if name in _COUNTED or (found[1] == "1" and name in _RANKED):
            return False
    return len(found[1]) not in (3, 6) or not _is_colour(text, found)


def _is_colour(text: str, found: re.Match[str]) -> bool:
    """Whether three or six digits are a colour: the words around say so."""
    at, end = found.span()
    if text[at - 1 : at] == "(" and text[end : end + 1] == ")":
        return False
    if _COLOUR_BEFORE.search(text, max(0, at - 16), at):
        return True
    reach = text[max(0, at - _COLOUR_REACH) : at] + " " + text[end : end + _COLOUR_REACH]
    return len(found[1]) == 6 and _COLOUR_NEAR.search(reach) is not None


def _pages(text: str, home: _Home | None) -> Iterator[Mention]:
    """`https://github.com/owner/repo/pull/12`, whatever follows; also without the scheme."""
    for found in _PAGE.finditer(text):
        start = host_start(text, found.start())
        if start is not None and found[1] not in _NO_OWNERS:
            repository = f"{found[1]}/{found[2]}"
            yield _mention(start, found.end(), repository, found[3], home=home, origin="url")


# linking-a-pull-request-to-an-issue: "Resolves #10, resolves octo-org/octo-repo#100".
MENTIONS = Syntax(source="github", find=_find, closes_singly=True, fold=fold)
