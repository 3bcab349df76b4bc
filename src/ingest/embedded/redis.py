"""An embedded Redis (Valkey): bound to its owner, behind a password, its log replayed at start."""

from __future__ import annotations

import secrets
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from ingest.embedded import processes
from ingest.embedded.binaries import find_redis
from ingest.embedded.errors import EmbeddedError, PortTakenError
from ingest.embedded.logs import ServerLog
from ingest.embedded.processes import Bound

log = structlog.get_logger(__name__)

SETTINGS = {
    "bind": "127.0.0.1",
    "daemonize": "no",
    "maxmemory-policy": "noeviction",  # a queue must not forget
    "save": '""',
    "appendonly": "yes",
    "appendfsync": "everysec",
    "set-proc-title": "no",  # we recognise the process by its arguments
}
UNSAFE_SETTINGS = {"appendonly": "no"}
START_SECONDS = 60.0
PORT_ATTEMPTS = 5
STOPPING = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


@dataclass(slots=True)
class RedisServer:
    """One server on one directory. Its owner holds the lock of the data directory."""

    root: Path
    durable: bool
    program: Path
    output: ServerLog
    password: str = field(repr=False)
    port: int = 0
    bound: Bound | None = None

    @classmethod
    def prepare(cls, root: Path, *, durable: bool) -> RedisServer:
        """Find the program and make its directory. Starts nothing."""
        (root / "redis").mkdir(mode=0o700, exist_ok=True)
        return cls(
            root=root,
            durable=durable,
            program=find_redis(),
            output=ServerLog(root / "log" / "redis.log"),
            password=secrets.token_urlsafe(24),
        )

    @property
    def directory(self) -> Path:
        return self.root / "redis"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start on the port of last time, or a free one; returns when commands are answered."""
        began = time.monotonic()
        self._clear_leftovers()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            try:
                self._launch()
                break
            except PortTakenError:
                if attempt == PORT_ATTEMPTS:
                    raise
                self.port = 0
        seconds = round(time.monotonic() - began, 3)
        log.info("embedded.redis.started", pid=self.pid(), port=self.port, seconds=seconds)

    def pid(self) -> int:
        """The server's process id, 0 when it does not run."""
        pid = processes.read_pid(self._pid_file)
        return pid if is_redis(pid, self.directory, program=self.program.name) else 0

    def running(self) -> bool:
        return self.bound is not None and self.bound.running() and self.pid() != 0

    def stop(self) -> None:
        """Stop cleanly: what was acknowledged is flushed."""
        if self.bound is None:
            return
        bound, self.bound = self.bound, None
        if not processes.end(self.pid() or bound.pid, STOPPING, gone=lambda: not bound.running()):
            log.error("embedded.redis.unstoppable", pid=bound.pid)
        bound.release()
        log.info("embedded.redis.stopped")

    @property
    def _pid_file(self) -> Path:
        return self.directory / "server.pid"

    @property
    def _configuration(self) -> Path:
        return configuration(self.directory)

    def _launch(self) -> None:
        self.port = self.port or processes.free_port()
        self._configure()
        with self.output.opened() as output:
            self.bound = processes.spawn(
                [str(self.program), str(self._configuration)], output=output
            )
        bound = self.bound
        processes.wait_until(lambda: self._ready() or not bound.running(), seconds=START_SECONDS)
        if not bound.running() or not self._ready():
            self.stop()
            raise self._failure()

    def _configure(self) -> None:
        """In a file and not in arguments, which every user of the machine can read."""
        settings = SETTINGS | ({} if self.durable else UNSAFE_SETTINGS)
        settings |= {"port": str(self.port), "requirepass": self.password}
        settings |= {"dir": f'"{self.directory}"', "pidfile": f'"{self._pid_file}"'}
        self._configuration.touch(mode=0o600)
        lines = [f"{name} {value}\n" for name, value in settings.items()]
        self._configuration.write_text("".join(lines))

    def _ready(self) -> bool:
        """It answers us, and no stranger on the same port does; loading its log is not ready."""
        try:
            once = Retry(NoBackoff(), retries=0)
            with Client.from_url(self.url, socket_timeout=1.0, retry=once) as client:
                return bool(client.ping()) and self.pid() != 0
        except (RedisError, OSError):
            return False

    def _failure(self) -> EmbeddedError:
        said = self.output.tail()
        if "Address already in use" in said:
            return PortTakenError(f"port {self.port} of 127.0.0.1 was taken by another program")
        return EmbeddedError(f"the Redis server did not start on {self.directory}: {said}")

    def _clear_leftovers(self) -> None:
        """End a server that outlived its owner: two of them would spoil one log."""
        pid, name = processes.read_pid(self._pid_file), self.program.name
        if is_redis(pid, self.directory, program=name):
            log.warning("embedded.redis.orphan", pid=pid)
            if not processes.end(
                pid, STOPPING, gone=lambda: not is_redis(pid, self.directory, program=name)
            ):
                raise EmbeddedError(f"process {pid} runs on {self.directory} and cannot be ended")
        self._pid_file.unlink(missing_ok=True)


def configuration(directory: Path) -> Path:
    return directory / "server.conf"


def is_redis(pid: int, directory: Path, *, program: str = "valkey-server") -> bool:
    """Whether this process is a Redis-protocol server on this directory."""
    names = {program, "valkey-server", "redis-server"}
    return processes.is_ours(pid, programs=names, mark=str(configuration(directory)))
