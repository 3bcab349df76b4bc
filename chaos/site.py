"""The whole of it on one machine: servers, processes, providers, connections. Main thread only."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chaos import pooler, rabbit
from chaos.accounts.account import Account
from chaos.network import Host
from chaos.plan import RABBITMQ
from chaos.rabbit import Rabbit
from chaos.sender import Route
from chaos.supervisor import Supervisor
from chaos.told import Letter
from ingest.embedded import processes
from ingest.embedded.stack import Child
from ingest.flows.connections.connect import connect_source
from ingest.machine import Machine, is_ready, machine
from ingest.sources.registry import source
from ingest.store import stores
from ingest.store.credentials import API_TOKEN, WEBHOOK_SECRET
from ingest.store.engine import transaction
from ingest.store.stores import NewStore
from ingest.testing.fakes import Fake, serving

HOST, STORE = "127.0.0.1", "chaos"
LEASE_S = 3
READY_S = 60.0
ROOT = Path(__file__).parent.parent
WORKERS = ("worker", "worker-2")


@dataclass(slots=True)
class Site:
    """What faults strike at. hands_off: a server that is down is left so for now.

    routes, connections: by source type. post: has a letter leave beside the others. deadly: keys of
    those that take a worker down. rabbit: the broker, where it is no Redis. urls: of the receivers.
    hosts: where there are several, with the names of the processes on each.
    """

    machine: Machine
    supervisor: Supervisor
    fakes: Mapping[str, Fake]
    urls: Sequence[str]
    routes: Mapping[str, Route]
    connections: Mapping[str, str]
    log: Path
    is_pooled: bool = False
    rabbit: Rabbit | None = None
    hosts: Mapping[Host, Sequence[str]] = field(default_factory=dict)
    hands_off: bool = False
    post: Callable[[Letter], None] = lambda _letter: None
    deadly: set[tuple[str, str]] = field(default_factory=set)

    @property
    def data(self) -> Path:
        """Where the servers keep their data."""
        return self.machine.program.settings.data_dir.resolve()

    @property
    def database_url(self) -> str:
        """Of the server itself, whatever stands before it."""
        embedded = self.machine.services.urls.database_url
        return embedded or self.machine.program.database_url

    @property
    def redis_url(self) -> str:
        """Of the broker, where it is one."""
        return self.machine.services.urls.redis_url

    def tend(self) -> None:
        """Start again what died, as a supervisor would."""
        if not self.hands_off:
            self.machine.services.revive()
        self.supervisor.tend()

    def beat(self, name: str) -> Child:
        """One more beat, with a memory of its own."""
        (beat,) = (one for one in self.supervisor.children if one.name == "beat")
        argv = [
            str(self.data / f"schedule-{name}") if "schedule" in Path(word).name else word
            for word in beat.argv
        ]
        return Child(name, argv, beat.env, beat.cwd)

    def tail(self, lines: int = 40) -> str:
        """The last that the processes said."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])


@contextmanager
def site(accounts: Mapping[str, Account], broker: str) -> Iterator[Site]:
    """All of it, ready, in a temporary place; it ends with the block. Raises `RuntimeError` where
    the broker is not installed, or something does not get ready.
    """
    with ExitStack() as held:
        directory = held.enter_context(tempfile.TemporaryDirectory(prefix="ingest-chaos-"))
        fakes = {name: held.enter_context(serving(one.provider)) for name, one in accounts.items()}
        told = {f"INGEST_{name.upper()}_API_URL": fake.url for name, fake in fakes.items()}
        told |= {"INGEST_DATA_DIR": f"{directory}/data", "INGEST_LEASE_SECONDS": str(LEASE_S)}
        node = _rabbit(Path(directory)) if broker == RABBITMQ else None
        told |= {} if node is None else {"CELERY_BROKER_URL": node.url}
        made = held.enter_context(machine(told))
        routes, connections = connected(made, accounts)
        port = processes.free_port()
        log = made.program.settings.data_dir / "processes.log"
        output = held.enter_context(log.open("wb"))
        children, identities = _children(made, port)
        children = [*(node.children() if node else ()), *children]
        supervisor = held.enter_context(Supervisor(children, output, identities))
        urls = [f"http://{HOST}:{port}"]
        stands = Site(made, supervisor, fakes, urls, routes, connections, log)
        stands.is_pooled, stands.rabbit = bool(identities), node
        if node and not processes.wait_until(node.is_up, seconds=rabbit.READY_S):
            raise RuntimeError(f"RabbitMQ is not ready:\n{stands.tail()}")
        if not processes.wait_until(lambda: is_ready(HOST, port), seconds=READY_S):
            raise RuntimeError(f"the receiver is not ready:\n{stands.tail()}")
        yield stands


def _rabbit(directory: Path) -> Rabbit:
    programs = rabbit.installed()
    if programs is None:
        raise RuntimeError("RabbitMQ is not on this machine: install it, or leave BROKER out")
    return rabbit.configured(programs, directory / rabbit.NAME)


def _children(made: Machine, port: int) -> tuple[list[Child], dict[str, str]]:
    """Those of `ingest up`, with our workers, and one of them twice; behind a pooler if there is
    one, which is the first then. And as whom one runs that does not run as we do.
    """
    usual = [ours(child) for child in made.children(host=HOST, port=port, workers=1)]
    (worker,) = (one for one in usual if one.name == "worker")
    second = Child(WORKERS[1], [*(_renamed(word) for word in worker.argv)], worker.env, ROOT)
    program, url = pooler.installed(), made.services.urls.database_url
    if program is None:
        return [*usual, second], {}
    at, directory = processes.free_port(), made.program.settings.data_dir.parent / pooler.NAME
    directory.parent.chmod(0o755)  # whoever it runs as has to reach its configuration
    first, identity = pooler.configured(program, url, directory, at)
    behind = {"DATABASE_URL": pooler.pooled(url, at)}
    children = [replace(one, env={**one.env, **behind}) for one in (*usual, second)]
    return [first, *children], {pooler.NAME: identity}


def ours(child: Child) -> Child:
    """The same, out of `chaos.worker`."""
    argv = ["chaos.worker" if word == "ingest.worker" else word for word in child.argv]
    return Child(child.name, argv, child.env, ROOT)


def _renamed(word: str) -> str:
    return f"{WORKERS[1]}@%h" if word == f"{WORKERS[0]}@%h" else word


def connected(
    made: Machine, accounts: Mapping[str, Account]
) -> tuple[dict[str, Route], dict[str, str]]:
    """A connection of each, all to one store: the routes of their letters, and their ids."""
    engine, vault = made.program.engine, made.program.vault
    with transaction(engine) as conn:
        stores.create(conn, NewStore(STORE, STORE, STORE, STORE, STORE, STORE, STORE))
    routes: dict[str, Route] = {}
    connections: dict[str, str] = {}
    for name, account in accounts.items():
        secret = secrets.token_hex(20)
        metadata: Any = dict(account.metadata)
        connections[name] = connect_source(
            engine,
            source(name).descriptor,
            name=name,
            metadata=metadata,
            store_ids=[STORE],
            secrets={WEBHOOK_SECRET: secret, API_TOKEN: account.provider.token},
            vault=vault,
        )
        routes[name] = Route(f"/webhooks/{name}/{connections[name]}", secret)
    return routes, connections
