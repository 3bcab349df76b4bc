"""Which faults there are, and in what order they strike: by the seed, each before any twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from random import Random

from chaos.faults import hosts, killed, poison, postgres, providers, rabbitmq, redis
from chaos.faults.fault import Fault
from chaos.plan import BROKERS, Plan

FAULTS: Mapping[str, Fault] = {
    "worker killed": killed.killed("worker", "worker-2"),
    "fetcher killed": killed.killed("fetcher"),
    "syncer killed": killed.killed("syncer"),
    "beat killed": killed.killed("beat"),
    "receiver killed": killed.killed("web"),
    "one process killed": killed.one_process,
    "pooler killed": killed.killed("pooler"),
    "poison": poison.poisoned,
    "two beats": killed.two_beats,
    "redis emptied": redis.emptied,
    "redis down": redis.down,
    "redis frozen": redis.frozen,
    "redis out of memory": redis.out_of_memory,
    "redis read-only": redis.read_only,
    "rabbitmq killed": rabbitmq.killed,
    "rabbitmq stopped": rabbitmq.stopped,
    "rabbitmq frozen": rabbitmq.frozen,
    "rabbitmq out of memory": rabbitmq.out_of_memory,
    "postgres restarted": postgres.restarted,
    "postgres sessions ended": postgres.disconnected,
    "postgres rows held": postgres.rows_held,
    "postgres table held": postgres.table_held,
    "postgres full": postgres.full,
    "postgres read-only": postgres.read_only,
    "host cut off": hosts.cut_off,
    "host vanished": hosts.vanished,
    "hosts restarted": hosts.restarted,
    "providers throttle": providers.throttled,
    "providers err": providers.erring,
    "providers break off": providers.broken,
    "providers hang": providers.hanging,
    "providers drip": providers.dripping,
}

NEEDS_POOLER = "pooler killed"
_SERVERS = ("postgres", "redis", "rabbitmq", "pooler", "two")
"""First words of what strikes at servers of the same host as all, or starts a beat beside the one
that there is."""
_HOSTS = ("host", "hosts")


def absent(plan: Plan, *, is_pooled: bool) -> frozenset[str]:
    """The faults of what is not there: other hosts, another broker, a pooler."""
    others = _SERVERS if plan.hosts else (*_HOSTS, *(one for one in BROKERS if one != plan.broker))
    found = {name for name in FAULTS if name.partition(" ")[0] in others}
    return frozenset(found if is_pooled else {*found, NEEDS_POOLER})


def drawn(
    seed: int, only: tuple[str, ...] = (), without: Collection[str] = ()
) -> Iterator[tuple[str, Random]]:
    """Names of faults without end, each with what is drawn for it; `only` these, or all but what
    the run is `without`.
    """
    chance = Random(f"{seed}/faults")
    names = sorted(only or {*FAULTS}.difference(without))
    while True:
        chance.shuffle(names)
        for name in names:
            yield name, Random(chance.randrange(2**32))
