"""A running stack on a test's own database and Redis, and what it should come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows import sweep
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.documents.bind import bind_pending
from ingest.flows.receiving.arrivals import insert_into
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.verify import verify
from ingest.machine import Running, running
from ingest.sources.registry import all_sources, source
from ingest.store.engine import connect as connect_to
from ingest.store.upgrade import upgrade
from tests import factories
from tests.acceptance.crowd import Letter, crowd
from tests.acceptance.tables import results
from tests.databases import empty_databases
from tests.factories import SECRET, SECRET_KEY

LEASE_S = 2
STORE = "acceptance"


@pytest.fixture
def stage(database_url: str, redis_url: str, broker_url: str, tmp_path: Path) -> Iterator[Running]:
    """Receiver, two worker processes and beat; a lease lasts LEASE_S."""
    environ = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": broker_url,
        "INGEST_DATA_DIR": str(tmp_path / "data"),
        "INGEST_SECRET_KEY": SECRET_KEY,
        "INGEST_LEASE_SECONDS": str(LEASE_S),
    }
    with running(environ, workers=2) as stands:
        yield stands


@pytest.fixture
def connection(engine: sa.Engine) -> str:
    """A connected repository that feeds the store; its id."""
    return connected(engine)


@pytest.fixture(scope="session")
def undisturbed(postgres_url: str) -> Callable[[int], dict[str, list[Any]]]:
    """What a crowd of so many issues leaves in the tables when nobody is killed."""
    return cache(partial(_undisturbed, postgres_url))


def _undisturbed(postgres_url: str, issues: int) -> dict[str, list[Any]]:
    with empty_databases(postgres_url) as make:
        engine = connect_to(make())
        upgrade(engine, tuple(all_sources()))
        enqueue(engine, connected(engine), crowd(issues))
        drain_deliveries(engine, go_on=lambda: True)
        settle(engine)
        found = results(engine)
        engine.dispose()
        return found


def connected(engine: sa.Engine) -> str:
    factories.make_store(engine, STORE)
    return factories.connect(engine, "github", stores=[STORE])


def enqueue(
    engine: sa.Engine, connection: str, letters: Sequence[Letter], source_type: str = "github"
) -> None:
    """Store deliveries as the receiver does, in one transaction."""
    descriptor, now = source(source_type).descriptor, datetime.now(UTC)
    incoming = [Incoming(source_type, connection, one.headers, one.body, now) for one in letters]
    verified = [verify(one, descriptor, [SECRET]) for one in incoming]
    insert_into(engine)([one for one in verified if one is not None])


def settle(engine: sa.Engine) -> None:
    """What lags behind the last delivery."""
    bind_pending(engine)
    sweep.settle_counts(engine)
