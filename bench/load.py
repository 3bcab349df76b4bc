"""The load generator, a process of its own: raw HTTP/1.1 over keep-alive connections.

It reads an `Order` from stdin, prepares and signs every request, prints a line when it begins to
send, and at the end the answers as JSON. What it can do itself is measured by `bench.trivial`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import cast

import uvloop

from bench import letters
from bench.letters import Letter, Routes

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
LAST_ANSWER_S = 10.0
"""How long an answer may take that is still awaited at the end."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to send. Without `per_second` it is a closed loop: a connection sends when it may."""

    port: int
    routes: Routes
    kind: str  # fat or thin
    count: int
    first: int = 0
    seconds: float = 60.0
    connections: int = 32
    per_second: float = 0.0
    seed: int = 1
    repeat: bool = False  # begin again when all are sent, for a server that does not mind


@dataclass(slots=True)
class Heard:
    """What was answered: statuses, seconds of each answer, and when, in the order of sending."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)

    def count(self, status: int) -> None:
        """One more answer of this status."""
        self.statuses[status] = self.statuses.get(status, 0) + 1


class Line(asyncio.Protocol):
    """One keep-alive connection, with one request on it at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not derived of it

    def data_received(self, data: bytes) -> None:
        """Ends the request once its answer is whole."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        found = _LENGTH.search(self._buffer, 0, end) if end >= 0 else None
        if found is None or len(self._buffer) < end + 4 + int(found[1]):
            return
        status, self._buffer = int(self._buffer[9:12]), b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def connection_lost(self, _error: Exception | None) -> None:
        """A request that nobody answers is an error, and so is the next one."""
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("hung up before the answer"))

    @property
    def is_open(self) -> bool:
        """Whether nobody has hung up."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        """The answer's status."""
        if self._transport is None:
            raise ConnectionResetError("the server hung up")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def _dial(port: int, count: int) -> list[Line]:
    loop = asyncio.get_running_loop()
    dialled = [await loop.create_connection(Line, "127.0.0.1", port) for _ in range(count)]
    return [line for _, line in dialled]


async def closed(order: Order, requests: list[bytes]) -> Heard:
    """Each connection sends its next request when the last one is answered."""
    heard, lines = Heard(), await _dial(order.port, order.connections)
    rest = cycle(requests) if order.repeat else iter(requests)
    began = time.monotonic()
    await asyncio.gather(
        *(_keep_asking(line, rest, began + order.seconds, heard) for line in lines)
    )
    heard.seconds = time.monotonic() - began
    for line in lines:
        line.close()
    return heard


async def _keep_asking(line: Line, rest: Iterator[bytes], until: float, heard: Heard) -> None:
    for request in rest:
        sent_at = time.monotonic()
        if sent_at >= until:
            return
        heard.count(await line.ask(request))
        heard.took_s.append(time.monotonic() - sent_at)


async def opened(order: Order, waiting: list[Letter]) -> Heard:
    """Letters are sent at their times, signed just before, whether or not others are answered."""
    heard, idle = Heard(), deque(await _dial(order.port, order.connections))
    heard.took_s, heard.answered_at = [0.0] * order.count, [0.0] * order.count
    began = time.monotonic()

    async def send(place: int, letter: Letter) -> None:
        # The longest idle one that the server has not hung up on by now.
        while idle and not idle[0].is_open:
            idle.popleft()
        line = idle.popleft() if idle else (await _dial(order.port, 1))[0]
        request = letters.request(letter, order.routes, now_ms=_now_ms())
        sent_at = time.monotonic()
        heard.count(await line.ask(request))
        heard.answered_at[place] = time.monotonic()
        heard.took_s[place] = heard.answered_at[place] - sent_at
        idle.append(line)

    async with asyncio.timeout(order.count / order.per_second * 2 + LAST_ANSWER_S):
        async with asyncio.TaskGroup() as sending:
            times = letters.poisson_times(order.count, order.per_second, seed=order.seed)
            for place, (at, letter) in enumerate(zip(times, waiting, strict=True)):
                await asyncio.sleep(began + at - time.monotonic())
                sending.create_task(send(place, letter))
    heard.seconds = time.monotonic() - began
    return heard


def _now_ms() -> int:
    return int(time.time() * 1000)


def _letters(order: Order) -> list[Letter]:
    if order.kind == "thin":
        return list(letters.thin(order.count, first=order.first))
    return list(letters.fat(order.count, order.routes, first=order.first, seed=order.seed))


def _carry_out(order: Order) -> Heard:
    waiting = _letters(order)
    if order.per_second:
        _say("sending")
        return uvloop.run(opened(order, waiting))
    requests = [letters.request(one, order.routes, now_ms=_now_ms()) for one in waiting]
    waiting.clear()
    gc.collect()
    gc.freeze()  # no walk over all that was prepared while answers are timed
    _say("sending")
    return uvloop.run(closed(order, requests))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    told = json.loads(sys.stdin.read())
    _say(json.dumps(asdict(_carry_out(Order(**{**told, "routes": Routes(**told["routes"])})))))
