"""Where a text names things: the places that the sources' syntaxes find, and which of them count.

Which words are a mention is said by each source, for its own things alone. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

from ingest.core.identity import Identity
from ingest.core.links import BEFORE_IN_PATH, Links, in_path
from ingest.core.phrases import EdgeKind

NAME_OF_FILE = (
    r"\.(?:csv|diff|docx?|gif|html?|jpe?g|json|log|mdx?|mov|mp4|patch|pdf|png|svg|txt|webp|xlsx?"
    r"|ya?ml|zip)\b"
)
"""What makes the name of a file of a key that stands before it: `ENG-12.png`."""
MAX_MENTIONS = 50_000
"""Of each source, in one text: a change log of a mebibyte has fewer."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a text stands: its source, and what its bare references are relative to.

    home: `owner/repo`, where the source has such a thing; None: a bare number names nothing.
    host: that of the text's own page (`ghe.example:8443`): its source's pages there are at home.
    scope: what a bare number is within, by its id, whatever that is called; None: not known.
    """

    source_type: str
    home: str | None = None
    host: str | None = None
    scope: str | None = None


class Mention(NamedTuple):
    """A place in a text (`start` to `end`, characters) that names a thing of `source`.

    key: as it is the `source_id` or an alias of the thing's document.
    origin: a URL says it, or the text alone.
    prefix: what `key` begins with, where it counts only for a store that owns that (`ENG`); None
        where it is certain.
    thing: what is meant, where the place says in which scope that is (a bare `#12` in a repository
        of a known id): no name stands in for it, so no rename breaks it. Of kinds that share their
        ids (`Descriptor.one_of`) the first. None: the key is a name, and nothing else is known.
    is_work: it is a thing that is done and closed; what is none (a commit, a file) is not resolved.
    """

    start: int
    end: int
    source: str
    key: str
    origin: Literal["url", "text"]
    prefix: str | None = None
    thing: Identity | None = None
    is_work: bool = True


def as_written(key: str) -> str:
    """The fold of a source whose keys are themselves in their one spelling."""
    return key


@dataclass(frozen=True, slots=True)
class Syntax:
    """How things of one source are mentioned, and what is particular to the words before them.

    find: the mentions of a text, in any order. It has to be cheap where there are none: it is
        asked first with the text as it is, and what counts are its answers for the prose alone.
    keywords: words, in lower case, that mean something before this source's things only, where
        the text stands in a repository (it has a home); None takes the mention back. A phrase of
        several words ends in a noun that `keywords` knows.
    closes_singly: a closing keyword serves only the reference right after it, not a list.
    fold: a key of this source in the spelling in which keys are compared; pure, and of what is
        folded the same again. What the provider tells apart by case stays apart.
    mention_of: of a document's `source_id` the mention by which whoever points at it is shown to.
    """

    source: str
    find: Callable[[str, Context], Iterable[Mention]]
    keywords: Mapping[str, EdgeKind | None] = field(default_factory=dict, hash=False)
    closes_singly: bool = False
    fold: Callable[[str], str] = as_written
    mention_of: Callable[[str], str] = as_written


class Place(NamedTuple):
    """A mention with the whole URL or link that it stands in."""

    start: int
    end: int
    mention: Mention
    syntax: Syntax


def mentions_any(text: str, context: Context, syntaxes: Sequence[Syntax]) -> bool:
    """Whether the syntaxes find anything in a text, code or not; they are asked until one does."""
    return any(True for syntax in syntaxes for _ in syntax.find(text, context))


def find(text: str, context: Context, syntaxes: Sequence[Syntax]) -> list[tuple[Mention, Syntax]]:
    """What the syntaxes find in a text, code or not: of each the first `MAX_MENTIONS`.

    In the order of the syntaxes; `places` says which of them count.
    """
    return [
        (found, syntax)
        for syntax in syntaxes
        for found in islice(syntax.find(text, context), MAX_MENTIONS)
    ]


def places(found: Iterable[tuple[Mention, Syntax]], around: Links) -> list[Place]:
    """The mentions that count, in the order of the text: one at each place that its label is used.

    A key or URL within another URL names nothing, nor a bare key in the label of a link to
    something else, nor within a longer mention that is certain.
    """
    told = sorted(found, key=lambda pair: (pair[0].start, -pair[0].end))
    pages = _pages(told) if around.labelled else ()
    placed: list[Place] = []
    certain_end = 0
    for mention, syntax in told:
        start, end = mention.start, mention.end
        if mention.origin == "url":
            whole = around.whole(start, end)
            if whole is None:
                continue
            used = around.used.get(start, ())
            placed += (Place(*span, mention, syntax) for span in used)
            start, end = whole
        elif start < certain_end or _is_anothers(mention, around, pages):
            continue
        else:
            start, end = around.leading(start, end)
        if mention.prefix is None:
            certain_end = max(certain_end, mention.end)
        placed.append(Place(start, end, mention, syntax))
    if around.used:
        placed.sort(key=lambda place: place.end)
    return placed


def _pages(told: Iterable[tuple[Mention, Syntax]]) -> frozenset[tuple[int, str]]:
    """Where URLs begin that name something, with the source that says so."""
    return frozenset((one.start, one.source) for one, _ in told if one.origin == "url")


def _is_anothers(mention: Mention, around: Links, pages: Collection[tuple[int, str]]) -> bool:
    """Whether a bare key belongs to a URL: it stands in one, or in the label of a link.

    `[#12](…)` is what the link calls its URL, whatever that is; `[ENG-12: title](…)` may speak of
    another thing than its URL, and `[ENG-12](…)` does not, unless that is a page of its source.
    """
    start = mention.start
    if around.urls and around.in_url(start):
        return True
    if around.text[start - 1 : start] in BEFORE_IN_PATH and in_path(around.text, start):
        return True
    link = around.link_at(start) if around.labelled else None
    if link is None or start >= link.end:
        return False
    if not link.label[0] <= start < link.label[1]:
        return link.encloses(start)
    if around.leads_to(link, start, mention.end):
        return False
    is_page = (link.url[0], mention.source) in pages
    return mention.prefix is None or around.own(link, start, mention.end, is_page=is_page)
