"""The names of the environment's variables, and which of those that are set nobody reads.

Law: what a variable holds is not told. Loads nothing but Python's own library, so that a command's
help can warn too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher
from pathlib import Path

PREFIX, SECRETS_SUFFIX, URL_SUFFIX = "INGEST_", "_WEBHOOK_SECRETS", "_API_URL"

DEFAULT_DATA_DIR = ".ingest"
VARIABLES: Mapping[str, tuple[str, str]] = {
    "CELERY_BROKER_URL": (
        "the broker: `redis://`, `rediss://`, `redis+socket://`, "
        "`sentinel://…;sentinel://…?master_name=…`, `amqp://`, `amqps://`, `pyamqp://`: "
        "docs/broker.md",
        "`REDIS_URL`",
    ),
    "DATABASE_URL": (
        "PostgreSQL, `postgresql://user:password@host/name`; several hosts, sockets, schemas and "
        "poolers: docs/postgres.md",
        "embedded, under `INGEST_DATA_DIR`",
    ),
    "INGEST_ALLOWED_API_HOSTS": (
        "further hosts that a connection's metadata may name (`apiHost`), comma-separated: "
        "`errors.example.com`, `*.example.com`; they may be private",
        "the providers' own alone",
    ),
    "INGEST_BROKER_OPTIONS": (
        'options of the broker\'s client, a JSON object such as `{"socket_timeout": 5}`: '
        "docs/broker.md",
        "none",
    ),
    "INGEST_CONSOLE_IDENTITY_HEADER": (
        "switches the console on at `/console`, for whom a proxy names in this header, as "
        "`X-Forwarded-User`; the proxy must set or remove it on every request: docs/console.md",
        "none",
    ),
    "INGEST_CONSOLE_PASSWORD": (
        "switches the console on at `/console`, for whoever has it; 12 characters at least: "
        "docs/console.md",
        "none: there is no console",
    ),
    "INGEST_DATA_DIR": (
        "where the embedded services keep their data, and each process its pulse",
        f"`{DEFAULT_DATA_DIR}`",
    ),
    "INGEST_KEEP_CHANGES_DAYS": (
        "how many whole days the change feed is kept: docs/changes.md",
        "7",
    ),
    "INGEST_KEEP_DELIVERIES_DAYS": (
        "how many whole days settled raw deliveries are kept (dead ones stay)",
        "30",
    ),
    "INGEST_LEASE_SECONDS": (
        "how long a batch, a look-up or a page of a sync run stays with a worker that is gone; who "
        "works renews it",
        "30",
    ),
    "INGEST_LOG_LEVEL": (
        "how much every process says: `debug`, `info`, `warning`, `error`",
        "`info`",
    ),
    "INGEST_MAX_BODY_BYTES": ("largest accepted delivery", "26214400 (25 MiB)"),
    "INGEST_OTEL": (
        "`1` sends traces (extra `otel`), set up by OpenTelemetry's own variables "
        "(`OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_PROTOCOL` or "
        "`OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_SDK_DISABLED`, …); `0` never does: "
        "docs/metrics.md",
        "on where `OTEL_EXPORTER_OTLP_ENDPOINT` is set and OpenTelemetry installed",
    ),
    "INGEST_POSTGRES_BIN": (
        "folder of other PostgreSQL binaries for the embedded server",
        "the wheel's",
    ),
    "INGEST_QUEUE_PREFIX": (
        "stands before the name of every queue, as `staging-`, where environments share a broker: "
        "docs/broker.md",
        "none",
    ),
    "INGEST_REDIS_BIN": (
        "another Redis-protocol server program for the embedded one",
        "the wheel's",
    ),
    "INGEST_SECRET_KEY": (
        "encryption keys of stored credentials, comma-separated; the first encrypts, all decrypt: "
        "docs/operating.md",
        "made in the data dir when embedded; required otherwise",
    ),
    "INGEST_SENTRY_DSN": (
        "where unexpected faults are reported to, without payloads or messages; needs the extra of "
        "the same name: docs/metrics.md",
        "none: they are in the log",
    ),
    "INGEST_SYNC_ASK_SHARE": (
        "a full resync that misses more than this share of the documents that it listed stops and "
        "asks; between 0 and 1",
        "0.2",
    ),
    "REDIS_URL": (
        "Redis; also where it is counted what providers are asked, so wanted beside RabbitMQ too",
        "embedded",
    ),
}
"""Every variable that some process reads, whoever reads it, what it means, and what holds where it
is not set; `make reference` writes docs/reference/settings.md of it. A test compares the names.
"""
NAMES = tuple(VARIABLES)
OF_SOURCES: Mapping[str, tuple[str, str]] = {
    SECRETS_SUFFIX: (
        "app-wide webhook secrets, comma-separated while they rotate",
        "none: requests to the app-wide route are refused",
    ),
    URL_SUFFIX: (
        "base of the provider's API: an installation of one's own, another region, a test server; "
        "URLs on that host then name the provider's things",
        "the provider's public one",
    ),
}
"""Each source has a variable with each: `INGEST_<SOURCE><suffix>`."""
SUFFIXES = tuple(OF_SOURCES)
MISTAKEN: Mapping[str, str] = {
    "CELERY_BROKER": "CELERY_BROKER_URL",
    "CELERY_BROKER_URI": "CELERY_BROKER_URL",
    "DATABASE_URI": "DATABASE_URL",
    "REDIS_URI": "REDIS_URL",
}
"""Names without our prefix that can only mean one of ours, where that one is not set; in whichever
letters, as are ours."""
_LIKE_A_NAME, _LIKE_A_SOURCE, _LIKE_A_SUFFIX = 0.7, 0.75, 0.6
"""How alike two words are, of 1, to be taken for one; a source's name has to be, itself."""
_LIKE_A_PREFIX = 0.8
"""Of our prefix, before what is one of our names letter by letter."""


def data_dir(environ: Mapping[str, str]) -> Path:
    """Where a process of this environment keeps its files."""
    return Path(environ.get("INGEST_DATA_DIR") or DEFAULT_DATA_DIR).absolute()


def warnings(environ: Mapping[str, str], source_types: Callable[[], Iterable[str]]) -> list[str]:
    """A sentence for each variable that nobody reads but that seems to be meant for us.

    Values are never told. `source_types` is asked only where a variable may be a source's.
    """
    found: list[str] = []
    for name in sorted(environ.keys() - set(NAMES)):
        told = name.upper()
        head, _, tail = told.partition("_")
        meant = MISTAKEN.get(told, told)
        if meant in NAMES and not told.startswith(PREFIX):
            found += [_unknown(name, meant)] if meant not in environ else []
        elif _likeness(f"{head}_", PREFIX) >= _LIKE_A_PREFIX:
            types = [source_type.upper() for source_type in source_types()]
            known = {*NAMES, *(f"{PREFIX}{one}{suffix}" for one in types for suffix in SUFFIXES)}
            if told.startswith(PREFIX):
                found += [_unknown(name, _nearest(tail, types))] if name not in known else []
            elif f"{PREFIX}{tail}" in known - environ.keys():
                found.append(_unknown(name, f"{PREFIX}{tail}"))
    return found


def _unknown(name: str, near: str | None) -> str:
    said = f"{name} is not a setting"
    return f"{said}; did you mean {near}?" if near else said


def _nearest(told: str, types: Iterable[str]) -> str | None:
    """The known variable that is most like this one, both without the prefix."""
    likely = [(_likeness(told, name.removeprefix(PREFIX)), name) for name in NAMES]
    likely = [one for one in likely if one[0] >= _LIKE_A_NAME]
    for at in (index for index, letter in enumerate(told) if letter == "_"):
        for source_type in types:
            for suffix in SUFFIXES:
                head, tail = _likeness(told[:at], source_type), _likeness(told[at:], suffix)
                if head >= _LIKE_A_SOURCE and tail >= _LIKE_A_SUFFIX:
                    likely.append(((head + tail) / 2, f"{PREFIX}{source_type}{suffix}"))
    return max(likely)[1] if likely else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
