"""Zendesk's HTML (articles, and comments without a plain text) as Markdown.

Law: any text gives some Markdown, in time linear in its length. The converter goes down into each
element by recursion and looks at runs of blanks again and again, so what it gets is rebuilt first:
only elements that Markdown knows, a bounded number inside one another, every one closed, without
scripts, comments and long runs; and what stands between them is escaped, where Markdown would read
a mark in it (`escaping`). Performs no I/O.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import urljoin, urlsplit

from markdownify import MarkdownConverter

from ingest.core.bounds import MAX_BODY_CHARS, cut_text
from ingest.sources.zendesk import escaping
from ingest.sources.zendesk.spans import Spans

DEEPEST = 32
"""Elements inside one another; what is deeper keeps its text and loses its form."""
MOST_SHIFTS = 8
"""Quotations and items inside one another: each shifts every line within it to the right."""
MOST_ITEMS = 500
"""Of one numbered list, which then goes on as another: the converter counts those before each."""
MOST_GROUPS = 20
"""Heads and bodies of one table, and rows of one head: the converter looks through all of the table
for each.
"""
MOST_ELEMENTS = 50_000
"""What follows keeps its text and loses its form: the converter takes a KiB for each element."""

_TOKEN = re.compile(
    r"<!--(?:.*?-->|.*)|<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]{0,30}+)(?P<rest>[\s/][^<>]*+)?>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"([a-z]{1,12})\s{0,8}=\s{0,8}(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))", re.IGNORECASE
)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_LONG_RUN = re.compile(r"(\s{200})\s+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_EMPTY_START = re.compile(r"\A[ \n]*\n")

_KEPT_LIST = """
    a article b blockquote br caption code dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr i img
    li ol p pre s section table tbody td tfoot th thead tr ul
"""
_KEPT = frozenset(_KEPT_LIST.split())
_SHIFTING = ("blockquote", "dd", "li")
_GROUPS = frozenset({"thead", "tbody", "tfoot"})
_CELLS = ("td", "th")
_OF_TABLES = frozenset({*_GROUPS, *_CELLS, "caption", "table", "tr"})
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_MARKED = frozenset({"b", "code", "i", "s"})
_INLINE = frozenset({"a", *_MARKED})
_ON_A_LINE = _INLINE | _HEADINGS
_CODE = ("code", "pre")
_VOID = frozenset({"br", "hr", "img"})
_BLOCK_LIST = """
    address aside center details fieldset footer form header hgroup main menu nav summary
"""
_AS = {
    **dict.fromkeys(_BLOCK_LIST.split(), "div"),
    **dict.fromkeys(("kbd", "samp"), "code"),
    "strong": "b",
    "em": "i",
    "del": "s",
}
"""What is another element in Markdown: of one form, or standing apart and no more."""
_DROPPED_LIST = "script style iframe noscript template svg head object textarea"
_AFTER = {name: re.compile(rf"</{name}[^<>]*+>", re.IGNORECASE) for name in _DROPPED_LIST.split()}
# html.spec.whatwg.org, 13.1.2.4, optional tags: what an element ends, and where that stops.
_ENDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol"})),
    "p": (frozenset({"p"}), frozenset({"li", "td", "th", "blockquote", "div", "dd"})),
    "td": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "th": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "tr": (frozenset({"tr"}), frozenset({"table"})),
}
_ATTRIBUTES = {"a": ("href",), "img": ("src", "alt"), "td": ("colspan",), "th": ("colspan",)}
_URLS = frozenset({"href", "src"})
_SPAN = re.compile(r"[1-9][0-9]?")
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
# A signed link to a file works for minutes, and is another one at each look.
_EXPIRING = re.compile(r"(?:^|&)(?:Expires|Signature|X-Amz-[A-Za-z-]{1,30}|sig|token)=")


def markdown(html: str, base: str) -> str:
    """The text as Markdown, cut where it is too long; relative links are made absolute against
    `base`.
    """
    rebuilt = _Rebuilt(base)
    rebuilt.read(cut_text(html, MAX_BODY_CHARS))
    said: str = _CONVERTER.convert(f"<div>{''.join(rebuilt.out)}</div>")
    return _EMPTY_LINES.sub("\n\n", said).strip()


def links(html: str, base: str) -> tuple[str, ...]:
    """The URLs that the text links to, sorted."""
    found = {
        url
        for token in _TOKEN.finditer(html)
        if (token["name"] or "").lower() == "a" and not token["end"]
        for name, value in _attributes(token["rest"] or "")
        if name == "href" and (url := _absolute(value, base))
    }
    return tuple(sorted(found))


def _preformatted(_element: object, text: str, **_parents: object) -> str:
    code = _EMPTY_START.sub("", text).rstrip(" \n")
    return f"\n\n{escaping.fenced(code)}\n\n" if code else ""


_CONVERTER = MarkdownConverter(
    heading_style="ATX", bullets="-", escape_asterisks=False, escape_underscores=False
)
_CONVERTER.convert_pre = _preformatted  # type: ignore[attr-defined]  # asked for by its name


@dataclass(slots=True)
class _Rebuilt:
    """The HTML that the converter gets, while it is made.

    fresh: nothing stands on the line yet. spans: of the table that is open. nested: tables within a
        cell, which Markdown has no form for: what they hold is read as the cell's own text.
    """

    base: str
    out: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)
    items: Counter[int] = field(default_factory=Counter)
    elements: int = 0
    fresh: bool = True
    spans: Spans = field(default_factory=Spans)
    nested: int = 0

    def read(self, html: str) -> None:
        """All of a text, from its first element to its last, and what it left open."""
        at = 0
        while (token := _TOKEN.search(html, at)) is not None:
            self._text(html[at : token.start()])
            at = token.end()
            name = (token["name"] or "").lower()
            name = _AS.get(name, name)
            if name in _AFTER and not token["end"]:
                after = _AFTER[name].search(html, at)
                at = after.end() if after else len(html)
            elif name in _KEPT and token["end"]:
                self._close(name)
            elif name in _KEPT:
                self._open(name, token["rest"] or "")
        self._text(html[at:])
        while self.stack:
            self._pop()

    def _text(self, said: str) -> None:
        if not said:
            return
        words = unescape(said)
        in_pre = self.opened["pre"] > 0
        even = _LONG_RUN.sub(r"\1", words) if in_pre else _BLANKS.sub(" ", words)
        self.out.append(escape(self._escaped(even), quote=False))
        if not even.isspace():
            self.fresh = False

    def _escaped(self, words: str) -> str:
        """As Markdown has it where they stand."""
        in_cell = self._within(_CELLS)
        if not self._within(_CODE):
            begins = self.fresh and not (in_cell or self._within(_ON_A_LINE))
            plain = escaping.line if begins else escaping.text
            words = escaping.label(words) if self.opened["a"] else plain(words)
        return escaping.cell(words) if in_cell else words

    def _within(self, names: Iterable[str]) -> bool:
        return any(self.opened[name] for name in names)

    def _apart(self) -> None:
        """What has no form of its own stands apart all the same."""
        if self.out[-1:] != [" "]:
            self.out.append(" ")

    def _open(self, name: str, rest: str) -> None:
        if self._is_nested(name):
            self.nested += name == "table"
            self._apart()
            return
        self._end_what_it_ends(name)
        if name == "tr" and self._is_full("thead"):
            self._close("thead")
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            self._apart()
        elif name in _VOID:
            in_code = name == "br" and self.opened["pre"]
            self.out.append("\n" if in_code else f"<{name}{self._kept(name, rest)}>")
            self.fresh = name != "img"
        elif len(self.stack) < DEEPEST and self._has_room(name):
            self._push(name, rest)

    def _push(self, name: str, rest: str) -> None:
        before = self.items[len(self.stack)]
        if name == "li" and before and before % MOST_ITEMS == 0 and self.stack[-1:] == ["ol"]:
            self.out.append(f'</ol><ol start="{before + 1}">')
        self._place(name, rest)
        if name == "a" and self.out:
            self.out[-1] = escaping.before_link(self.out[-1])
        self.items[len(self.stack)] += 1
        if name in _MARKED and self.out[-1:] == [f"</{name}>"]:
            self.out.pop()  # side by side their marks would be read as others
        else:
            self.out.append(f"<{name}{self._kept(name, rest)}>")
        self.stack.append(name)
        self.opened[name] += 1
        self.items[len(self.stack)] = 0
        self.fresh = self.fresh or name not in _INLINE

    def _place(self, name: str, rest: str) -> None:
        """Where a cell, a row or a table begins: under its own head."""
        if name == "table":
            self.spans.begin_table()
        elif name == "tr":
            self.spans.begin_row()
        elif name in _CELLS:
            self._fill()
            told = dict(_attributes(rest))
            columns, rows = (told.get(span, "1") for span in ("colspan", "rowspan"))
            self.spans.begin_cell(_span(columns), _span(rows))

    def _fill(self) -> None:
        """Empty cells in the place of those that reach down from above."""
        while self.elements < MOST_ELEMENTS and self.spans.is_taken():
            self.elements += 1
            self.out.append("<td></td>")

    def _is_nested(self, name: str) -> bool:
        """Whether it is of a table that stands in a cell of another one."""
        inner = self.nested > 0 or (name == "table" and self._within(_CELLS))
        return inner and name in _OF_TABLES

    def _has_room(self, name: str) -> bool:
        """Whether it may have its form here; what has not keeps its text."""
        if name in _GROUPS:
            return self.stack[-1:] == ["table"] and not self._is_full("table")
        shifts = sum(self.opened[shifting] for shifting in _SHIFTING)
        return name not in _SHIFTING or shifts < MOST_SHIFTS

    def _is_full(self, name: str) -> bool:
        """Whether the element that is open is this one, and has as many as it may have."""
        return self.stack[-1:] == [name] and self.items[len(self.stack)] >= MOST_GROUPS

    def _end_what_it_ends(self, name: str) -> None:
        ended, until = _ENDS.get(name, (frozenset(), frozenset()))
        for open_ in reversed(self.stack if ended else ()):
            if open_ in until:
                return
            if open_ in ended:
                self._close(open_)
                return

    def _close(self, name: str) -> None:
        if self.nested and name in _OF_TABLES:
            self.nested -= name == "table"
            self._apart()
        elif self.opened[name]:
            while self._pop() != name:
                pass

    def _pop(self) -> str:
        name = self.stack.pop()
        self.opened[name] -= 1
        if name == "tr":
            self._fill()
        if name in _HEADINGS:
            self._end_heading()
        self.out.append(f"</{name}>")
        self.fresh = self.fresh or name not in _INLINE
        if not self._within(_CELLS):
            self.nested = 0
        return name

    def _end_heading(self) -> None:
        last = len(self.out) - 1
        while self.out[last] == "<br>":
            last -= 1
        if not self.out[last].startswith("<"):
            self.out[last] = escaping.heading_end(self.out[last])

    def _kept(self, name: str, rest: str) -> str:
        wanted = _ATTRIBUTES.get(name, ())
        told = dict(_attributes(rest)) if wanted else {}
        kept = {key: told[key] for key in wanted if key in told}
        for key in _URLS & kept.keys():
            kept[key] = escaping.url(_absolute(kept[key], self.base))
        if "alt" in kept:
            words = escaping.label(_BLANKS.sub(" ", kept["alt"]))
            kept["alt"] = escaping.cell(words) if self._within(_CELLS) else words
        if not _SPAN.fullmatch(kept.get("colspan", "1")):
            del kept["colspan"]
        return "".join(f' {key}="{escape(value)}"' for key, value in kept.items() if value)


def _span(told: str) -> int:
    return int(told) if _SPAN.fullmatch(told) else 1


def _attributes(rest: str) -> Iterator[tuple[str, str]]:
    for name, double, single, bare in _ATTRIBUTE.findall(rest):
        yield name.lower(), unescape(double or single or bare).strip()


def _absolute(url: str, base: str) -> str:
    """The whole URL without what expires; empty where it is none that can be followed."""
    try:
        whole = urljoin(base, url)
        parts = urlsplit(whole)
    except ValueError:
        return ""
    if parts.scheme not in _SCHEMES:
        return ""
    if "attachments/" in parts.path or _EXPIRING.search(parts.query):
        return parts._replace(query="").geturl()
    return whole
