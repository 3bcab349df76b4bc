"""Real services for tests: one server for each process, one fresh database for each test.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers of the machine; else they are embedded.
`TEST_BROKER_URL` names another broker than that Redis for the tests that run Celery workers.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from kombu import Connection, Queue
from redis import Redis

from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE
from ingest.embedded import start
from ingest.sources.registry import source_types
from ingest.store.engine import connect, transaction
from ingest.store.upgrade import add_source_types
from tests.spares import Spares

SCHEMA = Path(__file__).parent.parent / "schema" / "schema.sql"
QUEUES = (INGEST_QUEUE, FETCH_QUEUE, "sync")

# What the developer's own shell says to the program, or to his own database, is not for the tests;
# where the servers' programs are, is.
_OURS = re.compile(
    r"(INGEST_(?!POSTGRES_BIN|REDIS_BIN)|PG)[A-Z]|(DATABASE|REDIS|CELERY_BROKER)_URL$"
)
for _name in filter(_OURS.match, list(os.environ)):
    del os.environ[_name]

# A property fails for what it finds, never for how busy the machine is.
settings.register_profile("ingest", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ingest")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses a broker says so, so that it can be run with another one."""
    for item in items:
        if isinstance(item, pytest.Function) and "broker_url" in item.fixturenames:
            item.add_marker("broker")


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on which databases may be made and dropped; its own database stays untouched."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    directory = tmp_path_factory.mktemp("postgres")
    with start(directory, redis=False, durable=False) as services:
        yield services.urls.database_url.partition("?")[0]  # names are taken out of it
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a database with our schema, made once, of which each test gets a copy.

    Beside the seed's sources it knows those of other packages that are installed.
    """
    name = f"ingest_test_{os.getpid()}"
    _administer(postgres_url, f"CREATE DATABASE {name}")
    with psycopg.connect(database_on(postgres_url, name)) as connection:
        connection.execute(SCHEMA.read_bytes())
    made = connect(database_on(postgres_url, name))
    with transaction(made) as conn:
        add_source_types(conn, source_types())
    made.dispose()
    yield name
    _administer(postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def spares(postgres_url: str, template_database: str) -> Iterator[Spares]:
    made = Spares(postgres_url, template_database)
    yield made
    made.close()


@pytest.fixture
def database_url(postgres_url: str, spares: Spares) -> Iterator[str]:
    """A database with our schema and no rows, for this test alone."""
    name = spares.take()
    yield database_on(postgres_url, name)
    spares.give_back(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """Connections to the test's own database."""
    made = connect(database_url, application="ingest-test")
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def _redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield _own_number(given)
        return
    directory = tmp_path_factory.mktemp("redis")
    with start(directory, postgres=False, durable=False) as services:
        yield services.urls.redis_url


@pytest.fixture
def redis_url(_redis_server: str) -> str:
    """An empty Redis database."""
    with Redis.from_url(_redis_server) as client:
        client.flushdb()
    return _redis_server


@pytest.fixture
def broker_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A broker with nothing in its queues: the test's Redis, or the one that is named.

    All processes of a parallel run share the named one's queues, so they use it one at a time.
    """
    given = os.environ.get("TEST_BROKER_URL")
    if not given:
        yield request.getfixturevalue("redis_url")
        return
    with (Path(tempfile.gettempdir()) / "ingest-test-broker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _delete_queues(given)
        yield given
        _delete_queues(given)


def _delete_queues(url: str) -> None:
    with Connection(url, connect_timeout=10) as broker, broker.channel() as channel:
        for name in QUEUES:
            Queue(name, channel=channel).delete()


def database_on(server_url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def _administer(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _own_number(url: str) -> str:
    """Each process of a parallel run flushes a database of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + worker
    return parts._replace(path=f"/{number}").geturl()
