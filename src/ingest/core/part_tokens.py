"""How many cl100k tokens the parts of one text have, when its pieces were looked up once. No I/O.

A splitter asks about many parts of a text, most of them long and beginning where another one did.
Between two places at which every part has the border of a piece, the count of a part is that of the
whole text, so only the words at its two ends are looked at again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

from ingest.core import tokens

_TRIED = 64
"""Ends of pieces that are looked at before a part is counted by itself."""


class PartTokens:
    """The tokens of a text that `tokens.count` can count, and of any part of it.

    total: of the whole text; None where only the splitter can tell, and then parts cannot be asked.
    """

    __slots__ = ("_ends", "_last", "_pieces", "_sums", "_text", "total")

    def __init__(self, text: str) -> None:
        counts = tokens.counts(text)
        self._text, self._last = text, 0
        self._pieces, of_each = counts if counts is not None else ([], [])
        self._sums = of_each
        self._ends: list[int] = []
        self.total = None if counts is None else sum(of_each)

    def count(self, part: str) -> int:
        """The tokens of a part; never too few. Raises ValueError for what is none of it."""
        if not self._ends:
            self._add_up()
        start = self._last
        if not self._text.startswith(part, start):
            found = self._text.find(part, start)
            start = self._last = found if found >= 0 else self._text.index(part)
        return self._of(start, start + len(part))

    def _add_up(self) -> None:
        """Most texts are never asked about their parts: they fit."""
        self._ends = [*accumulate(map(len, self._pieces), initial=0)]
        self._sums = [*accumulate(self._sums, initial=0)]

    def _of(self, start: int, end: int) -> int:
        ends = self._ends
        low, high = bisect_left(ends, start), bisect_right(ends, end)
        first = self._border(range(low, min(low + _TRIED, high)))
        last = self._border(range(high - 1, max(high - 1 - _TRIED, low), -1))
        if first is None or last is None or last <= first:
            return tokens.bound(self._text[start:end])
        head = tokens.bound(self._text[start : ends[first]])
        tail = tokens.bound(self._text[ends[last] : end])
        return head + self._sums[last] - self._sums[first] + tail

    def _border(self, pieces: range) -> int | None:
        """The first of these pieces before which every part is cut; None where there is none."""
        return next((n for n in pieces if tokens.is_border(self._text, self._ends[n])), None)
