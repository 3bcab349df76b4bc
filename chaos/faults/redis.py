"""What happens to the broker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from redis import Redis
from redis.exceptions import RedisError

from chaos.faults.fault import AT_ONCE
from chaos.site import Site
from ingest.embedded import processes

_AWAY_S = (1.0, 4.0)


@contextmanager
def emptied(site: Site, _chance: Random) -> Iterator[float]:
    """FLUSHALL."""
    _tell(site, "FLUSHALL")
    yield AT_ONCE


@contextmanager
def down(site: Site, chance: Random) -> Iterator[float]:
    """Killed, and not there for a while."""
    site.hands_off = True
    try:
        _signal(site, signal.SIGKILL)
        yield chance.uniform(*_AWAY_S)
    finally:
        site.hands_off = False


@contextmanager
def frozen(site: Site, chance: Random) -> Iterator[float]:
    """SIGSTOP: it takes connections and answers nothing."""
    _signal(site, signal.SIGSTOP)
    try:
        yield chance.uniform(*_AWAY_S)
    finally:
        _signal(site, signal.SIGCONT)


@contextmanager
def out_of_memory(site: Site, chance: Random) -> Iterator[float]:
    """It takes no more."""
    _tell(site, "CONFIG", "SET", "maxmemory", "1")
    try:
        yield chance.uniform(*_AWAY_S)
    finally:
        _tell(site, "CONFIG", "SET", "maxmemory", "0")


@contextmanager
def read_only(site: Site, chance: Random) -> Iterator[float]:
    """A replica of a server that nobody finds."""
    _tell(site, "REPLICAOF", "127.0.0.1", "1")
    try:
        yield chance.uniform(*_AWAY_S)
    finally:
        _tell(site, "REPLICAOF", "NO", "ONE")


def _tell(site: Site, *command: str) -> None:
    """A server that is down just now has nothing of it left when it is back."""
    with suppress(RedisError), Redis.from_url(site.redis_url, socket_timeout=5) as client:
        client.execute_command(*command)


def _signal(site: Site, number: signal.Signals) -> None:
    pid = processes.read_pid(site.data / "redis" / "server.pid")
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
