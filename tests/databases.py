"""Databases without a schema, for tests of what makes one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.conftest import database_on


@contextmanager
def empty_databases(server_url: str) -> Iterator[Callable[[], str]]:
    """A function that makes an empty database and gives its URL; all are dropped at the end."""
    made: list[str] = []

    def make() -> str:
        name = f"ingest_empty_{uuid.uuid4().hex[:12]}"
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        made.append(name)
        return database_on(server_url, name)

    with psycopg.connect(server_url, autocommit=True) as connection:
        yield make
        for name in made:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
