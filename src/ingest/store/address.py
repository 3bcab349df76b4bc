"""What a database's URL says, in the words of libpq. Performs no I/O.

Every form that libpq, SQLAlchemy and Prisma take is read: several hosts, sockets, `postgres://`.
Law: nothing of a wrong URL is quoted but a parameter's name, for the rest may be a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

import psycopg.pq

from ingest.core.errors import BadSettings
from ingest.store import startup_options

_SHAPE = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9]*+)(?:\+[A-Za-z0-9_]++)?://"
    r"(?:(?P<user>[^:/?@]*+)(?::(?P<password>[^@]*+))?@)?"
    r"(?P<hosts>[^/?]*+)(?:/(?P<dbname>[^?]*+))?(?:\?(?P<query>.*+))?",
    re.DOTALL,
)
_HOST = re.compile(r"(?:\[(?P<v6>[^\[\]]++)\]|(?P<host>[^:\[\]]*+))(?::(?P<port>[0-9]*+))?")
_NAME = re.compile(r"[A-Za-z_]{1,40}")
_A_QUERY = re.compile(r"[^/]*+/[^?]*+\?[^=]*+=")
_NUMBER = re.compile(r"-?[0-9]{1,10}")
_LIBPQ = frozenset(option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults())
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
}
_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "tcp_user_timeout",
)
_SCHEMA = ("schema", "currentSchema")
_POOLED, _TLS = "pgbouncer", "ssl"
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")
_OF_OTHERS = frozenset(
    {
        "connection_limit",  # Prisma's own pool, as are the next four
        "max_connection_lifetime",
        "max_idle_connection_lifetime",
        "pool_timeout",
        "socket_timeout",
        "prepared_statement_cache_size",  # asyncpg's, by way of SQLAlchemy
        "statement_cache_size",  # Prisma's, and asyncpg's
        "supa",  # a mark that Vercel's integration of Supabase leaves
    }
)
"""What tells another program how to keep its connections, and has no meaning here."""
_KNOWN = _LIBPQ | _OF_OTHERS | {*_SCHEMA, _POOLED, _TLS}
_INSTEAD: Mapping[str, str] = {
    "sslaccept": "sslmode=verify-full (or require)",
    "sslrootcertificate": "sslrootcert=/path/of/it",
    "timezone": "nothing: every transaction runs in UTC",
    "uselibpqcompat": "nothing: libpq itself is used",
}


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is. `parameters` are libpq's.

    settings: what the URL asks of the server, by name; said again in each transaction.
    pooled: whether the URL says that a pooler stands before the server.
    """

    parameters: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, str] = field(repr=False)
    pooled: bool


def read(url: str) -> DatabaseAddress:
    """What the URL of a database says, in every form that libpq, SQLAlchemy and Prisma take.

    A parameter goes before what stands before the `?`; where there are no `options`, those of
    PGOPTIONS count. Raises `BadSettings` for a URL that cannot be meant, and quotes nothing of it
    but a parameter's name.
    """
    parts = _parts(url)
    pairs = list(_pairs(parts["query"]))
    given = _of_libpq(parts, pairs) | _places(parts["hosts"], pairs)
    more = _of_others(url, pairs)
    if more.tls:
        given.setdefault("sslmode", "require")
    _require_values(given)
    told, rest = startup_options.read(given.get("options", startup_options.of_environment()))
    return DatabaseAddress({**given, "options": rest}, {**more.settings, **told}, more.pooled)


@dataclass(frozen=True, slots=True)
class _Others:
    """What the parameters say that are not libpq's."""

    settings: Mapping[str, str]
    pooled: bool
    tls: bool


def _of_libpq(parts: Mapping[str, str], pairs: list[tuple[str, str]]) -> dict[str, str]:
    """libpq's parameters but for the places; a parameter goes before what stands before it."""
    given = {name: value for name, value in pairs if name in _LIBPQ - {"host", "port"}}
    for name in ("user", "password", "dbname"):
        if parts[name]:
            given.setdefault(name, _decoded(parts[name]))
    return given


def _of_others(url: str, pairs: list[tuple[str, str]]) -> _Others:
    """Raises `BadSettings` for a name that has no meaning."""
    settings: dict[str, str] = {}
    pooled = tls = False
    for name, value in pairs:
        if name not in _KNOWN:
            raise BadSettings(_unknown(name, url))
        if name in _SCHEMA and value:
            settings["search_path"] = '"{}"'.format(value.replace('"', '""'))
        elif name == _POOLED:
            pooled = _switch(name, value)
        elif name == _TLS:
            tls = _switch(name, value) or tls
    return _Others(settings, pooled, tls)


def _parts(url: str) -> dict[str, str]:
    """The pieces as they stand there; an absent one is empty."""
    match = _SHAPE.fullmatch(url)
    if match is None:
        raise BadSettings(
            "DATABASE_URL is not a database URL; write postgresql://user:password@host/name"
        )
    parts = {name: text or "" for name, text in match.groupdict().items()}
    if parts["scheme"].lower() not in {"postgres", "postgresql"}:
        raise BadSettings(f"DATABASE_URL names {parts['scheme']}; only postgresql://… is supported")
    if "@" in parts["hosts"]:  # a name's server would be asked for it, and errors tell it
        raise BadSettings(
            "DATABASE_URL has an @ in the name of its host; where it is the password's, write %40"
        )
    if "@" in parts["dbname"] or _A_QUERY.match(parts["password"]):
        raise BadSettings(
            "DATABASE_URL has an @ behind its host; write %40, in a name as in a password"
        )
    return parts


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if not equals:
            raise BadSettings(
                "DATABASE_URL has a parameter without a value; write ?name=value&name=value, and "
                "percent-encode what is special in a URL (/ ? # @ : %) in the password"
            )
        yield _decoded(name.replace("+", " ")), _decoded(value, plus=True)


def _decoded(text: str, *, plus: bool = False) -> str:
    try:
        found = (unquote_plus if plus else unquote)(text, errors="strict")
    except UnicodeDecodeError:
        raise BadSettings(
            "DATABASE_URL has percent-encoded bytes that are no UTF-8; write % itself as %25"
        ) from None
    if "\0" in found:
        raise BadSettings("DATABASE_URL has %00 in it, which PostgreSQL takes nowhere; remove it")
    return found


def _places(authority: str, pairs: list[tuple[str, str]]) -> dict[str, str]:
    """libpq's `host` and `port`; what a parameter says goes before what stands before the path."""
    first = dict(reversed(pairs))  # of a parameter that is given twice
    told = _hosts(authority, pairs)
    port = first.get("port") or ",".join(port for _, port in told)
    numbers = port.split(",")
    if not all(map(_is_port, numbers)) or len(numbers) not in {1, len(told)}:
        raise BadSettings(
            "DATABASE_URL has a port that is no number of 1 to 65535, or more ports than hosts; "
            "write host:5432 or host1:5432,host2:5432, and percent-encode what is special in a URL "
            "(/ ? # @ : %) where it stands in the password"
        )
    found = {"host": ",".join(host for host, _ in told), "port": port if any(numbers) else ""}
    if len(told) > 1:  # else the first that answers is kept, be it a standby
        found["target_session_attrs"] = first.get("target_session_attrs", "read-write")
    return {name: value for name, value in found.items() if value}


def _hosts(authority: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(host, port) of each; a host that a parameter names may have its port before the path."""
    told = [(_decoded(host), port) for host, port in map(_place, authority.split(","))]
    named = [value for name, value in pairs if name == "host" and value]
    if not named:
        return told
    behind = ",".join(port for _, port in told)
    return [_place(text, behind) for value in named for text in value.split(",")]


def _is_port(text: str) -> bool:
    """Whether it is one, or left out."""
    return not text or (text.isdecimal() and 0 < int(text) < 65_536)


def _place(text: str, port: str = "") -> tuple[str, str]:
    """(host, port) of one; a path and a bare IPv6 address have no port of their own."""
    if text.startswith(("/", "@")) or (text.count(":") > 1 and "[" not in text):
        return text, port
    match = _HOST.fullmatch(text)
    if match is None:
        return text.partition(":")[0], "none"
    return match["v6"] or match["host"] or "", match["port"] or port


def _switch(name: str, value: str) -> bool:
    if value.lower() not in {*_YES, *_NO}:
        raise BadSettings(f"DATABASE_URL's parameter {name} is neither true nor false; write one")
    return value.lower() in _YES


def _require_values(given: Mapping[str, str]) -> None:
    """libpq would find these out when it connects, and say it to whoever waits for an answer."""
    for name, choices in _CHOICES.items():
        if given.get(name, choices[0]) not in choices:
            wanted = ", ".join(choices)
            raise BadSettings(f"DATABASE_URL's parameter {name} is none of {wanted}; give one")
    for name in _NUMBERS:
        if _NUMBER.fullmatch(given.get(name, "0")) is None:
            raise BadSettings(f"DATABASE_URL's parameter {name} is no whole number; give one")


def _unknown(name: str, url: str) -> str:
    if name in _INSTEAD:
        return f"DATABASE_URL's parameter {name} is not PostgreSQL's; write {_INSTEAD[name]}"
    tellable = _NAME.fullmatch(name) and url.count("@") <= 1
    which = f"the parameter {name}" if tellable else "a parameter"
    return f"DATABASE_URL has {which}, which is none of PostgreSQL's; take it out"
