"""Answers that break off: a body cut in its middle, a connection that is reset, one that hangs.

HTTP has no words for them, so they are done to the connection itself, which uvicorn's protocol here
hands to its application (ASGI, "Extensions").
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any, Literal

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Break = Literal["cut", "torn", "reset", "hang", "drip"]
"""cut: the body is shorter than its head says. torn: it is sent in chunks, and the last one never
comes. reset: no byte is sent (TCP's RST). hang: nor is one for a while, and then it is reset. drip:
bytes come one by one for a while, and then no more.
"""
DROPS = 20
_TRANSPORT = "ingest.transport"
_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER, so that what closes a socket resets its connection (socket(7))."""


class BreakableProtocol(HttpToolsProtocol):
    """One connection of a fake, whose application may break it off."""

    def on_message_begin(self) -> None:
        """See `httptools.HttpRequestParser`."""
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}


async def break_off(
    how: Break,
    answer: tuple[int, Mapping[str, str], bytes],
    connection: tuple[Scope, Receive, Send],
    hang_s: float,
) -> None:
    """Answer with status, headers and body, as far as that goes, and end the connection."""
    scope, receive, send = connection
    transport: asyncio.Transport = scope["extensions"][_TRANSPORT]["transport"]
    if how in ("cut", "torn"):
        await _begin(how, answer, send)
        transport.close()
    elif how == "drip":
        await _drip(answer, send, hang_s)
        _reset(transport)
    else:
        if how == "hang":
            await asyncio.sleep(hang_s)
        _reset(transport)
    while (await receive())["type"] != "http.disconnect":
        pass


async def _begin(how: Break, answer: tuple[int, Mapping[str, str], bytes], send: Send) -> None:
    """The head, and half of the body; of one without bytes its head promises some."""
    status, headers, body = answer
    told = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    if how == "cut":
        told.append((b"content-length", str(max(len(body), 2)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": told})
    half: dict[str, Any] = {"body": body[: len(body) // 2], "more_body": True}
    await send({"type": "http.response.body", **half})


async def _drip(answer: tuple[int, Mapping[str, str], bytes], send: Send, lasts_s: float) -> None:
    status, headers, body = answer
    told = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    told.append((b"content-length", str(len(body) + DROPS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": told})
    for byte in body[:DROPS].ljust(DROPS):
        await send({"type": "http.response.body", "body": bytes((byte,)), "more_body": True})
        await asyncio.sleep(lasts_s / DROPS)


def _reset(transport: asyncio.Transport) -> None:
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
