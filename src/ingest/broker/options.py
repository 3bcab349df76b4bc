"""What each kind of broker can be told, what it is told by default, and what a user may change.

Law: every client of a broker notices within seconds that its host vanished. Performs no I/O.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ingest.broker.address import AMQP, MASTER_NAME, REDIS, SENTINEL
from ingest.core.errors import BadSettings

VARIABLE = "INGEST_BROKER_OPTIONS"
Options = Mapping[str, object]

VISIBILITY_TIMEOUT_S = 300
"""After so long Redis hands out again what a dead worker had taken."""
MOST_COUNTDOWN_S = 120.0
"""Of a retried message: a shorter visibility time-out would hand it out twice."""
WAIT_S, CONNECT_S = 10, 5
BELL_S = 2.0
"""Longer than that nobody waits for a broker to ring a bell: what is not heard is swept."""
HEARTBEAT_S = 20
"""RabbitMQ and its clients let go of one another after two missed ones."""

_KEEPALIVE: Mapping[str, int] = {
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 20_000,  # milliseconds until what was sent has to be acknowledged
}


def numbered(settings: Mapping[str, int]) -> dict[int, int]:
    """Options of a socket by the system's numbers (`TCP_KEEPIDLE` is 4 on Linux).

    What a system has not, it is not told.
    """
    return {
        int(getattr(socket, name)): value
        for name, value in settings.items()
        if hasattr(socket, name)
    }


_REDIS: Options = {
    "visibility_timeout": VISIBILITY_TIMEOUT_S,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    # Of commands, publishing among them. A worker's BRPOP is waited for by its event loop, for a
    # second at a time, and is given up where its answer is overdue by the health check's interval.
    "socket_timeout": WAIT_S,
    "socket_connect_timeout": CONNECT_S,
    "socket_keepalive": True,
    "socket_keepalive_options": numbered(_KEEPALIVE),
    "health_check_interval": 10,
}
_AMQP: Options = {
    "write_timeout": WAIT_S,
    "confirm_publish": True,
    "socket_settings": numbered(_KEEPALIVE),
}
SENTINEL_S = 1.0
ASKED: Options = {
    "socket_timeout": SENTINEL_S,
    "socket_connect_timeout": SENTINEL_S,
    "retry": None,  # the next one is asked instead; the driver's own way takes seconds for each
}
"""How a sentinel is asked where the primary is; a user's `sentinel_kwargs` come on top."""
DEFAULTS: Mapping[str, Options] = {REDIS: _REDIS, SENTINEL: _REDIS, AMQP: _AMQP}
BELLS: Mapping[str, Options] = {
    REDIS: {"socket_timeout": BELL_S, "socket_connect_timeout": BELL_S},
    SENTINEL: {"socket_timeout": BELL_S, "socket_connect_timeout": BELL_S},
    AMQP: {"read_timeout": BELL_S, "write_timeout": BELL_S, "connect_timeout": BELL_S},
}
"""Where somebody rings, or only wants to know: nothing of a user's may make him wait longer."""


class Kind(NamedTuple):
    """What a value has to be: in words, as an error says it, and as a question."""

    said: str
    fits: Callable[[object], bool]


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(float(str(value))) and float(str(value)) > 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_tcp(value: object) -> bool:
    return isinstance(value, dict) and all(
        name.startswith("TCP_") and hasattr(socket, name) and _is_count(number)
        for name, number in value.items()
    )


_OF_A_SENTINEL = frozenset(
    {
        "password",
        "socket_connect_timeout",
        "socket_timeout",
        "ssl",
        "ssl_ca_certs",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
        "username",
    }
)


def _is_of_a_sentinel(value: object) -> bool:
    return isinstance(value, dict) and value.keys() <= _OF_A_SENTINEL


_SECONDS = Kind("a number of seconds above 0", _is_number)
_COUNT = Kind("a whole number", _is_count)
_FLAG = Kind("true or false", lambda value: isinstance(value, bool))
_TEXT = Kind("a text", lambda value: isinstance(value, str) and value != "")
_OBJECT = Kind("an object", lambda value: isinstance(value, dict))
_TCP = Kind('an object such as {"TCP_KEEPIDLE": 10}', _is_tcp)
_SENTINEL = Kind(f"an object of {', '.join(sorted(_OF_A_SENTINEL))}", _is_of_a_sentinel)
_VISIBLE = Kind(
    f"a number of seconds above {MOST_COUNTDOWN_S:g}",
    lambda value: _is_number(value) and float(str(value)) > MOST_COUNTDOWN_S,
)

_OF_REDIS: Mapping[str, Kind] = {
    "client_name": _TEXT,
    "global_keyprefix": _TEXT,
    "health_check_interval": _SECONDS,
    "max_connections": _COUNT,
    "retry_on_timeout": _FLAG,
    "socket_connect_timeout": _SECONDS,
    "socket_keepalive": _FLAG,
    "socket_keepalive_options": _TCP,
    "socket_timeout": _SECONDS,
    "unacked_restore_interval": _SECONDS,
    "unacked_restore_limit": _COUNT,
    "visibility_timeout": _VISIBLE,
}
KNOWN: Mapping[str, Mapping[str, Kind]] = {
    REDIS: _OF_REDIS,
    SENTINEL: {
        **_OF_REDIS,
        MASTER_NAME: _TEXT,
        "min_other_sentinels": _COUNT,
        "sentinel_kwargs": _SENTINEL,
    },
    AMQP: {
        "client_properties": _OBJECT,
        "confirm_publish": _FLAG,
        "connect_timeout": _SECONDS,
        "heartbeat": _COUNT,
        "login_method": _TEXT,
        "read_timeout": _SECONDS,
        "socket_settings": _TCP,
        "write_timeout": _SECONDS,
    },
}
"""What a user may tell, by kind of broker."""


def require_known(family: str, told: Options) -> dict[str, object]:
    """What a user told, as the driver takes it: names of sockets' options become numbers.

    Raises `BadSettings` for an option that this family does not take, or a value that is no fit; no
    value is quoted, as it may be a secret.
    """
    known = KNOWN[family]
    for name, value in told.items():
        if name not in known:
            shown = repr(name[:40]) if name[:40].isidentifier() else "an option"
            raise BadSettings(
                f"{VARIABLE} holds {shown}, which a {family} broker does not take; it takes "
                f"{', '.join(sorted(known))}"
            )
        if not known[name].fits(value):
            raise BadSettings(f"{VARIABLE}: {name} is no fit; give {known[name].said}")
    return {
        name: numbered(value) if known[name] is _TCP and isinstance(value, dict) else value
        for name, value in told.items()
    }
