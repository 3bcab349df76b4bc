"""The names of the environment's variables, and which of those that are set nobody reads.

Law: what a variable holds is not told. Loads nothing but Python's own library, so that a command's
help can warn too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher
from pathlib import Path

PREFIX, SECRETS_SUFFIX, URL_SUFFIX = "INGEST_", "_WEBHOOK_SECRETS", "_API_URL"

NAMES = (
    "CELERY_BROKER_URL",
    "DATABASE_URL",
    "INGEST_ALLOWED_API_HOSTS",
    "INGEST_BROKER_OPTIONS",
    "INGEST_CONSOLE_IDENTITY_HEADER",
    "INGEST_CONSOLE_PASSWORD",
    "INGEST_DATA_DIR",
    "INGEST_KEEP_CHANGES_DAYS",
    "INGEST_KEEP_DELIVERIES_DAYS",
    "INGEST_LEASE_SECONDS",
    "INGEST_LOG_LEVEL",
    "INGEST_MAX_BODY_BYTES",
    "INGEST_OTEL",
    "INGEST_POSTGRES_BIN",
    "INGEST_QUEUE_PREFIX",
    "INGEST_REDIS_BIN",
    "INGEST_SECRET_KEY",
    "INGEST_SENTRY_DSN",
    "INGEST_SYNC_ASK_SHARE",
    "REDIS_URL",
)
"""Every variable that some process reads, whoever reads it; a test compares."""
DEFAULT_DATA_DIR = ".ingest"
SUFFIXES = (SECRETS_SUFFIX, URL_SUFFIX)
"""Each source has a variable with each: `INGEST_<SOURCE><suffix>`."""
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
