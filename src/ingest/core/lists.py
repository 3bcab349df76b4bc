"""The lists that share one keyword: things in a row, in lines of their own, in items below it.

Law: a row goes on over commas, "and" and asides; an item takes part that begins with the thing,
whatever the others say. Linear in the length of any text. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.core.keywords import BOX, ITEM, OPENERS, Keyword
from ingest.core.phrases import NOUNS

_AND = r"(?:and|or|plus|as well as)"
_JOINT = re.compile(
    r"(?P<closed>[)\]*_~\"'>\\]{0,6})(?:[ \t]\([^()\n]{1,40}\))?(?:[ \t]{1,12}"
    rf"|\s{{0,4}}(?:[,;&+/\u00b7\u3001\uff0c\u548c]|\b{_AND}\b)\s{{0,4}}"
    rf"(?:(?:{_AND}|&)\s{{1,4}})?(?:(?:also|both)\s{{1,4}})?"
    r"(?:(?P<again>by|for|of|on|to|with)\s{1,4})?(?:the\s)?(?P<noun>[A-Za-z]{2,8} (?:request )?)?)"
    + OPENERS
)
# What a verb follows begins a clause of its own: "fixes #12, #13 is next".
_VERB_LIST = """
    are can comes did does goes had has have is may might needs remains should stays was were will
"""
_VERB = re.compile(rf"[)\]*_~\"'>]{{0,4}}[ \t]{{1,4}}(?:{'|'.join(_VERB_LIST.split())})\b")
_ASIDE = re.compile(r"[\]*_~\"'>]{0,4}[ \t]{0,2}\(")
# A line of its own that is but the thing, below another one.
_NEXT_LINE = re.compile(
    r"[)\]*_~\"'>]{0,4}[.,;]?(?:[ \t]\([^()\n]{1,40}\))?[ \t\r]{0,4}\n[ \t]{0,8}" + OPENERS
)
_LABEL = re.compile(
    rf"\n[ \t]{{0,8}}{ITEM}[ \t]{{1,4}}{BOX}[*_]{{0,2}}"
    r"(?P<words>[A-Za-z]{1,12}(?: [A-Za-z]{1,12})?)[*_]{0,2}:[*_]{0,2}[ \t]{1,4}[*_\[(<]{0,2}\Z"
)
_LABEL_CHARS = 72
_ASIDE_CHARS = 200  # so long an aside in parentheses is looked through
_ITEM_LINE = re.compile(rf"(?P<indent>[ \t]*+){ITEM}[ \t]{{1,4}}{BOX}")
_OPENERS_ONLY = re.compile(OPENERS)
_LINES = 100  # so far up a list is followed


def item_start(text: str, start: int, source: str) -> int | None:
    """Where the item of a list begins that is but a noun, a colon and the mention at `start`
    (`- PR: …`); None where it is no such item. The source's name is a noun too.
    """
    label = _LABEL.search(text, max(0, start - _LABEL_CHARS), start)
    if label is None or not all(
        word in NOUNS or word == source for word in label["words"].lower().split()
    ):
        return None
    return label.start("words")


def is_aside(text: str, end: int, start: int, after: int) -> bool:
    """Whether a mention from `start` to `after` is but what stands in parentheses behind the one
    that ends at `end`: "ENG-4 (#12)".
    """
    return text[after : after + 1] == ")" and _ASIDE.fullmatch(text, end, start) is not None


def joined(text: str, keyword: Keyword, end: int, start: int, after: int) -> bool:
    """Whether only a joint (comma, "and") parts a mention that a keyword speaks of from the next
    one, from `start` to `after`, or they are lines of one list. A keyword in parentheses ends with
    them.
    """
    joint = _JOINT.fullmatch(text, end, start)
    if joint is not None and _goes_on(text, keyword, joint) and not _VERB.match(text, after):
        return ")" not in joint["closed"] or not _in_parentheses(text, keyword.start, end)
    return keyword.listed == "lines" and _NEXT_LINE.fullmatch(text, end, start) is not None


def _goes_on(text: str, keyword: Keyword, joint: re.Match[str]) -> bool:
    """Whether what a joint says further is but a noun ("and issue #13"), or the keyword's own
    preposition again ("depends on #12 and on #13").
    """
    noun, again = joint["noun"], joint["again"]
    if noun is not None and not all(word in NOUNS for word in noun.lower().split()):
        return False
    return again is None or again in text[keyword.start : joint.start()].lower().split()


def _in_parentheses(text: str, begin: int, end: int) -> bool:
    """Whether the parenthesis that closes at `end` opened before the keyword at `begin`."""
    said = text[max(begin, end - _ASIDE_CHARS) : end]
    return end - begin <= _ASIDE_CHARS and said.count("(") <= said.count(")")


class _Line(NamedTuple):
    """A line that says something: where it begins, how far in, where the words of its item begin
    (None where it is none), and whether it leads on to what is below it.
    """

    start: int
    indent: int
    words: int | None
    leads: bool

    def parts(self, depth: int) -> bool:
        """Whether a list of items so far in begins below it."""
        if self.words is None:
            return self.leads or self.indent <= depth
        return self.leads and self.indent < depth


@dataclass(slots=True)
class Items:
    """The lists of items of one text, as far as anybody asked.

    known: where the first item of its list begins, by a line's beginning and an indentation.
    """

    text: str
    known: dict[tuple[int, int], int] = field(default_factory=dict)

    def first(self, start: int) -> int | None:
        """Where the first item begins of the list of which an item begins at `start`: its words,
        behind bullet and box. None where no item begins there.
        """
        line = self.text.rfind("\n", 0, start) + 1
        item = _ITEM_LINE.match(self.text, line, start)
        if item is None or _OPENERS_ONLY.fullmatch(self.text, item.end(), start) is None:
            return None
        return self._upwards(line, item)

    def _upwards(self, line: int, item: re.Match[str]) -> int:
        """From an item over its siblings above, and over those of the item that it belongs to."""
        first, depth = item.end(), len(item["indent"])
        passed = [(line, depth)]
        for above in self._above(line):
            if above.parts(depth):
                break
            if above.words is None or above.indent > depth:
                continue
            first, depth = above.words, above.indent
            if (above.start, depth) in self.known:
                first = self.known[above.start, depth]
                break
            passed.append((above.start, depth))
        self.known |= dict.fromkeys(passed, first)
        return first

    def _above(self, line: int) -> Iterator[_Line]:
        """The lines above one, the nearest first, up to two empty ones in a row."""
        blanks = 0
        for _ in range(_LINES):
            if line == 0 or blanks > 1:
                return
            end, line = line - 1, self.text.rfind("\n", 0, line - 1) + 1
            said = self.text[line:end].rstrip()
            blanks = 0 if said else blanks + 1
            if said:
                item = _ITEM_LINE.match(said)
                indent = len(said) - len(said.lstrip())
                words = line + item.end() if item else None
                yield _Line(line, indent, words, said[-1] in ":\uff1a")
