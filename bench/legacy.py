"""How long a legacy database takes to come out and to come in, and what that takes of memory.

Each step is the command itself, in a process of its own that tells its own peak (`VmHWM`). The
database is the one of the tests, with an ordinary mass of rows; of two sizes, for memory is to be
that of the small one. Servers are durable, and so are the files.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psycopg

from ingest.embedded import start
from ingest.sources.registry import source_types
from ingest.store.engine import connect
from ingest.store.upgrade import upgrade
from tests.legacy.database import build
from tests.legacy.measured import measured


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: documents of each database, with three vector entries each; runs."""

    documents: tuple[int, ...] = (20_000, 200_000)
    runs: int = 3

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(documents=(1_000, 4_000), runs=1)


@dataclass(frozen=True, slots=True)
class Place:
    """What a step works on: the legacy database, the archive's directory, and a database of ours
    that has no rows.
    """

    database_url: str
    archive: Path
    target_url: str


STEPS: Mapping[str, Callable[[Place], Sequence[str]]] = {
    "export": lambda place: ("legacy", "export", str(place.archive), "--force", "--json"),
    "verify": lambda place: ("legacy", "verify", str(place.archive), "--json"),
    "import": lambda place: ("legacy", "import", str(place.archive), "--json"),
}
"""The command of each step, in the order in which they follow one another."""
INTO = frozenset({"import"})
"""Those of them that work on the database of ours."""


@dataclass(frozen=True, slots=True)
class StepCost:
    """What a step took: as a clock tells it, of the processor (its own), and of memory at most."""

    rows: int
    wall_s: float
    cpu_s: float
    peak_mib: float


def legacy(plan: Plan) -> dict[str, object]:
    """Rows a second of each step over the larger database, and its peak over each."""
    found = {documents: _costs(documents, plan.runs) for documents in plan.documents}
    largest = found[max(plan.documents)]
    return {
        "documents": max(plan.documents),
        "rows": largest["export"][0].rows,
        **{
            name: {
                "per_second": round(median(cost.rows / cost.wall_s for cost in costs)),
                "cpu_us_a_row": round(1e6 * median(cost.cpu_s / cost.rows for cost in costs), 1),
                "peak_mib": {
                    documents: round(max(cost.peak_mib for cost in of_one[name]), 1)
                    for documents, of_one in found.items()
                },
            }
            for name, costs in largest.items()
        },
    }


def _costs(documents: int, runs: int) -> dict[str, list[StepCost]]:
    with (
        tempfile.TemporaryDirectory(prefix="ingest-bench-") as directory,
        start(Path(directory) / "server", redis=False, durable=True) as services,
    ):
        server = services.urls.database_url
        built = build(_empty(server, "legacy"), documents=documents, oddities=())
        costs: dict[str, list[StepCost]] = {name: [] for name in STEPS}
        for run in range(runs):
            place = Place(built.url, Path(directory) / "archive", _ours(server, f"ours_{run}"))
            for name, command in STEPS.items():
                url = place.target_url if name in INTO else place.database_url
                costs[name].append(_cost(command(place), url))
                assert costs[name][-1].rows == sum(built.rows.values())
    return costs


def _empty(server_url: str, name: str) -> str:
    """A database without a table."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def _ours(server_url: str, name: str) -> str:
    """A database with our schema and no rows."""
    url = _empty(server_url, name)
    engine = connect(url)
    upgrade(engine, source_types())
    engine.dispose()
    return url


def _cost(command: Sequence[str], url: str) -> StepCost:
    began, cpu_before = time.monotonic(), _cpu_s()
    done = measured(command, {"DATABASE_URL": url})
    wall_s, cpu_s = time.monotonic() - began, _cpu_s() - cpu_before
    assert done.code == 0, done.err
    return StepCost(json.loads(done.out)["rows"], wall_s, cpu_s, done.peak_mib)


def _cpu_s() -> float:
    """The processor time of children that ended."""
    taken = os.times()
    return taken.children_user + taken.children_system
