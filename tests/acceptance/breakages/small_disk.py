"""A disk that a test fills: a file system of its own, with the databases that are put there."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.conftest import database_on

SIZE = "96m"


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A tablespace of its own on SIZE of memory; `directory` is where it is mounted."""

    directory: Path
    tablespace: str

    @property
    def _ballast(self) -> Path:
        return self.directory / "ballast"

    def fill(self) -> None:
        """Somebody else's file takes what is left, to the last byte."""
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4096)

    def give_room(self) -> None:
        """The file is gone."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(server_url: str, directory: Path) -> Iterator[SmallDisk | None]:
    """One on this machine's server; None where nothing may be mounted, or the server sees it not.

    Databases on it are to be dropped before the end.
    """
    directory.mkdir()
    if not _mounted(directory):
        yield None
        return
    name = f"small_{uuid.uuid4().hex[:8]}"
    try:
        made = _tablespace(server_url, name, directory / "data")
        yield SmallDisk(directory, name) if made else None
        if made:
            _administer(server_url, sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(name)))
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=False, capture_output=True)


@contextmanager
def database_of(server_url: str, template: str, disk: SmallDisk | None) -> Iterator[str]:
    """The URL of a copy of a database, on that disk where there is one."""
    name = f"breakages_{uuid.uuid4().hex[:8]}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    if disk is not None:
        copy += sql.SQL(" TABLESPACE {}").format(sql.Identifier(disk.tablespace))
    _administer(server_url, copy)
    try:
        yield database_on(server_url, name)
    finally:
        dropped = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        _administer(server_url, dropped)


def _mounted(directory: Path) -> bool:
    told = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=777", "none", str(directory)]
    return (
        os.geteuid() == 0 and subprocess.run(told, check=False, capture_output=True).returncode == 0
    )


def _tablespace(server_url: str, name: str, directory: Path) -> bool:
    directory.mkdir(mode=0o700)
    owner = Path(f"/proc/{_server_pid(server_url)}")
    with suppress(OSError):
        told = owner.stat()
        os.chown(directory, told.st_uid, told.st_gid)
    try:
        _administer(
            server_url,
            sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(
                sql.Identifier(name), str(directory)
            ),
        )
    except psycopg.Error:
        return False
    return True


def _server_pid(server_url: str) -> int:
    with psycopg.connect(server_url) as connection:
        return connection.info.backend_pid


def _administer(server_url: str, statement: sql.Composed) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)
