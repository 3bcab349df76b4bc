"""The two crews that the benchmarks over HTTP compare, on one pair of embedded, durable servers.

ours: what `ingest up` starts, with one worker process. naive: the bare handler and one Celery
worker process. One crew runs at a time; all of it ends with its block.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

import psycopg
from redis import Redis

from bench.letters import NOTION_WORKSPACE, Routes
from bench.load import Heard, Order
from bench.mix import ORGANIZATION_ID, REPOSITORY_ID, TEAM_ID
from bench.stage import RESULT_TABLES, STORE
from ingest.embedded import processes
from ingest.embedded.stack import Child, Stack
from ingest.flows.connections.connect import connect_source
from ingest.machine import Machine, is_ready, machine
from ingest.sources.notion.demo.fake import TOKEN
from ingest.sources.registry import source
from ingest.store import stores
from ingest.store.credentials import API_TOKEN, WEBHOOK_SECRET
from ingest.store.engine import transaction
from ingest.store.stores import NewStore

HOST = "127.0.0.1"
READY_S = 60.0
_ROOT = Path(__file__).parent.parent
_METADATA: Mapping[str, Mapping[str, object]] = {
    "github": {
        "type": "github", "githubRepoId": str(REPOSITORY_ID), "repoFullName": "acme/shop",
        "owner": "acme", "private": True, "githubInstallationId": "1",
        "defaultBranch": "main", "permissions": {"admin": False, "push": False, "pull": True},
    },
    "linear": {
        "type": "linear", "linearTeamId": TEAM_ID, "linearTeamKey": "SHOP",
        "linearOrganizationId": ORGANIZATION_ID, "teamName": "Shop",
    },
    "notion": {
        "type": "notion", "notionWorkspaceId": NOTION_WORKSPACE, "notionWorkspaceName": "Bench",
        "databaseIds": [],
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rig:
    """The servers, and the connections that the letters are for."""

    machine: Machine
    routes: Routes

    @property
    def database_url(self) -> str:
        """Where the documents are."""
        return self.machine.program.database_url

    @contextmanager
    def ours(self, database_url: str | None = None) -> Iterator[int]:
        """The port of our receiver, with all that belongs to it; they find the database elsewhere
        where another URL is given.
        """
        port = processes.free_port()
        crew = self.machine.children(host=HOST, port=port, workers=1)
        if database_url is not None:
            crew = tuple(
                replace(one, env={**one.env, "DATABASE_URL": database_url}) for one in crew
            )
        with self._crew(crew, port):
            yield port

    @contextmanager
    def naive(self, delay: str) -> Iterator[int]:
        """The port of the bare handler; `delay` is inline or threads."""
        port = processes.free_port()
        env = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.machine.program.broker_url,
            "BENCH_SECRET": self.routes.secret,
            "BENCH_DELAY": delay,
        }
        web = f"uvicorn bench.bare:app --host {HOST} --port {port} --no-access-log"
        worker = "celery -A bench.naive worker -Q naive -c 1 --without-gossip --without-mingle"
        crew = (_child("web", web, env), _child("worker", f"{worker} --loglevel ERROR", env))
        with self._crew(crew, port):
            yield port

    @contextmanager
    def trivial(self) -> Iterator[int]:
        """The port of the server that only answers."""
        port = processes.free_port()
        with self._crew((_child("trivial", f"bench.trivial {port}", {}),), port):
            yield port

    @contextmanager
    def _crew(self, crew: tuple[Child, ...], port: int) -> Iterator[None]:
        """The processes, ready, on emptied tables."""
        self._empty()
        log = self.machine.program.settings.data_dir / "processes.log"
        with log.open("wb") as output, Stack(crew, output=output) as stack:
            if not processes.wait_until(lambda: is_ready(HOST, port), seconds=READY_S):
                raise RuntimeError(f"not ready:\n{log.read_text(errors='replace')[-4000:]}")
            stack.steady = True
            yield

    def _empty(self) -> None:
        """Neither crew finds what the other one left."""
        tables = ", ".join(("lightfast_webhook_deliveries", "lightfast_count_marks", *_LEFT))
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute(f"TRUNCATE {tables} CASCADE".encode())
            conn.execute("CHECKPOINT")
        with Redis.from_url(self.machine.program.broker_url) as broker:
            broker.delete("naive")

    def documents(self) -> int:
        """How many documents there are."""
        return self._count("lightfast_docs_documents")

    def deliveries(self) -> int:
        """How many deliveries are stored."""
        return self._count("lightfast_webhook_deliveries")

    def state(self) -> str:
        """What a run that came to nothing leaves to look at: the queue, the look-ups, the log."""
        log = self.machine.program.settings.data_dir / "processes.log"
        with psycopg.connect(self.database_url) as conn:
            rows = [str(row) for query in _STATE for row in conn.execute(query)]
        return "\n".join([*rows, log.read_text(errors="replace")[-4000:]])

    def _count(self, table: str) -> int:
        with psycopg.connect(self.database_url) as conn:
            row = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])


_STATE = (
    "SELECT status, reason, attempts, last_error, count(*) FROM lightfast_webhook_deliveries "
    "GROUP BY 1, 2, 3, 4",
    "SELECT attempts, last_error, count(*) FROM lightfast_lookups GROUP BY 1, 2",
    "SELECT * FROM lightfast_bells",
)
_LEFT = (*RESULT_TABLES, "lightfast_lookups", "lightfast_lookup_states")


def _child(name: str, command: str, env: Mapping[str, str]) -> Child:
    return Child(name, [sys.executable, "-m", *command.split()], env, cwd=_ROOT)


@contextmanager
def rig(
    api_urls: Mapping[str, str], tokens: Mapping[str, str] = MappingProxyType({"notion": TOKEN})
) -> Iterator[Rig]:
    """Servers of our own in a temporary place; variables that name others are not heeded, for the
    tables are emptied again and again. `api_urls` and `tokens` are the providers' by source type.
    """
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as directory:
        told = {f"INGEST_{name.upper()}_API_URL": url for name, url in api_urls.items()}
        with machine({"INGEST_DATA_DIR": f"{directory}/data", **told}) as made:
            yield Rig(made, _connect(made, tokens))


def _connect(made: Machine, tokens: Mapping[str, str]) -> Routes:
    engine, vault = made.program.engine, made.program.vault
    with transaction(engine) as conn:
        stores.create(conn, NewStore(STORE, STORE, STORE, STORE, STORE, STORE, STORE))
    secret = secrets.token_hex(20)
    connected = {}
    for source_type, metadata in _METADATA.items():
        token = {API_TOKEN: tokens[source_type]} if source_type in tokens else {}
        connected[source_type] = connect_source(
            engine,
            source(source_type).descriptor,
            name="bench",
            metadata=metadata,  # type: ignore[arg-type]  # plain JSON, written out above
            store_ids=[STORE],
            secrets={WEBHOOK_SECRET: secret, **token},
            vault=vault,
        )
    return Routes(**connected, secret=secret)


def send(order: Order, on_sending: Callable[[], None] = lambda: None) -> Heard:
    """What the generator heard; `on_sending` is called in the moment when it begins to send."""
    command = [sys.executable, "-m", "bench.load"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as load:
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(json.dumps(asdict(order)))
        load.stdin.close()
        if load.stdout.readline().strip() != "sending":
            raise RuntimeError("the load generator failed; what it says stands above")
        on_sending()
        line = load.stdout.readline()
        if not line.endswith("\n"):
            raise RuntimeError("the load generator ended in the middle of its answer; run it again")
        heard = json.loads(line)
    statuses = {int(n): count for n, count in heard.pop("statuses").items()}
    return Heard(**heard, statuses=statuses)
