"""Heads as strangers send them, and connections as they keep them, on a real socket."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingest.web.bounded_http import MOST_HEAD_BYTES, MOST_HEADERS, MOST_PIPELINED
from ingest.web.peers import PEERS, WITHIN_S, Peers, Wait
from tests.web.running import heard, served, speak, status

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
LAST = b"connection: close\r\n\r\n"
LONG = b"x" * (MOST_HEAD_BYTES + 1)
A_WHILE_S = 20.0


class Place:
    """A server whose every request is told its body's length, and what became of connections."""

    def __init__(
        self, *, most: int = 100, most_heads: int = 100, within_s: Mapping[Wait, float] = WITHIN_S
    ) -> None:
        self.told: list[str] = []
        self.peers: Peers
        self._bounds = {"most": most, "most_heads": most_heads}
        self._within_s = within_s
        self._go_on = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        self.app = Starlette(
            routes=[
                Route("/", _count, methods=["GET", "POST"]),
                Route("/unread", _answer_at_once, methods=["POST"]),
                Route("/much", _answer_much),
                Route("/wait", self._wait),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[dict[str, object]]:
        self._loop = asyncio.get_running_loop()
        clock = self._loop.time
        self.peers = Peers(clock, self.told.append, within_s=self._within_s, **self._bounds)
        sweeping = asyncio.create_task(self._sweep())
        yield {PEERS: self.peers}
        sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.peers.sweep()

    async def _wait(self, _: Request) -> Response:
        await self._go_on.wait()
        return PlainTextResponse("at last")

    def let_go(self) -> None:
        """Answer who waits."""
        self._loop.call_soon_threadsafe(self._go_on.set)


async def _count(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _answer_at_once(_: Request) -> Response:
    return PlainTextResponse("without having read it")


async def _answer_much(_: Request) -> Response:
    return PlainTextResponse("x" * 2**20)


@contextmanager
def place(**how: int | Mapping[Wait, float]) -> Iterator[tuple[Place, int]]:
    made = Place(**how)  # type: ignore[arg-type]  # the parameters of a place
    with served(made.app) as port:
        yield made, port


def soon(**seconds: float) -> Mapping[Wait, float]:
    return {**WITHIN_S, **{Wait(name): s for name, s in seconds.items()}}


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=A_WHILE_S)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([GET + LAST], 200),
        ([bytes([byte]) for byte in GET + LAST], 200),
        ([GET, b"x: " + LONG[:-200] + b"\r\n", LAST], 200),
        ([GET, b"x: y\r\n" * (MOST_HEADERS - 2), LAST], 200),
        ([GET, b"x: y\r\n" * MOST_HEADERS, LAST], 431),
        ([GET, b"x: " + LONG + b"\r\n", LAST], 431),
        ([GET, b"x: " + LONG, LONG, LONG], 431),
        ([GET, LONG, LONG], 431),
        ([b"GET /" + LONG, b" HTTP/1.1\r\n", LAST], 431),
        ([GET, *(b"x-%d: %s\r\n" % (n, b"v" * 1000) for n in range(40)), LAST], 431),
        ([b"\r\n" * MOST_HEAD_BYTES], 431),
        ([b"HELO there\r\n"], 400),
        ([b"\x16\x03\x01\x02\x00\x01\x00"], 400),
        ([GET + b"upgrade: websocket\r\nconnection: upgrade, close\r\n\r\n"], 200),
    ],
    ids=range(14),
)
def test_a_head_is_heard_within_its_bounds(parts: list[bytes], expected: int) -> None:
    with place() as (_, port):
        answer = speak(port, *parts)
        assert status(answer) == expected
        if expected != 200:
            assert b"connection: close" in answer
            assert b'{"error":' in answer
        assert status(speak(port, GET + LAST)) == 200


def test_the_sender_of_a_much_too_long_head_hears_why() -> None:
    """Closing at once would reset his connection before he has read it."""
    with place() as (made, port):
        assert status(speak(port, GET, *[b"x: " + LONG + b"\r\n"] * 200)) == 431
        assert made.told == ["head_too_large"]


@pytest.mark.parametrize("ending", [b"x: " + LONG * 9, b"x: y\r\n" * 9_000])
def test_what_follows_the_last_chunk_is_bounded_too(ending: bytes) -> None:
    """Trailers are headers, which the parser keeps."""
    chunked = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with place() as (made, port):
        assert status(speak(port, chunked, ending)) in {0, 431}
        assert made.told == ["head_too_large"]
        assert status(speak(port, chunked + b"x: y\r\n\r\n" + GET + LAST)) == 200


def test_a_body_of_any_length_is_no_head() -> None:
    body = b"x" * (50 * MOST_HEAD_BYTES)
    told = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(body) + LAST
    with place() as (_, port):
        assert speak(port, told, body).endswith(str(len(body)).encode())
        assert speak(port, told + body).endswith(str(len(body)).encode())


def test_a_head_has_to_be_whole_in_time() -> None:
    with place(within_s=soon(head=0.2)) as (made, port), dial(port) as slow, dial(port) as silent:
        slow.sendall(GET)
        assert status(heard(slow)) == 408
        assert heard(silent) == b""
        assert made.told == ["slow_head"] * 2


@pytest.mark.parametrize("trickle", [b"\r\n", b"G"])
def test_between_two_requests_a_trickle_keeps_no_connection(trickle: bytes) -> None:
    with place(within_s=soon(head=0.3)) as (_, port), dial(port) as slow:
        slow.sendall(GET + b"\r\n")
        assert b"200 OK" in slow.recv(999)
        began = time.monotonic()
        slow.sendall(trickle)
        assert status(heard(slow)) == 408
        assert time.monotonic() - began < A_WHILE_S


def test_a_body_that_goes_on_after_its_answer_keeps_no_connection() -> None:
    endless = b"POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"
    with place(within_s=soon(rest=0.3)) as (made, port), dial(port) as slow:
        slow.sendall(endless)
        assert b"without having read it" in slow.recv(999)
        until = time.monotonic() + A_WHILE_S
        with suppress(ConnectionError):
            while time.monotonic() < until:
                slow.sendall(b"x")
                time.sleep(0.01)
        assert time.monotonic() < until
        assert made.told == ["slow_rest"]


def test_the_rest_of_a_request_that_has_its_answer_may_come_and_the_next_one_too() -> None:
    with place() as (_, port), dial(port) as client:
        client.sendall(b"POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n")
        assert b"without having read it" in client.recv(999)
        client.sendall(b"x" * 300_000 + GET + LAST)
        assert status(heard(client)) == 200


def test_who_does_not_read_his_answers_is_left() -> None:
    with place(within_s=soon(reader=0.3)) as (made, port), dial(port) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        much = b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n"
        deaf.sendall(much * MOST_PIPELINED)
        until = time.monotonic() + A_WHILE_S
        while "slow_reader" not in made.told:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert status(speak(port, GET + LAST)) == 200


def test_so_many_requests_may_wait_on_one_connection_and_no_more() -> None:
    one = GET + b"\r\n"
    with place() as (made, port):
        answers = speak(port, one * MOST_PIPELINED + GET + LAST)
        assert answers.count(b"200 OK") == MOST_PIPELINED + 1
        assert status(speak(port, one * 1000)) in {200, 431}
        assert made.told == ["too_many_pipelined"]


def test_of_many_half_heads_the_oldest_make_way_and_an_honest_sender_gets_in() -> None:
    with place(most_heads=5) as (made, port), ExitStack() as stack:
        strangers = []
        for _ in range(12):
            strangers.append(stack.enter_context(dial(port)))
            strangers[-1].sendall(GET)
            assert status(speak(port, GET + LAST)) == 200
        assert made.told == ["too_many_heads"] * len(made.told)
        assert len(made.told) >= 7
        assert heard(strangers[0]) == b""
        strangers[-1].sendall(LAST)
        assert status(heard(strangers[-1])) == 200, "the youngest is still there"


def test_of_many_idle_connections_the_oldest_make_way_and_who_is_served_stays() -> None:
    with place(most=5) as (made, port), ExitStack() as stack:
        served_one = stack.enter_context(dial(port))
        served_one.sendall(b"GET /wait HTTP/1.1\r\nhost: x\r\n" + LAST)
        for _ in range(12):
            idle = stack.enter_context(dial(port))
            idle.sendall(GET + b"\r\n")
            assert b"200 OK" in idle.recv(999)
            assert len(made.peers) <= 5
        assert "too_many_connections" in made.told
        made.let_go()
        assert heard(served_one).endswith(b"at last")


def test_what_strangers_do_wrong_is_no_line_of_the_servers_own_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A line for each invalid request would fill a disk; ours are bounded."""
    with place() as (made, port), caplog.at_level(logging.INFO):
        for _ in range(3):
            speak(port, b"nonsense\r\n\r\n")
            speak(port, GET + b"upgrade: h2c\r\nconnection: upgrade, close\r\n\r\n")
        assert made.told == ["not_http"] * 3
    assert not [line for line in caplog.records if "Invalid" in line.message]
    assert not [line for line in caplog.records if "upgrade" in line.message]
