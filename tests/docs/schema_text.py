"""What `schema.sql` says of its tables in words, and its indexes as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.docs.pages import ROOT

SCHEMA = ROOT / "schema" / "schema.sql"
_TABLE = re.compile(r"^CREATE (?:TABLE|VIEW) (\w+)")
_INDEX = re.compile(r"^CREATE (?:UNIQUE )?INDEX \w+\s+ON (\w+)")
_PART = re.compile(r"^-- Part \d+: (.+?) -+$")
_COLUMN = re.compile(r"^  ([a-z]\w*) ")


@dataclass(frozen=True, slots=True)
class Told:
    """Of a table or a view: the part that it stands in, what the comment above it says, its indexes
    with the comments above them, and what stands in comments above its columns.
    """

    part: str
    says: str
    indexes: str
    columns: Mapping[str, str]


def told() -> Mapping[str, Told]:
    """By name, in the order of the file."""
    lines = SCHEMA.read_text("utf-8").splitlines()
    indexes = _indexes(lines)
    found: dict[str, Told] = {}
    part = ""
    for at, line in enumerate(lines):
        if heading := _PART.match(line):
            part = heading[1]
        if table := _TABLE.match(line):
            says = " ".join(_above(lines, at))
            found[table[1]] = Told(part, says, indexes.get(table[1], ""), _columns(lines, at))
    return found


def _above(lines: list[str], at: int) -> list[str]:
    """The comment that ends at the line before."""
    first = at
    while first and lines[first - 1].lstrip().startswith("--"):
        first -= 1
    return [line.lstrip()[3:] for line in lines[first:at]]


def _columns(lines: list[str], at: int) -> Mapping[str, str]:
    """Of a table's columns those with words of their own."""
    found: dict[str, str] = {}
    for below in range(at + 1, len(lines)):
        if not lines[below].startswith(" "):
            return found
        if (column := _COLUMN.match(lines[below])) and (words := _above(lines, below)):
            found[column[1]] = " ".join(words)
    return found


def _indexes(lines: list[str]) -> Mapping[str, str]:
    """By table, each statement with its comment."""
    found: dict[str, str] = {}
    for at in range(len(lines)):
        if index := _INDEX.match("\n".join(lines[at : at + 2])):
            comment = (f"-- {one}" for one in _above(lines, at))
            text = "".join(f"{one}\n" for one in (*comment, *_statement(lines, at)))
            found[index[1]] = found.get(index[1], "") + text
    return found


def _statement(lines: list[str], at: int) -> Iterator[str]:
    for line in lines[at:]:
        yield line
        if line.endswith(";"):
            return
