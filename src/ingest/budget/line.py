"""Sockets to the Redis that counts, as a broker's URLs name it; with short waits, and two tries.

What such URLs may say is `broker.address`'s to know; here it becomes what Redis' driver takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.retry import Retry
from redis.sentinel import Sentinel

from ingest.broker.address import MASTER_NAME, SENTINEL
from ingest.broker.broker import Broker
from ingest.budget.tally import SharedTally

WAIT_S = 0.5
"""For a connection, and for an answer: somebody waits to ask a provider meanwhile."""
PREFIX = "ingest:budget"
_MOST_SOCKETS = 64
_SENTINELS_PORT = 26379
_KEY_PREFIX = "global_keyprefix"


def tallies_of(broker: Broker) -> list[SharedTally]:
    """The counts in the servers that the broker's URLs name, of which the next is tried where one
    is away; of sentinels, that in the primary. Contacts nobody.
    """
    more = broker.told.get(_KEY_PREFIX, "")
    prefix = f"{more}{broker.queue(PREFIX)}"
    return [SharedTally(pool, prefix) for pool in pools_of(broker)]


def pools_of(broker: Broker) -> list[ConnectionPool]:
    """Sockets to each Redis that the broker's URLs name; of sentinels, to the primary."""
    parts = [urlsplit(url) for url in broker.url.split(";")]
    if broker.address.family == SENTINEL:
        return [_watched(parts, broker.options())]
    return [_pool(part) for part in parts]


def _pool(part: SplitResult) -> ConnectionPool:
    """A socket that was closed meanwhile, being idle or with its server, is replaced once."""
    if part.scheme != "redis+socket":
        return ConnectionPool.from_url(part.geturl(), **_waits(), **_connects())
    told = dict(parse_qsl(part.query))
    query = urlencode({"db": told.pop("virtual_host", "0").strip("/") or "0", **told})
    return ConnectionPool.from_url(f"unix://{part.netloc}{part.path}?{query}", **_waits())


def _watched(parts: list[SplitResult], options: Mapping[str, object]) -> ConnectionPool:
    hosts = [(part.hostname or "", part.port or _SENTINELS_PORT) for part in parts]
    told = options.get("sentinel_kwargs")
    asked = {**(told if isinstance(told, dict) else {}), **_connects(), "socket_timeout": WAIT_S}
    known = {
        "username": parts[0].username and unquote(parts[0].username),
        "password": parts[0].password and unquote(parts[0].password),
        "db": int(parts[0].path.strip("/") or 0),
    }
    watching: Any = Sentinel(hosts, sentinel_kwargs=asked)  # type: ignore[no-untyped-call] # as it is
    primary: Redis = watching.master_for(
        str(options[MASTER_NAME]),
        **_waits(),
        **_connects(),
        **{name: value for name, value in known.items() if value},
    )
    return primary.connection_pool


def _waits() -> dict[str, Any]:
    return {
        "socket_timeout": WAIT_S,
        "max_connections": _MOST_SOCKETS,
        "retry": Retry(NoBackoff(), 1, supported_errors=(Unreachable,)),
    }


def _connects() -> dict[str, Any]:
    return {"socket_connect_timeout": WAIT_S, "socket_keepalive": True}
