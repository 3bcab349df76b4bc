"""The embedded servers of one data directory, and the one process that owns them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from ingest.embedded import sockets
from ingest.embedded.errors import DataDirInUseError, EmbeddedError
from ingest.embedded.postgres import Postgres, is_postgres
from ingest.embedded.processes import command_line
from ingest.embedded.redis import RedisServer, is_redis


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the servers are, and the receiver of `ingest up`. Empty for what is not there."""

    database_url: str
    redis_url: str
    receiver_url: str = ""

    def __repr__(self) -> str:
        database_url, redis_url = _masked(self.database_url), _masked(self.redis_url)
        return f"Urls({database_url=}, {redis_url=}, receiver_url={self.receiver_url!r})"


class Services:
    """Running servers. A context manager; `stop` may be called twice."""

    def __init__(
        self, root: Path, *, lock: int, postgres: Postgres | None, redis: RedisServer | None
    ) -> None:
        self._root = root
        self._lock = lock
        self._postgres = postgres
        self._redis = redis
        self._owner = os.getpid()
        self._stopped = False
        self._receiver_url = ""

    @property
    def urls(self) -> Urls:
        return Urls(
            self._postgres.url if self._postgres else "", self._redis.url if self._redis else ""
        )

    def alive(self) -> bool:
        """Whether every server that was started still runs."""
        return not self._stopped and all(server.running() for server in self._servers())

    def revive(self) -> None:
        """Start again, on the same port, what has died; its data are recovered."""
        for server in self._servers():
            if not self._stopped and not server.running():
                server.stop()
                server.start()
                self._announce()

    def tell_receiver(self, url: str) -> None:
        """Tell other commands where the receiver listens that stands beside the servers."""
        self._receiver_url = url
        self._announce()

    def stop(self) -> None:
        """Stop the servers, last started first. Does nothing in a forked copy of the owner."""
        if self._stopped or os.getpid() != self._owner:
            return
        self._stopped = True
        with contextlib.ExitStack() as closing:
            closing.callback(os.close, self._lock)
            if self._postgres:
                closing.callback(sockets.discard, self._root)
            for server in self._servers():
                closing.callback(server.stop)
            closing.callback(_announcement(self._root).unlink, missing_ok=True)

    def __enter__(self) -> Services:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Services({str(self._root)!r}, {self.urls!r})"

    def _servers(self) -> list[Postgres | RedisServer]:
        return [server for server in (self._postgres, self._redis) if server is not None]

    def _start(self) -> None:
        for server in self._servers():
            server.start()
        self._announce()

    def _announce(self) -> None:
        """Tell other commands of this machine and user where the servers are."""
        path = _announcement(self._root)
        facts: dict[str, Any] = {"owner": self._owner, "receiver": self._receiver_url}
        if self._postgres:
            facts["postgres"] = {"pid": self._postgres.pid(), "url": self._postgres.url}
        if self._redis:
            facts["redis"] = {"pid": self._redis.pid(), "url": self._redis.url}
        written = path.with_suffix(".new")
        written.unlink(missing_ok=True)
        written.touch(mode=0o600)
        written.write_text(json.dumps(facts))
        written.replace(path)


def start(
    data_dir: Path, *, postgres: bool = True, redis: bool = True, durable: bool = True
) -> Services:
    """Start the servers on a data directory, made if it is missing, and own them.

    They end with this process, however it ends. `durable=False` is for tests: a crash of the
    machine may lose data. Raises DataDirInUseError while another process owns the directory,
    EmbeddedError for anything else that hinders. Call it from the main thread: the servers
    end with the thread that started them.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedError("embedded servers must be started from the main thread")
    root = data_dir.resolve()
    with contextlib.ExitStack() as undo:
        lock = _own(root)
        undo.callback(os.close, lock)
        services = Services(
            root,
            lock=lock,
            postgres=Postgres.prepare(root, durable=durable) if postgres else None,
            redis=RedisServer.prepare(root, durable=durable) if redis else None,
        )
        undo.pop_all()
        undo.callback(services.stop)
        services._start()
        undo.pop_all()
    return services


def find_running(data_dir: Path) -> Urls | None:
    """The servers that a living owner runs on this directory; None if any of them is gone."""
    root = data_dir.resolve()
    facts = _announced(root)
    if facts is None or not command_line(facts["owner"]):
        return None  # of an owner that has gone the servers may need a moment longer to end
    database, broker = facts.get("postgres"), facts.get("redis")
    if database and not is_postgres(database["pid"], root / "postgres"):
        return None
    if broker and not is_redis(broker["pid"], root / "redis"):
        return None
    urls = Urls(
        database["url"] if database else "",
        broker["url"] if broker else "",
        facts.get("receiver", ""),
    )
    listening = all(_listens(url) for url in (urls.database_url, urls.redis_url) if url)
    return urls if listening else None


def _own(root: Path) -> int:
    """Take the lock of the directory; the kernel gives it back when this process ends."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedError(
            f"the data directory {root} cannot be used ({error.strerror}): make it writable "
            "for this user, or set INGEST_DATA_DIR to another"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(lock, 20, 0).decode(errors="replace").strip() or "of unknown number"
        os.close(lock)
        raise DataDirInUseError(
            f"the data directory {root} is in use by process {owner}: stop that one first, "
            "or set INGEST_DATA_DIR to another directory"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _announcement(root: Path) -> Path:
    return root / "services.json"


def _announced(root: Path) -> dict[str, Any] | None:
    """What the owner wrote of itself and its servers; None where nobody did, or half of it."""
    path = _announcement(root)
    try:
        facts: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except PermissionError as error:
        raise EmbeddedError(
            f"{path} belongs to another user: run as the one who started it"
        ) from error
    return facts


def _listens(url: str) -> bool:
    where = urlsplit(url)
    try:
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=1.0):
            return True
    except OSError:
        return False


def _masked(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url
