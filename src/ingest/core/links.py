"""Where the URLs and links of a text stand, and what a link's label therefore means.

Law: what a URL says is said by the whole URL, so a bare key inside one names nothing; a label
names what its URL points at, wherever the text defines that. Linear in the length of any text.
Performs no I/O.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from ingest.core.definitions import MAX_USES, Use, definitions, uses

# Possessive quantifiers stand on single characters only: on groups, Python before 3.11.5 matches
# them wrongly. Parentheses belong to a URL where they close again inside it; the marks and
# brackets of Chinese and Japanese never do.
_IN_URL = r"[^\s<>\"'`()\[\]{}\u3000-\u303f\uff00-\uff65]"
_URL = re.compile(rf"https?://{_IN_URL}*+(?:\([^\s<>()]{{0,200}}+\){_IN_URL}*+){{0,20}}")
_LONGEST_READ = 2_048
_AFTER_URL = ".,;:!?*_~|\\"
# `https://a.example,https://b.example` are two.
_JOINT = re.compile(r"[,;|](?=https?://)")
_MARKDOWN = re.compile(r"\[((?:[^\[\]]{1,300}+|\[[^\[\]]{0,100}+\]){1,20})\]\([ ]?<?(?=https?://)")
_LINK_END = re.compile(r">?(?:[ \t]{1,4}(?:\"[^\"\n]{0,200}+\"|'[^'\n]{0,200}+'))?[ ]?\)")
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

    Positions are characters of `text`. `used` are the places that a defined label stands at, by
    where its URL begins.
    """

    text: str
    urls: tuple[tuple[int, int], ...] = ()
    labelled: tuple[Link, ...] = ()
    used: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def whole(self, start: int, end: int) -> tuple[int, int] | None:
        """The span of the link or URL that begins at a place; the place itself where none is.

        None within the URL of something else (`https://archive.example/?of=https://…`).
        """
        url = self._url_at(start)
        if url is None:
            return start, end
        if url[0] != start:
            return None
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
        return _names(self.text, number, link.url)

    def _link_at(self, start: int) -> Link | None:
        index = bisect_right(self.labelled, start, key=lambda link: link.start) - 1
        return self.labelled[index] if index >= 0 else None

    def _url_at(self, start: int) -> tuple[int, int] | None:
        index = bisect_right(self.urls, start, key=lambda url: url[0]) - 1
        return self.urls[index] if index >= 0 and start < self.urls[index][1] else None


def _names(text: str, number: str, url: tuple[int, int]) -> bool:
    """Whether a number stands in a URL by itself (`1` does not in `/pull/12`); the empty one does
    in any.
    """
    start, end = url[0], min(url[1], url[0] + _LONGEST_READ)
    at = text.find(number, start, end)
    while at >= 0 and number:
        after = at + len(number)
        if not (text[at - 1].isalnum() or text[after : after + 1].isalnum()):
            return True
        at = text.find(number, after, end)
    return at >= 0


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
    urls = tuple(_urls(text))
    ends = dict(urls)
    labelled = _markdown(text, ends) if "](" in text else []
    if "</a>" in text:
        labelled += _html(text, urls)
    used: dict[int, tuple[tuple[int, int], ...]] = {}
    if defined := definitions(text, ends):
        labelled += [Link(one.start, one.url[1], one.label, one.url) for one in defined.values()]
        found = list(islice(uses(text, defined), MAX_USES))
        labelled += [Link(use.start, use.end, use.words, use.url) for use in found]
        used = _by_url(found)
    return Links(text, urls, tuple(sorted(labelled, key=lambda link: link.start)), used)


def _urls(text: str) -> Iterator[tuple[int, int]]:
    for found in _URL.finditer(text):
        start = found.start()
        said = found[0]
        for one in _JOINT.split(said) if said.count("://") > 1 else (said,):
            yield start, start + len(one.rstrip(_AFTER_URL))
            start += len(one) + 1


def _by_url(found: list[Use]) -> dict[int, tuple[tuple[int, int], ...]]:
    spans: dict[int, list[tuple[int, int]]] = {}
    for use in found:
        spans.setdefault(use.url[0], []).append((use.start, use.end))
    return {url: tuple(places) for url, places in spans.items()}


def _markdown(text: str, ends: dict[int, int]) -> list[Link]:
    """CommonMark 0.31, 6.3: `[label](https://…)`."""
    found: list[Link] = []
    for match in _MARKDOWN.finditer(text):
        end = ends.get(match.end())
        if end is not None:
            closed = _LINK_END.match(text, end)
            after = closed.end() if closed else end
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
