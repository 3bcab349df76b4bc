"""How root steps aside: PostgreSQL refuses to run as root, and so do its tools."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ingest.embedded.errors import EmbeddedError
from ingest.embedded.launch import nobody_ids
from ingest.embedded.processes import LAUNCHER


def choose_identity(program: Path) -> str:
    """The first identity under which `program --version` runs: see `launch.become`.

    A plain user stays itself. Root prefers a user namespace, where files keep their owner;
    containers often forbid that but let root become `nobody`.
    """
    if os.geteuid() != 0:
        return "self"
    refusals = []
    for identity in ("namespace", "nobody"):
        command = [sys.executable, "-I", "-S", str(LAUNCHER), "--owner", str(os.getpid())]
        command += ["--identity", identity, "--", str(program), "--version"]
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return identity
        refusals.append(f"{identity}: {tried.stderr.strip()}")
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, and root may not step aside here "
        f"({'; '.join(refusals)}): run as a plain user, or set DATABASE_URL"
    )


def give(directory: Path, *, identity: str) -> None:
    """Make the identity the owner of a directory and all in it, where it is not already."""
    if os.geteuid() != 0:
        return
    uid, gid = nobody_ids() if identity == "nobody" else (os.geteuid(), os.getegid())
    if directory.stat().st_uid == uid:
        return
    for path in directory.rglob("*"):
        os.chown(path, uid, gid, follow_symlinks=False)
    os.chown(directory, uid, gid)  # last: an interrupted run starts over
