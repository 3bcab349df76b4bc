"""Reads an archive: a directory with the rows of a legacy database, a file for each table.

Law: an archive is whole or is none. Its manifest is written last, and says what each file holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ingest.core.errors import BadInput
from ingest.flows.legacy import checking, lines, manifest
from ingest.flows.legacy.checking import Flaw
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.manifest import MANIFEST, ArchivedTable, Manifest
from ingest.flows.legacy.passing import Tell


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive whose manifest was read; its files are as yet believed."""

    directory: Path
    manifest: Manifest

    @classmethod
    def open(cls, directory: str | PathLike[str]) -> Archive:
        """The archive in a directory; reads its manifest alone.

        Raises `BadInput` where there is none, or one of another format or with fields that this
        program does not know.
        """
        place = Path(directory)
        try:
            text = (place / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BadInput(
                f"{place} holds no whole archive: {MANIFEST} is missing; make one with "
                f"`ingest legacy export {place}`"
            ) from error
        except OSError as error:
            raise BadInput(f"{place / MANIFEST} cannot be read: {error.strerror}") from error
        return cls(place, manifest.read(text))

    @property
    def tables(self) -> Mapping[str, ArchivedTable | None]:
        """What is said of each logical table, in the order of what refers to what.

        None for one that the database had not.
        """
        return self.manifest.tables

    def rows(self, logical: str) -> Iterator[Row]:
        """The rows of a logical table, in its file's order; none where the database had no such
        table. Memory is a line's.

        Raises `BadInput` for a file that is not as the manifest says: missing, a line that is no
        row, fewer or more rows.
        """
        told = self.tables[logical]
        if told is None:
            return
        path, number = self.directory / told.file, 0
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):  # noqa: B007 - told in what is raised
                    yield lines.parse(line)
        except ValueError as error:
            raise BadInput(f"{path} line {number}: {error}; {self._remedy}") from error
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}; {self._remedy}") from error
        if number != told.rows:
            raise BadInput(f"{path} holds {number} rows, not {told.rows}; {self._remedy}")

    def verify(self, tell: Tell = lambda _: None) -> list[Flaw]:
        """What is wrong with the files, and what is odd in the rows; empty where nothing is.

        `tell` hears how far it is.
        """
        return checking.flaws(self.directory, self.manifest, tell)

    @property
    def _remedy(self) -> str:
        return f"`ingest legacy verify {self.directory}` says what is damaged"
