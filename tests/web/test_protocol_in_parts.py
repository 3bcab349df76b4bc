"""Requests in any parts, in a row and with bodies of any kind, are each answered; and what is read
of a body is what was asked for. Without a socket.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from ingest.web.bounded_http import MOST_PIPELINED
from ingest.web.peers import PEERS, READ_BYTES, Peers, Wait
from ingest.web.protocol import BoundedProtocol


class Wire(asyncio.Transport):
    """A connection whose other side is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reads = True
        self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False


@dataclass(frozen=True)
class Request:
    """A request with a body of so many bytes; `read`: the application wants them."""

    length: int
    is_chunked: bool
    read: bool

    def written(self) -> bytes:
        line = b"POST /%s HTTP/1.1\r\nhost: x\r\n" % (b"read" if self.read else b"leave")
        if not self.is_chunked:
            return line + b"content-length: %d\r\n\r\n" % self.length + b"x" * self.length
        chunk = b"%x\r\n%s\r\n" % (self.length, b"x" * self.length) if self.length else b""
        return line + b"transfer-encoding: chunked\r\n\r\n" + chunk + b"0\r\nx-trailer: y\r\n\r\n"

    def answer(self) -> bytes:
        return b"%d" % (self.length if self.read else 0)


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    count = 0
    more = bool(scope["path"] == "/read")
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        count += len(message["body"])
        more = message["more_body"]
    body = b"<%d>" % count
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Talk:
    """What came of a connection: answers, what it waits for, the most that was held of a body."""

    answers: bytes = b""
    waits: Wait | None = None
    held: int = 0
    told: list[str] = field(default_factory=list)


async def _converse(parts: list[bytes]) -> Talk:
    config = uvicorn.Config(_app, log_config=None, lifespan="off", proxy_headers=False)
    config.load()
    loop = asyncio.get_running_loop()
    talk, wire = Talk(), Wire()
    peers = Peers(loop.time, talk.told.append, most=9, most_heads=9)
    protocol = BoundedProtocol(config, ServerState(), {PEERS: peers}, loop)
    http = protocol._http
    protocol.connection_made(wire)
    for part in parts:
        for _ in range(50):
            await asyncio.sleep(0)
            if wire.reads:
                break
        assert wire.reads, "nobody resumes reading"
        protocol.get_buffer(-1)[: len(part)] = part
        protocol.buffer_updated(len(part))
        cycle: RequestResponseCycle | None = http.cycle
        talk.held = max(talk.held, len(cycle.body) if cycle is not None else 0)
    for _ in range(50):
        await asyncio.sleep(0)
    talk.answers, talk.waits = wire.written, http.waits
    protocol.connection_lost(None)
    assert len(peers) == 0
    await asyncio.sleep(0)
    return talk


_REQUESTS = st.lists(
    st.builds(Request, st.integers(0, 3 * READ_BYTES), st.booleans(), st.booleans()),
    min_size=1,
    max_size=MOST_PIPELINED,
)


@given(_REQUESTS, st.lists(st.integers(1, READ_BYTES), min_size=1, max_size=9))
def test_each_request_has_its_answer_in_whatever_parts_it_comes(
    requests: list[Request], sizes: list[int]
) -> None:
    stream = b"".join(one.written() for one in requests)
    parts: list[bytes] = []
    while stream:
        size = min(max(sizes[len(parts) % len(sizes)], len(stream) // 60), READ_BYTES)
        parts.append(stream[:size])
        stream = stream[size:]
    talk = asyncio.run(_converse(parts))
    assert re.findall(rb"<(\d+)>", talk.answers) == [one.answer() for one in requests]
    assert talk.waits is Wait.IDLE
    assert talk.held <= READ_BYTES
    assert talk.told == []


_WORDS = [
    b"POST /read HTTP/1.1",
    b"\r\n",
    b"\r\n\r\n",
    b"host: x",
    b":",
    b" ",
    b"0",
    b"5",
    b"GET / ",
]
_LONG = [b"\x00" * READ_BYTES, b"a" * READ_BYTES, b"x: y\r\n" * 200]
_MORE = [b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"connection: upgrade\r\n"]


@given(st.lists(st.sampled_from([*_WORDS, *_MORE, *_LONG]) | st.binary(max_size=9), max_size=40))
def test_whatever_comes_is_no_fault(parts: list[bytes]) -> None:
    talk = asyncio.run(_converse([part for part in parts if part]))
    assert set(talk.told) <= {"not_http", "head_too_large", "too_many_pipelined"}
    assert len(talk.told) <= 1, "who was refused is heard no more"
    assert b" 500 " not in talk.answers
