"""The supervisor behind `ingest up`: child processes with names, restarts and a bounded end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO

import structlog

from ingest.embedded import processes, signals
from ingest.embedded.processes import Bound

log = structlog.get_logger(__name__)

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_SECONDS = 60.0  # a child that ran this long starts its backoff afresh
STOP_SECONDS = 20.0  # for all, before their whole process groups are killed
PAUSE_SECONDS = 0.1
WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Child:
    """A command to keep running. `env` is added to ours; `argv[0]` is found on its PATH."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path | None = None


class Stack:
    """Children started in order and stopped together. A context manager; main thread only.

    `steady` turns true once the stack is ready: from then on a crash is always a restart, while
    before it `patience` crashes of one child in a row mean that the stack cannot come up.
    """

    def __init__(
        self, children: Sequence[Child], *, output: IO[bytes] | None = None, patience: int = 5
    ) -> None:
        width = max((len(child.name) for child in children), default=0)
        writer = _Writer(output or sys.stderr.buffer, width)
        self._running = [_RunningChild(child, writer) for child in children]
        self._patience = patience
        self.steady = False

    def start(self) -> None:
        for running in self._running:
            running.start()

    def tend(self) -> Child | None:
        """Restart what has died and is due; returns a child that it is hopeless to restart."""
        for running in self._running:
            running.tend()
            if not self.steady and running.crashes >= self._patience:
                return running.child
        return None

    def pids(self) -> dict[str, int]:
        """The process id of each child that runs now."""
        return {one.child.name: one.bound.pid for one in self._running if one.bound is not None}

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """End all at once, within STOP_SECONDS together; without waiting when `hurry` says so.

        Each is told before any is waited for: a worker ends what it works on, which may take it
        seconds, and whoever stops us has a limit of its own. They are told, and collected, in
        reverse order.
        """
        until = time.monotonic() + STOP_SECONDS
        for running in reversed(self._running):
            running.end()
        for running in reversed(self._running):
            running.collect(until, hurry=hurry)

    def __enter__(self) -> Stack:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def run_stack(
    children: Sequence[Child],
    *,
    ready: Callable[[], bool] | None = None,
    on_ready: Callable[[], None] | None = None,
    watch: Callable[[], None] | None = None,
    output: IO[bytes] | None = None,
) -> int:
    """Run children until SIGINT, SIGTERM or SIGHUP; returns the exit code: 0, or 1 if hopeless.

    `ready` is polled until it is true, then `on_ready` is called once. `watch` is called every
    second, for instance `Services.revive`. The three must be short: a signal waits for them, and
    what they raise ends the stack. A second signal ends the children without waiting. A SIGHUP
    that is ignored, as under `nohup`, stays ignored.
    """
    stack = Stack(children, output=output)
    received: list[signal.Signals] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))

    with signals.heard(note), stack:
        watched_at = time.monotonic()
        while not received:
            hopeless = stack.tend()
            if hopeless is not None:
                log.error("stack.hopeless", child=hopeless.name, argv=list(hopeless.argv))
                return 1
            if not stack.steady and (ready is None or ready()):
                stack.steady = True
                if on_ready is not None:
                    on_ready()
            if watch is not None and time.monotonic() - watched_at >= WATCH_SECONDS:
                watch()
                watched_at = time.monotonic()
            time.sleep(PAUSE_SECONDS)
        log.info("stack.stopping", signal=received[0].name)
        stack.stop(hurry=lambda: len(received) > 1)
    return 0


class _Writer:
    """Lines of several children on one stream, each with its child's name, never interleaved."""

    def __init__(self, stream: IO[bytes], width: int) -> None:
        self._stream = stream
        self._width = width
        self._lock = threading.Lock()

    def copy(self, name: str, source: IO[bytes]) -> None:
        """Copy until the child's end is closed. Goes on draining when the stream is broken."""
        prefix = f"{name:<{self._width}} | ".encode()
        with source:
            for line in source:
                whole = line if line.endswith(b"\n") else line + b"\n"
                with self._lock, contextlib.suppress(OSError, ValueError):
                    self._stream.write(prefix + whole)
                    self._stream.flush()


class _RunningChild:
    """One child: its process, if any, and when it may be started again."""

    def __init__(self, child: Child, writer: _Writer) -> None:
        self.child = child
        self.crashes = 0  # in a row
        self.bound: Bound | None = None
        self._writer = writer
        self._copier: threading.Thread | None = None
        self._started_at = 0.0
        self._due_at: float | None = None

    def start(self) -> None:
        self._due_at = None
        self._started_at = time.monotonic()
        self.bound = processes.spawn(
            self.child.argv,
            output=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.child.env},
            cwd=self.child.cwd,
        )
        source = self.bound.popen.stdout
        if source is not None:
            self._copier = threading.Thread(
                target=self._writer.copy, args=(self.child.name, source), daemon=True
            )
            self._copier.start()
        log.info("stack.child.started", child=self.child.name, pid=self.bound.pid)

    def tend(self) -> None:
        now = time.monotonic()
        if self.bound is not None and not self.bound.running():
            self._note_crash(now)
        elif self._due_at is not None and now >= self._due_at:
            self.start()

    def end(self) -> None:
        self._due_at = None
        if self.bound is not None and self.bound.running():
            processes.signal_process(self.bound.pid, signal.SIGTERM)

    def collect(self, until: float, *, hurry: Callable[[], bool]) -> None:
        if self.bound is None:
            return
        bound = self.bound
        left_s = max(0.0, until - time.monotonic())
        processes.wait_until(lambda: hurry() or not bound.running(), seconds=left_s)
        code = self._bury()
        log.info("stack.child.stopped", child=self.child.name, code=code)

    def _note_crash(self, now: float) -> None:
        code = self._bury()
        steady = now - self._started_at >= STEADY_SECONDS
        self.crashes = 1 if steady else self.crashes + 1
        pause = BACKOFF_SECONDS[min(self.crashes, len(BACKOFF_SECONDS)) - 1]
        self._due_at = now + pause
        log.warning("stack.child.crashed", child=self.child.name, code=code, restart_in_s=pause)

    def _bury(self) -> int:
        """Kill what is left of the child's group, collect it, and let its last lines through."""
        if self.bound is None:
            return 0
        bound, self.bound = self.bound, None
        processes.signal_group(bound.pid, signal.SIGKILL)
        code = bound.popen.wait()
        bound.release()
        if self._copier is not None:
            self._copier.join(timeout=1.0)
        return code
