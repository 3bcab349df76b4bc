"""A receiver on loopback for a test, how to speak to it when a well-bred client would not, and how
to take its database away.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
import uvicorn
from starlette.types import ASGIApp

from ingest.settings import Settings
from ingest.web import create_app
from ingest.web.probes import PROTOCOL
from ingest.wiring import Program
from tests.factories import SECRET, SECRET_KEY

LIMIT = 2 * 2**20
"""The largest body that the test's receiver accepts."""


APP_WIDE: Mapping[str, tuple[str, ...]] = {"github": (SECRET,), "zendesk": (SECRET,)}


def program(database_url: str, app_wide: Mapping[str, tuple[str, ...]] = APP_WIDE) -> Program:
    """A program of this database, with these app-wide secrets."""
    return Program(
        Settings(
            database_url=database_url,
            secret_keys=(SECRET_KEY,),
            webhook_secrets=app_wide,
            max_body_bytes=LIMIT,
        ),
        "ingest-test",
    )


@contextmanager
def receiver(
    database_url: str,
    publish: Callable[[str], None],
    app_wide: Mapping[str, tuple[str, ...]] = APP_WIDE,
) -> Iterator[int]:
    """The port of a running receiver."""
    with served(create_app(program(database_url, app_wide), publish=publish)) as port:
        yield port


@contextmanager
def served(app: ASGIApp, *, protocol: str = PROTOCOL) -> Iterator[int]:
    """The port on which an application is served."""
    config = uvicorn.Config(app, http=protocol, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    # asyncio turns Nagle off only where the protocol is named; with it each answer takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def closed_database(database_url: str, postgres_url: str) -> Iterator[None]:
    """The database lets nobody in, and throws out who is there."""
    name = database_url.rsplit("/", 1)[1]
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        yield
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def speak(port: int, *parts: bytes) -> bytes:
    """Send bytes as they are; everything that is answered until the receiver closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        try:
            for part in parts:
                client.sendall(part)
        except OSError:
            pass  # it answered and hung up before it had read all
        return heard(client)


def heard(client: socket.socket) -> bytes:
    heard = b""
    try:
        while part := client.recv(65536):
            heard += part
    except ConnectionResetError:
        pass
    return heard


def status(answer: bytes) -> int:
    """The status of the first answer, 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0
