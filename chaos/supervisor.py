"""Keeps the processes of the stack alive: whatever dies is started anew after a moment.

Law: it starts processes in the main thread, with which they end.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO

from ingest.embedded import processes
from ingest.embedded.processes import Bound
from ingest.embedded.stack import Child

AGAIN_S = 0.5
STOP_S = 15.0


@dataclass(slots=True)
class Supervisor:
    """A context manager: all that runs ends with its block.

    identities: as whom a child runs that is not to run as we do. restarts: by name.
    """

    children: Sequence[Child]
    output: IO[bytes]
    identities: Mapping[str, str] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)
    _running: dict[str, Bound] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _more: dict[str, Child] = field(default_factory=dict)

    def __enter__(self) -> Supervisor:
        for child in self.children:
            self._more[child.name] = child
            self._start(child)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._more.clear()
        for bound in self._running.values():
            processes.signal_process(bound.pid, signal.SIGTERM)
        until = time.monotonic() + STOP_S
        for bound in self._running.values():
            left_s = max(0.0, until - time.monotonic())
            processes.wait_until(partial(_has_ended, bound), seconds=left_s)
            _bury(bound)
        self._running.clear()

    def tend(self) -> None:
        """Start what died a moment ago."""
        now = time.monotonic()
        for name, bound in [*self._running.items()]:
            if not bound.running():
                _bury(self._running.pop(name))
                self._due[name] = now + AGAIN_S
        for name in [name for name, at in self._due.items() if at <= now]:
            del self._due[name]
            if name in self._more:
                self.restarts[name] += 1
                self._start(self._more[name])

    def add(self, child: Child) -> None:
        """One more to keep alive."""
        self._more[child.name] = child
        self._start(child)

    def remove(self, name: str) -> None:
        """It is ended, and not missed."""
        del self._more[name]
        self.kill(name)

    def kill(self, name: str) -> None:
        """All processes of a child at once, by SIGKILL."""
        if name in self._running:
            processes.signal_group(self._running[name].pid, signal.SIGKILL)

    def members(self, name: str) -> list[int]:
        """The processes of a child, its first one first; none where it is not running."""
        bound = self._running.get(name)
        return [] if bound is None else _group(bound.pid)

    def _start(self, child: Child) -> None:
        self._running[child.name] = processes.spawn(
            child.argv,
            identity=self.identities.get(child.name, "self"),
            output=self.output,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **child.env},
            cwd=child.cwd,
        )


def _has_ended(bound: Bound) -> bool:
    return not bound.running()


def _bury(bound: Bound) -> None:
    processes.signal_group(bound.pid, signal.SIGKILL)
    bound.popen.wait()
    bound.release()


def _group(leader: int) -> list[int]:
    """The members of a process group, of /proc."""
    found = [leader]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != leader:
            try:
                told = (entry / "stat").read_text("utf-8", errors="replace")
            except OSError:
                continue
            if told.rpartition(")")[2].split()[2] == str(leader):
                found.append(int(entry.name))
    return found
