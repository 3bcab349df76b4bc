"""Crowded providers, a world that lists them, and what two databases have in the end.

Compared is every table that promise 4 speaks of, by names: ids of connections are a database's own,
and so are times and ranks of our own clock.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ingest.flows import sweep
from ingest.flows.documents.bind import bind_pending
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.syncs.control import sync_connection
from ingest.flows.syncs.drain import drain_pages
from ingest.flows.syncs.request import Kind
from ingest.store import sync_runs
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake, serving
from ingest.testing.faults import Faults
from ingest.testing.sample import all_samples
from tests.crowds import CROWDS, crowded
from tests.factories import VAULT, connect, make_store
from tests.flows.snapshot import Snapshot, Table, snapshot

STORE = "chaos"
OWN_CLOCK = "2026-06"
"""Times from then on are ours: the story and the crowds are of before."""
_VERSION = re.compile(r"(?<=:)0*17[89]\d{13}(?=:|$)")
"""Of an event, where it is a time of ours, in microseconds."""
_RANKS = frozenset({"rank", "created_rank", "patches", "made"})
_COUNTED = ("kind", "state", "seen", "changed", "deleted", "errors")
_DUE = (
    "UPDATE lightfast_sync_parts SET next_attempt_at = now() WHERE next_attempt_at > now()",
    "UPDATE lightfast_lookups SET next_attempt_at = now() WHERE next_attempt_at > now()",
    "UPDATE lightfast_connection_conditions SET held_until = NULL, rests_until = NULL",
)
MOST_TURNS = 2_000


@contextmanager
def crowds(count: int) -> Iterator[dict[str, Fake]]:
    """The providers of all sources that are listed, by source type, with some `count` objects."""
    with ExitStack() as running:
        yield {name: running.enter_context(serving(crowded(name, count))) for name in CROWDS}


def weathered(fakes: Mapping[str, Fake], seed: int, *, hang_s: float = 0.05) -> dict[str, Faults]:
    """A third of all requests go wrong from now on, each provider's limits in its own units."""
    limits = {sample.source_type: sample.limited for sample in all_samples()}
    made: dict[str, Faults] = {}
    for number, (name, fake) in enumerate(fakes.items()):
        made[name] = Faults(seed * 100 + number, limited=limits[name])
        fake.weather, fake.hang_s = made[name].through, hang_s
    return made


def fair(fakes: Mapping[str, Fake]) -> None:
    """Nothing goes wrong from now on."""
    for fake in fakes.values():
        fake.weather = lambda right: right()


def connect_all(engine: sa.Engine, fakes: Mapping[str, Fake]) -> dict[str, str]:
    """A connection of each source to one store, by source type."""
    make_store(engine, STORE)
    return {
        sample.source_type: connect(
            engine,
            sample.source_type,
            sample.connection,
            stores=[STORE],
            token=fakes[sample.source_type].provider.token,
        )
        for sample in all_samples()
        if sample.source_type in fakes
    }


def request_all(engine: sa.Engine, connections: Mapping[str, str], kind: Kind) -> dict[str, int]:
    """A run of each, by source type."""
    return {
        name: sync_connection(engine, id_, kind=kind, asked_by="a test")
        for name, id_ in connections.items()
    }


def shown(engine: sa.Engine, run: int) -> dict[str, Any]:
    """A run as people see it."""
    with transaction(engine) as conn:
        found = sync_runs.show(conn, run)
    assert found is not None
    return found


def have_ended(engine: sa.Engine, runs: Mapping[str, int]) -> bool:
    """Whether all have, however."""
    return all(shown(engine, run)["finished_at"] for run in runs.values())


def counted(engine: sa.Engine, runs: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """How the runs ended, and what they counted, list by list; not what it cost."""
    found: dict[str, dict[str, Any]] = {}
    for name, run in runs.items():
        told = shown(engine, run)
        found[name] = {column: told[column] for column in _COUNTED}
        parts = {one["resource"]: (one["state"], one["seen"], one["gap"]) for one in told["parts"]}
        found[name]["parts"] = parts
    return found


def told_at_the_end(engine: sa.Engine, connections: Mapping[str, str]) -> Snapshot:
    """What stands once all is bound and counted; connections by their source."""
    bind_pending(engine)
    sweep.settle_counts(engine)
    names = {id_: name for name, id_ in connections.items()}

    def named(value: Any) -> Any:
        return names.get(value, value) if isinstance(value, str) else value

    taken = {
        table: {
            tuple(named(part) for part in key): {
                column: named(value) for column, value in row.items() if not _is_ours(column, value)
            }
            for key, row in rows.items()
        }
        for table, rows in snapshot(engine).items()
    }
    return {**taken, "events": _events(taken["events"])}


def _events(rows: Table) -> Table:
    """How many there are of each. What has no version at its source has that of our own clock."""
    keys = Counter(
        (store, source_type, _VERSION.sub("now", key)) for store, source_type, key in rows
    )
    return {key: {"count": count} for key, count in keys.items()}


def _is_ours(column: str, value: object) -> bool:
    return column in _RANKS or (column == "created_at" and str(value) >= OWN_CLOCK)


@dataclass
class Plant:
    """All sources connected to one store of one database, and who works for them.

    on_begun, on_made: called when a page is begun, and after it. renews: tokens that are bought are
    stored.
    """

    engine: sa.Engine
    fakes: dict[str, Fake]
    on_begun: Callable[[], object] = int
    on_made: Callable[[], object] = int
    renews: bool = False
    clients: Clients = field(init=False)
    connections: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        urls = {name: fake.url for name, fake in self.fakes.items()}
        self.clients = Clients(VAULT, urls, engine=self.engine if self.renews else None)
        self.connections = connect_all(self.engine, self.fakes)

    def sync(self, kind: Kind) -> dict[str, dict[str, Any]]:
        """A run of each, with its look-ups, to its end; nothing waits for anything."""
        runs = request_all(self.engine, self.connections, kind)
        turns = iter(range(MOST_TURNS))
        while not have_ended(self.engine, runs):
            drain_pages(
                self.engine,
                self.clients,
                go_on=self._hurried(60),
                on_more=self.on_begun,
                on_asked=self.on_made,
            )
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
