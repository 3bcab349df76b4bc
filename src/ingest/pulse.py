"""The pulse of a process: a file that it touches while it turns, for a probe that asks nobody else.

Below the data directory, one file a process: `pulse/<kind>@<host>.<pid>`. Its owner holds a lock on
it as long as it lives, so a file without one is left over from a process that was killed. Only the
processes of the own host are looked at: containers that share a directory have the same numbers.
Law: a process that waits for its broker or its database is well, since to start it again would mend
nothing; and no process waits for a pulse.

Loads nothing but Python's own library: it is asked every few seconds.
"""

from __future__ import annotations

import fcntl
import glob
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

WORKER, FETCHER, SYNCER, BEAT = "worker", "fetcher", "syncer", "beat"
KINDS = (WORKER, FETCHER, SYNCER, BEAT)
"""The processes that have a pulse. The receiver has an endpoint instead, `/healthz`."""
DIRECTORY = "pulse"
PULSE_S = 5.0
"""Between two touches."""
STALE_S = 60.0
"""A process that has not turned for so long hangs: its loop sleeps for ten seconds at most."""


@dataclass(frozen=True, slots=True)
class Felt:
    """One living process: how long ago it last turned, in seconds."""

    pid: int
    silent_s: float

    @property
    def is_well(self) -> bool:
        """Whether that is not too long."""
        return self.silent_s < STALE_S


class Pulse:
    """Touches the files of a process while it turns. For the main thread and one of its own."""

    def __init__(self) -> None:
        self._files: dict[Path, IO[bytes]] = {}
        self._turned_at = time.monotonic()
        self._waiting = 0
        self._ended = threading.Event()

    def start(self, directory: Path, kinds: Iterable[str]) -> None:
        """Begin to beat, in a thread that ends with the process.

        Raises `OSError` for a directory that cannot be written to, and for a file that another one
        holds. Later on it just stops, which is what a probe has to see.
        """
        self.turn()
        for kind in kinds:
            path = directory / DIRECTORY / f"{_here(kind)}{os.getpid()}"
            path.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as opened:
                file = opened.enter_context(path.open("wb"))
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                opened.pop_all()
            self._files[path] = file
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def turn(self) -> None:
        """The process has come round once more."""
        self._turned_at = time.monotonic()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While a service is waited for, in however long a call."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            self.turn()

    def stop(self) -> None:
        """Leave nothing behind."""
        self._ended.set()
        for path, file in self._files.items():
            path.unlink(missing_ok=True)
            file.close()
        self._files.clear()

    def _beat(self) -> None:
        """A file's time is that of the last turn, so that a pulse never says more than was seen."""
        while not self._ended.wait(PULSE_S):
            silent_s = 0.0 if self._waiting else time.monotonic() - self._turned_at
            at = time.time() - silent_s
            for path in tuple(self._files):
                with suppress(OSError):
                    os.utime(path, (at, at))


OF_PROCESS = Pulse()
"""This process's own; who has none to show may turn it all the same."""


def feel(directory: Path, kind: str) -> list[Felt]:
    """The living processes of a kind on this host; what a dead one left is taken away.

    Raises `OSError` for a directory that cannot be read.
    """
    found: list[Felt] = []
    for path in sorted((directory / DIRECTORY).glob(f"{glob.escape(_here(kind))}*")):
        with suppress(FileNotFoundError):
            if _is_held(path):
                silent_s = max(0.0, time.time() - path.stat().st_mtime)
                found.append(Felt(int(path.suffix[1:]), silent_s))
            else:
                path.unlink()
    return found


def process_name(kind: str) -> str:
    """What processes of a kind on this host are called, wherever they are told of: `kind@host`."""
    return f"{kind}@{os.uname().nodename}"


def _here(kind: str) -> str:
    """What the names of its files on this host begin with."""
    return f"{process_name(kind)}."


def _is_held(path: Path) -> bool:
    """By another process; whoever only looks shares the lock with others who do."""
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
