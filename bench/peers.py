"""The same texts into the same PostgreSQL by programs of others, and by the naive way, beside ours.

Each loads the texts of the real mix, and then loads them once more, when nothing has changed. The
others get the bare texts, as lists in memory; ours and the naive way get the payloads that the
texts stand in. Their packages are installed, pinned, into an environment of their own beneath ours
(`peers.txt`); what cannot be had there is a row that says why.

Law: after each load a program has as many documents as there are distinct ones, else it raises; and
after a second load as many chunks as before.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import orjson
import psycopg

from bench import naive, real
from bench.cpu import database_cpu_s, process_cpu_s
from bench.letters import KEYS
from bench.peer_programs.loading import Loaded
from bench.rows import rows_of
from bench.stage import Stage, empty, stage
from bench.throughput import celery_worker, timed
from ingest.store import deliveries
from ingest.store.deliveries import Arrival
from ingest.store.engine import transaction

PROGRAMS = {"dlt": "with_dlt", "LangChain": "with_langchain", "LlamaIndex": "with_llama_index"}
FIRST, AGAIN, SENT_AGAIN = "first", "again, unchanged", "the same deliveries again"
REQUIREMENTS = Path(__file__).parent / "peers.txt"
_ROOT = Path(__file__).parent.parent
_GROUP = 100
"""So many deliveries are stored by one transaction, as a busy receiver does."""
_QUIET = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "LANGSMITH_TRACING": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
}
"""None of them tells anybody anything."""
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole is some three minutes, and the installation before it."""

    runs: int = 3
    documents: int = 400

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that it works, too little to quote."""
        return cls(runs=1, documents=200)


@dataclass(frozen=True, slots=True)
class Load:
    """What a load took: seconds, and those of processors by the program and by PostgreSQL; and the
    documents and chunks that there are after it.
    """

    seconds: float
    own_s: float
    database_s: float
    documents: int
    chunks: int


@dataclass(frozen=True, slots=True)
class NotInstalled:
    """Why a program cannot be had."""

    reason: str


def peers(plan: Plan) -> dict[str, object]:
    """Documents a second and processor time a document, by program and load."""
    directory = Path(sys.prefix) / "peers"
    failure = install(directory)
    found: dict[str, list[dict[str, Load]]] = {"ours": [], "naive": []}
    missing: dict[str, NotInstalled] = {}
    for name, module in PROGRAMS.items():
        there = failure or importable(directory, module)
        if there is None:
            found[name] = []
        else:
            missing[name] = there
    with stage() as place:
        for run in range(plan.runs):
            arrivals = list(real.arrivals(plan.documents, place.connections, seed=run))
            texts = list(real.texts(plan.documents, seed=run))
            for name, loads in found.items():
                if name == "ours":
                    loads.append(ours(place, arrivals))
                elif name == "naive":
                    loads.append(_naive(place, arrivals))
                else:
                    loads.append(_program(place, directory, PROGRAMS[name], texts))
    rows: dict[str, dict[str, object]] = {}
    for name, loads in found.items():
        for load in loads[0]:
            rows[f"{name}: {load}"] = _figures([each[load] for each in loads])
    rows.update({name: {"said": f"not installed: {why.reason}"} for name, why in missing.items()})
    return {"documents": plan.documents, "tables": {"loads": rows}}


def _figures(loads: Sequence[Load]) -> dict[str, object]:
    """Medians of the runs."""
    documents = loads[0].documents
    return {
        "documents": documents,
        "chunks": loads[0].chunks,
        "per_second": round(median(documents / load.seconds for load in loads)),
        "own_ms": round(1000 * median(load.own_s for load in loads) / documents, 2),
        "database_ms": round(1000 * median(load.database_s for load in loads) / documents, 2),
    }


def checked(loads: Mapping[str, Load], documents: int) -> Mapping[str, Load]:
    """These loads, each of which left that many documents, and the later ones the same chunks."""
    chunks = {load.chunks for load in loads.values()}
    for name, load in loads.items():
        assert load.documents == documents, f"{name}: {load.documents} documents of {documents}"
    assert len(chunks) == 1, f"what loads nothing new leaves other chunks: {loads}"
    return loads


def ours(place: Stage, arrivals: Sequence[Arrival]) -> dict[str, Load]:
    """From the door to the documents: stored as the receiver does, drained by one process."""
    empty(place)
    loads = {
        FIRST: _drained(place, arrivals),
        AGAIN: _drained(place, [_told_anew(arrival) for arrival in arrivals]),
        SENT_AGAIN: _drained(place, arrivals, new=False),
    }
    return dict(checked(loads, len(arrivals)))


def _told_anew(arrival: Arrival) -> Arrival:
    """The same of the same thing, by another delivery."""
    return replace(arrival, delivery_key=f"{arrival.delivery_key}-again")


def _drained(place: Stage, arrivals: Sequence[Arrival], *, new: bool = True) -> Load:
    with _database(place) as database_s:
        began, used = time.perf_counter(), time.process_time()
        accepted = 0
        for at in range(0, len(arrivals), _GROUP):
            with transaction(place.engine) as conn:
                answers = deliveries.insert(conn, arrivals[at : at + _GROUP])
            accepted += sum(is_new for _, is_new in answers)
        seconds, own_s = time.perf_counter() - began, time.process_time() - used
        assert accepted == (len(arrivals) if new else 0), accepted
        if new:
            drain = timed("ours", place)
            assert drain.deliveries == len(arrivals), drain
            seconds, own_s = seconds + drain.seconds, own_s + drain.cpu_s
    rows = rows_of(place.database_url)
    return Load(seconds, own_s, database_s[0], rows["documents"], rows["chunks"])


def _naive(place: Stage, arrivals: Sequence[Arrival]) -> dict[str, Load]:
    """Each payload as a message to one Celery worker process that is warm by one before them."""
    empty(place)
    naive.app.conf.update(broker_url=place.redis_url)
    extra = list(real.arrivals(1, place.connections, first=len(arrivals)))
    with celery_worker(place) as worker:
        _taken(place, extra, worker.pid)
        before = rows_of(place.database_url)
        loads = {
            FIRST: _taken(place, arrivals, worker.pid),
            AGAIN: _taken(place, [_told_anew(arrival) for arrival in arrivals], worker.pid),
        }
    without = {
        name: replace(
            load, documents=load.documents - len(extra), chunks=load.chunks - before["chunks"]
        )
        for name, load in loads.items()
    }
    return dict(checked(without, len(arrivals)))


def _taken(place: Stage, arrivals: Sequence[Arrival], worker: int) -> Load:
    """Published by this process, until the worker has written the last event."""
    messages = []
    for arrival in arrivals:
        headers = orjson.loads(arrival.headers)
        headers[KEYS[arrival.source_type]] = arrival.delivery_key
        payload = orjson.loads(arrival.body)
        messages.append((arrival.source_type, arrival.connection_id, headers, payload))
    last = rows_of(place.database_url)["events"] + len(messages)
    with _database(place) as database_s:
        began, used, theirs = time.perf_counter(), time.process_time(), process_cpu_s(worker)
        with naive.app.producer_pool.acquire(block=True) as producer:
            for message in messages:
                naive.take.apply_async(message, producer=producer)
        until = time.monotonic() + _PATIENCE_S
        with psycopg.connect(place.database_url, autocommit=True) as conn:
            while conn.execute("SELECT count(*) FROM lightfast_ingestion_events").fetchone() != (
                last,
            ):
                assert time.monotonic() < until, "the naive worker did not finish; look at its log"
                time.sleep(0.05)
        seconds = time.perf_counter() - began
        own_s = time.process_time() - used + process_cpu_s(worker) - theirs
    rows = rows_of(place.database_url)
    return Load(seconds, own_s, database_s[0], rows["documents"], rows["chunks"])


def _program(place: Stage, directory: Path, module: str, texts: Sequence[str]) -> dict[str, Load]:
    """Two loads by a program of others, each a process of its own, into a database of its own."""
    with tempfile.TemporaryDirectory(prefix="ingest-peers-") as temporary:
        path = Path(temporary) / "texts.jsonl"
        lines = [json.dumps({"id": str(n), "text": text}) for n, text in enumerate(texts)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with _own_database(place, f"peer_{module}") as url:
            loads = {}
            for name in (FIRST, AGAIN):
                with _database(place) as database_s:
                    loaded = _run(directory, module, url, path)
                loads[name] = Load(
                    loaded.seconds, loaded.cpu_s, database_s[0], loaded.documents, loaded.chunks
                )
    return dict(checked(loads, len(texts)))


def _run(directory: Path, module: str, url: str, texts: Path) -> Loaded:
    command = [_python(directory), "-m", f"bench.peer_programs.{module}", url, str(texts)]
    env = {**os.environ, **_QUIET, "PEER_DIRECTORY": str(texts.parent)}
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=_ROOT,
        env=env,
        timeout=_PATIENCE_S,
    )
    assert done.returncode == 0, f"{module} failed:\n{done.stderr[-4000:]}"
    return Loaded(**json.loads(done.stdout.splitlines()[-1]))


def install(directory: Path) -> NotInstalled | None:
    """Make the environment with what `peers.txt` pins, unless it is there; or why that failed."""
    pinned = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    ready = directory / ".ready"
    if ready.exists() and ready.read_text("ascii") == pinned:
        return None
    command = [".ci/install", str(directory), sys.executable, "--requirement", str(REQUIREMENTS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=_ROOT)
    if done.returncode:
        return NotInstalled(_last_line(done.stderr))
    ready.write_text(pinned, "ascii")
    return None


def importable(directory: Path, module: str) -> NotInstalled | None:
    """Why a program's packages cannot be imported there; None where they can."""
    command = [_python(directory), "-c", f"import bench.peer_programs.{module}"]
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=_ROOT,
            env={**os.environ, **_QUIET},
        )
    except OSError as error:
        return NotInstalled(str(error))
    return NotInstalled(_last_line(done.stderr)) if done.returncode else None


def _python(directory: Path) -> str:
    return str(directory / "bin" / "python")


def _last_line(said: str) -> str:
    return next(iter(reversed(said.strip().splitlines())), "it did not say why")


@contextmanager
def _database(place: Stage) -> Iterator[list[float]]:
    """The processor seconds of PostgreSQL for the block stand in the list when it is over."""
    used: list[float] = []
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        conn.execute("CHECKPOINT")
    before = database_cpu_s(place.database_url)
    yield used
    used.append(database_cpu_s(place.database_url) - before)


@contextmanager
def _own_database(place: Stage, name: str) -> Iterator[str]:
    """The URL of a new, empty database of the same server, for as long as the block lasts."""
    server, _, _ = place.database_url.partition("?")
    with psycopg.connect(place.database_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
        yield f"{server.rpartition('/')[0]}/{name}"
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
