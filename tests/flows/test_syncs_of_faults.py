"""Sync runs of all sources while a third of what their providers are asked goes wrong.

The run is late, and nothing else differs: neither a row nor what the run counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.syncs.request import Kind
from ingest.store.engine import connect as connect_to
from tests.conftest import database_on
from tests.crowds import move
from tests.flows.chaos import Plant, crowds, fair, weathered
from tests.flows.snapshot import difference
from tests.spares import Spares

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FEW, MANY = 6, 120


@pytest.fixture
def other_engine(postgres_url: str, spares: Spares) -> Iterator[sa.Engine]:
    """Connections to a second database of the test's own."""
    name = spares.take()
    made = connect_to(database_on(postgres_url, name), application="ingest-test")
    yield made
    made.dispose()
    spares.give_back(name)


@contextmanager
def plants(engine: sa.Engine, other: sa.Engine, count: int) -> Iterator[tuple[Plant, Plant]]:
    """Two of the same providers, each with a database of its own."""
    with crowds(count) as fakes, ExitStack() as closing:
        calm, shaken = Plant(engine, fakes), Plant(other, fakes)
        closing.callback(calm.clients.close)
        closing.callback(shaken.clients.close)
        yield calm, shaken


def _same(calm: Plant, shaken: Plant, kind: Kind, seed: int) -> dict[str, dict[str, Any]]:
    fair(calm.fakes)
    whole = calm.sync(kind)
    asked = sum(len(fake.requests) for fake in calm.fakes.values())
    faults = weathered(calm.fakes, seed)
    assert shaken.sync(kind) == whole
    assert difference(calm.told(), shaken.told()) == ""
    assert {one["state"] for one in whole.values()} == {"done"}
    asked = sum(len(fake.requests) for fake in calm.fakes.values()) - asked
    assert sum(one.struck.total() for one in faults.values()) > 0.25 * asked
    return whole


def test_in_any_weather_a_run_is_late_and_nothing_else_differs(
    engine: sa.Engine, other_engine: sa.Engine
) -> None:
    with plants(engine, other_engine, FEW) as (calm, shaken):
        _same(calm, shaken, "backfill", 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 13))
def test_so_is_one_of_many_and_one_that_finds_some_gone(
    engine: sa.Engine, other_engine: sa.Engine, seed: int
) -> None:
    with plants(engine, other_engine, MANY) as (calm, shaken):
        _same(calm, shaken, "backfill", seed)
        for name, fake in calm.fakes.items():
            move(name, fake.provider, MANY)
        whole = _same(calm, shaken, "full", seed + 1_000)
        assert all(one["changed"] > one["deleted"] > 0 for one in whole.values()), whole
