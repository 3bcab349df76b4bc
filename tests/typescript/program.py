"""Node programs of the folders here: installed by their lock file, compiled and run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.types import compiler

HERE = Path(__file__).parent


def prepared(name: str, folder: Path) -> Path:
    """A copy of a folder with what it pins; where Node or npm is missing, the test is skipped."""
    pinned = HERE / name
    try:
        modules = compiler.installed(Path(sys.prefix), os.environ.get("PATH", os.defpath), pinned)
    except compiler.MissingTool as reason:
        pytest.skip(str(reason))
    made = folder / name
    shutil.copytree(pinned, made)
    (made / "node_modules").symlink_to(modules)
    return made


def run(folder: Path, *argv: str, database_url: str = "", ok: Sequence[int] = (0,)) -> str:
    """What a program of the folder's packages, or `node`, prints; it has to end well."""
    environ: Mapping[str, str] = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "DATABASE_URL": plain(database_url),
        "NO_COLOR": "1",
        "CHECKPOINT_DISABLE": "1",
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
    }
    program = folder / "node_modules" / ".bin" / argv[0]
    command = [str(program) if program.exists() else argv[0], *argv[1:]]
    ran = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode in ok, f"{argv}: {ran.stdout}\n{ran.stderr}"
    return ran.stdout


def plain(database_url: str) -> str:
    """The URL without what libpq alone understands."""
    return urlsplit(database_url)._replace(query="").geturl()
