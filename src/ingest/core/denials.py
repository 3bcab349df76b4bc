"""What takes a keyword back: words before it that say no, that ask, that set a condition or a time;
and quotation marks around it.

Law: whoever reads "it does not fix #12", "before we close #12" or "does it fix #12?" closes nothing
by it. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.core.phrases import EdgeKind

LOOKED_AT = 3
"""So many words before a phrase a "not" still means it."""

_NEGATION_LIST = """
    not no never neither nor without cannot fail fails failed failing unable
    nothing none nobody hardly barely avoid avoids
    arent cant couldnt didnt doesnt dont isnt wasnt wont wouldnt
"""
_NEGATIONS = frozenset(_NEGATION_LIST.split())
_AFFIRMED = frozenset({"only", "just"})  # "not only fixes"
_INSTEAD = {"instead": "of", "rather": "than"}  # "instead of fixing"
# What is true under a condition, or at another time, is not said to be so.
_CONDITIONS = frozenset(
    {"if", "whether", "unless", "until", "till", "before", "when", "once", "after"}
)
_MERGED = frozenset({"merged", "merging", "landed", "deployed", "released", "possible", "so"})
# "Found while fixing #12", "thanks for fixing #12": it is done elsewhere.
_BESIDE = frozenset({"while", "of", "about", "from", "despite", "upon"})
_THANKS = frozenset({"thank", "thanks", "you"})
_ASKING_LIST = """
    are can could did do does has have is may might should was were will would
"""
_ASKING = frozenset(_ASKING_LIST.split())
_QUESTION = re.compile(
    r"(?:[^\s?!,.;(]|(?<=\])\(|[.,;](?=\S)|[ \t]){1,200}\?(?=[\s)*_\"\u201d]|\Z)"
)
_MARKS = " \t\r*_~\"'([<-+\u2022:"
_QUOTES = {'"': '"', "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb", "'": "'"}
_QUOTED_CHARS = 200


def is_denied(
    text: str,
    begin: int,
    start: int,
    *,
    phrase: str,
    kind: EdgeKind | None,
    before: Sequence[str],
) -> bool:
    """Whether the phrase at `begin`, which speaks of the mention at `start`, is taken back.

    before: the words before it in its clause, the last one first, `LOOKED_AT` at most.
    """
    if text[begin - 1 : begin] in _QUOTES and _is_quoted(text, begin, start):
        return True
    if not before:
        return False
    if _is_negated(before, text, begin) or (phrase.endswith("ing") and _is_beside(before)):
        return True
    if kind is None or kind == "relatedTo":
        return False
    if not _CONDITIONS.isdisjoint(before) and _is_conditional(before, text, begin):
        return True
    return not _ASKING.isdisjoint(before) and _QUESTION.match(text, start) is not None


def _is_negated(before: Sequence[str], text: str, begin: int) -> bool:
    """Whether the words before the phrase at `begin` say that it is not so.

    Over the end of a line only the last of them may, and no word may where a sentence begins there.
    """
    near = next((at for at in range(len(before)) if _negates(before, at)), None)
    if near is None or (near and before[near - 1] in _AFFIRMED):
        return False
    return not _begins_line(text, begin) or (near == 0 and not text[begin].isupper())


def _negates(before: Sequence[str], at: int) -> bool:
    word = before[at]
    if word in _INSTEAD:
        return at > 0 and before[at - 1] == _INSTEAD[word]
    return word in _NEGATIONS or word.endswith(("n't", "n\u2019t"))


def _is_conditional(before: Sequence[str], text: str, begin: int) -> bool:
    """Whether a condition or a time is set: "if this fixes", "before we can close". Not by "once
    merged, …".
    """
    near = next((at for at, word in enumerate(before) if word in _CONDITIONS), None)
    if near is None or (near and before[near - 1] in _MERGED):
        return False
    return not _begins_line(text, begin)


def _is_beside(before: Sequence[str]) -> bool:
    """Whether a word in -ing is but what went on: "while fixing", "thanks for fixing"."""
    is_thanked = before[0] == "for" and not _THANKS.isdisjoint(before[1:])
    return before[0] in _BESIDE or is_thanked


def _begins_line(text: str, begin: int) -> bool:
    line = text.rfind("\n", max(0, begin - 40), begin) + 1
    return not text[line:begin].strip(_MARKS)


def _is_quoted(text: str, begin: int, start: int) -> bool:
    """Whether the phrase and its mention stand in quotation marks: somebody else's words."""
    closing = _QUOTES[text[begin - 1]]
    if text[begin - 2 : begin - 1].isalnum():
        return False
    line = text.find("\n", start, start + _QUOTED_CHARS)
    return closing in text[start : line if line >= 0 else start + _QUOTED_CHARS]
