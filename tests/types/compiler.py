"""Node's TypeScript compiler and JSON Schema validator, exactly pinned in `node/`, beside Python.

They are installed once into the environment of the tests, from npm, by the hashes of the lock file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PINNED = Path(__file__).parent / "node"
INSTALL_S, RUN_S = 300, 60

# What `strict` means is said in full where the compilers of two majors differ in their defaults.
OPTIONS: Mapping[str, Any] = {
    "strict": True,
    "skipLibCheck": True,
    "target": "es2022",
    "lib": ["es2022"],
    "module": "nodenext",
    "moduleResolution": "nodenext",
    "types": [],
    "rootDir": ".",
    "outDir": "out",
}
_ERROR = re.compile(r"(?P<file>[^\s(]+)\(\d+,\d+\): error (?P<said>TS\d+: .*)")


class MissingTool(Exception):
    """Node, npm or the packages cannot be had here; the text says why."""


def installed(prefix: Path, path: str, pinned: Path = PINNED) -> Path:
    """The `node_modules` with the packages that a folder pins, below `prefix`; programs are found
    on `path`.

    Raises `MissingTool`.
    """
    for program in ("node", "npm"):
        if shutil.which(program, path=path) is None:
            raise MissingTool(f"{program} is not on this machine")
    lock = (pinned / "package-lock.json").read_bytes()
    home = prefix / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not home.is_dir():
        try:
            _install(pinned, home, path)
        except (OSError, subprocess.SubprocessError) as error:
            raise MissingTool(f"npm cannot install what is pinned: {error}") from error
    return home / "node_modules"


def _install(pinned: Path, home: Path, path: str) -> None:
    """Into a folder beside it, renamed when whole: two processes may do so at the same time."""
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="node-") as made:
        folder = Path(made) / "new"
        folder.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(pinned / name, folder)
        ran = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
        if ran.returncode != 0:
            raise OSError((ran.stderr.strip().splitlines() or ["no reason given"])[-1])
        _rename(folder, home)


def _rename(folder: Path, home: Path) -> None:
    try:
        folder.rename(home)
    except OSError:
        if not home.is_dir():
            raise


def compile_(
    modules: Path, folder: Path, files: Sequence[str] = (), **options: Any
) -> dict[str, list[str]]:
    """Compile the folder's files (all by default) into `out`; the errors of each file by its path.

    What the compiler says of no file, as of a wrong option, is under the empty path.
    """
    listed = {"files": list(files)} if files else {"include": ["**/*.ts"]}
    told = {"compilerOptions": {**OPTIONS, **options}, **listed}
    (folder / "tsconfig.json").write_text(json.dumps(told))
    command = ["node", str(modules / "typescript" / "bin" / "tsc"), "-p", ".", "--pretty", "false"]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=RUN_S, check=False, cwd=folder
    )
    errors: dict[str, list[str]] = defaultdict(list)
    for line in ran.stdout.splitlines():
        found = _ERROR.match(line)
        if found is not None:
            errors[found["file"]].append(found["said"])
        elif not line.startswith(" "):
            errors[""].append(line)
    assert bool(errors) == (ran.returncode != 0), ran.stdout + ran.stderr
    return dict(errors)


def run(modules: Path, script: Path, *argv: str) -> Any:
    """Run a script; the JSON that it writes to stdout."""
    environ = {"NODE_PATH": str(modules), "PATH": str(Path(shutil.which("node") or "").parent)}
    command = ["node", str(script), *argv]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=RUN_S, check=False, env=environ
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
