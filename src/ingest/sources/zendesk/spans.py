"""Cells that reach over several rows: what is left of them in the rows below. Performs no I/O.

Markdown has no form for them. Without a cell in their place what follows them in those rows would
stand under another head.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Spans:
    """The columns of one table that cells from above still take, while its rows are read."""

    column: int = 0
    taken: Counter[int] = field(default_factory=Counter)

    def begin_table(self) -> None:
        self.taken.clear()
        self.begin_row()

    def begin_row(self) -> None:
        self.column = 0

    def is_taken(self) -> bool:
        """Whether a cell from above stands here; then it takes one row less, and the next column is
        looked at.
        """
        if self.taken[self.column] <= 0:
            return False
        self.taken[self.column] -= 1
        self.column += 1
        return True

    def begin_cell(self, columns: int, rows: int) -> None:
        """A cell of the row itself, as wide and as high as that."""
        for column in range(self.column, self.column + columns if rows > 1 else self.column):
            self.taken[column] = rows - 1
        self.column += columns
