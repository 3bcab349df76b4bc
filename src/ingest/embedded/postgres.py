"""An embedded PostgreSQL: made once, started as a bound child, recovered after any crash."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import structlog

from ingest.embedded import cluster, processes, sockets
from ingest.embedded.binaries import PostgresBinaries, find_postgres
from ingest.embedded.errors import EmbeddedError, PortTakenError
from ingest.embedded.identity import choose_identity, give
from ingest.embedded.logs import ServerLog
from ingest.embedded.processes import Bound

log = structlog.get_logger(__name__)

DATABASE = "ingest"
SETTINGS = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",  # fewer checkpoints under bulk writes
    "max_connections": "100",
    "max_parallel_workers_per_gather": "1",  # two cores, several workers of our own
    "jit": "off",  # our queries are short: compiling them costs more than it saves
    "timezone": "UTC",  # the seed's columns have no zone
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
OURS_ALONE = (
    "hostaddr=127.0.0.1&sslmode=disable&channel_binding=prefer&target_session_attrs=any&options="
)
"""Said in the URL, since libpq takes what is not said there from the user's PG… variables."""
START_SECONDS = 120.0  # recovery reads up to max_wal_size
CONNECT_SECONDS = 30
LEFTOVER_SECONDS = 10.0
STOPPING = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))

_NO_PROCESS = 2**22 + 1  # above the largest process id that any kernel gives out


@dataclass(slots=True)
class Postgres:
    """One server on one data directory. Its owner holds the lock of the directory."""

    root: Path
    durable: bool
    binaries: PostgresBinaries
    identity: str
    password: str = field(repr=False)
    output: ServerLog
    port: int = 0
    bound: Bound | None = None

    @classmethod
    def prepare(cls, root: Path, *, durable: bool, identity: str | None = None) -> Postgres:
        """Find the programs and make the database cluster if there is none. Starts nothing.

        `identity` is how root steps aside (see launch.py); without it, the first that works.
        """
        major = cluster.major_version(root)
        binaries = find_postgres(major=major)
        server = cls(
            root=root,
            durable=durable,
            binaries=binaries,
            identity=identity or choose_identity(binaries.postgres),
            password=cluster.password(root),
            output=ServerLog(root / "log" / "postgres.log"),
        )
        if major is None:
            cluster.make(
                root,
                binaries=binaries,
                identity=server.identity,
                output=server.output,
                durable=durable,
            )
        give(server.directory, identity=server.identity)
        return server

    @property
    def directory(self) -> Path:
        return cluster.directory(self.root)

    @property
    def url(self) -> str:
        return self._url_of(DATABASE)

    def _url_of(self, database: str) -> str:
        where = f"{cluster.USER}:{self.password}@127.0.0.1:{self.port}"
        return f"postgresql://{where}/{database}?{OURS_ALONE}"

    def start(self) -> None:
        """Start on the port of last time, or a free one; returns when queries are answered."""
        began = time.monotonic()
        self._clear_leftovers()
        deadline = began + LEFTOVER_SECONDS
        while True:
            try:
                self._launch()
                break
            except PortTakenError:
                if time.monotonic() > deadline:
                    raise
                self.port = 0
            except _SharedMemoryInUseError:  # backends of a killed server, on their way out
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        self._ensure_database()
        seconds = round(time.monotonic() - began, 3)
        log.info("embedded.postgres.started", pid=self.pid(), port=self.port, seconds=seconds)

    def pid(self) -> int:
        """The server's process id, 0 when it does not run."""
        pid = processes.read_pid(self._pid_file)
        return pid if is_postgres(pid, self.directory) else 0

    def running(self) -> bool:
        return self.bound is not None and self.bound.running() and self.pid() != 0

    def stop(self) -> None:
        """Stop fast but cleanly: sessions are ended, what is committed is flushed."""
        if self.bound is None:
            return
        bound, self.bound = self.bound, None
        if not processes.end(self.pid() or bound.pid, STOPPING, gone=lambda: not bound.running()):
            log.error("embedded.postgres.unstoppable", pid=bound.pid)
        bound.release()
        log.info("embedded.postgres.stopped")

    @property
    def _pid_file(self) -> Path:
        return self.directory / "postmaster.pid"

    def _launch(self) -> None:
        self.port = self.port or processes.free_port()
        folder = sockets.directory(self.root)
        give(folder, identity=self.identity)
        settings = SETTINGS | ({} if self.durable else UNSAFE_SETTINGS)
        settings |= {"listen_addresses": "127.0.0.1", "port": str(self.port)}
        settings |= {"unix_socket_directories": f'"{folder}"'}
        command = [str(self.binaries.postgres), "-D", str(self.directory)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.output.opened() as output:
            self.bound = processes.spawn(
                command, death_signal=signal.SIGINT, identity=self.identity, output=output
            )
        bound = self.bound
        if not processes.wait_until(
            lambda: self._ready() or not bound.running(), seconds=START_SECONDS
        ):
            self.stop()
            raise EmbeddedError(
                f"PostgreSQL on {self.directory} was not ready within {START_SECONDS:.0f} s: "
                f"{self.output.tail()}"
            )
        if not bound.running():
            bound.release()
            self.bound = None
            raise self._failure()

    def _ready(self) -> bool:
        """The eighth line of postmaster.pid says so, and the first names a process of ours."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and self.pid() != 0

    def _failure(self) -> EmbeddedError:
        said = self.output.tail()
        if "Address already in use" in said:
            return PortTakenError(f"port {self.port} of 127.0.0.1 was taken by another program")
        if "shared memory block" in said:
            return _SharedMemoryInUseError(
                f"processes of a former server still use {self.directory}: {said}"
            )
        return EmbeddedError(f"PostgreSQL did not start on {self.directory}: {said}")

    def _ensure_database(self) -> None:
        """Create our database once; also the proof that the stored password is the right one."""
        try:
            with psycopg.connect(
                self._url_of("postgres"), options="", connect_timeout=CONNECT_SECONDS
            ) as connection:
                connection.autocommit = True
                found = connection.execute(
                    "SELECT FROM pg_database WHERE datname = %s", (DATABASE,)
                ).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError as error:
            self.stop()
            raise EmbeddedError(
                f"PostgreSQL on {self.directory} runs but does not let us in ({error}): if "
                f"{cluster.password_file(self.root)} was changed, put the old one back"
            ) from error

    def _clear_leftovers(self) -> None:
        """End a server that outlived its owner, and disarm a pid file that names a stranger.

        A pid file of a dead process stays: PostgreSQL reads it to see whether backends are left.
        """
        pid = processes.read_pid(self._pid_file)
        if is_postgres(pid, self.directory):
            log.warning("embedded.postgres.orphan", pid=pid)
            gone = processes.end(pid, STOPPING, gone=lambda: not is_postgres(pid, self.directory))
            if not gone:
                raise EmbeddedError(f"process {pid} runs on {self.directory} and cannot be ended")
        if self._pid_file.exists():
            _disarm(self._pid_file)
        for path in sockets.directory(self.root).glob(".s.PGSQL.*"):
            path.unlink()


class _SharedMemoryInUseError(EmbeddedError):
    pass


def is_postgres(pid: int, directory: Path) -> bool:
    """Whether this process is a PostgreSQL server on this data directory."""
    return processes.is_ours(pid, programs=("postgres",), mark=f"-D {directory} ")


def _disarm(pid_file: Path) -> None:
    """Let the first line name no process; keep the rest, which names the shared memory."""
    lines = pid_file.read_text().splitlines()
    if len(lines) < 7:  # cut short by a crash: PostgreSQL refuses such a file
        pid_file.unlink()
    else:
        pid_file.write_text("\n".join([str(_NO_PROCESS), *lines[1:]]) + "\n")
