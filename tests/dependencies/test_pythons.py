"""Which other Pythons CI tries: the lowest and the newest that the machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dependencies.pins import ROOT, oldest


def others(default: Path | str, *folders: Path) -> list[str]:
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    command = [str(ROOT / ".ci" / "pythons"), str(default)]
    return subprocess.check_output(command, env={**os.environ, "PATH": path}, text=True).split()


def make_python(folder: Path, name: str, version: str) -> Path:
    """What says that it is of this version, and does nothing else."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{version} {path}"\n')
    path.chmod(0o755)
    return path


def test_the_lowest_and_the_newest_are_found_on_the_path(tmp_path: Path) -> None:
    lowest = make_python(tmp_path / "a", "python3.11", oldest())
    make_python(tmp_path / "b", "python3", "3.12.99")
    newest = make_python(tmp_path / "b", "python3.98", "3.98.0")
    make_python(tmp_path / "b", "python3.98-config", "3.99.0")
    found = others(sys.executable, tmp_path / "a", tmp_path / "b")
    assert found == [str(lowest), str(newest)]


@pytest.mark.skipif(sys.version_info[:3] == (3, 11, 0), reason="this one is the lowest")
def test_the_default_one_is_not_tried_again(tmp_path: Path) -> None:
    lowest = make_python(tmp_path / "a", "python3.11", oldest())
    assert others(sys.executable, tmp_path / "a")[0] == str(lowest)
    for python in others(sys.executable)[-1:]:
        told = subprocess.check_output([python, "-c", "import sys; print(sys.version)"], text=True)
        assert told.split()[0] != sys.version.split()[0]
