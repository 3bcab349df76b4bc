"""Lines and blocks of Markdown out of what programs say; whatever is cut says so. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ingest.core.bounds import MARK

LONGEST_LINE = 300
_FENCES = re.compile("`{3,}")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_ROOM = 200
"""Of a text that is cut, for the words that say so."""


def line(told: str, most: int = LONGEST_LINE) -> str:
    """The text as one line, of so many characters at most."""
    return shortened(" ".join(told.split()), most)


def shortened(told: str, most: int) -> str:
    """The text, or its beginning with the mark of what is cut."""
    return told if len(told) <= most else told[: most - len(MARK)] + MARK


def fact(name: str, told: Sequence[str], most: int = LONGEST_LINE) -> Iterator[str]:
    """One line of a list, `- Name: value, value`; none where nothing is told."""
    said = ", ".join(line(value, most) for value in told if value)
    if said:
        yield f"- {name}: {said}"


def fenced(told: str) -> str:
    """The text as code, within a fence that nothing in it ends."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCES.findall(told))])
    return f"{fence}\n{told}\n{fence}"


def closed(told: str) -> str:
    """The text with its last block of code ended, so that what comes after is none."""
    open_fence: str | None = None
    for found in _FENCE.finditer(told):
        mark = found[1]
        if open_fence is None:
            open_fence = mark
        elif mark[0] == open_fence[0] and len(mark) >= len(open_fence):
            open_fence = None
    return told if open_fence is None else f"{told}\n{open_fence}"


def bounded(told: str, most: int) -> str:
    """The text, or its first lines and one that says how many characters more there are."""
    if len(told) <= most:
        return told
    kept = told[: most - _ROOM]
    whole, line_end, _ = kept.rpartition("\n")
    kept = closed(whole if line_end else kept)
    return f"{kept}\n\n[{MARK} cut here: {len(told) - len(kept):,} more characters]"
