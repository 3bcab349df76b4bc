"""A server that answers 200 to whatever comes: the generator's own ceiling is measured on it."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Trivial(asyncio.Protocol):
    """Waits for whole requests, and reads no more of them than where they end."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not derived of it

    def data_received(self, data: bytes) -> None:
        """Answers once the body is there."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        found = _LENGTH.search(self._buffer, 0, end) if end >= 0 else None
        whole = found is not None and len(self._buffer) >= end + 4 + int(found[1])
        if self._transport is not None and (whole or (end >= 0 and found is None)):
            self._buffer = b""
            self._transport.write(_ANSWER)


async def serve(port: int) -> None:
    """Until the process ends."""
    server = await asyncio.get_running_loop().create_server(Trivial, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
