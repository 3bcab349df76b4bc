"""Processes of our own: how they are started, recognised by their command line, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ingest.embedded.launch import LINUX

LAUNCHER = Path(__file__).with_name("launch.py")
GUARDED = not LINUX  # no parent-death signal: a guard watches a pipe


@dataclass(slots=True)
class Bound:
    """A process that does not outlive this one. `lifeline` is the pipe that a guard watches."""

    popen: subprocess.Popen[bytes]
    lifeline: int | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def running(self) -> bool:
        """Whether it still runs; also reaps it when it does not."""
        return self.popen.poll() is None

    def release(self) -> None:
        """Close our end of the pipes, once the process is gone."""
        if self.lifeline is not None:
            os.close(self.lifeline)
            self.lifeline = None


def spawn(
    program: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    identity: str = "self",
    output: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    guarded: bool = GUARDED,
) -> Bound:
    """Start `program` (an absolute path and arguments) in a session of its own, bound to us.

    Stdin is closed, stderr goes where stdout goes. Call it from the main thread (see launch.py).
    """
    options = ["--owner", str(os.getpid()), "--death-signal", str(int(death_signal))]
    options += ["--identity", identity]
    theirs = ours = None
    if guarded:
        theirs, ours = os.pipe()
        options += ["--lifeline", str(theirs)]
    try:
        popen = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), *options, "--", *program],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,  # a Ctrl-C of the terminal is for the owner alone
            pass_fds=() if theirs is None else (theirs,),
        )
    except OSError:
        if ours is not None:
            os.close(ours)
        raise
    finally:
        if theirs is not None:
            os.close(theirs)
    return Bound(popen, ours)


def command_line(pid: int) -> list[str]:
    """The arguments of a living process; empty for none, for a zombie, and for a kernel thread."""
    if LINUX:
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return []
        return [part.decode(errors="replace") for part in raw.split(b"\0") if part]
    shown = subprocess.run(
        ["/bin/ps", "-ww", "-o", "stat=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    return [] if not shown or shown[0].startswith("Z") else shown[1:]


def is_ours(pid: int, *, programs: Collection[str], mark: str) -> bool:
    """Whether `pid` lives, runs one of `programs` (file names), and `mark` is in its arguments.

    A number alone proves nothing: after a crash or a reboot it may belong to a stranger.
    """
    if pid <= 0:
        return False
    arguments = command_line(pid)
    return bool(arguments) and Path(arguments[0]).name in programs and mark in " ".join(arguments)


def wait_until(condition: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Poll until the condition holds; False when `seconds` have passed first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may already be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def read_pid(path: Path) -> int:
    """The number on the first line of a pid file; 0 where there is no such file or number."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0


def end(
    pid: int, escalation: Sequence[tuple[signal.Signals, float]], *, gone: Callable[[], bool]
) -> bool:
    """Send each signal in turn, waiting its number of seconds for the process to be gone."""
    for number, seconds in escalation:
        signal_process(pid, number)
        if wait_until(gone, seconds=seconds):
            return True
    return False


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a whole process group, of which nothing may be left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of zombies
        os.killpg(pid, number)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
