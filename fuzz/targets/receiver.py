"""The HTTP interface, as an ASGI server calls it: any method, path, headers and pieces of a body.

Law: no answer is a 5xx but 503, and no 2xx is given to a body that nobody signed. It stores into
memory; what the database does to it is told by others (docs/chaos.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from random import Random
from typing import Any

from starlette.applications import Starlette

from fuzz import texts, trees
from fuzz.target import Target, Value, hold
from fuzz.targets.deliveries import sendable
from fuzz.targets.signatures import is_signed
from fuzz.targets.sources import SECRET, subject
from ingest.flows.receiving.arrivals import Stored
from ingest.flows.receiving.group_commit import GroupCommit
from ingest.flows.receiving.secrets import ConnectionSecrets, Keyring, Secrets
from ingest.sources.registry import all_sources
from ingest.store.deliveries import Arrival
from ingest.testing import signing
from ingest.testing.laws.fixtures import RECEIVED_AT
from ingest.web.app import answering
from ingest.web.bounded_log import BoundedLog
from ingest.web.metrics import Metrics
from ingest.web.probes import Probes
from ingest.web.receiver import Receiver
from ingest.web.room import Rooms
from ingest.web.unverified import Unverified

MOST_BYTES = 2**20
METHODS = ("POST", "GET", "HEAD", "PUT", "OPTIONS", "TRACE", "post", "", "PRI")
PROBES = ("/healthz", "/readyz", "/metrics", "/metrics/database")


def target() -> Target:
    """Signed requests of each source by both routes, and the probes."""
    seeds: list[Value] = [_request("GET", path, {}, "") for path in PROBES]
    for name, source in all_sources().items():
        for fixture in subject(name).suite.fixtures[:3]:
            request = signing.request(
                source.descriptor.scheme,
                {"content-type": "application/json", **fixture.headers},
                fixture.body,
                secret=SECRET,
                sent_at=RECEIVED_AT,
            )
            body = request.body.decode("latin-1")
            paths = (f"/webhooks/{name}/c-{name}", f"/webhooks/{name}")
            seeds += [_request("POST", path, dict(request.headers), body) for path in paths]
    return Target("receiver", seeds, _bent, _check, grows=False)


def _request(method: str, path: str, headers: Mapping[str, str], body: str) -> Value:
    return {"method": method, "path": path, "headers": headers, "body": body, "pieces": 1}


def _bent(rng: Random, value: Value, others: Sequence[Value]) -> Value:
    drawn = rng.random()
    if drawn < 0.1:
        return {**value, "method": rng.choice(METHODS)}
    if drawn < 0.2:
        return {**value, "pieces": rng.choice((0, 1, 2, 7, 100))}
    if drawn < 0.35:
        path = value["path"]
        bent = texts.bent(rng, path, most=300) if rng.random() < 0.6 else rng.choice(others)["path"]
        return {**value, "path": bent}
    if drawn < 0.65:
        told = {**value["headers"], **dict.fromkeys(_NAMES[: rng.randint(0, 2)], "x")}
        return {**value, "headers": trees.bent(rng, told, [rng.choice(others)["headers"]])}
    if drawn < 0.8:
        return {**value, "headers": {**value["headers"], rng.choice(_NAMES): texts.piece(rng)}}
    return {**value, "body": texts.bent(rng, value["body"], most=texts.LONG)}


_NAMES = (
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "expect",
    "host",
)


def _check(value: Value) -> None:
    site = _site()
    body = value["body"].encode("utf-8" if value["body"].isascii() else "latin-1", "replace")
    headers = sendable(value["headers"])
    status = site.loop.run_until_complete(_answer(site.app, value, headers, body))
    hold(status < 500 or status == 503, f"it answers {status}")
    if 200 <= status < 300 and value["path"] not in PROBES:
        name = value["path"].split("/")[2]
        scheme = all_sources()[name].descriptor.scheme
        hold(is_signed(scheme, headers, body, [SECRET]), "it takes what nobody signed")


async def _answer(app: Starlette, value: Value, headers: Mapping[str, str], body: bytes) -> int:
    """The status, 0 where nothing was answered, as to somebody who left."""
    size = max(1, len(body) // max(1, value["pieces"]))
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    said = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]
    if value["pieces"] == 0:
        said[-1] = {"type": "http.disconnect"}
    answered: list[Any] = []

    async def receive() -> Any:
        return said.pop(0) if said else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answered.append(message)

    path = value["path"]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": value["method"],
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": b"",
        "root_path": "",
        "headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()],
        "client": ("192.0.2.1", 1),
        "server": ("192.0.2.2", 80),
        "state": {},
    }
    await app(scope, receive, send)
    return next((one["status"] for one in answered if "status" in one), 0)


class _Site:
    """A receiver that stores into memory, and the loop that it lives in."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threads = ThreadPoolExecutor(2)
        log = BoundedLog(lambda *_args, **_told: None)
        metrics = Metrics(dict)
        app_wide = dict.fromkeys(all_sources(), (SECRET,))
        receiver = Receiver(
            Keyring(_secrets, app_wide),
            lambda _descriptor, _incoming, _secrets: False,
            GroupCommit(_stored, lambda _count: None),
            metrics,
            threads,
            MOST_BYTES,
            Rooms(MOST_BYTES),
            log,
            Unverified(lambda _connection, _reason: None, threads),
            lambda: RECEIVED_AT,
        )
        probes = Probes(lambda: None, metrics.text, lambda: b"", threads, log)
        self.app = answering(receiver, probes)


@cache
def _site() -> _Site:
    return _Site()


def _secrets(ids: Sequence[str]) -> dict[str, ConnectionSecrets]:
    """Each source has one connection, of which no other source knows."""
    known = {f"c-{name}": ConnectionSecrets(name, Secrets((SECRET,))) for name in all_sources()}
    return {id_: known[id_] for id_ in ids if id_ in known}


def _stored(arrivals: Sequence[Arrival]) -> list[Stored]:
    return [(number, True) for number, _ in enumerate(arrivals, 1)]
