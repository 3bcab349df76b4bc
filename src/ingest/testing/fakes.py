"""A provider's API in this process, on loopback: what the demo and the tests look things up from.

A provider's own shapes (pages, errors, headers) stand in `providers/<source_type>`; what all have
in common stands here: the server, the log of requests, trouble on demand, latency, a rate limit.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs

import orjson
import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingest.testing.breaking import Break, BreakableProtocol, break_off

Act = TypeVar("Act")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the fake saw it; header names in lower case, the body as JSON where it is.

    `target` is path and query as they came, with nothing decoded.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: Any
    url: str
    target: str = ""

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next(iter(self.query.get(name, ())), default)

    def form(self) -> dict[str, str]:
        """The fields of a body that is a form; none of any other."""
        told = self.body.decode("utf-8", "replace") if isinstance(self.body, bytes) else ""
        return {name: values[0] for name, values in parse_qs(told).items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the fake says; `body` becomes JSON, unless it is bytes.

    breaks: how it does not arrive.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: Break | None = None

    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


@dataclass(slots=True)
class Trouble:
    """An answer instead of the right one, `times` times, for paths that contain `path`."""

    answer: Answer
    path: str = ""
    times: int = 1
    method: str = ""

    def strikes(self, asked: Asked) -> bool:
        fits = self.path in asked.path and self.method in ("", asked.method)
        if self.times <= 0 or not fits:
            return False
        self.times -= 1
        return True


class Provider(Protocol):
    """A provider's part of a fake: objects that can be made, edited and deleted, and its answers.

    `token` is one that `answer` lets in; it answers as the provider does, the wrong token included.
    """

    token: str

    def answer(self, asked: Asked) -> Answer:
        """The right answer; called under a lock."""
        ...


@dataclass(slots=True)
class Fake:
    """A running fake. `requests` are all that came, in their order; `troubles` are used up first.

    `weather` says what comes of any other request, by its right answer (`faults.Faults`); one that
    hangs does so for `hang_s`. `latency_s` is slept before each answer whose path contains `slow`;
    `least_gap_s` is a rate limit: what comes sooner after the last one gets `limited`.
    """

    provider: Provider
    url: str = ""
    requests: list[Asked] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    weather: Callable[[Callable[[], Answer]], Answer] = lambda right: right()
    hang_s: float = 0.3
    latency_s: float = 0.0
    slow: str = ""
    least_gap_s: float = 0.0
    limited: Callable[[], Answer] = lambda: Answer(429, {}, {"retry-after": "1"})
    most_at_once: int = 0
    _at_once: int = 0
    _last_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def asked_for(self, path: str) -> list[Asked]:
        """The requests whose path contains this."""
        return [asked for asked in self.requests if path in asked.path]

    def ask(self, asked: Asked) -> Answer:
        """One request, as the server hands it in."""
        with self._lock:
            self.requests.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if self.latency_s and self.slow in asked.path:
                time.sleep(self.latency_s)
            with self._lock:
                return self._answer(asked)
        finally:
            with self._lock:
                self._at_once -= 1

    def happen(self, act: Callable[[], Act]) -> Act:
        """What somebody does at the provider, between two answers; what comes of it."""
        with self._lock:
            return act()

    def _answer(self, asked: Asked) -> Answer:
        for trouble in self.troubles:
            if trouble.strikes(asked):
                return trouble.answer
        now = time.monotonic()
        if self.least_gap_s and now - self._last_at < self.least_gap_s:
            return self.limited()
        self._last_at = now
        return self.weather(lambda: self.provider.answer(asked))


@contextmanager
def serving(provider: Provider, host: str = "127.0.0.1") -> Iterator[Fake]:
    """The provider's API on a free port of loopback, or of another address of this machine, until
    the end of the block.
    """
    fake = Fake(provider)
    config = uvicorn.Config(
        _app(fake),
        http=BreakableProtocol,
        log_level="error",
        access_log=False,
        lifespan="off",
        date_header=False,  # uvicorn's is as old as its last tick, of which ours has one
    )
    server = _Server(config)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind((host, 0))
        fake.url = f"http://{host}:{listening.getsockname()[1]}"
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="fake", daemon=True
        )
        thread.start()
        while not server.up.wait(0.05) and thread.is_alive():
            pass
        try:
            yield fake
        finally:
            server.stop()
            thread.join()


class _Server(uvicorn.Server):
    """Ends at once, where uvicorn looks ten times a second and gives its clients a while."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)
        self.up.set()
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - sets
            await asyncio.sleep(0.002)


def _app(fake: Fake) -> Callable[[Scope, Receive, Send], Any]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        asked = _asked(request, await request.body(), fake.url)
        answer = await run_in_threadpool(fake.ask, asked)
        date = formatdate(usegmt=True)
        headers = {"date": date, "content-type": "application/json", **answer.headers}
        if answer.breaks is None:
            await Response(answer.raw(), answer.status, headers)(scope, receive, send)
            return
        told = answer.status, headers, answer.raw()
        await break_off(answer.breaks, told, (scope, receive, send), fake.hang_s)

    return app


def _asked(request: Request, raw: bytes, url: str) -> Asked:
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = raw
    return Asked(
        method=request.method,
        path=request.url.path,
        query=parse_qs(request.url.query, keep_blank_values=True),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        url=url,
        target=_target(request.scope),
    )


def _target(scope: Scope) -> str:
    raw: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return (raw + b"?" + query if query else raw).decode("latin-1")
