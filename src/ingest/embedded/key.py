"""The encryption key that a data directory keeps, made on first use."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path


def kept_key(path: Path) -> str:
    """The key in the file. Of many processes that start at once, one makes it and all have it.

    It is written aside, to the disk, and gets its name only then: whoever finds the name finds the
    whole key, and a crash leaves none of it. What a file from elsewhere holds is the caller's to
    judge. Raises `OSError` where the directory cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
    return path.read_text("ascii", "replace").strip()


def _make(path: Path) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as aside:
        aside.write(secrets.token_urlsafe(32))
        aside.flush()
        os.fsync(aside.fileno())
        try:
            os.link(aside.name, path)
        except FileExistsError:
            return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
