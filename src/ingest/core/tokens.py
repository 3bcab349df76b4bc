"""How many cl100k tokens a text has, exactly and quickly. Performs no I/O.

The vocabulary lives inside `semantic-text-splitter`, which can only say whether a text fits into n
tokens. That is enough, asked in the right way. cl100k first cuts a text into pieces by a regular
expression and merges bytes within a piece only, so the count of a text is the sum over its pieces.
The same pieces come again and again ("the", "3.1"), so each is measured once, by asking the
splitter, and remembered.

Where the pieces are many and long (Chinese, base64 without a break) remembering does not pay, and
where a character is younger than this Python's Unicode tables the cut is not certain: `count` says
None then, and the caller lets the splitter itself do the work.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from semantic_text_splitter import TextSplitter

MODEL = "gpt-4"
"""Any model whose tokens are cl100k."""

LONGEST_TOKEN_BYTES = 128
"""No entry of the vocabulary is longer (it is a run of spaces)."""

_REMEMBERED_PIECES = 65_536
_CHEAP_ASCII = 64
_CHEAP_OTHER = 24
_CHEAP_RULE = 256
_WORD = " a"

# White_Space of Unicode. Python's own \s would add U+001C to U+001F.
_SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def _cutter(letter: str, number: str, space: str) -> re.Pattern[str]:
    """The regular expression of cl100k, from the inside of three character classes."""
    return re.compile(
        rf"'(?i:[sdmt]|ll|ve|re)|[^\r\n{letter}{number}]?[{letter}]+|[{number}]{{1,3}}"
        rf"| ?[^{space}{letter}{number}]+[\r\n]*|[{space}]*[\r\n]+|[{space}]+(?![^{space}])"
        rf"|[{space}]+"
    )


_ASCII_PIECES = _cutter("A-Za-z", "0-9", r"\t-\r ").findall


def _ranges(points: list[int]) -> str:
    """The inside of a character class that holds exactly these code points, given in order."""
    starts = [points[0], *(b for a, b in pairwise(points) if b != a + 1)]
    ends = [*(a for a, b in pairwise(points) if b != a + 1), points[-1]]
    return "".join(f"\\u{a:04x}-\\u{b:04x}" for a, b in zip(starts, ends, strict=True))


@lru_cache(maxsize=1)
def _other_cutter() -> Callable[[str], list[str]]:
    """The cutter for text beyond ASCII. Its classes end at U+FFFF, which keeps `re` fast."""
    found: dict[str, list[int]] = {"L": [], "N": []}
    for point in range(0x10000):
        category = unicodedata.category(chr(point))[0]
        if category in found:
            found[category].append(point)
    return _cutter(_ranges(found["L"]), _ranges(found["N"]), _SPACE).findall


_sure: set[str] = set()


def _certain(text: str) -> bool:
    """Whether every character's class is known here: assigned, and no letter above U+FFFF."""
    for char in set(text).difference(_sure):
        category = unicodedata.category(char)
        if category == "Cn" or (char > "\uffff" and category[0] in "LN"):
            return False
        _sure.add(char)
    return True


def _pieces(text: str) -> list[str]:
    return _ASCII_PIECES(text) if text.isascii() else _other_cutter()(text)


@lru_cache(maxsize=1_024)
def _fitter(capacity: int) -> Callable[[str], list[str]]:
    return TextSplitter.from_tiktoken_model(MODEL, capacity, 0, trim=False).chunks


def _fits(piece: str, capacity: int, size: int) -> bool:
    """Whether a piece of `size` bytes has at most `capacity` tokens.

    The splitter searches as if a longer text never had fewer tokens, and merging can make it so:
    asked about the piece alone it may say no where yes is true. So as many words follow as the
    piece has bytes, of one token each, that merge with nothing. No beginning of the piece has
    more tokens than bytes, hence none is ever too long, and behind it a longer text has more.
    """
    return len(_fitter(capacity + size)(piece + _WORD * size)) <= 1


def _measure(piece: str, size: int) -> int:
    """The tokens of one piece of `size` bytes. Most have one or two, so those are asked first."""
    if size == 1:
        return 1
    low, high = next(((n, n) for n in (1, 2, 3) if _fits(piece, n, size)), (4, size))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _fits(piece, middle, size) else (middle + 1, high)
    return low


_known: dict[str, int] = {}


def _learn(piece: str) -> int:
    """The tokens of a cheap piece; any other counts as its bytes, which is never too few."""
    tokens = _known.get(piece)
    if tokens is None:
        size = len(piece.encode())
        if not _cheap(piece):
            return size
        tokens = _measure(piece, size)
        if len(_known) >= _REMEMBERED_PIECES:
            _known.clear()
        _known[piece] = tokens
    return tokens


def _cheap(piece: str) -> bool:
    """Whether a piece is worth measuring and remembering: short, or a rule such as '-----'.

    Only such pieces are ever remembered, so no result depends on what happens to be known.
    """
    if piece.isascii():
        size, limit = len(piece), _CHEAP_ASCII
    else:
        size, limit = len(piece.encode()), _CHEAP_OTHER
    return size <= limit or (size <= _CHEAP_RULE and len(set(piece)) <= 3)


def count(text: str) -> int | None:
    """The number of cl100k tokens, or None where only the splitter can tell at this price.

    None for text of many long pieces, and of characters that are younger than Python's Unicode
    tables.
    """
    found = counts(text)
    return None if found is None else sum(found[1])


def counts(text: str) -> tuple[list[str], list[int]] | None:
    """The pieces of a text and the tokens of each; None where `count` is."""
    if not text.isascii() and not _certain(text):
        return None
    pieces = _pieces(text)
    try:
        return pieces, [*map(_known.__getitem__, pieces)]
    except KeyError:
        return (pieces, [*map(_learn, pieces)]) if all(map(_cheap, pieces)) else None


def bound(text: str) -> int:
    """The number of tokens of a part of a text that `count` can count; never too low.

    Exact where the part itself is one that `count` can count.
    """
    pieces = _pieces(text)
    try:
        return sum(map(_known.__getitem__, pieces))
    except KeyError:
        return sum(map(_learn, pieces))


def is_border(text: str, at: int) -> bool:
    """Whether a piece ends here whatever else is cut off: no piece that ends in something visible
    takes in a space behind it.
    """
    return text[at : at + 1] == " " and not text[at - 1 : at].isspace()


def longest_piece(text: str) -> int:
    """The length in characters of the longest piece; merging bytes in it may take its square."""
    return max(map(len, _pieces(text)), default=0)
