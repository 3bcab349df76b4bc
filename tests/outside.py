"""A package outside of ours that brings a source, as if it were installed in a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def package(
    folder: Path, name: str, text: str, points: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Install a package with this text; the environment of a process in which it is there.

    `points` are its entry points; by default it says that it brings the source `wharf`.
    """
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text, "utf-8")
    told = folder / f"{name}-1.2.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    lines = [f"{key} = {value}" for key, value in (points or {"wharf": f"{name}:SOURCE"}).items()]
    (told / "entry_points.txt").write_text("\n".join(["[ingest.sources]", *lines, ""]), "utf-8")
    paths = filter(None, [str(folder), *sys.path])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
