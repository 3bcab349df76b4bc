"""Signed webhooks as bytes on the wire: what a provider sends, prepared in advance. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

import orjson

from bench import mix
from ingest.core.signing import sign
from ingest.sources.registry import source

NOTION_WORKSPACE = "7a1b2c3d-0000-4000-8000-0000000000be"
KEYS = {"github": "x-github-delivery", "linear": "linear-delivery"}
_SIGNED_TIME = "webhookTimestamp"


@dataclass(frozen=True, slots=True)
class Routes:
    """Where the letters go: the connections of the three sources, which share one secret."""

    github: str
    linear: str
    notion: str
    secret: str

    def of(self, source_type: str) -> str:
        """The connection of a source."""
        return {"github": self.github, "linear": self.linear, "notion": self.notion}[source_type]


@dataclass(frozen=True, slots=True)
class Letter:
    """A webhook that lacks nothing but the time and the signature, which come at its sending."""

    source_type: str
    headers: Mapping[str, str]
    payload: Mapping[str, object]


def fat(count: int, routes: Routes, *, first: int, seed: int) -> Iterator[Letter]:
    """Whole objects: the mix, half of it from GitHub and half from Linear."""
    places = mix.Connections(routes.github, routes.linear)
    for arrival in mix.arrivals(count, mix.MIX, places, seed=seed, first=first):
        headers = orjson.loads(arrival.headers)
        headers[KEYS[arrival.source_type]] = arrival.delivery_key
        yield Letter(arrival.source_type, headers, orjson.loads(arrival.body))


def thin(count: int, *, first: int) -> Iterator[Letter]:
    """Events of Notion, of a new page each: they say that something happened, and not what."""
    for n in range(first, first + count):
        at = f"2026-03-02T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}.000Z"
        payload = {
            "id": str(uuid5(NAMESPACE_URL, f"event/{n}")), "timestamp": at,
            "workspace_id": NOTION_WORKSPACE, "workspace_name": "Bench",
            "subscription_id": str(uuid5(NAMESPACE_URL, "subscription")),
            "integration_id": str(uuid5(NAMESPACE_URL, "integration")),
            "type": "page.created", "authors": [], "attempt_number": 1,
            "api_version": "2025-09-03", "entity": {"id": page_id(n), "type": "page"},
            "data": {"parent": {"id": NOTION_WORKSPACE, "type": "space"}},
        }  # fmt: skip
        yield Letter("notion", {"content-type": "application/json"}, payload)


def page_id(n: int) -> str:
    """The page of the thin event of this number, which is its document's key too."""
    return str(uuid5(NAMESPACE_URL, f"page/{n}"))


def request(letter: Letter, routes: Routes, *, now_ms: int) -> bytes:
    """The HTTP request, signed with the time of sending where the provider signs one."""
    payload = dict(letter.payload)
    if _SIGNED_TIME in payload:
        payload[_SIGNED_TIME] = now_ms
    body = orjson.dumps(payload)
    scheme = source(letter.source_type).descriptor.scheme
    signature = sign(scheme, letter.headers, body, routes.secret)
    headers = {
        **letter.headers,
        scheme.header.lower(): signature,
        "host": "127.0.0.1",
        "user-agent": "bench",
        "accept": "*/*",
        "content-length": str(len(body)),
    }
    path = f"/webhooks/{letter.source_type}/{routes.of(letter.source_type)}"
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def poisson_times(count: int, per_second: float, *, seed: int) -> Sequence[float]:
    """Seconds from the start at which an open loop sends: a Poisson process, the same each time."""
    chance = random.Random(seed)
    at, times = 0.0, []
    for _ in range(count):
        at += chance.expovariate(per_second)
        times.append(at)
    return times
