"""Writes an archive into a directory: whole or not at all, whenever the process ends.

Law: what was there stays until everything new is on the disk, under other names. Then the old
manifest goes, the files take their names, and the manifest takes its own as the last. So a
directory with a manifest holds what that says, and one without is no archive.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ingest.core.errors import BadInput, PermanentError
from ingest.flows.legacy import manifest
from ingest.flows.legacy.manifest import MANIFEST, Manifest, file_of
from ingest.store.legacy_tables import LEGACY_TABLES

_BUFFERED = 2**20
"""Bytes that are written at a time."""
PARTIAL = ".partial"
"""What ends the name of a file that is being written."""


class ArchiveUnwritable(PermanentError):
    """The archive cannot be written where it is to stand: the disk is full, or not ours."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What came into one file: its lines, its bytes, and the SHA-256 of them in hex."""

    rows: int
    bytes: int
    sha256: str


@dataclass(slots=True)
class ArchiveDraft:
    """An archive that is being written, which nobody takes for one before `finish`."""

    directory: Path
    _lock: BinaryIO
    _written: dict[str, WrittenFile] = field(default_factory=dict)
    _is_finished: bool = False

    def write(self, logical: str, blocks: Iterable[bytes]) -> WrittenFile:
        """Write the file of a table, and have it on the disk.

        `blocks` are of any size; together they are lines, each with its line feed.
        """
        digest, rows, size = hashlib.sha256(), 0, 0
        with _created(self._partial(logical)) as file:
            for block in blocks:
                file.write(block)
                digest.update(block)
                rows += block.count(b"\n")
                size += len(block)
            _sync(file)
        self._written[logical] = WrittenFile(rows, size, digest.hexdigest())
        return self._written[logical]

    def finish(self, told: Manifest) -> None:
        """Give everything its name; from here on it is an archive."""
        self._lock.truncate(0)
        self._lock.write(manifest.written(told))
        _sync(self._lock)  # the last that needs room
        (self.directory / MANIFEST).unlink(missing_ok=True)
        _sync_directory(self.directory)
        for logical in LEGACY_TABLES:
            path = self.directory / file_of(logical)
            if logical in self._written:
                self._partial(logical).rename(path)
            else:
                path.unlink(missing_ok=True)
        _sync_directory(self.directory)
        self._is_finished = True  # the name of the lock may be another process's from here on
        (self.directory / f"{MANIFEST}{PARTIAL}").rename(self.directory / MANIFEST)
        _sync_directory(self.directory)

    def discard(self) -> None:
        """Take away what was written and has no name, where it was not finished."""
        if self._is_finished:
            return
        for logical in LEGACY_TABLES:
            self._partial(logical).unlink(missing_ok=True)
        (self.directory / f"{MANIFEST}{PARTIAL}").unlink(missing_ok=True)

    def _partial(self, logical: str) -> Path:
        return self.directory / f"{file_of(logical)}{PARTIAL}"


@contextmanager
def drafting(directory: Path, *, replace: bool) -> Iterator[ArchiveDraft]:
    """An archive to write into a directory, which is made where it is missing.

    What another process left half done is begun anew. Whoever leaves the block without `finish`
    leaves what was there before. Raises `BadInput` where an archive stands there already and is not
    to be replaced, or another process is writing one; `ArchiveUnwritable` for what the system
    refuses.
    """
    try:
        _make(directory)
        _require_free(directory, replace=replace)
        with _locked(directory) as lock:
            draft = ArchiveDraft(directory, lock)
            try:
                yield draft
            finally:
                draft.discard()
    except OSError as error:
        said = error.strerror or error
        raise ArchiveUnwritable(
            f"the archive cannot be written to {directory}: {said}; make room or name another "
            "directory"
        ) from error


def _make(directory: Path) -> None:
    """Its rows are for nobody else to read, unless the directory was there and says otherwise."""
    if directory.exists() and not directory.is_dir():
        raise BadInput(f"{directory} is no directory; name one, or one that is not there yet")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _require_free(directory: Path, *, replace: bool) -> None:
    if replace:
        return
    if (directory / MANIFEST).exists():
        raise BadInput(
            f"{directory} holds an archive already; name another directory, or give --force to "
            "replace it"
        )
    if (directory / f"{MANIFEST}{PARTIAL}").exists():
        return  # an export that did not end: all of it is ours
    for logical in LEGACY_TABLES:
        if (directory / file_of(logical)).exists():
            raise BadInput(
                f"{directory} holds a file {file_of(logical)} of no archive; name another "
                "directory, or give --force to replace it"
            )


@contextmanager
def _locked(directory: Path) -> Iterator[BinaryIO]:
    """The manifest's file under its first name, ours alone until it has its last one."""
    path = directory / f"{MANIFEST}{PARTIAL}"
    with _created(path, truncate=False) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy(directory) from error
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            raise _busy(directory)  # it ended between our look and our lock
        yield file


def _busy(directory: Path) -> BadInput:
    return BadInput(f"another export writes to {directory} just now; wait, or name another one")


def _created(path: Path, *, truncate: bool = True) -> BinaryIO:
    how = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if truncate else 0)
    return os.fdopen(os.open(path, how, 0o600), "wb", buffering=_BUFFERED)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
