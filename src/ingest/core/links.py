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
_MARKDOWN = re.compile(r"\[((?:[^\[\]]{1,300}+|\[[^\[\]]{0,100}+\]){1,20})\]\([ ]?<?")
# What a link points at within its site or page: `../issues/12`, `#12-setup`, `mailto:…`.
_NEAR = re.compile(r"[^\s()<>\[\]]{1,500}")
_LINK_END = re.compile(r">?(?:[ \t]{1,4}(?:\"[^\"\n]{0,200}+\"|'[^'\n]{0,200}+'))?[ ]?\)")
_HTML = re.compile(r"<a\s[^<>]{0,400}?(?=https?://)[^<>]{1,2000}+>((?:[^<]|<(?!/a>)){0,400})</a>")
_NUMBER_AT_END = re.compile(r"[0-9A-Za-z]{1,19}\Z")
_AROUND_LABEL = " \t\n*_~()"
BEFORE_IN_PATH = frozenset("/\\=?&#")
"""What stands right before what goes on a path."""
_LONGEST_PATH = 200
_PATH_BEFORE = re.compile(
    r"(?:(?<![\w/.:])(?:(?:[A-Za-z0-9-]{1,63}\.){1,6}[a-z]{2,24}(?::[0-9]{1,5})?/"
    r"|/[\w.-]{1,64}/|[A-Za-z]:\\)|[a-z0-9+]{1,12}://)"
    r"[^\s<>\"'`()\[\]{},|]*\Z"
)
_CAPITAL_HOST = re.compile(r"[a-z0-9.:-]{0,253}+[A-Z]")
_SCHEME_AND_HOST = re.compile(r"https?://[A-Z0-9.:-]{1,253}", re.IGNORECASE)
_BEFORE_HOST = re.compile(r"(?:(?<![\w.@-])|https?://)(?:www\.)?\Z")


@dataclass(frozen=True, slots=True)
class Link:
    """A labelled link: all of it, its label and its URL, as character positions.

    is_near: what it points at is no URL of its own, but a path within the site, a place of the page
    or an address.
    """

    start: int
    end: int
    label: tuple[int, int]
    url: tuple[int, int]
    is_near: bool = False

    def encloses(self, place: int) -> bool:
        """Whether a place before the link's end, and not in its label, is in its title, or in what
        it points at within its site; a URL of its own tells that itself.
        """
        after = self.url[0 if self.is_near else 1]
        return self.label[1] <= self.url[0] and after <= place


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
        link = self.link_at(url[0])
        return (link.start, link.end) if link and link.url == url else url

    def link_at(self, start: int) -> Link | None:
        """The last link that begins at a place or before it, wherever it ends."""
        index = bisect_right(self.labelled, start, key=lambda link: link.start) - 1
        return self.labelled[index] if index >= 0 else None

    def in_url(self, start: int) -> bool:
        """Whether a place stands inside a URL."""
        return self._url_at(start) is not None

    def own(self, link: Link, start: int, end: int, *, is_page: bool) -> bool:
        """Whether the key from `start` to `end`, in the label of a link, is but what the link calls
        its URL: it is the whole label, or in the description of a picture, or the URL has its
        number too. is_page: the URL is one of the key's source, and the whole label says the same.
        """
        if self._describes(link, start):
            return True
        if not is_page and self._label(link) == self.text[start:end]:
            return True
        number = _NUMBER_AT_END.search(self.text, start, end)
        return number is not None and _names(self.text, number[0], link.url)

    def leads_to(self, link: Link, start: int, end: int) -> bool:
        """Whether a path within the site ends in the number from `start` to `end`: `../issues/12`
        says the same as `#12`, and `#12-setup` does not.
        """
        if not link.is_near:
            return False
        path = self.text[slice(*link.url)].rstrip("/").rpartition("/")
        number = _NUMBER_AT_END.search(self.text, start, end)
        said = (self.text[start:end], number[0] if number else None)
        return bool(path[1]) and path[2] in said

    def leading(self, start: int, end: int) -> tuple[int, int]:
        """The span of the link whose whole label is the key from `start` to `end`, where it leads
        to that; else that of the key.
        """
        link = self.link_at(start) if self.labelled else None
        if link is None or link.label != (start, end) or not self.leads_to(link, start, end):
            return start, end
        return link.start, link.end

    def _describes(self, link: Link, start: int) -> bool:
        """Whether a place is in the words of a picture, the link's own or one in its label."""
        said = self.text[max(0, link.start - 1) : start]
        return said.startswith("![") or "![" in said.rpartition("]")[2]

    def _label(self, link: Link) -> str:
        return self.text[slice(*link.label)].strip(_AROUND_LABEL)

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


def with_small_hosts(text: str) -> str:
    """The text with schemes and hosts in small letters, as long as it was: in any they are the same
    (RFC 3986, 6.2.2.1). One without capitals in them is returned itself.
    """
    at = text.find("://") if "/" in text else -1
    while at >= 0:
        if not text[max(0, at - 5) : at].islower() or _CAPITAL_HOST.match(text, at + 3):
            return _SCHEME_AND_HOST.sub(lambda url: url[0].lower(), text)
        at = text.find("://", at + 3)
    return text


def in_path(text: str, start: int) -> bool:
    """Whether a key at `start`, behind a mark of `BEFORE_IN_PATH`, stands in a path that is no
    branch's name: in a URL without a scheme (`example.com/ENG-12`) or with another one (`s3://…`),
    or in a file's from its root.
    """
    return _PATH_BEFORE.search(text, max(0, start - _LONGEST_PATH), start) is not None


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
        if "](" not in text:
            return Links(text)
        return Links(text, labelled=tuple(_markdown(text, {})))
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
    """CommonMark 0.31, 6.3: `[label](https://…)`, `[label](#place)`."""
    found: list[Link] = []
    for match in _MARKDOWN.finditer(text):
        begin = match.end()
        end = ends.get(begin)
        near = _NEAR.match(text, begin) if end is None else None
        if near is not None:
            end = near.end()
        if end is None:
            continue
        closed = _LINK_END.match(text, end)
        if closed is not None or near is None:
            after = closed.end() if closed else end
            span = (begin, end)
            found.append(Link(match.start(), after, match.span(1), span, near is not None))
    return found


def _html(text: str, urls: tuple[tuple[int, int], ...]) -> list[Link]:
    """`<a href="https://…">label</a>`, which machines write into Markdown."""
    found: list[Link] = []
    for match in _HTML.finditer(text):
        index = bisect_right(urls, match.start(), key=lambda url: url[0])
        if index < len(urls) and urls[index][0] < match.start(1):
            found.append(Link(match.start(), match.end(), match.span(1), urls[index]))
    return found
