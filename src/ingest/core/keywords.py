"""The words that turn a mention into an edge of the graph, and where they have to stand.

Law: a keyword stands right before what it speaks of; between them are at most a colon, a noun
("issue") and marks. Other words in between, a "not" before it, or a title that reverts another one
make no edge. What is particular to one source comes in as a table. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Literal, NamedTuple

EdgeKind = Literal["resolves", "blockedBy", "dependsOn", "relatedTo"]

_REACHES_CHARS = (96, 1024)  # the second where the first is empty: a comment may have stood there
_WORDS = 8  # so many are looked at: a phrase, nouns after it, what negates it
_NEGATION_WORDS = 3  # so far before a phrase a "not" still means it

# In any form: GitHub's linking-a-pull-request-to-an-issue, Linear's magic words, Sentry's
# utils/groupreference.py. The other kinds are Linear's non-closing words and common usage.
_PHRASES: Mapping[EdgeKind, tuple[str, ...]] = {
    "resolves": (
        "close, closes, closed, closing, fix, fixes, fixed, fixing, fix for, fixes for",
        "resolve, resolves, resolved, resolving",
    ),
    "blockedBy": ("blocked by, blocked on, blocked, blocked until, waiting on, waiting for",),
    "dependsOn": (
        "depends, depend on, depends on, depending on, dependent on, depends upon",
        "require, requires, requiring, stacked on, stacked on top of",
        "based on, based on top of, based off, based off of, builds on, builds on top of",
        "built on top of",
    ),
    "relatedTo": (
        "ref, refs, reference, references, referencing, xref, see, see also, see here, part of",
        "address, addresses, addressing, follows, continues, continuation of, similar to, cf, re",
        "reverts, revert of",
        "follow up, follow up from, follows up on, following up on, followup",
        "related, related to, relate to, relates, relates to, relating to",
        "contribute to, contributes to, contributing to, toward, towards",
        "supersede, supersedes, superseded by, superseding, successor of, successor to",
        "duplicate of, duplicates, duplicated by, dup of, dupe of",
        "supercede, supercedes, superceded by, superceding, obsoletes, obsoleted by",
        "replace, replaces, replaced by, replaced with, replacing, replacement for",
        "alternative to, in favor of, in favour of, read more, read more at, read more in",
    ),
}
# What is said in as many ways as these make: "More details here: …", "bugs like: …".
_POINTERS = (
    ("more", "further", "additional", "full", "see", "see the", "see this"),
    ("info", "information", "details", "context", "background", "discussion", "comment", "thread"),
    ("", "at", "in", "on", "here", "can be found in", "can be found at", "can be found here"),
)
_FOLLOWERS = (
    ("follow up", "followup"),
    ("", "pr", "issue", "task", "ticket", "change", "commit", "work"),
    ("to", "of", "for", "on"),
)
_EXAMPLES = (
    ("issue", "issues", "bug", "bugs", "problem", "problems", "error", "errors", "crashes"),
    ("like", "such as"),
)
_MADE = (_POINTERS, _FOLLOWERS, _EXAMPLES)
_KINDS: Mapping[str, EdgeKind] = {
    phrase: kind
    for kind, lists in _PHRASES.items()
    for phrases in lists
    for phrase in phrases.split(", ")
} | dict.fromkeys(
    (" ".join(filter(None, words)) for made in _MADE for words in product(*made)),
    "relatedTo",
)
# What is built on something at home depends on it; elsewhere it is where an idea came from.
_ONLY_AT_HOME = frozenset(phrase for phrase in _KINDS if phrase.startswith(("based", "buil")))
# A full stop after these ends no sentence.
_SHORT = re.compile(r"(?<![\w.])(?:refs?|cf)\.\Z", re.IGNORECASE)

_NOUN_LIST = """
    article bug bugs deployment discussion doc document epic initiative issue issues page pr project
    prs pull request requests story task tasks ticket tickets
"""
_NOUNS = frozenset(_NOUN_LIST.split())
# What may stand between a phrase and its noun: "follow-up to your previous request".
_DETERMINERS = frozenset({"the", "this", "that", "our", "your", "previous", "original"})
# "The fix: …" tells where the fix is, and fixes nothing.
_ARTICLES = frozenset({"the", "a", "an", "its", "my", "our", "your"})
_NEGATION_LIST = """
    not no never neither nor without cannot fail fails failed failing unable
    arent cant couldnt didnt doesnt dont isnt wasnt wont wouldnt
"""
_NEGATIONS = frozenset(_NEGATION_LIST.split())
_AFFIRMED = frozenset({"only", "just"})  # "not only fixes"
_INSTEAD = {"instead": "of", "rather": "than"}  # "instead of fixing"

# How many words a phrase has that ends in this one; two for a noun, where a source's own may end.
# Most mentions follow another word and are settled by that.
_LENGTHS: Mapping[str, int] = dict.fromkeys(_NOUNS, 2) | {
    phrase.split()[-1]: len(phrase.split()) for phrase in sorted(_KINDS, key=lambda p: p.count(" "))
}

_LONGEST_WORD = 24
_WORD_REVERSED = re.compile(rf"[\w'\u2019]{{1,{_LONGEST_WORD}}}")
_LONGEST_TOKEN = 40
_WORD_AT_END = re.compile(rf"[\w'\u2019-]{{1,{_LONGEST_TOKEN}}}+\Z")
# White space that a browser or an editor puts in, and the colon of Chinese and Japanese.
_WIDE = "\u00a0\u202f\u3000"
_COLONS = ":\uff1a"
_MARKS = f" \t\r\n{_COLONS}*_~\"'([<-+•{_WIDE}"
_ITEM_ENDS = ("]", ".", ")")
_ITEM_AT_END = re.compile(r"\n[ \t]{0,8}(?:[-*+•]|[0-9]{1,2}[.)])[ \t]{0,4}(?:\[[ xX]\])?\Z")
_GAP = re.compile(
    rf"\.?[*_~]{{0,3}}(?P<colon>[{_COLONS}]?)[*_~]{{0,3}}"
    rf"(?P<space>[ \t\r{_WIDE}]*+(?P<lines>(?:\n[ \t\r]*+)*))"
    r"(?P<item>(?:[-*+•]|[0-9]{1,2}[.)])[ \t]{1,4}(?:\[[ xX]\][ \t]{1,4})?)?"
    r"[*_~\"'(\[<]{0,4}"
)
_JOINT = re.compile(
    r"(?P<closed>[)\]*_~\"'>]{0,4})(?:[ \t]\([^()\n]{1,40}\))?"
    r"(?:[ \t]{1,4}|\s{0,4}(?:[,;&+/\u00b7]|\b(?:and|or)\b)\s{0,4}"
    r"(?:(?:and|or|&)\s{1,4})?)[*_~\"'(\[<]{0,4}"
)
_NEXT_ITEM = re.compile(
    r"[^\n]{0,200}+\n[ \t]{0,8}(?:[-*+•]|[0-9]{1,2}[.)])[ \t]{1,4}(?:\[[ xX]\][ \t]{1,4})?"
    r"[*_~\"'(\[<]{0,4}"
)
_SPACE = _GAP.fullmatch(" ")  # what mostly stands there
# A line of its own that is but the thing, below another one.
_NEXT_LINE = re.compile(
    r"[)\]*_~\"'>]{0,4}[.,;]?(?:[ \t]\([^()\n]{1,40}\))?[ \t\r]{0,4}\n[ \t]{0,8}[*_~\"'(\[<]{0,4}"
)
_LABEL = re.compile(
    r"\n[ \t]{0,8}(?:[-*+•]|[0-9]{1,2}[.)])[ \t]{1,4}[*_]{0,2}"
    r"(?P<words>[A-Za-z]{1,12}(?: [A-Za-z]{1,12})?)[*_]{0,2}:[*_]{0,2}[ \t]{1,4}[*_\[(<]{0,2}\Z"
)
_LABEL_CHARS = 64
_BELOW: Mapping[str | None, re.Pattern[str]] = {"items": _NEXT_ITEM, "lines": _NEXT_LINE}
_ASIDE_CHARS = 200  # so long an aside in parentheses is looked through
_UNFINISHED = re.compile(
    r"[)\]*_~\"'>]{0,4}[ \t]{1,4}\n?"
    r"(?:did(?:n['\u2019]t| not)|does(?:n['\u2019]t| not)|failed to|fails to)"
    r"[ \t\n]{1,4}(?:[a-z]{1,12}[ \t\n]{1,4}){0,2}"
    r"(?:fix|close|resolve|solve|address|cover|handle|catch|finish|help)\b",
    re.IGNORECASE,
)
_REVERT = re.compile(r"[\s*-]{0,8}revert \"", re.IGNORECASE)


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
    if last is None or not _may_end(last[0][::-1].lower().strip("_"), own, source):
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
    before = [word for word, _ in words[first + 1 : first + 1 + _NEGATION_WORDS]]
    if _is_noun(phrase, before) or _is_negated(before, text, begin):
        return None
    if not _reaches(text, begin, gap):
        return None
    kind = own[phrase] if phrase in own else _KINDS[phrase]
    return Keyword(kind, begin, _listed(gap), "relatedTo" if phrase in _ONLY_AT_HOME else None)


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


def item_start(text: str, start: int, source: str) -> int | None:
    """Where the item of a list begins that is but a noun, a colon and the mention at `start`
    (`- PR: …`); None where it is no such item. The source's name is a noun too.
    """
    label = _LABEL.search(text, max(0, start - _LABEL_CHARS), start)
    if label is None or not all(
        word in _NOUNS or word == source for word in label["words"].lower().split()
    ):
        return None
    return label.start("words")


def unfinished_after(text: str, start: int, end: int) -> Keyword | None:
    """What is said of a mention that did not do its work: whoever says so goes on with it."""
    return Keyword("relatedTo", start) if _UNFINISHED.match(text, end) else None


def joined(text: str, keyword: Keyword, end: int, start: int) -> bool:
    """Whether only a joint (comma, "and") parts a mention that a keyword speaks of from the next
    one, or they are items or lines of one list. A keyword in parentheses ends with them.
    """
    joint = _JOINT.fullmatch(text, end, start)
    if joint is not None:
        return ")" not in joint["closed"] or not _in_parentheses(text, keyword.start, end)
    below = _BELOW.get(keyword.listed)
    return below is not None and below.fullmatch(text, end, start) is not None


def _in_parentheses(text: str, begin: int, end: int) -> bool:
    """Whether the parenthesis that closes at `end` opened before the keyword at `begin`."""
    said = text[max(begin, end - _ASIDE_CHARS) : end]
    return end - begin <= _ASIDE_CHARS and said.count("(") <= said.count(")")


def is_tag(text: str, start: int, end: int) -> bool:
    """Whether a mention stands alone in parentheses, as squash merges and change logs tag lines."""
    return text[start - 1 : start] == "(" and text[end : end + 1] == ")"


def _may_end(word: str, own: Mapping[str, EdgeKind | None], source: str) -> bool:
    """Whether a keyword, or a noun after one, ends in this word: most mentions are settled here."""
    return word in _LENGTHS or word in own or word == source


def _head(text: str, start: int) -> tuple[int, str]:
    """Where a stretch of text begins that ends in the last word before a mention, and it."""
    low, head = start, ""
    for reach in _REACHES_CHARS:
        low = max(0, start - reach)
        head = text[low:start].rstrip(_MARKS)
        if head:
            break
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
            word = _WORD_AT_END.search(token)
            if word is None:
                break
            words.append((word[0].lower().strip("_"), end + word.start()))
            if word.start() > 0:
                break
        if len(words) == 1:
            most = _most_words(words[0][0], source)
    return words


def _most_words(last: str, source: str) -> int:
    if last in _NOUNS or last in _DETERMINERS or last == source:
        return _WORDS
    return min(_WORDS, _length(last) + _NEGATION_WORDS)


def _phrase(
    words: list[str], own: Mapping[str, EdgeKind | None], source: str
) -> tuple[str, int] | None:
    """The longest phrase that the words (last one first) end in, and the index of its first word.

    Nouns may follow it, with a determiner, and the name of the source.
    """
    for last, end in enumerate(words):
        for first in range(min(len(words), last + _length(end)) - 1, last - 1, -1):
            phrase = end if first == last else " ".join(reversed(words[last : first + 1]))
            phrase = phrase.replace("-", " ")
            if phrase in own or phrase in _KINDS:
                return phrase, first
        if end not in _NOUNS and end != source and (end not in _DETERMINERS or not last):
            return None
    return None


def _length(end: str) -> int:
    """How many words a phrase that ends in this one may have."""
    return _LENGTHS.get(end.rpartition("-")[2], 1)


def _is_noun(phrase: str, before: list[str]) -> bool:
    """Whether "fix" is a thing, by the word before it."""
    return phrase == "fix" and bool(before) and before[0] in _ARTICLES


def _is_negated(before: list[str], text: str, begin: int) -> bool:
    """Whether the words before the phrase at `begin`, the last one first, say that it is not so.

    Over the end of a line only the last of them may, and no word may where a sentence begins there.
    """
    near = next((at for at in range(len(before)) if _negates(before, at)), None)
    if near is None or (near and before[near - 1] in _AFFIRMED):
        return False
    line = text.rfind("\n", max(0, begin - 40), begin) + 1
    begins_line = not text[line:begin].strip(_MARKS)
    return not begins_line or (near == 0 and not text[begin].isupper())


def _negates(before: list[str], at: int) -> bool:
    word = before[at]
    if word in _INSTEAD:
        return at > 0 and before[at - 1] == _INSTEAD[word]
    return word in _NEGATIONS or word.endswith(("n't", "n\u2019t"))


def _reaches(text: str, begin: int, gap: re.Match[str]) -> bool:
    """Whether the keyword at `begin` reaches over its gap: to a new paragraph or to an item only
    with a colon, or as a heading of nothing else.
    """
    before = text[text.rfind("\n", max(0, begin - 200), begin) + 1 : begin]
    if before and _REVERT.match(before):
        return False
    if gap is _SPACE:
        return True
    apart = gap["item"] is not None or gap["lines"].count("\n") > 1
    return not apart or bool(gap["colon"]) or not before.strip(" \t*_#>-")
