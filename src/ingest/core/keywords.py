"""The words that turn a mention into an edge of the graph, and where they have to stand.

Law: a keyword stands right before what it speaks of; between them are at most a colon, a noun
("issue") and marks. Other words in between make no edge, nor does what takes the keyword back
(`denials`). What is particular to one source comes in as a table. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from ingest.core.denials import LOOKED_AT, is_denied
from ingest.core.phrases import (
    ANDS,
    BOTH,
    DETERMINERS,
    KINDS,
    LENGTHS,
    NOUNS,
    ONLY_AT_HOME,
    EdgeKind,
)

_REACHES_CHARS = (96, 1024)  # the second where the first is empty: a comment may have stood there
_WORDS = 8  # so many are looked at: a phrase, nouns after it, what negates it

# A full stop after these ends no sentence.
_SHORT = re.compile(r"(?<![\w.])(?:refs?|cf)\.\Z", re.IGNORECASE)
# "The fix: …" tells where the fix is, and fixes nothing.
_ARTICLES = frozenset({"the", "a", "an", "its", "my", "our", "your"})

_BETWEEN_NOUNS = DETERMINERS | ANDS | BOTH

_LONGEST_WORD = 24
_WORD_REVERSED = re.compile(rf"[\w'\u2019]{{1,{_LONGEST_WORD}}}")
_LONGEST_TOKEN = 40
_WORD_AT_END = re.compile(rf"[\w'\u2019-]{{1,{_LONGEST_TOKEN}}}+\Z")
# White space that a browser or an editor puts in, and the colon of Chinese and Japanese.
_WIDE = "\u00a0\u202f\u3000"
_COLONS = ":\uff1a"
BULLETS = "-*+\u2022\u2023\u25e6\u2013\u2014\u2192\u21d2\u2610\u2611\u2612"
"""What begins the item of a list; an arrow and a dash between two words look the same."""
ITEM = rf"(?:[{BULLETS}]|[-=]>|[0-9]{{1,2}}[.)])"
OPENERS = "[*_~\"'(\\[<\\\\]{0,6}"
BOX = r"(?:\[[ xX]\][ \t]{1,4})?"
_MARKS = f" \t\r\n{_COLONS}*_~\"'([<>=\\{BULLETS}{_WIDE}"
_PICTURES = "\u2600-\u27bf\u2b00-\u2bff\U0001f300-\U0001faff\ufe0f\u200d"
_PICTURES_AT_END = re.compile(rf"[{_PICTURES}{_MARKS[:4]}]{{1,16}}\Z")
_FIRST_PICTURE = "\u2600"
_EMPHASIS = "*_~"
_ITEM_ENDS = ("]", ".", ")")
_PLURAL = "(s)"
_ITEM_AT_END = re.compile(rf"\n[ \t]{{0,8}}{ITEM}[ \t]{{0,4}}(?:\[[ xX]\])?\Z")
_GAP = re.compile(
    rf"(?:\(s\))?\.?[*_~]{{0,3}}(?:[ \t](?=[{_COLONS}]))?(?P<colon>[{_COLONS}]?)[*_~]{{0,3}}"
    rf"(?P<rule>[ \t\r]*+\n(?:-{{3,80}}|={{3,80}}|~{{3,80}})(?=[ \t\r\n]))?"
    rf"(?P<space>[ \t\r{_WIDE}]*+(?P<lines>(?:\n[ \t\r]*+)*))"
    rf"(?P<item>{ITEM}[ \t]{{1,4}}{BOX})?(?P<picture>[{_PICTURES}]{{1,4}}[ \t]?)?{OPENERS}"
)
_SPACE = _GAP.fullmatch(" ")  # what mostly stands there
_UNFINISHED = re.compile(
    r"[)\]*_~\"'>]{0,4}[ \t]{1,4}\n?"
    r"(?:did(?:n['\u2019]t| not)|does(?:n['\u2019]t| not)|failed to|fails to)"
    r"[ \t\n]{1,4}(?:[a-z]{1,12}[ \t\n]{1,4}){0,2}"
    r"(?:fix|close|resolve|solve|address|cover|handle|catch|finish|help)\b",
    re.IGNORECASE,
)
_REVERT = re.compile(r"[\s*-]{0,8}revert(?:s|ed)?(?:: | [\"\u201c])", re.IGNORECASE)
# What a heading or a line may begin with: marks, a number, a picture.
_WORDLESS = re.compile(r"[\W_]*+(?:[0-9]{1,3}[.)][\W_]*+)?\Z")


class Keyword(NamedTuple):
    """A keyword found: what it makes of the mention after it, and where it begins.

    `kind` is None where it says that the mention shall not count. `listed` where a list stands
    below it, which shares it: of items, or of lines that are but things. `elsewhere` is what it
    makes of a mention that does not lie where the text does, where that is something else.
    """

    kind: EdgeKind | None
    start: int
    listed: Literal["items", "lines"] | None = None
    elsewhere: EdgeKind | None = None


def keyword_before(
    text: str, start: int, own: Mapping[str, EdgeKind | None], *, source: str
) -> Keyword | None:
    """The keyword that speaks of the mention at `start`.

    `own` are the words of the mention's source, whose name may stand as a noun does.
    """
    low, head = _head(text, start)
    last = _WORD_REVERSED.match(head[: -_LONGEST_WORD - 1 : -1])
    if last is None or not _may_end(_last_part(last[0][::-1].lower()), own, source):
        return None
    gap = _gap(text[low + len(head) : start])
    if gap is None:
        return None
    words = _last_words(head, source)
    found = _phrase([word for word, _ in words], own, source)
    if found is None:
        return None
    phrase, first = found
    begin = low + words[first][1]
    before = [word for word, _ in words[first + 1 : first + 1 + LOOKED_AT]]
    kind = own[phrase] if phrase in own else KINDS[phrase]
    if _is_noun(phrase, before) or not _reaches(text, begin, gap):
        return None
    if is_denied(text, begin, start, phrase=phrase, kind=kind, before=before):
        return None
    return Keyword(kind, begin, _listed(gap), "relatedTo" if phrase in ONLY_AT_HOME else None)


def _gap(between: str) -> re.Match[str] | None:
    """What parts a keyword from its mention; None where something else does."""
    if between == " ":
        return _SPACE
    gap = _GAP.fullmatch(between)
    return gap if gap is not None and (gap["space"] or gap["colon"]) else None


def _listed(gap: re.Match[str]) -> Literal["items", "lines"] | None:
    if gap["item"]:
        return "items"
    return "lines" if gap["lines"] else None


def unfinished_after(text: str, start: int, end: int) -> Keyword | None:
    """What is said of a mention that did not do its work: whoever says so goes on with it."""
    return Keyword("relatedTo", start) if _UNFINISHED.match(text, end) else None


def is_tag(text: str, start: int, end: int) -> bool:
    """Whether a mention stands alone in parentheses, as squash merges and change logs tag lines."""
    return text[start - 1 : start] == "(" and text[end : end + 1] == ")"


def _may_end(word: str, own: Mapping[str, EdgeKind | None], source: str) -> bool:
    """Whether a keyword, or a noun after one, ends in this word: most mentions are settled here."""
    return word in LENGTHS or word in own or word == source


def _head(text: str, start: int) -> tuple[int, str]:
    """Where a stretch of text begins that ends in the last word before a mention, and it."""
    low, head = start, ""
    for reach in _REACHES_CHARS:
        low = max(0, start - reach)
        head = text[low:start].rstrip(_MARKS)
        if head:
            break
    if head[-1:] >= _FIRST_PICTURE:
        pictures = _PICTURES_AT_END.search(head, max(0, len(head) - 16))
        head = head[: pictures.start()].rstrip(_MARKS) if pictures else head
    if head[-1:] == ")" and head.endswith(_PLURAL):
        head = head[: -len(_PLURAL)]
    if head[-1:] == "." and _SHORT.search(head, max(0, len(head) - 6)):
        head = head[:-1]
    item = _ITEM_AT_END.search(head, max(0, len(head) - 24)) if head[-1:] in _ITEM_ENDS else None
    return low, head[: item.start()].rstrip(_MARKS) if item else head


def _last_words(head: str, source: str) -> list[tuple[str, int]]:
    """The words of the clause that `head` ends in, the last one first, and where each begins: as
    many as a phrase may have that ends in the last one, and what negates it.
    """
    most = _WORDS
    paragraph = max(head.rfind("\n\n"), head.rfind("\n\r\n")) + 1
    words: list[tuple[str, int]] = []
    end = len(head)
    for token in reversed(head[paragraph:].split()[-_WORDS:]):
        if len(words) == most:
            break
        end = head.rfind(token, 0, end)
        if token.isalnum() and len(token) <= _LONGEST_TOKEN:
            words.append((token.lower(), end))
        else:
            word = _WORD_AT_END.search(token.rstrip(_EMPHASIS))
            if word is None:
                break
            words.append((word[0].lower().strip("_"), end + word.start()))
            if word.start() > 0:
                further = _further(token, word.start(), end)
                words += further
                if not further:
                    break
        if len(words) == 1:
            most = _most_words(words[0][0], source)
    return words


def _further(token: str, start: int, at: int) -> list[tuple[str, int]]:
    """The word that a slash parts from the one at `start`, which ends a token at `at`:
    "Issues/PRs", "issue(s)/PR".
    """
    before = token[: start - 1].removesuffix(_PLURAL) if token[start - 1] == "/" else ""
    return [(before.lower(), at)] if before.isalpha() else []


def _most_words(last: str, source: str) -> int:
    if last in NOUNS or last in DETERMINERS or last in BOTH or last == source:
        return _WORDS
    return min(_WORDS, _length(last) + LOOKED_AT)


def _phrase(
    words: list[str], own: Mapping[str, EdgeKind | None], source: str
) -> tuple[str, int] | None:
    """The longest phrase that the words (last one first) end in, and the index of its first word.

    Nouns may follow it, with a determiner, and the name of the source.
    """
    for last, end in enumerate(words):
        for first in range(min(len(words), last + _length(end)) - 1, last - 1, -1):
            phrase = end if first == last else " ".join(reversed(words[last : first + 1]))
            if "-" in phrase or "_" in phrase:
                phrase = phrase.replace("-", " ").replace("_", " ")
            if phrase in own or phrase in KINDS:
                return phrase, first
        if not (end in NOUNS or end == source or end in (_BETWEEN_NOUNS if last else BOTH)):
            return None
    return None


def _length(end: str) -> int:
    """How many words a phrase that ends in this one may have."""
    return LENGTHS.get(_last_part(end.rpartition("-")[2] if "-" in end else end), 1)


def _last_part(word: str) -> str:
    """What a word ends in that is a key of some record: "by" of `blocked_by`."""
    return word.strip("_").rpartition("_")[2] if "_" in word else word


def _is_noun(phrase: str, before: list[str]) -> bool:
    """Whether "fix" is a thing, by the word before it."""
    return phrase == "fix" and bool(before) and before[0] in _ARTICLES


def _reaches(text: str, begin: int, gap: re.Match[str]) -> bool:
    """Whether the keyword at `begin` reaches over its gap: to a new paragraph or to an item only
    with a colon, or as a heading of nothing else.
    """
    before = text[text.rfind("\n", max(0, begin - 200), begin) + 1 : begin]
    if before and _REVERT.match(before):
        return False
    if gap is _SPACE:
        return True
    lines = gap["lines"].count("\n")
    apart = gap["item"] or gap["rule"] or lines > 1 or (lines > 0 and gap["picture"])
    return not apart or bool(gap["colon"]) or _WORDLESS.match(before) is not None
