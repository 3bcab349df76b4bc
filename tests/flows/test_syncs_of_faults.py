"""Sync runs of all sources while a third of what their providers are asked goes wrong.

The run is late, and nothing else differs: neither a row nor what the run counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.syncs.drain import drain_pages
from ingest.flows.syncs.request import Kind
from ingest.store.engine import connect as connect_to
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake
from tests.conftest import database_on
from tests.factories import VAULT
from tests.flows.chaos import (
    connect_all,
    counted,
    crowds,
    have_ended,
    request_all,
    told_at_the_end,
    weathered,
)
from tests.flows.snapshot import Snapshot, difference
from tests.spares import Spares

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FEW = 6
MOST_TURNS = 2_000
_DUE = (
    "UPDATE lightfast_sync_parts SET next_attempt_at = now() WHERE next_attempt_at > now()",
    "UPDATE lightfast_lookups SET next_attempt_at = now() WHERE next_attempt_at > now()",
    "UPDATE lightfast_connection_conditions SET held_until = NULL, rests_until = NULL",
)


@dataclass
class Plant:
    """All sources connected to one store of one database, and who works for them."""

    engine: sa.Engine
    fakes: dict[str, Fake]
    clients: Clients = field(init=False)
    connections: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(VAULT, {name: fake.url for name, fake in self.fakes.items()})
        self.connections = connect_all(self.engine, self.fakes)

    def sync(self, kind: Kind) -> dict[str, dict[str, Any]]:
        """A run of each, with its look-ups, to its end; nothing waits for anything."""
        runs = request_all(self.engine, self.connections, kind)
        turns = iter(range(MOST_TURNS))
        while not have_ended(self.engine, runs):
            drain_pages(self.engine, self.clients, go_on=self._hurried(60))
            self._hurry()
            drain_lookups(self.engine, self.clients, go_on=_times(20), threads=2)
            assert next(turns, None) is not None, counted(self.engine, runs)
        return counted(self.engine, runs)

    def told(self) -> Snapshot:
        return told_at_the_end(self.engine, self.connections)

    def _hurried(self, most: int) -> Callable[[], bool]:
        go_on = _times(most)

        def hurried() -> bool:
            self._hurry()
            return go_on()

        return hurried

    def _hurry(self) -> None:
        with transaction(self.engine, durable=False) as conn:
            for statement in _DUE:
                conn.execute(sa.text(statement))


def _times(most: int) -> Callable[[], bool]:
    left = iter(range(most))
    return lambda: next(left, None) is not None


@pytest.fixture
def other_engine(postgres_url: str, spares: Spares) -> Iterator[sa.Engine]:
    """Connections to a second database of the test's own."""
    name = spares.take()
    made = connect_to(database_on(postgres_url, name), application="ingest-test")
    yield made
    made.dispose()
    spares.give_back(name)


def _compare(engine: sa.Engine, other: sa.Engine, count: int, seed: int) -> None:
    with crowds(count) as fakes, ExitStack() as closing:
        calm = Plant(engine, fakes)
        closing.callback(calm.clients.close)
        whole = calm.sync("backfill")
        asked = {name: len(fake.requests) for name, fake in fakes.items()}
        faults = weathered(fakes, seed)
        shaken = Plant(other, fakes)
        closing.callback(shaken.clients.close)
        assert shaken.sync("backfill") == whole
        assert difference(calm.told(), shaken.told()) == ""
        assert {one["state"] for one in whole.values()} == {"done"}
        for name, fake in fakes.items():
            again = len(fake.requests) - asked[name]
            assert faults[name].struck.total() > 0.2 * again


@pytest.mark.parametrize("seed", [1])
def test_in_any_weather_a_run_is_late_and_nothing_else_differs(
    engine: sa.Engine, other_engine: sa.Engine, seed: int
) -> None:
    _compare(engine, other_engine, FEW, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 13))
def test_in_any_weather_a_run_of_many_is_late_and_nothing_else_differs(
    engine: sa.Engine, other_engine: sa.Engine, seed: int
) -> None:
    _compare(engine, other_engine, 300, seed)
