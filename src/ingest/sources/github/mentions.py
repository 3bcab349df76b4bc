"""How issues, pull requests and discussions are mentioned: `owner/repo#12`, `#12`, `GH-12`, URLs.

Law: the three share one sequence of numbers in a repository, so all are keyed `owner/repo#12`
(`owner/repo/discussions/12` is an alias of a discussion). Commits, releases and files are mentioned
by their pages alone (`code_pages`), and the name of a branch names nothing. What is no number of
ours by the words around it is said in `numbers`. Performs no I/O.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ingest.core.identity import Identity
from ingest.core.links import host_start
from ingest.core.references import Context, Mention, Syntax
from ingest.sources.github.code_pages import code_pages
from ingest.sources.github.names import NO_OWNERS, OWNER_IN_TEXT, REPO_IN_TEXT, REPOSITORY
from ingest.sources.github.numbers import is_emphasised, stands_alone
from ingest.sources.numbered import is_in_range

# The contract sheet, section e, after docs.github.com, autolinked-references-and-urls.
_OWNER, _REPO = OWNER_IN_TEXT, REPO_IN_TEXT
_NUMBER = "([1-9][0-9]{0,6}+)"

# `#12-guidance` is an anchor, `#12-ops` a channel.
_HASH = re.compile(rf"#{_NUMBER}(?![A-Za-z0-9%]|_{{1,2}}[A-Za-z0-9]|[.,][0-9]|-[A-Za-z])")
# `issue#12` and `PR#12`, which link nothing and mean the same.
_GLUED = re.compile(r"(?<![A-Za-z0-9_./@-])(?:[Ii]ssue|PR|pr)\Z")
# `GH-12`; with both marks or `GH#12` it says the same, and links nothing.
_GH = re.compile(
    rf"(?:(?<![A-Za-z0-9_./@-])|(?<=[0-9]/))[Gg][Hh](?:-#?|#){_NUMBER}(?![A-Za-z0-9_@]|[.][0-9])"
)
_CONVERSATION = rf"/({_OWNER}+)/({_REPO}+)/(?:issues|pull|pulls|discussions)/{_NUMBER}"
_ENDS = r"(?![A-Za-z0-9_-])"
_PAGE = re.compile(rf"github\.com{_CONVERSATION}{_ENDS}")
# A page of an Enterprise. What an API answers at is no page: GitHub links nothing to it.
_ELSEWHERE = re.compile(
    r"https?://(?!(?:www\.)?github\.com[/:])"
    r"(?P<host>(?:[A-Za-z0-9-]{1,63}\.){0,8}[A-Za-z0-9-]{1,63}(?::[0-9]{1,5})?)"
    rf"{_CONVERSATION}{_ENDS}"
)

_REPO_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_REPO_NAME = re.compile(_REPO)
_OWNER_REVERSED = re.compile(r"[A-Za-z0-9-]{0,38}[A-Za-z0-9](?![\w./@\\-])")
_OWNER_MAX, _REPO_MAX = 39, 100
# A page of a document with an anchor (`docs/setup.md#2`) looks like a repository.
# `chen/web.git#12` and `github:chen/web#12` name a branch or a commit, as packages are asked for.
_PACKAGES = ("github:", "gitlab:", "bitbucket:", ".com:", ".org:")
_NO_REPOSITORIES = (".git", ".md", ".mdx", ".html", ".htm", ".rst", ".txt", ".adoc")

# What merging writes: `Merge pull request #12 from acme/fix#7`, `Merge branch 'fix#7' into main`,
# `Merged in fix#7 (pull request #12)`.
_QUOTED = r"'[^'\n]{1,250}+'"
_BRANCH = r"[^\s'\"]{1,250}+"
_MERGE = re.compile(
    rf"\bMerge pull request #[0-9]{{1,7}} from (?P<from>{_BRANCH})"
    rf"|\bMerged in (?P<in>{_BRANCH}) \(pull request "
    r"|\bMerge (?:remote-tracking )?(?:branch(?:es)?|commit|tag)[ \t]"
    rf"(?P<named>{_QUOTED}(?:(?:,| and|, and) {_QUOTED}){{0,20}}|{_BRANCH})"
    rf"(?: of {_BRANCH})?(?: into (?P<into>{_QUOTED}|{_BRANCH}))?"
)


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

    The cheap questions come first, single characters before words: most texts hold none of the
    marks.
    """
    home = None
    if context.home is not None:
        home = _Home(context.home, context.home.lower(), context.scope)
    if "#" in text:
        yield from _numbers(text, home)
    if "/" in text:
        yield from _urls(text, home, context)
    if home is not None and ("-" in text or "#" in text):
        yield from _prefixed(text, home)


def _urls(text: str, home: _Home | None, context: Context) -> Iterator[Mention]:
    has_scheme, is_here = "://" in text, "github.com/" in text
    if has_scheme and ("/issues/" in text or "/pull" in text or "/discussions/" in text):
        yield from _elsewhere(text, home, context)
    if is_here:
        yield from _pages(text, home)
    if has_scheme or is_here:
        yield from code_pages(text, context.host if context.source_type == "github" else None)


def _mention(
    start: int,
    end: int,
    repository: str,
    number: str,
    *,
    home: _Home | None,
    origin: Literal["url", "text"] = "text",
    prefix: str | None = None,
) -> Mention:
    """A repository's name is the same in any case; its own texts may spell it otherwise, and mean
    it by its id, but for one of that name on another host.
    """
    thing = None
    if home is not None and (repository is home.name or repository.lower() == home.lower):
        repository, thing = home.name, home.thing(number) if prefix is None else None
    return Mention(start, end, "github", f"{repository}#{number}", origin, prefix, thing)


def _prefixed(text: str, home: _Home) -> Iterator[Mention]:
    """`GH-12`."""
    if ("G" in text and "GH" in text) or "gh-" in text or "gh#" in text:
        for found in _GH.finditer(text):
            yield _mention(found.start(), found.end(), home.name, found[1], home=home)


def _numbers(text: str, home: _Home | None) -> Iterator[Mention]:
    """`owner/repo#12`, and `#12` where it stands alone, or behind `issue` or `PR`."""
    branches = _branches(text)
    for found in _HASH.finditer(text):
        at = found.start()
        if branches and _lies_in(branches, at):
            continue
        if at and text[at - 1] in _REPO_CHARS and not _is_apart(text, found):
            start = _repository_start(text, at)
            if start is not None:
                yield _mention(start, found.end(), text[start:at], found[1], home=home)
            elif home is not None and (glued := _GLUED.search(text, max(0, at - 6), at)):
                yield _mention(glued.start(), found.end(), home.name, found[1], home=home)
        elif home is not None and stands_alone(text, found, home.lower):
            yield _mention(at, found.end(), home.name, found[1], home=home)


def _is_apart(text: str, found: re.Match[str]) -> bool:
    """Whether what touches a number is no name: `_#12_`, `#10-#12`."""
    before = text[found.start() - 1]
    if before == "_":
        return is_emphasised(text, found)
    return before in "-." and is_in_range(text, found.start())


def _branches(text: str) -> list[tuple[int, int]]:
    """Where the names of branches stand, in order."""
    if not ("M" in text and "Merge" in text):
        return []
    spans = (match.span(name) for match in _MERGE.finditer(text) for name in match.groupdict())
    return [span for span in spans if span[0] >= 0]


def _lies_in(spans: list[tuple[int, int]], at: int) -> bool:
    index = bisect_right(spans, at, key=lambda span: span[0]) - 1
    return index >= 0 and at < spans[index][1]


def _repository_start(text: str, at: int) -> int | None:
    """Where the `owner/repo` that ends at `at` begins; None where there is none."""
    slash = text.rfind("/", max(0, at - _REPO_MAX - 1), at)
    if slash < 1 or _REPO_NAME.fullmatch(text, slash + 1, at) is None:
        return None
    if text.endswith(_NO_REPOSITORIES, slash + 1, at):
        return None
    owner = _OWNER_REVERSED.match(text[max(0, slash - _OWNER_MAX - 1) : slash][::-1])
    start = slash - owner.end() if owner else None
    return None if start is None or text.endswith(_PACKAGES, max(0, start - 10), start) else start


def _pages(text: str, home: _Home | None) -> Iterator[Mention]:
    """`https://github.com/owner/repo/pull/12`, whatever follows; also without the scheme."""
    for found in _PAGE.finditer(text):
        start = host_start(text, found.start())
        if start is not None and found[1] not in NO_OWNERS:
            repository = f"{found[1]}/{found[2]}"
            yield _mention(start, found.end(), repository, found[3], home=home, origin="url")


def _elsewhere(text: str, home: _Home | None, context: Context) -> Iterator[Mention]:
    """The same on the host of an Enterprise, which counts where a connection is of it, and in the
    texts that are there too.
    """
    own = context.host if context.source_type == "github" else None
    for found in _ELSEWHERE.finditer(text):
        host = found["host"].lower()
        if found[2] not in NO_OWNERS:
            yield _mention(
                found.start(),
                found.end(),
                f"{found[2]}/{found[3]}",
                found[4],
                home=home,
                origin="url",
                prefix=None if host == own else host,
            )


# linking-a-pull-request-to-an-issue: "Resolves #10, resolves octo-org/octo-repo#100".
MENTIONS = Syntax(source="github", find=_find, closes_singly=True, fold=fold)
