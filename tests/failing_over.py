"""A primary and its standby of a test's own: to be frozen, killed, promoted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from ingest.embedded import Services, cluster, processes, start
from ingest.embedded.binaries import find_postgres
from ingest.embedded.identity import choose_identity, give
from ingest.embedded.processes import Bound

_REPLICATION = "host replication all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Pair:
    """Two servers of the same data; `url` names both, and means the one that can be written to."""

    primary_url: str
    standby_url: str
    primary_pid: int
    standby: Bound

    @property
    def url(self) -> str:
        first, second = urlsplit(self.primary_url), urlsplit(self.standby_url)
        hosts = f"{first.netloc},127.0.0.1:{second.port}"
        return first._replace(netloc=hosts, query="target_session_attrs=read-write").geturl()

    def promote(self) -> None:
        """The standby becomes a primary; returns when it can be written to."""
        with psycopg.connect(self.standby_url, autocommit=True) as conn:
            assert conn.execute("SELECT pg_promote(true, 60)").fetchone() == (True,)


@contextmanager
def server(directory: Path) -> Iterator[Services]:
    """A server of the test's own."""
    with start(directory, redis=False, durable=False) as services:
        yield services


@contextmanager
def pair(directory: Path) -> Iterator[Pair]:
    """A primary with a standby that follows it."""
    with start(directory / "primary", redis=False, durable=False) as services:
        url = services.urls.database_url.partition("?")[0]
        data = cluster.directory(directory / "primary")
        copy = directory / "standby"
        standby = _standby(url, data, copy)
        try:
            yield Pair(
                url, _on_port(url, standby.port), pid_of(directory / "primary"), standby.bound
            )
        finally:
            standby.bound.popen.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                standby.bound.popen.wait(20)
            standby.bound.release()
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """All processes of a server stand still, while the kernel goes on acknowledging for them."""
    pids = [postmaster, *_children(postmaster)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def pid_of(root: Path) -> int:
    """The server's process on an embedded data directory."""
    return processes.read_pid(cluster.directory(root) / "postmaster.pid")


def _children(parent: int) -> list[int]:
    told = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in told.read_text().split()]


def _on_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


@dataclass(frozen=True)
class _Standby:
    port: int
    bound: Bound


def _standby(url: str, data: Path, copy: Path) -> _Standby:
    binaries = find_postgres()
    program = binaries.directory / "pg_basebackup"
    if not program.exists():
        pytest.skip("the PostgreSQL programs here have no pg_basebackup")
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(_REPLICATION)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SELECT pg_reload_conf()")
    told = [str(program), "-d", url.rpartition("/")[0], "-D", str(copy), "-R", "-X", "stream"]
    subprocess.run([*told, "--checkpoint=fast", "--no-sync"], check=True, capture_output=True)
    identity = choose_identity(binaries.postgres)
    give(copy, identity=identity)
    port = processes.free_port()
    command = [str(binaries.postgres), "-D", str(copy), "-c", f"port={port}"]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    with (copy.parent / "standby.log").open("wb") as log:
        bound = processes.spawn(
            [*command, "-c", "fsync=off"],
            death_signal=signal.SIGQUIT,
            identity=identity,
            output=log,
        )
    following = _on_port(url, port)
    assert processes.wait_until(lambda: _answers(following), seconds=60), log.name
    return _Standby(port, bound)


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
