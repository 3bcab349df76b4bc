"""Sends postings at a steady rate, as providers do: signed now, and again until they are answered.

A thread of its own with a loop of its own: whoever supervises must not wait for answers.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from urllib.parse import urlsplit

import httpx

from chaos.stream import Posting
from chaos.told import Letter
from ingest.sources.registry import source
from ingest.testing.signing import SignedRequest, request

ANSWER_S = 10.0
AGAIN_S = (0.3, 1.0)
"""A provider comes again after a while; ours are in a hurry."""
LINES = 64
MOST_UNDER_WAY = 512
"""Of letters that wait for an answer: a stream that is not kept up with gets slower. The client's
own queue takes the square of its length."""
Key = tuple[str, str]
"""Source type and the provider's id of a delivery."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a source's letters go, and the secret that they are signed with."""

    path: str
    secret: str = field(repr=False)


@dataclass(slots=True)
class Heard:
    """What the receiver answered for a delivery. rows: the ids of its rows, one if all is well."""

    rows: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Sender:
    """urls: of the receivers. statuses: of all answers. dropped: how many were hung up on. refused:
    what was not let in.
    """

    urls: Sequence[str]
    routes: Mapping[str, Route]
    a_second: float
    sent: int = 0
    answered: int = 0
    dropped: int = 0
    heard: dict[Key, Heard] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)
    given_up: bool = False
    _chance: Random = field(default_factory=lambda: Random(0))

    def start(self, postings: Iterable[Posting]) -> None:
        """Begin; `done` is set when each is answered, or hung up on."""
        threading.Thread(target=self._run, args=(postings,), name="sender", daemon=True).start()

    def _run(self, postings: Iterable[Posting]) -> None:
        try:
            asyncio.run(self._send_all(postings))
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for `done`
            self.error = error
        finally:
            self.done.set()

    async def _send_all(self, postings: Iterable[Posting]) -> None:
        limits = httpx.Limits(max_connections=LINES, max_keepalive_connections=LINES)
        async with (
            httpx.AsyncClient(limits=limits, timeout=ANSWER_S, trust_env=False) as client,
            asyncio.TaskGroup() as sending,
        ):
            began, room = time.monotonic(), asyncio.Semaphore(MOST_UNDER_WAY)
            for number, posting in enumerate(postings):
                await asyncio.sleep(began + number / self.a_second - time.monotonic())
                await room.acquire()
                self.sent += 1
                act = (
                    self._drop(posting.letter)
                    if posting.dropped
                    else self._send(client, posting.letter)
                )
                sending.create_task(act).add_done_callback(lambda _: room.release())

    async def _send(self, client: httpx.AsyncClient, letter: Letter) -> None:
        route = self.routes[letter.source_type]
        while not self.given_up:
            signed = self._signed(letter)
            try:
                answer = await client.post(
                    self._url() + route.path, content=signed.body, headers=dict(signed.headers)
                )
            except httpx.TransportError as error:
                self.statuses[type(error).__name__] += 1
            else:
                self.statuses[str(answer.status_code)] += 1
                if answer.status_code == httpx.codes.OK:
                    self._note(letter, int(answer.json()["delivery"]))
                    return
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    self.refused.append(f"{letter.source_type} {letter.key}: {answer.text[:200]}")
                    return
            await asyncio.sleep(self._chance.uniform(*AGAIN_S))

    async def _drop(self, letter: Letter) -> None:
        """All of it is sent, and the connection reset at once."""
        self.dropped += 1
        where, route, signed = (
            urlsplit(self._url()),
            self.routes[letter.source_type],
            self._signed(letter),
        )
        told = {"host": where.netloc, "content-length": str(len(signed.body)), **signed.headers}
        lines = [f"POST {route.path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items()), "", ""]
        try:
            _, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write("\r\n".join(lines).encode() + signed.body)
            await writer.drain()
            await asyncio.sleep(self._chance.uniform(0, 0.01))
            writer.transport.abort()
        except OSError as error:
            self.statuses[type(error).__name__] += 1

    def _url(self) -> str:
        """Any receiver's, as a balancer would have it."""
        return self._chance.choice(self.urls)

    def _signed(self, letter: Letter) -> SignedRequest:
        scheme = source(letter.source_type).descriptor.scheme
        headers = {"content-type": "application/json", **letter.headers}
        secret = self.routes[letter.source_type].secret
        return request(scheme, headers, letter.payload, secret=secret, sent_at=datetime.now(UTC))

    def _note(self, letter: Letter, row: int) -> None:
        self.answered += 1
        key = (letter.source_type, letter.key)
        self.heard.setdefault(key, Heard()).rows.add(row)
