"""Clocks that are off, by a library that a process loads before all others: it takes a compiler."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


def off(directory: Path, seconds: int) -> Mapping[str, str]:
    """The environment in which the time of day is so many seconds ahead; empty without a compiler.

    What measures how long something takes is as it was.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        return {}
    library = directory / "clock.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return {"LD_PRELOAD": str(library), "CHAOS_CLOCK_S": str(seconds)}
