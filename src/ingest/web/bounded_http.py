"""uvicorn's HTTP/1.1 with bounds: of heads, of trailers, of requests that wait on one connection.

It also tells the `Peers` what its connection waits for, whenever that changes.
"""

from __future__ import annotations

import asyncio
import http
import logging
from typing import Any

import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ingest.web.peers import READ_BYTES, Peers, Wait

MOST_HEAD_BYTES = READ_BYTES
MOST_HEADERS = 100
"""Of one request; more are answered 431."""
MOST_PIPELINED = 8
"""Requests that wait on one connection for the answer of the one before them."""

_FAULTS = logging.getLogger("uvicorn.error.faults")
_FAULTS.setLevel(logging.ERROR)
"""Hears of faults of ours; what strangers do wrong is counted, and logged in a bounded way."""
_PROBLEMS = {
    400: "this is no HTTP request",
    408: "the head of the request came too slowly",
    431: f"the head is larger than {MOST_HEAD_BYTES} bytes or {MOST_HEADERS} headers",
}


class TooMuch(Exception):
    """A head is larger than it may be, or too much waits behind it."""


class BoundedHttp(HttpToolsProtocol):
    """One connection as HTTP; `BoundedProtocol` gives it what it reads, through `hear`.

    What is no request is answered here and never reaches the application: 400 for what is no HTTP,
    408 for a head that is too slow, 431 for one that is too large or has too many before it. Then
    the connection ends. All methods run in the event loop.
    """

    def __init__(
        self,
        peers: Peers,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self.logger = _FAULTS
        self.waits: Wait | None = None
        self._peers = peers
        self._in_body = self._begins_body = False
        self._heard_any = self._went_on = self._refused = False
        self._too_much = ""
        self._unheard = 0
        """Bytes in a row that ended no head and were of no body: a head, or trailers, so far."""

    # What the transport tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._peers.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._peers.closed(self)
        super().connection_lost(exc)

    def hear(self, part: memoryview) -> None:
        """What comes; no longer than a head may be, so that what is held of one is bounded.

        Of a body nothing more is read until the application asks for it, so that one that was not
        admitted takes no memory.
        """
        self._heard_any = True
        if self._refused or self.transport.is_closing():
            return
        if not self._parse(part):
            return
        self._unheard = 0 if self._went_on else self._unheard + len(part)
        if self._unheard > MOST_HEAD_BYTES or len(self.headers or ()) > MOST_HEADERS:
            self._refuse(431, "head_too_large")
        elif self._in_body and self._is_ahead():
            self.flow.pause_reading()
        self._settle(begins=not self._went_on)

    def _parse(self, part: memoryview) -> bool:
        """Whether it made sense so far."""
        self._went_on = self._begins_body = False
        self.data_received(part)  # type: ignore[arg-type]  # the parser takes views too
        return not self._refused

    def _is_ahead(self) -> bool:
        """Whether more came of the body than the application has asked for."""
        cycle = self.cycle
        return not cycle.response_complete and (self._begins_body or cycle.message_event.is_set())

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        super().resume_writing()
        self._settle()

    # What the parser tells, in the midst of `hear`.

    def on_headers_complete(self) -> None:
        """The head is whole: its request begins, unless it is too much."""
        size = sum(len(name) + len(value) for name, value in self.headers) if self._unheard else 0
        if len(self.headers) > MOST_HEADERS or size + len(self.url) > MOST_HEAD_BYTES:
            self._too_much = "head_too_large"
        elif len(self.pipeline) >= MOST_PIPELINED:
            self._too_much = "too_many_pipelined"
        if self._too_much:
            raise TooMuch
        if self.waits is Wait.HEAD:  # and maybe for another one, at the end of what was read
            self._peers.waits(self, None)
        self._in_body = self._begins_body = self._went_on = True
        HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._went_on = True
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_body = False
        self._went_on = True
        HttpToolsProtocol.on_message_complete(self)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls where its parser gives up; its text is dropped, ours says why."""
        if self._too_much:
            self._refuse(431, self._too_much)
        else:
            self._refuse(400, "not_http")

    def _should_upgrade_to_ws(self) -> bool:
        """A receiver of webhooks has no other protocol to offer."""
        return False

    # Where the connection stands.

    def on_response_complete(self) -> None:
        """A request has its answer; the next one's body is read when it is asked for."""
        HttpToolsProtocol.on_response_complete(self)
        if self._in_body and not self.cycle.response_complete:
            self.flow.pause_reading()
        self._settle()

    def abort(self) -> None:
        """See `Peer`."""
        self.transport.abort()

    def time_is_up(self, wait: Wait) -> None:
        """See `Peer`. Who began to speak hears why it ends."""
        if wait is not Wait.HEAD:
            self.abort()
        elif self._heard_any:
            self._refuse(408)  # told by who measured it
        else:
            self.transport.close()
            self._peers.waits(self, Wait.END)

    def _settle(self, *, begins: bool = False) -> None:
        """Tell what is waited for; `begins`: what came just now is of no request that we know."""
        cycle: RequestResponseCycle | None = self.cycle
        if self._refused:
            return
        if self.transport.is_closing():
            wait: Wait | None = Wait.END
        elif self.flow.write_paused:
            wait = Wait.READER
        elif cycle is None:
            wait = Wait.HEAD
        elif self._in_body:
            wait = Wait.REST if cycle.response_started else Wait.BODY
        elif not cycle.response_complete:
            wait = None
        else:
            is_begun = begins or self.scope is not cycle.scope
            wait = Wait.HEAD if is_begun else Wait.IDLE
        if wait is not self.waits:
            self._peers.waits(self, wait)

    def _refuse(self, status: int, why: str | None = None) -> None:
        """Answer what is no request, and hear no more of this connection.

        What still comes is thrown away for a while, since closing at once would reset the
        connection, and the answer be lost (RFC 9112, section 9.6).
        """
        self._refused = True
        self._unset_keepalive_if_required()
        if why is not None:
            self._peers.told(why)
        self.transport.write(_answer(status))
        cycle: RequestResponseCycle | None = self.cycle
        owed = cycle is not None and not cycle.response_complete
        if owed or not self.transport.can_write_eof():
            self.transport.close()
            self._peers.waits(self, Wait.END)
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self._peers.waits(self, Wait.REST)


def _answer(status: int) -> bytes:
    """A whole answer, in the form of all our refusals."""
    body = orjson.dumps({"error": _PROBLEMS[status]})
    return (
        b"HTTP/1.1 %d %s\r\n" % (status, http.HTTPStatus(status).phrase.encode())
        + b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
        + b"connection: close\r\n\r\n"
        + body
    )
