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

    __slots__ = ("_ends", "_last", "_sums", "_text", "total")

    def __init__(self, text: str) -> None:
        counts = tokens.counts(text)
        self._text, self._last = text, 0
        self._ends: list[int] = []
        self._sums: list[int] = []
        self.total = None
        if counts is not None:
            pieces, of_each = counts
            self._ends = [*accumulate(map(len, pieces), initial=0)]
            self._sums = [*accumulate(of_each, initial=0)]
            self.total = self._sums[-1]

    def count(self, part: str) -> int:
        """The number of tokens of a part; never too low. Raises ValueError for what is none of it."""
        start = self._last
        if not self._text.startswith(part, start):
            found = self._text.find(part, start)
            start = self._last = found if found >= 0 else self._text.index(part)
        return self._of(start, start + len(part))

    def _of(self, start: int, end: int) -> int:
        ends = self._ends
        first, last = bisect_left(ends, start), bisect_right(ends, end) - 1
        for first in range(first, min(first + _TRIED, last)):
            if self._is_border(ends[first]):
                break
        else:
            return tokens.bound(self._text[start:end])
        for last in range(last, first, -1):
            if self._is_border(ends[last]):
                break
        else:
            return tokens.bound(self._text[start:end])
        head = tokens.bound(self._text[start : ends[first]])
        tail = tokens.bound(self._text[ends[last] : end])
        return head + self._sums[last] - self._sums[first] + tail

    def _is_border(self, at: int) -> bool:
        """Whether any part around this place is cut into pieces here: see `tokens.is_border`."""
        return tokens.is_border(self._text, at)
