"""HTML's tags in a Markdown text: what of them is no prose, and what they strike out.

Law: of a tag only the URLs that its attributes begin with are read; what it encloses is prose.
Linear in the length of any text. Performs no I/O.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

# A tag with attributes. `a <b and c> d` is none, nor is an address in angle brackets.
_TAG = re.compile(r"<[A-Za-z][A-Za-z0-9:-]{0,30}(?=[ \t\r\n/])([^<>]{1,2000})>")
_ATTRIBUTE = re.compile(r"[A-Za-z_:@][A-Za-z0-9_:.-]{0,60}+=[\w\"'{#]")
_URL = re.compile(r"(?<==)[\"']?(https?://[^\s\"'<>]{1,2000})")
# What only says how words look parts no keyword from what it speaks of.
_LOOKS = re.compile(
    r"</?(?:b|big|br|em|font|i|ins|mark|p|small|span|strong|sub|sup|u)[ ]?/?>", re.IGNORECASE
)
_STRUCK = re.compile(r"~~(?![\s~])[^~\n]{1,500}~~|<(del|s|strike)>[^<>]{1,500}</\1>", re.IGNORECASE)
_STRIKING = ("</del>", "</s>", "</strike>")


def without_tags(text: str) -> str:
    """The text with attributes, and the tags that say but how words look, as spaces.

    `<img alt="#1">` names nothing, `<a href="https://…">` what its URL does. The length and the
    line breaks stay.
    """
    if "=" in text:
        text = blanked(text, [*_attributes(text)])
    return _LOOKS.sub(lambda tag: " " * len(tag[0]), text)


def _attributes(text: str) -> Iterator[tuple[int, int]]:
    """Where attributes stand, but for the URLs in them."""
    for tag in _TAG.finditer(text):
        if _ATTRIBUTE.search(text, *tag.span(1)) is None:
            continue
        start, end = tag.span(1)
        for url in _URL.finditer(text, start, end):
            yield start, url.start(1)
            start = url.end(1)
        yield start, end


def struck(text: str) -> list[tuple[int, int]]:
    """Where words are struck out (`~~…~~`, `<del>…</del>`), in order: they are no longer said."""
    if "~~" in text or (
        "</" in text and any(f"</{name}>" in text for name in ("del", "s", "strike"))
    ):
        return [found.span() for found in _STRUCK.finditer(text)]
    return []


def lie_in(spans: Sequence[tuple[int, int]], *places: int) -> bool:
    """Whether one of the places lies in one of the spans, which are in order and apart."""
    for place in places:
        index = bisect_right(spans, place, key=lambda span: span[0]) - 1
        if index >= 0 and place < spans[index][1]:
            return True
    return False


def blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with the spans, which are in order and apart, as spaces."""
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    for start, end in spans:
        parts.append(text[done:start])
        parts.append(spaces(text[start:end]))
        done = end
    parts.append(text[done:])
    return "".join(parts)


def spaces(hidden: str) -> str:
    """As long, with its line breaks."""
    if "\n" not in hidden:
        return " " * len(hidden)
    return "\n".join(" " * len(line) for line in hidden.split("\n"))
