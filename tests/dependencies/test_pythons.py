"""Which other Pythons CI tries: the lowest and the newest that the machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.dependencies.pins import ROOT, oldest


def others(default: Path | str, *folders: Path) -> list[str]:
    path = os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"])
    return subprocess.check_output(
        [str(ROOT / ".ci" / "pythons"), str(default)],
        env={"PATH": path, "PYENV_ROOT": "/nonexistent"},
        text=True,
    ).split()


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


def test_the_default_one_is_not_tried_again(tmp_path: Path) -> None:
    """Whatever it is called and wherever it lies."""
    same = make_python(tmp_path / "a", "python3.11", ".".join(map(str, sys.version_info[:3])))
    newest = make_python(tmp_path / "a", "python3.98", "3.98.0")
    found = others(sys.executable, tmp_path / "a")
    assert str(same) not in found
    assert found[-1] == str(newest)
