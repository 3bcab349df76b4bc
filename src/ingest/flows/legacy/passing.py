"""How far a long look at a legacy database or an archive is, told while it goes on."""

from __future__ import annotations

from collections.abc import Callable
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
