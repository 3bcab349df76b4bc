"""The settings of a process, out of its environment; checked once, at start. Reads no file.

A wrong or missing setting is one clear line and exit 2. Defaults are those of the README's table.
Law: what a variable holds is not told, for it may be a secret that belongs in another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from ingest.broker.address import family_of
from ingest.core.errors import BadSettings
from ingest.core.secret import Secret
from ingest.core.vault import require_key
from ingest.logs import DEFAULT_LEVEL, LEVELS
from ingest.sources.hosts import ALLOWED
from ingest.sources.hosts import SETTING as ALLOWED_API_HOSTS
from ingest.sources.masking import SHORTEST
from ingest.store import address
from ingest.store.claiming import LEASE_S

DEFAULT_DATA_DIR = ".ingest"
DEFAULT_MAX_BODY_BYTES = 25 * 2**20
_MOST_DIGITS = 10
_PREFIX, _SECRETS_SUFFIX, _URL_SUFFIX = "INGEST_", "_WEBHOOK_SECRETS", "_API_URL"

NAMES = (
    "CELERY_BROKER_URL",
    "DATABASE_URL",
    "INGEST_ALLOWED_API_HOSTS",
    "INGEST_BROKER_OPTIONS",
    "INGEST_DATA_DIR",
    "INGEST_LEASE_SECONDS",
    "INGEST_LOG_LEVEL",
    "INGEST_MAX_BODY_BYTES",
    "INGEST_POSTGRES_BIN",
    "INGEST_QUEUE_PREFIX",
    "INGEST_REDIS_BIN",
    "INGEST_SECRET_KEY",
    "REDIS_URL",
)
"""Every variable that some process reads, whoever reads it; a test compares."""
SUFFIXES = (_SECRETS_SUFFIX, _URL_SUFFIX)
"""Each source has a variable with each: `INGEST_<SOURCE><suffix>`."""
_PATHS = frozenset({"INGEST_DATA_DIR", "INGEST_POSTGRES_BIN", "INGEST_REDIS_BIN"})
MISTAKEN: Mapping[str, str] = {
    "CELERY_BROKER": "CELERY_BROKER_URL",
    "CELERY_BROKER_URI": "CELERY_BROKER_URL",
    "DATABASE_URI": "DATABASE_URL",
    "REDIS_URI": "REDIS_URL",
}
"""Names without our prefix that can only mean one of ours, where that one is not set; in whichever
letters, as are ours."""
_LONGEST_SHOWN = 64
_QUEUE_PREFIX = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{_LONGEST_SHOWN - 1}}}")
_LIKE_A_HOST = re.compile(r"(?:https?://)?[A-Za-z0-9*-]+(?:\.[A-Za-z0-9*-]+)+(?::[0-9]+)?/?")
_LIKE_A_NAME, _LIKE_A_SOURCE, _LIKE_A_SUFFIX = 0.7, 0.75, 0.6
"""How alike two words are, of 1, to be taken for one; a source's name has to be, itself."""
_LIKE_A_PREFIX = 0.8
"""Of our prefix, before what is one of our names letter by letter."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. `None` for a service means: the embedded one.

    `webhook_secrets` are the app-wide ones by source type, `api_urls` the bases of providers' APIs
    where they are not the public ones, `allowed_api_hosts` what a connection's metadata may name
    beside the providers' own hosts; secrets stay out of `repr`.
    """

    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    broker_url: str | None = field(default=None, repr=False)
    broker_options: Mapping[str, object] = field(default_factory=dict, repr=False)
    queue_prefix: str = ""
    data_dir: Path = Path(DEFAULT_DATA_DIR)
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    webhook_secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    api_urls: Mapping[str, str] = field(default_factory=dict)
    allowed_api_hosts: tuple[str, ...] = ()
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    lease_s: float = LEASE_S
    log_level: str = DEFAULT_LEVEL


def load(environ: Mapping[str, str]) -> Settings:
    """The settings; raises `BadSettings` that names the variable, the fault and the remedy."""
    _require_unicode(environ)
    redis_url = _broker_url(environ, "REDIS_URL")
    return Settings(
        database_url=_database_url(environ),
        redis_url=redis_url,
        broker_url=_broker_url(environ, "CELERY_BROKER_URL") or redis_url,
        broker_options=_object(environ, "INGEST_BROKER_OPTIONS"),
        queue_prefix=_queue_prefix(environ),
        data_dir=Path(environ.get("INGEST_DATA_DIR") or DEFAULT_DATA_DIR).absolute(),
        secret_keys=_secret_keys(environ),
        webhook_secrets={n: _secrets(text) for n, text in _of_sources(environ, _SECRETS_SUFFIX)},
        api_urls={n: _url(n, text) for n, text in _of_sources(environ, _URL_SUFFIX) if text},
        allowed_api_hosts=_hosts(environ, ALLOWED_API_HOSTS),
        max_body_bytes=_positive(environ, "INGEST_MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES),
        lease_s=_positive(environ, "INGEST_LEASE_SECONDS", int(LEASE_S)),
        log_level=_level(environ),
    )


def faults(environ: Mapping[str, str]) -> list[str]:
    """Everything that `load` would refuse, where it stops at the first."""
    found: list[str] = []
    for name, value in environ.items():
        try:
            load({name: value})
        except BadSettings as error:
            found.append(str(error))
    return found


def warnings(environ: Mapping[str, str], source_types: Callable[[], Iterable[str]]) -> list[str]:
    """A sentence for each variable that nobody reads but that seems to be meant for us.

    Values are never told. `source_types` is asked only where a variable may be a source's.
    """
    found: list[str] = []
    for name in sorted(environ.keys() - set(NAMES)):
        told = name.upper()
        head, _, tail = told.partition("_")
        meant = MISTAKEN.get(told, told)
        if meant in NAMES and not told.startswith(_PREFIX):
            found += [_unknown(name, meant)] if meant not in environ else []
        elif _likeness(f"{head}_", _PREFIX) >= _LIKE_A_PREFIX:
            types = [source_type.upper() for source_type in source_types()]
            known = {*NAMES, *(f"{_PREFIX}{one}{suffix}" for one in types for suffix in SUFFIXES)}
            if told.startswith(_PREFIX):
                found += [_unknown(name, _nearest(tail, types))] if name not in known else []
            elif f"{_PREFIX}{tail}" in known - environ.keys():
                found.append(_unknown(name, f"{_PREFIX}{tail}"))
    return found


def _unknown(name: str, near: str | None) -> str:
    said = f"{name} is not a setting"
    return f"{said}; did you mean {near}?" if near else said


def _nearest(told: str, types: Iterable[str]) -> str | None:
    """The known variable that is most like this one, both without the prefix."""
    likely = [(_likeness(told, name.removeprefix(_PREFIX)), name) for name in NAMES]
    likely = [one for one in likely if one[0] >= _LIKE_A_NAME]
    for at in (index for index, letter in enumerate(told) if letter == "_"):
        for source_type in types:
            for suffix in SUFFIXES:
                head, tail = _likeness(told[:at], source_type), _likeness(told[at:], suffix)
                if head >= _LIKE_A_SOURCE and tail >= _LIKE_A_SUFFIX:
                    likely.append(((head + tail) / 2, f"{_PREFIX}{source_type}{suffix}"))
    return max(likely)[1] if likely else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _require_unicode(environ: Mapping[str, str]) -> None:
    """Of what is read here; a path may be of any bytes."""
    for name, value in environ.items():
        if (name in NAMES or name.startswith(_PREFIX)) and name not in _PATHS:
            require_unicode(name, value)


def require_unicode(name: str, value: str) -> None:
    """Raise `BadSettings` for a variable whose bytes are no UTF-8: nothing could be sent of it."""
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise BadSettings(f"{name} holds bytes that are no UTF-8; write it in UTF-8, or in ASCII")


def _shown(value: str) -> str:
    """A value where it is too short for a secret, else its length."""
    return repr(value) if len(value) < SHORTEST else f"a text of {len(value)} characters"


def _text(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name, "").strip() or None


def _database_url(environ: Mapping[str, str]) -> str | None:
    """Read here to be refused here, in every process at its start; the store reads it again."""
    url = _text(environ, "DATABASE_URL")
    if url is not None:
        address.read(url)
    return url


def _broker_url(environ: Mapping[str, str], name: str) -> str | None:
    """One URL, or several with semicolons between. Nothing of a wrong one is quoted: it may hold a
    password, or be one.
    """
    urls = _text(environ, name)
    if urls is not None and not all(map(_is_service, urls.split(";"))):
        raise BadSettings(
            f"{name} is no URL; write scheme://user:password@host:port/name, and percent-encode "
            "what is special in a URL (/ ? # @ : %) where it stands in the password"
        )
    if urls is not None:
        family_of(name, urls)
    return urls


def _is_service(url: str) -> bool:
    """What follows the host holds no `@`, and Redis is told no user alone: either may be a password
    (the end of one with a `/` in it, or a whole one), and drivers tell what they take for a name.
    """
    try:
        parts = urlsplit(url)
        reachable = "://" in url and parts.port != 0
        misplaced = parts.username and parts.password is None and parts.scheme.startswith("redis")
    except ValueError:
        return False
    return reachable and not misplaced and "@" not in f"{parts.path}{parts.query}{parts.fragment}"


def _object(environ: Mapping[str, str], name: str) -> Mapping[str, object]:
    """A JSON object. What stands in it is checked where its reader is known, and never quoted."""
    text = _text(environ, name)
    try:
        told = orjson.loads(text) if text is not None else {}
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise BadSettings(f'{name} is no JSON object; give one such as {{"socket_timeout": 5}}')
    return told


def _queue_prefix(environ: Mapping[str, str]) -> str:
    """Part of a queue's name on every broker, of a key in Redis, and of a command line."""
    prefix = environ.get("INGEST_QUEUE_PREFIX", "").strip()
    if prefix and _QUEUE_PREFIX.fullmatch(prefix) is None:
        raise BadSettings(
            f"INGEST_QUEUE_PREFIX is {_shown(prefix)}; give letters, digits and . _ - "
            f"(first a letter or a digit), {_LONGEST_SHOWN} at most, as staging-"
        )
    return prefix


def _secrets(value: str) -> tuple[Secret, ...]:
    return tuple(Secret(part.strip()) for part in value.split(",") if part.strip())


def _secret_keys(environ: Mapping[str, str]) -> tuple[Secret, ...]:
    keys = _secrets(environ.get("INGEST_SECRET_KEY", ""))
    for key in keys:
        require_key(key, "INGEST_SECRET_KEY")
    return keys


def _level(environ: Mapping[str, str]) -> str:
    level = environ.get("INGEST_LOG_LEVEL", "").strip().lower() or DEFAULT_LEVEL
    if level not in LEVELS:
        raise BadSettings(f"INGEST_LOG_LEVEL is {_shown(level)}; give one of {', '.join(LEVELS)}")
    return level


def _of_sources(environ: Mapping[str, str], suffix: str) -> list[tuple[str, str]]:
    """(source type, text) of the variables `INGEST_<SOURCE><suffix>`."""
    return [
        (name[len(_PREFIX) : -len(suffix)].lower(), value.strip())
        for name, value in environ.items()
        if re.fullmatch(rf"{_PREFIX}[A-Z0-9_]+{suffix}", name)
    ]


def _url(source_type: str, text: str) -> str:
    """The base of an API. Nothing of a wrong one is quoted, for a password may stand in it."""
    if not _is_base(text):
        raise BadSettings(
            f"{_PREFIX}{source_type.upper()}{_URL_SUFFIX} is no base of an API; give one as "
            "https://api.example.com, without user, password, query or fragment"
        )
    return text


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = "@" not in parts.netloc and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and reachable and plain


def _hosts(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    hosts = tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())
    for host in hosts:
        if not ALLOWED.fits(host):
            plain = len(host) <= _LONGEST_SHOWN and _LIKE_A_HOST.fullmatch(host)
            shown = repr(host) if plain else _shown(host)
            raise BadSettings(f"{name} holds {shown}; give {ALLOWED.said}")
    return hosts


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    text = _text(environ, name)
    if text is None:
        return default
    if re.fullmatch(rf"0*[1-9][0-9]{{,{_MOST_DIGITS - 1}}}", text) is None:
        wanted = f"a whole number above 0, of {_MOST_DIGITS} digits at most"
        raise BadSettings(f"{name} is {_shown(text)}; give {wanted}")
    return int(text)
