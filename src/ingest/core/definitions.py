"""Reference-style links: where a text defines the URL of a label, and where it uses the label.

CommonMark 0.31, 4.7 and 6.3 (`[words][label]`, `[label][]`, `[label]`); GitHub's footnotes
(`[^1]`); and the numbered list below a commit's message or an e-mail (`[1] https://…`).
Linear in the length of any text. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Without a colon only a number is a label: `[WIP] https://…` defines nothing.
_DEFINED = re.compile(
    r"^[ ]{0,3}\[([^\[\]]{1,200}+)\]"
    r"(?::[ \t]{0,9}(?:\r?\n[ \t]{0,9})?|(?<=[0-9]\])[ \t]{1,4})<?(?=https?://)",
    re.MULTILINE,
)
_DEFINING = re.compile(r":|[ \t]{1,4}<?https?://")
_NUMBER = re.compile(r"\^?[0-9]{1,3}")
_USED = re.compile(
    r"\[((?:[^\[\]]{1,300}+|\[[^\[\]]{0,100}+\]){1,20})\](?:\[([^\[\]]{0,200}+)\])?(?!\()"
)


MAX_USES = 50_000
"""Of labels, in one text: as many as a source's mentions there."""


@dataclass(frozen=True, slots=True)
class Definition:
    """`[label]: https://…`: all of it, its label and its URL, as character positions."""

    start: int
    label: tuple[int, int]
    url: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Use:
    """`[words][label]`: all of it, its words, and the URL that the label is defined as."""

    start: int
    end: int
    words: tuple[int, int]
    url: tuple[int, int]


def definitions(text: str, ends: Mapping[int, int]) -> dict[str, Definition]:
    """The definitions by their label, of two of one label the first; `ends` are those of URLs."""
    found: dict[str, Definition] = {}
    if "]:" in text or "] http" in text:
        for match in _DEFINED.finditer(text):
            end = ends.get(match.end())
            plain = text[match.end(1) + 1] == ":" or _NUMBER.fullmatch(match[1])
            if end is not None and plain:
                definition = Definition(match.start(1) - 1, match.span(1), (match.end(), end))
                found.setdefault(_same(match[1]), definition)
    return found


def uses(text: str, defined: Mapping[str, Definition]) -> Iterator[Use]:
    """Where the labels are used, in the order of the text; a definition is no use of itself."""
    at = 0
    while match := _USED.search(text, at):
        definition = defined.get(_same(match[2] or match[1]))
        if definition is None and "[" in match[1]:
            at = match.start() + 1
            continue
        at = match.end()
        if definition is not None and not _begins_definition(text, match):
            yield Use(*match.span(), match.span(1), definition.url)


def _begins_definition(text: str, label: re.Match[str]) -> bool:
    """Whether a label begins its line and is defined there, be it for the first time or again."""
    start, end = label.span()
    before = text[max(0, start - 4) : start].rpartition("\n")
    begins_line = not before[2].strip(" ") and (before[1] or start <= len(before[2]))
    return bool(begins_line) and _DEFINING.match(text, end) is not None


def _same(label: str) -> str:
    """Labels are the same in any case, and with any white space."""
    return " ".join(label.casefold().split())
