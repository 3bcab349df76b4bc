"""The host of the servers: PostgreSQL and Redis, reached from other hosts, which embedded ones are
not.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from redis import Redis

from chaos.network import Network
from ingest.embedded import cluster, processes, start
from ingest.embedded.binaries import find_postgres
from ingest.embedded.identity import choose_identity

READY_S = 60.0
_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the servers are found, from this host and from the others."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


@contextmanager
def hub(network: Network, directory: Path) -> Iterator[Hub]:
    """Both servers on loopback and on the network, until the end of the block."""
    with start(directory / "redis", postgres=False) as servers:
        redis_url = servers.urls.redis_url
        with Redis.from_url(redis_url) as client:
            client.config_set("bind", f"127.0.0.1 {network.address}")
        with _postgres(network, directory / "postgres") as database_url:
            yield Hub(database_url, _at(redis_url, network.address))


@contextmanager
def _postgres(network: Network, directory: Path) -> Iterator[str]:
    """An embedded server's data, under a server that listens on the network too."""
    with start(directory, redis=False) as servers:
        url = _at(servers.urls.database_url.partition("?")[0], network.address)
    data = cluster.directory(directory)
    with (data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write(f"host all all {network.subnet} scram-sha-256\n")
    program = find_postgres().postgres
    command = [str(program), "-D", str(data), "-c", f"port={urlsplit(url).port}"]
    command += ["-c", f"listen_addresses=127.0.0.1,{network.address}"]
    command += ["-c", "unix_socket_directories=", "-c", "max_connections=200"]
    with (directory / "network.log").open("wb") as output:
        bound = processes.spawn(
            command,
            death_signal=signal.SIGINT,
            identity=choose_identity(program),
            output=output,
        )
    try:
        if not processes.wait_until(lambda: _answers(url), seconds=READY_S):
            raise RuntimeError((directory / "network.log").read_text("utf-8", "replace")[-2_000:])
        yield url
    finally:
        with suppress(ProcessLookupError):
            bound.popen.send_signal(signal.SIGINT)
        processes.wait_until(lambda: not bound.running(), seconds=_STOP_S)
        bound.release()


def _at(url: str, address: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.replace("127.0.0.1", address)).geturl()


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
