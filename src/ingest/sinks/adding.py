"""What a person says of a new sink becomes its row; what may be secret in it is encrypted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import sqlalchemy as sa

from ingest.broker.address import AMQP
from ingest.changes import ALL, Changes
from ingest.core.errors import BadInput
from ingest.core.vault import Vault
from ingest.sinks.contract import CELERY_TASK, REDIS_STREAM, WEBHOOK, broker_named
from ingest.sinks.hidden import SECRET, URL, sealed
from ingest.store import change_consumers, change_sinks
from ingest.store.change_sinks import Sink
from ingest.store.engine import transaction

_LEAST_BYTES, _MOST_BYTES = 24, 64
"""Of a signing secret, as the Standard Webhooks specification has it."""
_MAKE_ONE = (
    "make one with: python3 -c 'import base64, secrets; "
    'print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())\''
)


@dataclass(frozen=True, slots=True)
class WantedSink:
    """What a person asks for: exactly one of stream, task and webhook.

    url: of the Redis or the broker, where it is not ours. secret: the webhook's. most: entries that
    the stream keeps.
    """

    name: str
    stream: str | None = None
    task: str | None = None
    webhook: str | None = None
    queue: str | None = None
    most: int | None = None
    url: str | None = None
    secret: str | None = None
    stores: Sequence[str] | None = None
    source_types: Sequence[str] | None = None


def add_sink(
    engine: sa.Engine,
    vault: Vault,
    wanted: WantedSink,
    *,
    try_out: Callable[[Sink], object] = lambda _: None,
) -> Sink:
    """Write a sink down, which is pushed to from now on, from a snapshot of what stands.

    try_out: makes it; what that raises lets nothing be written. Raises `BadInput` for what cannot
    be meant, and for a name that a consumer has; `BadSettings` for a URL that no driver takes.
    """
    sink = _row(wanted, vault)
    try_out(sink)
    stores = ALL if wanted.stores is None else wanted.stores
    feed = Changes(engine, wanted.name, stores=stores, source_types=wanted.source_types)
    with transaction(engine) as conn:
        if change_consumers.find(conn, wanted.name) is not None:
            raise BadInput(
                f"there is a consumer called {wanted.name}: give another name, or "
                f"`ingest changes forget {wanted.name}` first"
            )
        if not change_sinks.add(conn, sink):
            raise BadInput(f"there is a sink called {wanted.name}: give another name")
        feed.write_down(conn)
    return sink


def remove_sink(engine: sa.Engine, name: str) -> None:
    """Forget a sink and its consumer, both at once; whoever pushes brings neither back.

    Raises `BadInput` where there is none.
    """
    with transaction(engine) as conn:
        if not change_sinks.remove(conn, name):
            raise no_sink(name)
        change_consumers.remove(conn, name)


def no_sink(name: str) -> BadInput:
    """That there is none of that name."""
    return BadInput(f"no sink is called {name}: see `ingest changes sink list`")


def _row(wanted: WantedSink, vault: Vault) -> Sink:
    kinds = {REDIS_STREAM: wanted.stream, CELERY_TASK: wanted.task, WEBHOOK: wanted.webhook}
    given = [(kind, target) for kind, target in kinds.items() if target]
    if len(given) != 1:
        raise BadInput("give one of --redis-stream, --celery-task, --webhook and --webhook-env")
    ((kind, target),) = given
    _require_fitting(wanted, kind)
    options: dict[str, str] = {}
    if wanted.queue is not None:
        options["queue"] = wanted.queue
    if wanted.most is not None:
        options["most"] = str(wanted.most)
    hidden = {} if wanted.url is None else {URL: wanted.url}
    if wanted.url is not None:
        _require_broker_of(kind, wanted.url)
    if kind == WEBHOOK:
        hidden = {URL: target, SECRET: require_signing(wanted.secret)}
        target = shown(target)
    secret = sealed(vault, hidden) if hidden else None
    return Sink(wanted.name, kind, target, options, secret, wanted.stores, wanted.source_types)


def _require_broker_of(kind: str, url: str) -> None:
    if broker_named(url).address.family == AMQP and kind == REDIS_STREAM:
        raise BadInput(
            "the URL of --url-env is one of RabbitMQ, which has no streams of Redis: name a Redis "
            "(redis://…), or have a task called with --celery-task"
        )


def _require_fitting(wanted: WantedSink, kind: str) -> None:
    """What belongs to another kind is a misunderstanding."""
    for option, value, kinds in (
        ("--queue", wanted.queue, {CELERY_TASK}),
        ("--max-entries", wanted.most, {REDIS_STREAM}),
        ("--url-env", wanted.url, {REDIS_STREAM, CELERY_TASK}),
        ("--secret-env", wanted.secret, {WEBHOOK}),
    ):
        if value is not None and kind not in kinds:
            raise BadInput(f"{option} is for {' or '.join(sorted(kinds))}, not for {kind}")


def shown(url: str) -> str:
    """As anybody may read it: paths and queries of webhooks are secrets often enough.

    Raises `BadInput` for what is no URL of a webhook: https, or http to this machine.
    """
    parts = _split(url)
    if parts.username is not None or parts.password is not None:
        raise BadInput("the webhook's URL holds a user or password: put what it needs in its path")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise BadInput("the webhook's URL is http: give https; http is for this machine alone")
    more = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{more}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reads it
    except ValueError:
        raise BadInput("the webhook's URL cannot be read: give https://host/path") from None
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in {"https", "http"} or not parts.hostname or not is_plain:
        raise BadInput("the webhook's URL cannot be used: give https://host/path, in ASCII")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_signing(secret: str | None) -> str:
    """The secret, if messages can be signed with it; raises `BadInput`."""
    if secret is None:
        raise BadInput(f"a webhook is signed: give --secret-env VAR; {_MAKE_ONE}")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise BadInput(
            f"the webhook's secret is not `whsec_` and the base64 of {_LEAST_BYTES} to "
            f"{_MOST_BYTES} bytes; {_MAKE_ONE}"
        )
    return secret
