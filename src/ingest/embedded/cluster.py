"""The files of an embedded PostgreSQL, made by initdb and opened by a password."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from ingest.embedded import processes
from ingest.embedded.binaries import PostgresBinaries
from ingest.embedded.errors import EmbeddedError
from ingest.embedded.identity import give
from ingest.embedded.logs import ServerLog

USER = "ingest"


def directory(root: Path) -> Path:
    return root / "postgres"


def password_file(root: Path) -> Path:
    return root / "postgres.password"


def major_version(root: Path) -> int | None:
    """The major version of PostgreSQL that wrote the data; None where there are none."""
    try:
        return int((directory(root) / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def password(root: Path) -> str:
    """The password of USER; a new one only while there are no data that an old one protects."""
    path = password_file(root)
    if major_version(root) is None:
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    try:
        return path.read_text().strip()
    except FileNotFoundError as error:
        raise EmbeddedError(
            f"{path} is missing, and the data beside it cannot be opened without: put it back, "
            "or start on another INGEST_DATA_DIR"
        ) from error


def make(
    root: Path, *, binaries: PostgresBinaries, identity: str, output: ServerLog, durable: bool
) -> None:
    """Run initdb beside the final place and rename, so that a crash leaves no half of one."""
    making = root / "postgres.new"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    give(making, identity=identity)
    command = [str(binaries.initdb), "-D", str(making), "-U", USER, "-E", "UTF8"]
    command += ["-A", "scram-sha-256", f"--pwfile={password_file(root)}"]
    command += _locale(binaries.major)
    command += [] if durable else ["--no-sync"]
    if _run(command, identity=identity, output=output) != 0:
        raise EmbeddedError(f"initdb could not make {directory(root)}: {output.tail()}")
    making.rename(directory(root))


def _run(command: list[str], *, identity: str, output: ServerLog) -> int:
    with output.opened() as stream:
        bound = processes.spawn(command, identity=identity, output=stream)
    try:
        return bound.popen.wait()
    finally:
        bound.popen.kill()  # nothing to kill, unless we were interrupted
        bound.popen.wait()
        bound.release()


def _locale(major: int) -> list[str]:
    """Byte order with Unicode letters, the same on every machine where the server can do it."""
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]
