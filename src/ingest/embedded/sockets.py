"""The directory of the Unix socket: in the data directory, or in a short place if that is long."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from ingest.embedded.errors import EmbeddedError
from ingest.embedded.launch import nobody_ids

LONGEST_PATH = 103  # bytes: what macOS takes; Linux takes 107
_LONGEST_NAME = "/.s.PGSQL.65535.lock"


def directory(root: Path) -> Path:
    """Make and return the socket directory of a data directory; the same one each time."""
    inside = root / "run"
    if len(os.fsencode(inside)) + len(_LONGEST_NAME) <= LONGEST_PATH:
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    name = f"ingest-{os.geteuid()}-{digest}"
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - checked below
        outside = parent / name
        if len(os.fsencode(outside)) + len(_LONGEST_NAME) <= LONGEST_PATH:
            outside.mkdir(mode=0o700, exist_ok=True)
            _check_private(outside)
            return outside
    raise EmbeddedError(f"no directory with a short enough path for the socket of {root}")


def discard(root: Path) -> None:
    """Remove the directory, if it lies outside the data directory."""
    place = directory(root)
    if place.parent != root:
        for path in place.iterdir():
            path.unlink()
        place.rmdir()


def _check_private(place: Path) -> None:
    """Refuse a directory that somebody else prepared in a place where all may write."""
    found = place.lstat()
    owners = {os.geteuid()} | ({nobody_ids()[0]} if os.geteuid() == 0 else set())
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid not in owners
        or stat.S_IMODE(found.st_mode) & 0o077
    ):
        raise EmbeddedError(f"{place} is not a private directory of ours: remove it")
