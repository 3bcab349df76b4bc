"""A database with documents, and the program that pushes their changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.settings import load
from ingest.wiring import Program
from tests.changes.shelf import Table
from tests.factories import SECRET_KEY, make_store
from tests.sinks.hook import Hook, serving_hook


@pytest.fixture
def table(engine: sa.Engine) -> Table:
    """Documents of one store."""
    return Table(engine, make_store(engine, "docs"))


@pytest.fixture
def program(database_url: str, redis_url: str) -> Iterator[Program]:
    """The parts of a syncer."""
    told = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "INGEST_SECRET_KEY": SECRET_KEY,
    }
    made = Program(load(told))
    yield made
    made.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A server that takes webhooks."""
    with serving_hook() as made:
        yield made
