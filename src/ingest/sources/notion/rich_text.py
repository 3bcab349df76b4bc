"""Notion's rich text as Markdown, and the things that it mentions.

Law: a pure function of the text's items; how Notion cuts one run into several does not matter.
URLs that expire lose their query, and those of Notion's pages have one spelling, or the same page
would read differently on each look-up.
Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.notion.ids import dashed, lasting, page_url
from ingest.sources.wire import at, mapping, text

_NOTION = "https://www.notion.so"
# AWS, "Authenticating requests: query parameters", and what Notion's own file hosts send.
_EXPIRING = re.compile(r"(?:^|&)(?:X-Amz-[A-Za-z]|expirationTimestamp=|Expires=)")
_UNSAFE = {" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "\n": "%0A", "\\": "%5C"}
_UNSAFE_IN_URL = str.maketrans(_UNSAFE)
_IN_LABEL = re.compile(r"([\[\]\\])")
_BACKTICKS = re.compile(r"`+")
_FENCE_START = re.compile(r"^([ \t]*)(?=```|~~~)", re.MULTILINE)


class _Run(NamedTuple):
    """How a piece of text is shown: the marks around it, and what it links to."""

    marks: tuple[str, ...]
    code: bool
    url: str | None


# `underline` and `color` have no Markdown.
_MARKS = (("bold", "**"), ("italic", "*"), ("strikethrough", "~~"))


def markdown(items: JSON) -> str:
    """The text as Markdown."""
    runs = [(_run(item), _content(item)) for item in _items(items)]
    shown = (
        _shown(run, "".join(content for _, content in several))
        for run, several in groupby(runs, key=lambda pair: pair[0])
    )
    return _FENCE_START.sub(r"\1\\", "".join(shown))


def plain(items: JSON) -> str:
    """The text as Notion itself shows it without marks."""
    return "".join(_plain(item) for item in _items(items))


def mentioned(items: JSON) -> Iterator[tuple[str, str]]:
    """The ids of the pages and databases that the text mentions, each with the mention's kind."""
    for item in _items(items):
        for kind in ("page", "database"):
            if at(item, "mention", "type") == kind:
                id_ = dashed(at(item, "mention", kind, "id"))
                if id_ is not None:
                    yield id_, f"{kind} mention"


def linked(items: JSON) -> Iterator[str]:
    """The URLs that the text links to."""
    for item in _items(items):
        url = _run(item).url
        if url is not None:
            yield url


def link(label: str, url: str) -> str:
    """`[label](url)`, or `<url>` where there is nothing to say of it."""
    label = label.strip().replace("\n", " ")
    if label in ("", url) or (label.startswith("http") and safe_url(label) == url):
        return f"<{url}>"
    escaped = _IN_LABEL.sub(r"\\\1", label)
    return f"[{escaped}]({url})"


def safe_url(told: JSON, *, expires: bool = False) -> str | None:
    """A URL that Markdown can hold and that lasts; without its query where that expires."""
    url = text(told)
    if url is None:
        return None
    url = url.strip().translate(_UNSAFE_IN_URL)
    if url.startswith("/"):  # links within a workspace are told without the host
        url = _NOTION + url
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no address
        return None
    if parts.scheme not in ("http", "https", "mailto", "tel"):
        return None
    if expires or _EXPIRING.search(parts.query):
        return urlunsplit(parts._replace(query="", fragment=""))
    return lasting(url)


def date(told: JSON) -> str | None:
    """`2026-03-02`, or `2026-03-02 → 2026-03-04`."""
    start, end = text(told, "start"), text(told, "end")
    return f"{start} → {end}" if start and end else start


def _items(items: JSON) -> Sequence[Payload]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _plain(item: Payload) -> str:
    content = at(item, "text", "content") or at(item, "equation", "expression")
    return text(item, "plain_text") or text(content) or ""


def _run(item: Payload) -> _Run:
    if item.get("type") == "mention":
        return _Run(_marks(item), code=False, url=_mention_url(mapping(item, "mention")))
    url = safe_url(item.get("href")) or safe_url(at(item, "text", "link", "url"))
    code = at(item, "annotations", "code") is True and item.get("type") != "equation"
    return _Run(_marks(item), code=code, url=url)


def _marks(item: Payload) -> tuple[str, ...]:
    annotations = mapping(item, "annotations")
    return tuple(mark for name, mark in _MARKS if annotations.get(name) is True)


def _content(item: Payload) -> str:
    type_ = item.get("type")
    if type_ == "equation":
        return f"${text(at(item, 'equation', 'expression')) or _plain(item)}$"
    if type_ == "mention":
        mention = mapping(item, "mention")
        show = _MENTIONS.get(str(mention.get("type")))
        return (show(mention) if show else None) or _plain(item)
    return _plain(item)


def _user(mention: Payload) -> str | None:
    name = text(mention, "user", "name")
    return f"@{name}" if name else None


def _emoji(mention: Payload) -> str | None:
    name = text(mention, "custom_emoji", "name")
    return f":{name}:" if name else None


def _title(mention: Payload) -> str | None:
    return text(mention, "link_mention", "title")


# `RichTextItemResponse` of @notionhq/client: what a mention is shown as; else as Notion shows it.
_MENTIONS: Mapping[str, Callable[[Payload], str | None]] = {
    "user": _user,
    "date": lambda mention: date(mention.get("date")),
    "custom_emoji": _emoji,
    "link_mention": _title,
}


def _mention_url(mention: Payload) -> str | None:
    type_ = str(mention.get("type"))
    if type_ in ("page", "database"):
        id_ = dashed(at(mention, type_, "id"))
        return page_url(id_) if id_ else None
    return safe_url(at(mention, type_, "href")) or safe_url(at(mention, type_, "url"))


def _shown(run: _Run, content: str) -> str:
    """Marks stand at the words, as Markdown wants it, not at the blanks around them."""
    words = content.strip()
    if not words:
        return content
    before = content[: len(content) - len(content.lstrip())]
    after = content[len(content.rstrip()) :]
    shown = _code(words) if run.code else words
    if run.url is not None:
        shown = f"[{shown}]({run.url})" if run.code else link(words, run.url)
    for mark in reversed(run.marks):
        shown = f"{mark}{shown}{mark}"
    return before + shown + after


def _code(words: str) -> str:
    """CommonMark 0.31, 6.1: a longer run of backticks than any inside."""
    longest = max((len(ticks) for ticks in _BACKTICKS.findall(words)), default=0)
    if not longest:
        return f"`{words}`"
    fence = "`" * (longest + 1)
    return f"{fence} {words} {fence}"
