"""A receiver with a console on a test's database, where two deliveries became two documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import reading
from ingest.store.engine import transaction
from tests.console.running import console, log_in, visitor
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.halcyon import REPOSITORY


@dataclass(frozen=True, slots=True)
class Town:
    """A store with one connection, which sent an issue and a comment below it."""

    store: str
    connection: str
    issue: str
    comment: str
    deliveries: tuple[int, ...]


@pytest.fixture
def rung() -> list[str]:
    """The queues for which a wake-up was published."""
    return []


@pytest.fixture
def port(database_url: str, rung: list[str]) -> Iterator[int]:
    with console(database_url, rung.append) as listening:
        yield listening


@pytest.fixture
def stranger(port: int) -> Iterator[httpx.Client]:
    with visitor(port) as made:
        yield made


@pytest.fixture
def operator(stranger: httpx.Client) -> httpx.Client:
    """Somebody who is logged in."""
    assert log_in(stranger).status_code == 303
    return stranger


@pytest.fixture
def town(engine: sa.Engine) -> Town:
    store = make_store(engine, "town")
    connection = connect(
        engine,
        "github",
        {"githubRepoId": str(REPOSITORY)},
        stores=[store],
    )
    with transaction(engine) as conn:
        issue = halcyon.issue(1, title="Doors stick in winter", body="See halcyon/web#2.")
        deliveries = halcyon.deliver(conn, connection, issue, halcyon.comment(11, on=1))
    drain_deliveries(engine, go_on=lambda: True)
    with transaction(engine) as conn:
        found = {row["kind"]: row["id"] for row in reading.listing(conn, limit=9)}
    return Town(store, connection, found["issue"], found["comment"], tuple(deliveries))
