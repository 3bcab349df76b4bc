"""Sync runs of all sources in real processes that are killed, at providers that fail a third of all
requests: the run is late, and nothing else differs.

Compared is a run in this process, that nothing happened to, in another database.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
import sqlalchemy as sa

from ingest.embedded import commands
from ingest.embedded.processes import wait_until
from ingest.embedded.stack import Child, Stack
from ingest.flows.syncs import drain
from ingest.flows.syncs.request import Kind
from ingest.store import lookup_admin
from ingest.store.engine import transaction
from ingest.testing.fakes import Asked, Fake
from ingest.testing.sample import Sample, SampleDelivery
from tests.broker.workers import environment, send
from tests.crowds import move
from tests.embedded.watching import family
from tests.flows.chaos import (
    Plant,
    counted,
    crowds,
    fair,
    have_ended,
    request_all,
    shown,
    told_at_the_end,
    weathered,
)
from tests.flows.snapshot import difference
from tests.flows.test_convergence_of_all import STORY, World
from tests.flows.test_resync_of_all import differs, live
from tests.flows.test_syncs_of_faults import other_engine

__all__ = ["other_engine"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

MODULE = "tests.acceptance.impatient_worker"
LEASE_S = 2
Told = tuple[Sample, SampleDelivery]
BEATS_S = 0.5
"""Between two wake-ups that the test sends, where a beat would sweep."""
MOST_DEATHS = {"worker": 2, "fetcher": 2}
"""A row may be alone in a process when that dies, and three such deaths end it."""
TASKS = {"ingest.sync_pages": "sync", "ingest.fetch": "fetch", "ingest.process": "ingest"}


def impatient(child: Child, **queues: str) -> Child:
    """The Procfile's, but for its patience and the queues that it hears."""
    swapped = {"ingest.worker": MODULE, **queues}
    return Child(child.name, [swapped.get(word, word) for word in child.argv], child.env)


ALL_IN_ONE = (impatient(commands.syncer(env={}), sync="sync,fetch,ingest"),)
EACH_ITS_OWN = (
    impatient(commands.worker(env={}, processes=2)),
    impatient(commands.fetcher(env={})),
    impatient(commands.syncer(env={})),
)
"""As in the Procfile."""


@dataclass(frozen=True)
class Works:
    """Processes that work for one database, and how they are disturbed."""

    engine: sa.Engine
    stack: Stack
    broker_url: str
    log: Path
    deaths: Counter[str] = field(default_factory=Counter)

    def until(
        self, condition: Callable[[], bool], seconds: float, meanwhile: Callable[[], object] = int
    ) -> None:
        """Poll; wake the workers now and then, and have those that died be started anew."""
        ends_at, next_at = time.monotonic() + seconds, 0.0
        while not condition():
            now = time.monotonic()
            assert now < ends_at, self.said()
            if now > next_at:
                for task, queue in TASKS.items():
                    send(self.broker_url, task, queue=queue)
                next_at = now + BEATS_S
            self.stack.tend()
            meanwhile()
            time.sleep(0.05)

    def kill_a_process(self, drawn: random.Random) -> None:
        """Any process of any group but the groups' first ones, which replace it at once; the first
        one where there is no other, and none where all are just being started anew.
        """
        pids = [
            pid
            for name, pid in self.stack.pids().items()
            if self.deaths[name] < MOST_DEATHS.get(name, sys.maxsize)
        ]
        if not pids:
            return
        with contextlib.suppress(OSError):
            pid = drawn.choice(pids)
            own = family(pid)
            os.kill(drawn.choice(own[1:] or own), signal.SIGKILL)
            self.deaths.update(name for name, one in self.stack.pids().items() if one == pid)

    def kill_a_group(self, name: str) -> None:
        """All of its processes at once; it is started anew."""
        pid = self.stack.pids().get(name)
        if pid is not None:
            os.killpg(pid, signal.SIGKILL)
            self.deaths[name] += 1
            while name in self.stack.pids() and self.stack.pids()[name] == pid:
                self.stack.tend()
                time.sleep(0.02)

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")[-6_000:]


@pytest.fixture
def works(
    request: pytest.FixtureRequest,
    engine: sa.Engine,
    database_url: str,
    broker_url: str,
    tmp_path: Path,
    fakes: dict[str, Fake],
) -> Iterator[Works]:
    children: Sequence[Child] = getattr(request, "param", ALL_IN_ONE)
    env = environment(
        database_url,
        broker_url,
        INGEST_LEASE_SECONDS=str(LEASE_S),
        PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
        **{f"INGEST_{name.upper()}_API_URL": fake.url for name, fake in fakes.items()},
    )
    log = tmp_path / "works.log"
    dressed = [Child(one.name, one.argv, {**env, **one.env}) for one in children]
    with log.open("wb") as output, Stack(dressed, output=output) as stack:
        stack.steady = True
        yield Works(engine, stack, broker_url, log)
        stack.stop(hurry=lambda: True)


@pytest.fixture
def count(request: pytest.FixtureRequest) -> int:
    found: int = getattr(request, "param", 6)
    return found


@pytest.fixture
def fakes(count: int) -> Iterator[dict[str, Fake]]:
    with crowds(count) as playing:
        yield playing


@pytest.fixture
def calm(other_engine: sa.Engine, fakes: dict[str, Fake]) -> Iterator[Plant]:
    """What it is compared to."""
    made = Plant(other_engine, fakes)
    yield made
    made.clients.close()


@dataclass(frozen=True)
class Storm:
    """So many kills, one after about `each` requests more, while faults strike; of `groups` each is
    killed whole once, now and then.
    """

    seed: int
    kills: int
    each: int
    groups: Sequence[str] = ()


def _same(calm: Plant, shaken: Plant, works: Works, kind: Kind, storm: Storm) -> dict[str, Any]:
    """A run of each through the storm is what the calm one is."""
    fair(calm.fakes)
    whole = calm.sync(kind)
    faults = weathered(calm.fakes, storm.seed)
    runs = request_all(shaken.engine, shaken.connections, kind)
    killed = _rage(works, calm.fakes, storm, lambda: have_ended(shaken.engine, runs))
    for one in faults.values():
        one.calm = True
    works.until(lambda: have_ended(shaken.engine, runs), 300)
    assert counted(shaken.engine, runs) == whole
    assert difference(calm.told(), told_at_the_end(shaken.engine, shaken.connections)) == ""
    works.deaths.clear()
    assert killed >= storm.kills / 2
    assert sum(one.struck.total() for one in faults.values()) > killed * storm.each / 5
    return whole


def _rage(
    works: Works, fakes: Mapping[str, Fake], storm: Storm, is_over: Callable[[], bool]
) -> int:
    """Kill one process after the other; how many, before it was over."""
    drawn, groups, killed = random.Random(storm.seed), [*storm.groups], 0

    def asked() -> int:
        return sum(len(fake.requests) for fake in fakes.values())

    next_at = asked() + storm.each

    def kill() -> None:
        nonlocal killed, next_at
        if asked() < next_at:
            return
        if groups and drawn.random() < 0.2:
            works.kill_a_group(groups.pop())
        else:
            works.kill_a_process(drawn)
        killed += 1
        next_at = asked() + drawn.randint(1, 2 * storm.each)

    works.until(lambda: killed >= storm.kills or is_over(), 60 + 10 * storm.kills, kill)
    return killed


def test_whoever_is_killed_and_whatever_is_answered_a_run_is_late_and_no_more(
    calm: Plant, works: Works, fakes: dict[str, Fake]
) -> None:
    shaken = Plant(works.engine, fakes)
    whole = _same(calm, shaken, works, "backfill", Storm(seed=3, kills=6, each=10))
    assert {one["state"] for one in whole.values()} == {"done"}
    shaken.clients.close()


@pytest.mark.slow
@pytest.mark.parametrize("works", [EACH_ITS_OWN], indirect=True)
@pytest.mark.parametrize("count", [120], indirect=True)
@pytest.mark.parametrize("seed", [21, 22])
def test_so_it_is_for_long_and_of_many_and_when_some_are_gone(
    calm: Plant, works: Works, fakes: dict[str, Fake], count: int, seed: int
) -> None:
    shaken = Plant(works.engine, fakes)
    groups = ("syncer", "fetcher", "worker", "syncer")
    storm = Storm(seed, kills=40, each=30, groups=groups)
    whole = _same(calm, shaken, works, "backfill", storm)
    assert all(one["seen"] > count / 2 for one in whole.values())
    for name, fake in fakes.items():
        move(name, fake.provider, count)
    found = _same(calm, shaken, works, "full", Storm(seed + 1, kills=30, each=30))
    assert all(one["changed"] for one in found.values())
    assert sum(one["deleted"] > 0 for one in found.values()) >= 4, found
    shaken.clients.close()


@pytest.mark.slow
@pytest.mark.parametrize("works", [EACH_ITS_OWN], indirect=True)
@pytest.mark.parametrize("count", [30], indirect=True)
@pytest.mark.parametrize("seed", range(31, 34))
def test_webhooks_that_come_meanwhile_end_in_the_same_documents(
    calm: Plant, works: Works, fakes: dict[str, Fake], seed: int
) -> None:
    told = World(calm.engine, calm.clients, calm.connections)
    told.tell(STORY)
    told.process()
    calm.sync("backfill")
    told.finish()
    drawn, faults = random.Random(seed), weathered(fakes, seed)
    shaken = Plant(works.engine, fakes)
    runs = request_all(shaken.engine, shaken.connections, "backfill")
    telling = World(shaken.engine, shaken.clients, shaken.connections)
    for part in _dealt(drawn, STORY, parts=6):
        telling.tell(part)
        storm = Storm(drawn.randrange(1_000), kills=4, each=20, groups=("syncer",))
        _rage(works, fakes, storm, lambda: have_ended(shaken.engine, runs))
    for one in faults.values():
        one.calm = True
    works.until(lambda: have_ended(shaken.engine, runs) and _is_quiet(shaken.engine), 300)
    told_here = told_at_the_end(shaken.engine, shaken.connections)
    assert differs(live(told_at_the_end(calm.engine, calm.connections)), live(told_here)) == ""
    assert {shown(shaken.engine, run)["state"] for run in runs.values()} == {"done"}
    shaken.clients.close()


def _dealt(drawn: random.Random, story: Sequence[Told], parts: int) -> Iterator[list[Told]]:
    """The story in any order, in so many parts."""
    shuffled = drawn.sample([*story], len(story))
    for part in range(parts):
        yield shuffled[part::parts]


def _is_quiet(engine: sa.Engine) -> bool:
    with transaction(engine, durable=False) as conn:
        ends = {*conn.execute(_ENDS).scalars()}
        asked, _ = lookup_admin.unfinished(conn)
    assert "dead" not in ends
    return "pending" not in ends and not asked


_ENDS = sa.text("SELECT DISTINCT status FROM lightfast_webhook_deliveries")
List = tuple[str, str]
"""A list of a run: its source type and its name."""
_PAGES = sa.text("""
SELECT CAST(s.source_type AS text), p.resource, CAST(p.pages AS integer)
FROM lightfast_sync_parts p JOIN lightfast_sync_runs r ON r.id = p.run_id
JOIN lightfast_connected_sources s ON s.id = r.connection_id WHERE p.resource <> 'end'
""")
_WORKERS = sa.text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'ingest-worker%'
""")


def _pages(engine: sa.Engine) -> dict[List, int]:
    """How many pages of each list are made by now."""
    with transaction(engine, durable=False) as conn:
        return {(row[0], row[1]): row[2] for row in conn.execute(_PAGES)}


def _key(asked: Asked) -> str:
    return f"{asked.method} {asked.target} {orjson.dumps(asked.body).decode()}"


@dataclass
class Requests:
    """Which requests made each page of a run to which nothing happens.

    Each page is made by clients of its own, so that what a client asks first is of all of them.
    """

    plant: Plant
    of_pages: dict[List, list[list[str]]] = field(default_factory=dict)
    _from: dict[str, int] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """The run, watched."""
        self.plant.on_begun = self._begun
        with patch.object(drain, "LOOK_S", 0.0):  # every page is told of when it is begun
            ended = self.plant.sync("backfill")
        self._made()
        return ended

    def _begun(self) -> None:
        self._made()
        self.plant.clients.close()
        self._from = {name: len(fake.requests) for name, fake in self.plant.fakes.items()}

    def _made(self) -> None:
        if not self._from:
            return
        for (name, resource), count in _pages(self.plant.engine).items():
            made = self.of_pages.setdefault((name, resource), [])
            if count > len(made):
                made.append([*map(_key, self.plant.fakes[name].requests[self._from[name] :])])

    def own(self, name: str, among: Callable[[List, int], bool]) -> Counter[str]:
        """Of the pages of a source that are among these, the requests of one page alone."""
        pages = [
            (among(place, number), Counter(page))
            for place, made in self.of_pages.items()
            for number, page in enumerate(made)
            if place[0] == name
        ]
        times = Counter(key for _, page in pages for key in page)
        mine = sum((page for is_among, page in pages if is_among), Counter[str]())
        return Counter({key: count for key, count in mine.items() if times[key] == 1})


def _killed(works: Works) -> None:
    """All processes at once; nothing of theirs goes on at the database."""
    for pid in works.stack.pids().values():
        os.killpg(pid, signal.SIGKILL)

    def are_gone() -> bool:
        with transaction(works.engine, durable=False) as conn:
            return bool(conn.execute(_WORKERS).scalar_one() == 0)

    assert wait_until(are_gone, seconds=20)


TWO = (
    *ALL_IN_ONE,
    replace(
        ALL_IN_ONE[0],
        name="another",
        argv=[*ALL_IN_ONE[0].argv[:-3], "another@%h", *ALL_IN_ONE[0].argv[-2:]],
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("works", [TWO], indirect=True)
@pytest.mark.parametrize("count", [14], indirect=True)
def test_several_make_each_page_once_and_after_a_crash_go_on_at_the_very_cursor(
    calm: Plant, works: Works, fakes: dict[str, Fake]
) -> None:
    watched = Requests(calm)
    whole = watched.run()
    every = sum(len(pages) for pages in watched.of_pages.values())
    for fake in fakes.values():
        fake.requests.clear()
        fake.latency_s = 0.01
    shaken = Plant(works.engine, fakes)
    runs = request_all(shaken.engine, shaken.connections, "backfill")
    works.until(lambda: sum(_pages(works.engine).values()) > every // 2, 60)
    _killed(works)
    done = _pages(works.engine)
    before = {name: len(fake.requests) for name, fake in fakes.items()}
    works.until(lambda: have_ended(shaken.engine, runs), 60)
    assert counted(shaken.engine, runs) == whole
    assert difference(calm.told(), told_at_the_end(shaken.engine, shaken.connections)) == ""
    for name, fake in fakes.items():
        asked = [*map(_key, fake.requests)]
        _once(watched, name, done, asked, asked[before[name] :])
    assert sum(watched.own(name, lambda _, __: True).total() for name in fakes) > 3 * every
    shaken.clients.close()


def _once(
    watched: Requests, name: str, done: Mapping[List, int], asked: list[str], after: list[str]
) -> None:
    """What made the pages before the crash was asked for as often as in a run without one, and not
    again. Those behind it may be smaller.
    """
    made = watched.own(name, lambda place, number: number < done[place])
    assert {*made}.isdisjoint(after)
    assert {key: asked.count(key) for key in made} == dict(made)
