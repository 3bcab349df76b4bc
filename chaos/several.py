"""The same processes on several hosts: two that receive, two that work, each of these with a beat,
and the servers on another. One that works has a clock that is ten minutes ahead.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from chaos import clock
from chaos.accounts.account import Account
from chaos.hub import hub
from chaos.network import Host, lacking, network
from chaos.site import LEASE_S, READY_S, ROOT, Site, connected, ours
from chaos.supervisor import Supervisor
from ingest.embedded import processes
from ingest.embedded.stack import Child
from ingest.machine import Machine, is_ready, machine
from ingest.testing.fakes import serving

FRONTS, BACKS = ("front-1", "front-2"), ("back-1", "back-2")
AHEAD_S = 600
"""Of the last one that works."""
PORT = 8000
_WEB = "web"


@contextmanager
def several(accounts: Mapping[str, Account]) -> Iterator[Site]:
    """All of it, ready; it ends with the block. Raises `RuntimeError` where there can be no hosts,
    or something does not get ready.
    """
    if why := lacking():
        raise RuntimeError(f"there can be no hosts here: {why}; leave HOSTS out")
    with ExitStack() as held:
        directory = Path(
            held.enter_context(tempfile.TemporaryDirectory(prefix="ingest-chaos-"))
        ).resolve()
        directory.chmod(0o755)  # the database may run as somebody else
        net = held.enter_context(network((*FRONTS, *BACKS)))
        servers = held.enter_context(hub(net, directory))
        fakes = {
            name: held.enter_context(serving(one.provider, net.address))
            for name, one in accounts.items()
        }
        told = {f"INGEST_{name.upper()}_API_URL": fake.url for name, fake in fakes.items()}
        told |= {"INGEST_DATA_DIR": f"{directory}/data", "INGEST_LEASE_SECONDS": str(LEASE_S)}
        told["INGEST_SECRET_KEY"] = secrets.token_urlsafe(32)
        told |= {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
        made = held.enter_context(machine(told | {"CELERY_BROKER_URL": servers.redis_url}))
        routes, connections = connected(made, accounts)
        hosts = {host: _children(made, host, directory) for host in net.hosts}
        log = directory / "processes.log"
        output = held.enter_context(log.open("wb"))
        every = [child for children in hosts.values() for child in children]
        supervisor = held.enter_context(Supervisor(every, output))
        urls = [f"http://{host.address}:{PORT}" for host in net.hosts if host.name in FRONTS]
        stands = Site(made, supervisor, fakes, urls, routes, connections, log)
        stands.hosts = {host: [one.name for one in there] for host, there in hosts.items()}
        if not processes.wait_until(lambda: all(map(_is_ready, urls)), seconds=READY_S):
            raise RuntimeError(f"the receivers are not ready:\n{stands.tail()}")
        yield stands


def _is_ready(url: str) -> bool:
    return is_ready(urlsplit(url).hostname or "", PORT)


def _children(made: Machine, host: Host, directory: Path) -> Sequence[Child]:
    """What runs on a host, under names of its own: those on the first of a kind have the usual."""
    data = directory / host.name
    data.mkdir()
    told = {"INGEST_DATA_DIR": str(data)}
    if host.name == BACKS[-1]:
        told |= clock.off(directory, AHEAD_S)
    number = host.name.rpartition("-")[2]
    suffix = "" if number == "1" else f"-{number}"
    usual = made.children(host=host.address, port=PORT, workers=1)
    here = [one for one in usual if (one.name == _WEB) == (host.name in FRONTS)]
    return [_placed(ours(one), host, suffix, told, data) for one in here]


def _placed(child: Child, host: Host, suffix: str, told: Mapping[str, str], data: Path) -> Child:
    argv = [
        str(data / "beat-schedule") if Path(word).name == "beat-schedule" else word
        for word in child.argv
    ]
    env = {**child.env, **told}
    return Child(f"{child.name}{suffix}", host.inside(argv), env, ROOT)
