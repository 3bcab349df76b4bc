"""Redis-protocol servers of a test's own, which may be demoted, filled and killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from ingest.embedded.binaries import find_redis
from ingest.embedded.processes import free_port, wait_until

START_S = 20.0
MASTER = "mymaster"
_SENTINEL = """
port {port}
bind 127.0.0.1
dir {directory}
sentinel monitor {master} 127.0.0.1 {primary} 1
sentinel down-after-milliseconds {master} 500
sentinel failover-timeout {master} 3000
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server on a port of this machine."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def tell(self, *words: str | int) -> object:
        """What it answers to a command."""
        with Redis(port=self.port, socket_timeout=5) as client:
            return client.execute_command(*words)

    def answers(self) -> bool:
        try:
            return bool(self.tell("PING"))
        except AuthenticationError:
            return True
        except RedisError:
            return False

    def vanish(self) -> None:
        """Say nothing any more, and hang up on nobody: what a host without power does."""
        os.kill(self.process.pid, signal.SIGSTOP)


@contextmanager
def server(directory: Path, *settings: str, port: int | None = None) -> Iterator[Server]:
    """An empty server that keeps nothing, on a free port or on that one."""
    port = port or free_port()
    argv = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    with _running([*argv, "--repl-diskless-sync-delay", "0", *settings], port) as made:
        yield made


@contextmanager
def sentinel(directory: Path, primary: Server) -> Iterator[Server]:
    """One that watches the primary and what follows it, and is a majority by itself."""
    port = free_port()
    file = directory / f"sentinel-{port}.conf"
    told = {"port": port, "directory": directory, "master": MASTER, "primary": primary.port}
    file.write_text(_SENTINEL.format(**told))
    with _running([str(file), "--sentinel"], port) as made:
        yield made


@contextmanager
def tls_server(directory: Path, program: str, certificate: Path, key: Path) -> Iterator[int]:
    """The port on which one speaks TLS; the wheel's program cannot, so it is the machine's."""
    port, tls_port = free_port(), free_port()
    argv = ["--port", str(port), "--tls-port", str(tls_port), "--bind", "127.0.0.1", "--save", ""]
    argv += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    argv += ["--tls-auth-clients", "no", "--tls-ca-cert-file", str(certificate)]
    with _running([*argv, "--dir", str(directory)], port, program):
        yield tls_port


@contextmanager
def _running(argv: list[str], port: int, program: str | None = None) -> Iterator[Server]:
    command = [program or str(find_redis()), *argv]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        made = Server(port, process)
        try:
            assert wait_until(made.answers, seconds=START_S), "the server does not start"
            yield made
        finally:
            process.kill()
