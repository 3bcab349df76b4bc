"""The sentences that the code can say: its texts, with whatever stands for what it fills in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HOLE = re.compile(r"\{[^{}]*\}")
_LEFT_OUT = "…"
_REMEDY = ": run `ingest db upgrade`"
"""What the doctor tells behind an arrow instead."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text of the code's. `said`: as a pattern; `told`: how many of its letters are its own."""

    said: re.Pattern[str]
    told: int

    @classmethod
    def of(cls, parts: Iterable[str | None]) -> Sentence:
        """Of its own words, and None for each hole."""
        given = [*parts]
        pattern = "".join(".+?" if part is None else re.escape(part) for part in given)
        return cls(re.compile(pattern), sum(len(part) for part in given if part))

    def says(self, quote: str) -> bool:
        """Whether the quote is this, at least half of it word for word."""
        own = len(quote.replace(_LEFT_OUT, "").replace(" ", ""))
        return self.told >= own / 2 and self.said.fullmatch(quote) is not None


def sentences(files: Iterable[Path]) -> list[Sentence]:
    """All texts in these files."""
    trees = (ast.parse(path.read_text("utf-8")) for path in files)
    return [Sentence.of(parts) for tree in trees for parts in _texts(tree) if any(parts)]


def _texts(tree: ast.Module) -> Iterator[list[str | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [_own(part) for part in node.values]
            yield [part.removesuffix(_REMEDY) if part else part for part in parts]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield [*_around_holes(node.value)]


def _own(part: ast.expr) -> str | None:
    return str(part.value) if isinstance(part, ast.Constant) else None


def _around_holes(text: str) -> Iterator[str | None]:
    """Of a text for `str.format`; any other is one part."""
    words = _HOLE.split(text)
    for number, part in enumerate(words):
        if number:
            yield None
        yield part
