"""Where the URLs and links of a text stand, and what a link's label therefore means.

Law: what a URL says is said by the whole URL, so a bare key inside one names nothing; a label
names what its URL points at. Linear in the length of any text. Performs no I/O.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

# Possessive quantifiers stand on single characters only: on groups, Python before 3.11.5 matches
# them wrongly. Parentheses belong to a URL where they close again inside it.
_URL = re.compile(
    r"https?://[^\s<>\"'`()\[\]{}]*+(?:\([^\s<>()]{0,200}+\)[^\s<>\"'`()\[\]{}]*+){0,20}"
)
_AFTER_URL = ".,;:!?*_~\\"
_MARKDOWN = re.compile(
    r"\[((?:[^\[\]\n]{1,300}+|\[[^\[\]\n]{0,100}+\]){1,20})\]\([ ]?<?(?=https?://)"
)
_HTML = re.compile(r"<a\s[^<>]{0,400}?(?=https?://)[^<>]{1,2000}+>((?:[^<]|<(?!/a>)){0,400})</a>")
_BEFORE_HOST = re.compile(r"(?:(?<![\w.@-])|https?://)(?:www\.)?\Z")


@dataclass(frozen=True, slots=True)
class Link:
    """A labelled link: all of it, its label and its URL, as character positions."""

    start: int
    end: int
    label: tuple[int, int]
    url: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Links:
    """The URLs (`start` to `end`) and the labelled links of one text, each in order.

    Positions are characters of `text`.
    """

    text: str
    urls: tuple[tuple[int, int], ...] = ()
    labelled: tuple[Link, ...] = ()

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """The span of the link or URL that a place lies in; the place itself where none is."""
        url = self._url_at(start)
        if url is None:
            return start, end
        link = self._link_at(url[0])
        return (link.start, link.end) if link and link.url == url else url

    def own(self, start: int, number: str) -> bool:
        """Whether a bare key at `start` belongs to a URL: it stands inside one, or in the label of
        a link whose URL has its number too.
        """
        if self._url_at(start) is not None:
            return True
        link = self._link_at(start)
        if link is None or not link.label[0] <= start < link.label[1]:
            return False
        return self.text.find(number, *link.url) >= 0

    def _link_at(self, start: int) -> Link | None:
        index = bisect_right(self.labelled, start, key=lambda link: link.start) - 1
        return self.labelled[index] if index >= 0 else None

    def _url_at(self, start: int) -> tuple[int, int] | None:
        index = bisect_right(self.urls, start, key=lambda url: url[0]) - 1
        return self.urls[index] if index >= 0 and start < self.urls[index][1] else None


def host_start(text: str, at: int) -> int | None:
    """Where the URL begins whose host's name is at `at`; None where that is but an end of a name
    (`other-example.com`, `x.example.com`). Scheme and `www.` may be absent.
    """
    found = _BEFORE_HOST.search(text, max(0, at - 12), at)
    return found.start() if found else None


def links(text: str) -> Links:
    """The URLs and links of a text: bare ones, Markdown's and HTML's.

    Takes time linear in the length of the text, whatever is in it.
    """
    if "://" not in text:
        return Links(text)
    urls = tuple(
        (found.start(), found.start() + len(found[0].rstrip(_AFTER_URL)))
        for found in _URL.finditer(text)
    )
    labelled = _markdown(text, dict(urls)) if "](" in text else []
    if "</a>" in text:
        labelled += _html(text, urls)
    return Links(text, urls, tuple(sorted(labelled, key=lambda link: link.start)))


def _markdown(text: str, ends: dict[int, int]) -> list[Link]:
    """CommonMark 0.31, 6.3: `[label](https://…)`."""
    found: list[Link] = []
    for match in _MARKDOWN.finditer(text):
        end = ends.get(match.end())
        if end is not None:
            after = end + (text[end : end + 1] == ")")
            found.append(Link(match.start(), after, match.span(1), (match.end(), end)))
    return found


def _html(text: str, urls: tuple[tuple[int, int], ...]) -> list[Link]:
    """`<a href="https://…">label</a>`, which machines write into Markdown."""
    found: list[Link] = []
    for match in _HTML.finditer(text):
        index = bisect_right(urls, match.start(), key=lambda url: url[0])
        if index < len(urls) and urls[index][0] < match.start(1):
            found.append(Link(match.start(), match.end(), match.span(1), urls[index]))
    return found
