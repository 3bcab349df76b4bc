"""A syncer in a process of its own: makes the pages of a run and its look-ups, and tells the cost.

The loops are those of `ingest.worker`; no limits of providers are kept, or a run would take as long
as they say.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from ingest.core.vault import Vault
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.flows.syncs.control import has_ended, sync_connection
from ingest.flows.syncs.drain import drain_pages
from ingest.flows.syncs.request import Kind
from ingest.store import sync_runs
from ingest.store.engine import connect, transaction
from ingest.warm import warm

SECRET_KEY = "a-key-of-the-benchmarks-that-opens-nothing"  # noqa: S105 - opens nothing elsewhere
MOST_TURNS = 500


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run came to. shown: the run's row. cpu_s: of the syncer's process alone.

    rss: how much memory the process had, in MiB, when so many objects were seen.
    """

    shown: dict[str, Any]
    wall_s: float
    cpu_s: float
    rss: dict[int, float] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """Objects that the run saw."""
        return int(self.shown["seen"])


@dataclass(frozen=True, slots=True)
class Syncer:
    """The process; one run at a time."""

    _pipe: Connection

    def sync(self, connection_id: str, kind: Kind, marks: tuple[int, ...] = ()) -> RunCost:
        """A run of a connection to its end; `marks` are numbers of objects at which memory is
        looked at.
        """
        self._pipe.send((connection_id, kind, marks))
        found = self._pipe.recv()
        assert isinstance(found, RunCost), found
        return found


@contextmanager
def syncer(database_url: str, api_urls: dict[str, str]) -> Iterator[Syncer]:
    """Started anew, and ended with the block."""
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=_serve, args=(theirs, database_url, api_urls), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Syncer(ours)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, database_url: str, api_urls: dict[str, str]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    warm()
    engine = connect(database_url)
    clients = Clients(Vault([SECRET_KEY]), api_urls, engine=engine)
    while True:
        pipe.send(_run(engine, clients, *pipe.recv()))


def _run(
    engine: sa.Engine, clients: Clients, connection_id: str, kind: Kind, marks: tuple[int, ...]
) -> RunCost:
    run = sync_connection(engine, connection_id, kind=kind, asked_by="a benchmark")
    memory = _Memory(engine, run, [*marks])
    gc.collect()
    began, spent = time.monotonic(), time.process_time()
    for _ in range(MOST_TURNS):
        drain_pages(engine, clients, go_on=memory.look)
        drain_lookups(engine, clients, go_on=lambda: True)
        if has_ended(_shown(engine, run)["state"]):
            break
    wall_s, cpu_s = time.monotonic() - began, time.process_time() - spent
    memory.look()
    return RunCost(_shown(engine, run), wall_s, cpu_s, memory.rss)


@dataclass(slots=True)
class _Memory:
    """Looks at the process's memory where the run has come to a mark."""

    engine: sa.Engine
    run: int
    marks: list[int]
    rss: dict[int, float] = field(default_factory=dict)

    def look(self) -> bool:
        """At each page; true, for the drain to go on."""
        if self.marks and _shown(self.engine, self.run)["seen"] >= self.marks[0]:
            self.rss[self.marks.pop(0)] = rss_mib()
        return True


def rss_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _shown(engine: sa.Engine, run: int) -> dict[str, Any]:
    with transaction(engine, durable=False) as conn:
        found = sync_runs.show(conn, run)
    assert found is not None
    return found
