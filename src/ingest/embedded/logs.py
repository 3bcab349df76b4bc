"""The log file of an embedded server: appended to, kept short, quoted in errors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LARGEST_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 2_000


@dataclass(slots=True)
class ServerLog:
    path: Path
    began_at: int = 0  # where the output of the last start begins, in bytes

    @contextlib.contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The file to hand to a child. A large one is set aside first, one generation deep."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > LARGEST_BYTES:
            self.path.replace(self.path.with_suffix(".old.log"))
        with open(self.path, "ab", opener=_private) as stream:
            self.began_at = stream.tell()
            yield stream

    def tail(self) -> str:
        """The last words since the last start, and where the rest is."""
        try:
            said = self.path.read_bytes()[self.began_at :][-TAIL_BYTES:]
        except OSError:
            said = b""
        text = said.decode(errors="replace").strip() or "it said nothing"
        return f"{text} (log: {self.path})"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
