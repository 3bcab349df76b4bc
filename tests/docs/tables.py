"""Tables as the pages have them, written by code: a cell is one line, and ends where it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cell(text: str) -> str:
    """A text that stands in a cell, with whatever it is made of."""
    return " ".join(text.split()).replace("|", r"\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table with its heading, ending in a line feed; its cells are taken as they are."""
    rule = f"|{'---|' * len(heads)}\n"
    return "".join((_line(heads), rule, *(_line(row) for row in rows)))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")
