"""Reads a page: its sections, and in each the steps and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "breakages.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class Step:
    """A command, or (with `#`) what somebody does elsewhere; and the lines that it says."""

    does: str
    says: tuple[str, ...]


def sections(page: Path = PAGE) -> dict[str, tuple[Step, ...]]:
    """The steps by heading; those before the first one are the heading's of the page."""
    found: dict[str, tuple[Step, ...]] = {}
    for text in re.split(r"^## ", page.read_text("utf-8"), flags=re.MULTILINE):
        heading, _, rest = text.removeprefix("# ").partition("\n")
        found[heading] = tuple(_steps(rest))
    return found


def _steps(text: str) -> Iterator[Step]:
    for block in _BLOCK.findall(text):
        does, says = "", list[str]()
        for line in block.splitlines():
            if line.startswith(("$ ", "# ")):
                if does:
                    yield Step(does, tuple(says))
                does, says = line, []
            else:
                says.append(line)
        yield Step(does, tuple(says))


def missing(said: str, wanted: Sequence[str]) -> str | None:
    """The first of these lines that the output has not, in their order; None where it has all."""
    lines = iter(" ".join(line.split()) for line in said.splitlines())
    for one in wanted:
        parts = " ".join(one.split()).split(_LEFT_OUT)
        pattern = re.compile(".*".join(re.escape(part) for part in parts))
        if not any(pattern.fullmatch(line) for line in lines):
            return one
    return None
