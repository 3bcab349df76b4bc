"""The settings of a process, out of its environment; checked once, at start. Reads no file.

A wrong or missing setting is one clear line and exit 2. What each means, and its default, is in
`ingest.variables`. Law: what a variable holds is not told, for it may be a secret that belongs in
another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from ingest.broker.address import family_of
from ingest.core.errors import BadSettings
from ingest.core.secret import Secret
from ingest.core.vault import require_key
from ingest.logs import DEFAULT_LEVEL, LEVELS
from ingest.sources.hosts import ALLOWED, ALLOWED_API_HOSTS
from ingest.sources.masking import SHORTEST
from ingest.store import address
from ingest.store.claiming import LEASE_S
from ingest.variables import (
    DEFAULT_DATA_DIR,
    NAMES,
    PREFIX,
    SECRETS_SUFFIX,
    URL_SUFFIX,
    data_dir,
)

DEFAULT_MAX_BODY_BYTES = 25 * 2**20
DEFAULT_KEEP_DELIVERIES_DAYS = 30
DEFAULT_KEEP_CHANGES_DAYS = 7
DEFAULT_SYNC_ASK_SHARE = 0.2
SHORTEST_PASSWORD = 12
_MOST_DIGITS, _MOST_DIGITS_OF_DAYS = 10, 5
_PATHS = frozenset({"INGEST_DATA_DIR", "INGEST_POSTGRES_BIN", "INGEST_REDIS_BIN"})
_LONGEST_SHOWN = 64
_HEADER = re.compile(rf"[A-Za-z][A-Za-z0-9-]{{0,{_LONGEST_SHOWN - 1}}}")
_QUEUE_PREFIX = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{_LONGEST_SHOWN - 1}}}")
_DSN = re.compile(r"https?://[^\s/@:]+(?::[^\s/@:]*)?@[^\s/@]+(?:/[^\s/?#]+)*/[0-9]+")
_LIKE_A_HOST = re.compile(r"(?:https?://)?[A-Za-z0-9*-]+(?:\.[A-Za-z0-9*-]+)+(?::[0-9]+)?/?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. `None` for a service means: the embedded one.

    `webhook_secrets` are the app-wide ones by source type, `api_urls` the bases of providers' APIs
    where they are not the public ones, `allowed_api_hosts` what a connection's metadata may name
    beside the providers' own hosts, `sync_ask_share` the part of a connection's documents of which
    a run that misses more asks a person, `otel` whether spans are wanted (None: OTEL_… says so),
    `faults_dsn` where faults are reported to; secrets stay out of `repr`.
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
    keep_deliveries_days: int = DEFAULT_KEEP_DELIVERIES_DAYS
    keep_changes_days: int = DEFAULT_KEEP_CHANGES_DAYS
    lease_s: float = LEASE_S
    sync_ask_share: float = DEFAULT_SYNC_ASK_SHARE
    log_level: str = DEFAULT_LEVEL
    console_password: Secret | None = field(default=None, repr=False)
    console_identity_header: str | None = None
    otel: bool | None = None
    faults_dsn: Secret | None = field(default=None, repr=False)

    @property
    def has_console(self) -> bool:
        """Whether anybody could sign in to the console."""
        return bool(self.console_password or self.console_identity_header)


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
        data_dir=data_dir(environ),
        secret_keys=_secret_keys(environ),
        webhook_secrets={n: _secrets(text) for n, text in _of_sources(environ, SECRETS_SUFFIX)},
        api_urls={n: _url(n, text) for n, text in _of_sources(environ, URL_SUFFIX) if text},
        allowed_api_hosts=_hosts(environ, ALLOWED_API_HOSTS),
        max_body_bytes=_positive(environ, "INGEST_MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES),
        keep_deliveries_days=_positive(
            environ,
            "INGEST_KEEP_DELIVERIES_DAYS",
            DEFAULT_KEEP_DELIVERIES_DAYS,
            digits=_MOST_DIGITS_OF_DAYS,
        ),
        keep_changes_days=_positive(
            environ,
            "INGEST_KEEP_CHANGES_DAYS",
            DEFAULT_KEEP_CHANGES_DAYS,
            digits=_MOST_DIGITS_OF_DAYS,
        ),
        lease_s=_positive(environ, "INGEST_LEASE_SECONDS", int(LEASE_S)),
        sync_ask_share=_share(environ, "INGEST_SYNC_ASK_SHARE", DEFAULT_SYNC_ASK_SHARE),
        log_level=_level(environ),
        console_password=_console_password(environ),
        console_identity_header=_header_name(environ, "INGEST_CONSOLE_IDENTITY_HEADER"),
        otel=_switch(environ, "INGEST_OTEL"),
        faults_dsn=fault_dsn(environ),
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


def _require_unicode(environ: Mapping[str, str]) -> None:
    """Of what is read here; a path may be of any bytes."""
    for name, value in environ.items():
        if (name in NAMES or name.startswith(PREFIX)) and name not in _PATHS:
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
        (name[len(PREFIX) : -len(suffix)].lower(), value.strip())
        for name, value in environ.items()
        if re.fullmatch(rf"{PREFIX}[A-Z0-9_]+{suffix}", name)
    ]


def _url(source_type: str, text: str) -> str:
    """The base of an API. Nothing of a wrong one is quoted, for a password may stand in it."""
    if not _is_base(text):
        raise BadSettings(
            f"{PREFIX}{source_type.upper()}{URL_SUFFIX} is no base of an API; give one as "
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


def _console_password(environ: Mapping[str, str]) -> Secret | None:
    name = "INGEST_CONSOLE_PASSWORD"
    password = _text(environ, name)
    if password is None:
        return None
    if len(password) < SHORTEST_PASSWORD:
        raise BadSettings(f"{name} is too short; give at least {SHORTEST_PASSWORD} characters")
    return Secret(password)


def _header_name(environ: Mapping[str, str], name: str) -> str | None:
    """In lower case, as a request's headers are read."""
    told = _text(environ, name)
    if told is not None and _HEADER.fullmatch(told) is None:
        raise BadSettings(f"{name} is {_shown(told)}; give a header's name, as X-Forwarded-User")
    return told and told.lower()


def _switch(environ: Mapping[str, str], name: str) -> bool | None:
    text = _text(environ, name)
    if text is None:
        return None
    if text not in {"0", "1"}:
        raise BadSettings(f"{name} is {_shown(text)}; give 1 (on) or 0 (off)")
    return text == "1"


def fault_dsn(environ: Mapping[str, str]) -> Secret | None:
    """Where faults are reported to; raises `BadSettings` for what is none.

    Nothing of a wrong one is quoted: it may be another secret.
    """
    name = "INGEST_SENTRY_DSN"
    text = _text(environ, name)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        reachable = False
    if not reachable or not _DSN.fullmatch(text):
        raise BadSettings(f"{name} is no DSN; give one as https://key@host/project")
    return Secret(text)


def _positive(
    environ: Mapping[str, str], name: str, default: int, *, digits: int = _MOST_DIGITS
) -> int:
    text = _text(environ, name)
    if text is None:
        return default
    if re.fullmatch(rf"0*[1-9][0-9]{{,{digits - 1}}}", text) is None:
        wanted = f"a whole number above 0, of {digits} digits at most"
        raise BadSettings(f"{name} is {_shown(text)}; give {wanted}")
    return int(text)


def _share(environ: Mapping[str, str], name: str, default: float) -> float:
    """A part of a whole: 0 is none of it, 1 all."""
    text = _text(environ, name)
    if text is None:
        return default
    if re.fullmatch(r"0?\.[0-9]{1,9}|0|1(\.0{1,9})?", text) is None:
        raise BadSettings(f"{name} is {_shown(text)}; give a part of 1, as 0.2")
    return float(text)
