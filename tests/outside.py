"""A package outside of ours that brings a source, as if it were installed in a folder."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ingest.sources.registry import GROUP


def package(
    folder: Path, name: str, text: str, points: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Install a package with this text; the environment of a process in which it is there.

    `points` are its entry points; by default it says that it brings the source `wharf`.
    """
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text, "utf-8")
    return _announced(folder, name, "1.2", points or {"wharf": f"{name}:SOURCE"})


def installed(project: Path, folder: Path) -> dict[str, str]:
    """The same of a project: its packages of `src`, and the entry points of its `pyproject.toml`.

    As a wheel is unpacked, by hand: a bare machine has nothing that builds one.
    """
    told = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    shutil.copytree(project / "src", folder)
    points = told["entry-points"][GROUP]
    return _announced(folder, told["name"].replace("-", "_"), told["version"], points)


def _announced(folder: Path, name: str, version: str, points: Mapping[str, str]) -> dict[str, str]:
    told = folder / f"{name}-{version}.dist-info"
    told.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (told / "METADATA").write_text(text, "utf-8")
    lines = [f"{key} = {value}" for key, value in points.items()]
    (told / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]), "utf-8")
    paths = filter(None, [str(folder), *sys.path])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
