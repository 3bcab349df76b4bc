"""How far a long look at a legacy database or an archive is, told while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

TOLD_EVERY = 1_000
"""Rows between two words."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The rows of one table so far, and how many there are, or may be: `about` is 0 where nobody
    knows.
    """

    logical: str
    rows: int
    about: int


Tell = Callable[[Passed], None]


def counted(blocks: Iterator[bytes], logical: str, about: int, tell: Tell) -> Iterator[bytes]:
    """The same blocks of lines; `tell` hears every TOLD_EVERY rows how many have passed."""
    rows = told = 0
    for block in blocks:
        rows += block.count(b"\n")
        if rows - told >= TOLD_EVERY:
            told = rows
            tell(Passed(logical, rows, about))
        yield block
