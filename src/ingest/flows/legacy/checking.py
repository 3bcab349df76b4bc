"""Looks whether an archive is sound: its files are what its manifest says, its rows hold together.

Law: memory grows by some bytes for each row that another table refers to, and by nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingest.flows.legacy import fitting, lines
from ingest.flows.legacy.known import KnownTexts
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.manifest import ArchivedTable, Manifest
from ingest.flows.legacy.passing import TOLD_EVERY, Passed, Tell
from ingest.store.legacy_tables import LEGACY_TABLES


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with an archive, or odd in it.

    is_damage: the files are not what was exported. Otherwise it is what the database held: rows
    that refer to nothing.
    times: how often; `line` is where it was seen first, from 1, None where it concerns the file.
    """

    logical: str
    what: str
    is_damage: bool = True
    line: int | None = None
    times: int = 1


Told = tuple[str, bool, int | None]
"""What is wrong, whether that is damage, and the line."""
_LEAST_ROW = 8
"""Bytes."""
References = Mapping[tuple[str, str], KnownTexts]
"""By logical table and column, the values there that rows of other tables may name."""


def flaws(directory: Path, told: Manifest, tell: Tell = lambda _: None) -> list[Flaw]:
    """What is wrong with the files, and what is odd in the rows, table by table.

    Each is told once, with how often it is so. Reads every byte; `tell` hears how far it is.
    """
    present = {logical: table for logical, table in told.tables.items() if table is not None}
    references = {
        place: KnownTexts(_rows_at_most(directory, present[place[0]]))
        for logical in present
        for place in LEGACY_TABLES[logical].refers.values()
        if place[0] in present
    }
    found: dict[tuple[str, str], Flaw] = {}
    for logical, table in present.items():
        look = _Look(logical, table, told, references, tell)
        for what, is_damage, line in look.at_file(directory / table.file):
            known = found.get((logical, what))
            first, times = (line, 1) if known is None else (known.line, known.times + 1)
            found[logical, what] = Flaw(logical, what, is_damage, first, times)
    return [*found.values()]


def _rows_at_most(directory: Path, table: ArchivedTable) -> int:
    """As many as the manifest says, if the file has bytes for them."""
    path = directory / table.file
    return min(table.rows, path.stat().st_size // _LEAST_ROW) if path.is_file() else 0


class _Look:
    """The look at one table's file, made ready for its columns."""

    def __init__(
        self,
        logical: str,
        table: ArchivedTable,
        told: Manifest,
        references: References,
        tell: Tell,
    ) -> None:
        self._table, meant = table, LEGACY_TABLES[logical]
        self._logical, self._tell = logical, tell
        self._names = {column.name for column in table.columns}
        self._lacks = [name for name in (*meant.required, *table.order) if name not in self._names]
        self._fits = [(column.name, fitting.of(column, told.enums)) for column in table.columns]
        self._before: tuple[str, ...] = ()
        self._refers = [
            (column, references.get(place))
            for column, place in meant.refers.items()
            if column in self._names
        ]
        self._referred = [
            (column, known) for (of, column), known in references.items() if of == logical
        ]

    def at_file(self, path: Path) -> Iterator[Told]:
        if self._lacks:
            yield f"the manifest names no column {', '.join(self._lacks)}", True, None
            return
        try:
            with path.open("rb") as file:
                yield from self._at_lines(file)
        except OSError as error:
            yield f"{path.name} cannot be read: {error.strerror}", True, None

    def _at_lines(self, file: BinaryIO) -> Iterator[Told]:
        digest, rows, size = hashlib.sha256(), 0, 0
        for rows, line in enumerate(file, 1):
            digest.update(line)
            size += len(line)
            if rows % TOLD_EVERY == 0:
                self._tell(Passed(self._logical, rows, self._table.rows))
            for what, is_damage in self._at_line(line):
                yield what, is_damage, rows
        said = f"{self._table.file} is not as the manifest says"
        if rows != self._table.rows:
            yield f"{said}: {rows} rows, not {self._table.rows}", True, None
        if size != self._table.bytes:
            yield f"{said}: {size} bytes, not {self._table.bytes}", True, None
        if digest.hexdigest() != self._table.sha256:
            yield f"{said}: another SHA-256", True, None

    def _at_line(self, line: bytes) -> Iterator[tuple[str, bool]]:
        try:
            row = lines.parse(line)
        except ValueError:
            yield "a line is no row", True
            return
        if row.keys() != self._names:
            yield "a row has other columns than the manifest names", True
            return
        for name, fits in self._fits:
            if not fits(row[name]):
                yield f"a value does not fit its column {name}", True
                return
        if (what := self._out_of_order(row)) is not None:
            yield what, True
        yield from self._at_references(row)

    def _out_of_order(self, row: Row) -> str | None:
        """Rows ascend, so that no id is there twice."""
        here = tuple(str(row[name]) for name in self._table.order)
        before, self._before = self._before, here
        if here > before:
            return None
        return "an id is there twice" if here == before else "rows do not ascend by their id"

    def _at_references(self, row: Row) -> Iterator[tuple[str, bool]]:
        for column, known in self._referred:
            known.add(str(row[column]))
        for column, names in self._refers:
            value = row[column]
            if value is not None and (names is None or value not in names):
                yield f"{column} names a row that is not there", False
