"""Runs everything on one machine: the services that are not given, the schema, the processes.

Law: what is started here ends with this process; what the environment names is used as it is, and
neither started nor stopped.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ingest.core.errors import BadInput, TransientError
from ingest.embedded import Services, commands, processes, signals, start
from ingest.embedded.stack import Child, Stack
from ingest.sources.registry import source_types
from ingest.store.upgrade import upgrade
from ingest.wiring import Program, program

MOST_WORKERS = 4
"""Worker processes unless told otherwise: each holds connections, of which PostgreSQL has 100."""
PROBE_S = 1.0
READY_S = 30.0
_PAUSE_S = 0.05
_TAIL_LINES = 20
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock, not to listen


@dataclass(frozen=True)
class Machine:
    """The program, and the services that run beside it; its schema is current.

    `environ` is what the settings were read from: the children are given what is ours of it.
    """

    program: Program
    services: Services
    environ: Mapping[str, str]

    def children(self, *, host: str, port: int, workers: int | None = None) -> tuple[Child, ...]:
        """The receiver, `workers` that drain, one that looks things up, two that sync, the beat.

        As commands for `embedded.stack`, in the order in which they are started; none runs yet.
        """
        env = self._environment()
        return (
            commands.web(host=host, port=port, env=env),
            commands.worker(processes=workers or default_workers(), env=env),
            commands.fetcher(env=env),
            commands.syncer(env=env),
            commands.beat(data_dir=self.program.settings.data_dir, env=env),
        )

    def _environment(self) -> dict[str, str]:
        """What the children have to know: our own settings, and where the services are."""
        told = {name: text for name, text in self.environ.items() if name.startswith("INGEST_")}
        if self.services.urls.redis_url:
            told["REDIS_URL"] = self.services.urls.redis_url
        return told | {
            "DATABASE_URL": self.program.database_url,
            "CELERY_BROKER_URL": self.program.broker_url,
            "INGEST_SECRET_KEY": ",".join(self.program.secret_keys),
            "INGEST_DATA_DIR": str(self.program.settings.data_dir),
        }


@dataclass(frozen=True)
class Running:
    """A machine whose processes run in the background of this one; `url` is the receiver's."""

    machine: Machine
    stack: Stack
    url: str
    log: Path

    def wait(self, condition: Callable[[], bool], *, seconds: float, until: str) -> None:
        """Poll the condition, and restart what dies meanwhile.

        Raises `TransientError` after `seconds`, or for a process that crashes again and again, with
        the end of their log; `until` says there what was waited for.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            hopeless = self.stack.tend()
            if hopeless is not None:
                raise TransientError(f"{hopeless.name} crashes again and again:\n{self.tail()}")
            if time.monotonic() >= deadline:
                raise TransientError(f"{until}: not within {seconds:g} s\n{self.tail()}")
            time.sleep(_PAUSE_S)

    def ring(self, queue: str) -> None:
        """Wake the workers of a queue; where the broker is away the beat does it."""
        from ingest.bell.ring import publish_to, ring  # noqa: PLC0415 - it loads Celery

        program = self.machine.program
        ring(program.engine, queue, publish=partial(publish_to, program.broker))

    def tail(self) -> str:
        """The last lines that the processes wrote."""
        said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(said[-_TAIL_LINES:])


@contextlib.contextmanager
def machine(environ: Mapping[str, str], *, durable: bool = True) -> Iterator[Machine]:
    """Start what the environment does not name, and bring the schema up to date.

    In the main thread, with which the services end. `durable=False` is for tests: a crash of the
    machine may lose data. Raises `DataDirInUseError` while another process runs on the data
    directory, and `BadSettings`, `EmbeddedError`, `UnfitDatabase` or `Unavailable` for what else
    hinders.
    """
    parts = program(environ, application="ingest-machine")
    settings = parts.settings
    with start(
        settings.data_dir,
        postgres=settings.database_url is None,
        redis=settings.broker_url is None,
        durable=durable,
    ) as services:
        try:
            upgrade(parts.engine, source_types())
            yield Machine(parts, services, environ)
        finally:
            parts.engine.dispose()


@contextlib.contextmanager
def running(
    environ: Mapping[str, str],
    *,
    workers: int | None = None,
    durable: bool = True,
    host: str = "127.0.0.1",
) -> Iterator[Running]:
    """A whole stack on a free port, ready; its processes write to a log in the data directory.

    A context manager: all ends with the block. Raises what `machine` raises, and `TransientError`
    where the receiver is not ready within READY_S.
    """
    with machine(environ, durable=durable) as made:
        log = made.program.settings.data_dir / "processes.log"
        port = processes.free_port()
        children = made.children(host=host, port=port, workers=workers)
        with log.open("wb") as output, Stack(children, output=output) as stack:
            stands = Running(made, stack, f"http://{host}:{port}", log)
            stands.wait(lambda: is_ready(host, port), seconds=READY_S, until="receiver ready")
            stack.steady = True
            yield stands


def is_ready(host: str, port: int) -> bool:
    """Whether the receiver answers, and reaches a current database; waits PROBE_S for a socket.

    `host` is where it listens.
    """
    connection = http.client.HTTPConnection(reached_at(host), port, timeout=PROBE_S)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def reached_at(host: str) -> str:
    """Where to reach what listens there: for an address that means every one that is loopback."""
    return _EVERYWHERE.get(host, host)


def require_port(host: str, port: int) -> None:
    """Raise `BadInput` where the receiver could not listen."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise BadInput(
            f"nothing can listen on {host} port {port} ({error.strerror}); choose another with "
            "--host or --port"
        ) from error


def default_workers() -> int:
    """One for each processor that this process may use, up to MOST_WORKERS."""
    usable = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(usable, MOST_WORKERS))


def ended_by_signals() -> contextlib.AbstractContextManager[None]:
    """SIGTERM and SIGHUP end this block as Ctrl-C does: all that it opened is closed."""
    return signals.heard(signal.default_int_handler)
