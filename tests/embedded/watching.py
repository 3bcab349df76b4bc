"""What runs on this machine, as far as these tests care: found by a word in the command line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ingest.embedded import Urls
from ingest.embedded.processes import command_line, wait_until

REPOSITORY = Path(__file__).parents[2]


def running(word: str) -> list[list[str]]:
    """The command lines of living processes, other than ours, that contain the word."""
    if Path("/proc/self").exists():
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    else:
        pids = [int(pid) for pid in subprocess.check_output(["ps", "-axo", "pid="]).split()]
    lines = [command_line(pid) for pid in pids if pid != os.getpid()]
    return [line for line in lines if word in " ".join(line)]


def family(pid: int) -> list[int]:
    """A process and its descendants, of which some change their command line."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def all_gone(pids: Sequence[int], *, seconds: float = 20.0) -> bool:
    return wait_until(lambda: not any(command_line(pid) for pid in pids), seconds=seconds)


def nothing_runs(word: str, *, seconds: float = 20.0) -> bool:
    return wait_until(lambda: not running(word), seconds=seconds)


def hear_signals() -> None:
    """Let this process end as one that a terminal started, whatever started the tests.

    Under `nohup` SIGHUP is inherited as ignored, and in the background of a script SIGINT is.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def python(*arguments: str, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """A Python process in the repository, killed at the end if it still runs."""
    with subprocess.Popen(
        [*prefix, sys.executable, *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def owner(
    directory: Path, *, prefix: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[str], Urls]]:
    """A process that runs both servers on the directory, and where they are."""
    with python("-m", "tests.embedded.owner", str(directory), prefix=prefix) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, Urls(**json.loads(line))
