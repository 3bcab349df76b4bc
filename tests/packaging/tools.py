"""Finds the programs that look packaging over; what needs one that is not there is skipped.

`make packaging` puts them into an environment of their own; PACKAGING_TOOLS names another.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(os.environ.get("PACKAGING_TOOLS") or Path(sys.prefix) / "packaging") / "bin"


def tool(name: str, remedy: str = "make packaging") -> str:
    """The program's path; skips the test where there is none."""
    found = shutil.which(name, path=f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(f"{name} is not on this machine ({remedy})")
    return found


def python() -> str:
    """The interpreter that has Helm's SDK and Kubernetes' schemas; skips as `tool` does."""
    if not (TOOLS / "python").exists():
        pytest.skip("Helm's SDK is not on this machine (make packaging)")
    return str(TOOLS / "python")


def said(*argv: str | Path) -> tuple[int, str]:
    """The exit code, and all that a program says."""
    done = subprocess.run(list(argv), capture_output=True, text=True, check=False, timeout=110)
    return done.returncode, f"{done.stdout}{done.stderr}".strip()
