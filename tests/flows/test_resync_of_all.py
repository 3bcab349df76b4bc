"""Promise 4 over listings: whatever of a stream was lost, a full resync ends in the same documents.

All sources of the story, whose providers hold still: their fakes have what is there in the end.
Compared is what readers of the tables see of live documents; `APART` is what the design sets apart.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.documents.bind import bind_pending
from ingest.flows.lookups.clients import Clients
from ingest.sources.registry import source
from ingest.store.engine import transaction
from ingest.testing.fakes import Fake, serving
from ingest.testing.sample import all_samples
from tests.factories import VAULT, connect, make_store
from tests.flows.snapshot import Table
from tests.flows.syncing import synced
from tests.flows.test_convergence_of_all import STORY as ALL
from tests.flows.test_convergence_of_all import World

pytestmark = [pytest.mark.integration, pytest.mark.once, pytest.mark.timeout(900)]

STORY = [one for one in ALL if source(one[0].source_type).listing is not None]
APART = frozenset({"commitSha", "committedAt"})
"""Which commit is named, of several that hold the blob."""
_FORGET = (
    "DELETE FROM lightfast_sync_runs",
    "DELETE FROM lightfast_sync_marks",
    "DELETE FROM lightfast_connection_conditions",
)
_SEEN = ("documents", "chunks", "references")
_OWN_CLOCK = "2026-06"
"""Times from then on are ours: the story is of March."""


class Resyncing(World):
    """The story's world, in which every source that can be listed is."""

    def forget(self) -> None:
        """Nothing was ever heard, nor listed."""
        super().forget()
        with transaction(self.engine, durable=False) as conn:
            for statement in _FORGET:
                conn.execute(sa.text(statement))

    def resync(self) -> dict[str, Table]:
        """A full run of every source, confirmed where it asks; the live documents then."""
        listed = [own for name, own in self.connections.items() if source(name).listing]
        for shown in synced(self.engine, self.clients, listed):
            assert (shown["state"], shown["errors"]) == ("done", 0), shown
        return live(self.finish())


def live(taken: Mapping[str, Table]) -> dict[str, Table]:
    """What readers of the tables see of live documents."""
    return {table: {key: _plain(row) for key, row in taken[table].items()} for table in _SEEN}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the design sets apart, and without our own clock."""
    kept: dict[str, Any] = {}
    for name, value in row.items():
        if name == "created_at" and str(value) >= _OWN_CLOCK:
            continue
        kept[name] = (
            {k: v for k, v in value.items() if k not in APART} if isinstance(value, dict) else value
        )
    relationships = kept.get("relationships")
    if isinstance(relationships, dict) and isinstance(relationships.get("temporal"), dict):
        temporal = {
            k: v
            for k, v in relationships["temporal"].items()
            if k not in ("beforeEventId", "afterEventId", "commitSha")
        }
        kept["relationships"] = {**relationships, "temporal": temporal}
    return kept


def differs(one: Mapping[str, Table], other: Mapping[str, Table]) -> str:
    """In what two differ, a line each."""
    lines = []
    for table in _SEEN:
        for key in sorted(one[table].keys() | other[table].keys(), key=str):
            first, second = one[table].get(key), other[table].get(key)
            if first == second:
                continue
            if first is None or second is None:
                named = first or second or {}
                where = "second" if first is None else "first"
                lines.append(f"{table} {key} only in the {where}: {named.get('source_id')}")
            else:
                lines += [
                    f"{table} {first.get('source_id', key)}: {name}: {first[name]} | {second[name]}"
                    for name in first
                    if first[name] != second.get(name)
                ]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def fakes() -> Iterator[dict[str, Fake]]:
    """The providers' APIs with the objects of the story in them."""
    with ExitStack() as running:
        yield {
            sample.source_type: running.enter_context(serving(sample.provider()))
            for sample in all_samples()
            if sample.provider is not None
        }


@pytest.fixture
def world(engine: sa.Engine, fakes: dict[str, Fake]) -> Iterator[Resyncing]:
    clients = Clients(VAULT, {name: fake.url for name, fake in fakes.items()})
    store = make_store(engine)
    made = Resyncing(engine, clients)
    for sample in all_samples():
        fake = fakes.get(sample.source_type)
        token = fake.provider.token if fake is not None else None
        made.connections[sample.source_type] = connect(
            engine, sample.source_type, sample.connection, stores=[store], token=token
        )
    yield made
    clients.close()


def test_a_backfill_alone_gives_what_all_webhooks_give(world: Resyncing) -> None:
    world.forget()
    alone = world.resync()
    assert alone["documents"]
    world.forget()
    world.tell(STORY)
    world.process()
    told = world.resync()
    assert differs(alone, told) == ""
    bind_pending(world.engine)


def _some_of_a_stream(world: Resyncing, seeds: Iterable[int]) -> None:
    world.forget()
    world.tell(STORY)
    world.process()
    whole = world.resync()
    for seed in seeds:
        drawn = random.Random(seed)
        kept = [one for one in STORY if drawn.random() > 0.3]
        drawn.shuffle(kept)
        world.forget()
        world.tell(kept)
        world.process()
        assert differs(world.resync(), whole) == "", f"seed {seed}"


def test_what_was_lost_of_a_stream_comes_back(world: Resyncing) -> None:
    _some_of_a_stream(world, range(10))


@pytest.mark.slow
def test_what_was_lost_of_many_streams_comes_back(world: Resyncing) -> None:
    _some_of_a_stream(world, range(100, 300))
