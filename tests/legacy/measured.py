"""`python -m tests.legacy.measured ARGUMENTS`: `ingest ARGUMENTS`, and what memory that took.

The last line on stderr is the process's own peak (`VmHWM`, in kB): what its parent counts has the
parent's own before `exec`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.cli import run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """How a command ended; its peak of memory in MiB."""

    code: int
    out: str
    err: str
    peak_mib: float


def measured(arguments: Sequence[str], environ: Mapping[str, str]) -> Measured:
    """Run a command in a process of its own, to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.legacy.measured", *arguments],
        env={**os.environ, "INGEST_LOG_LEVEL": "warning", **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    *said, peak_kb = done.stderr.splitlines()
    return Measured(done.returncode, done.stdout, "\n".join(said), int(peak_kb) / 1024)


def _peak_kb() -> str:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    code = run(sys.argv[1:], os.environ)
    sys.stderr.write(f"{_peak_kb()}\n")
    sys.exit(code)
