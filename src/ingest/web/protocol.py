"""The class that uvicorn makes of each connection: `--http ingest.web.protocol:BoundedProtocol`.

uvicorn bounds no head, and answers honest senders 503 where there are too many connections. This
tells the `Peers`, which our application puts into the state of its lifespan, of each connection.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from ingest.web.bounded_http import BoundedHttp
from ingest.web.peers import PEERS, Peers


class BoundedProtocol(asyncio.BufferedProtocol):
    """One connection: reads little at a time, into one buffer for all of them.

    uvicorn calls it as it calls its own protocols. `app_state` has to hold the `Peers`, so it
    serves no application but ours (`KeyError`).

    An event loop reads 256 KB of every connection that has something to say, before anybody can
    say that it is too much: of a thousand connections, 256 MB.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        peers: Peers = app_state[PEERS]
        self._buffer = peers.buffer
        self._http = BoundedHttp(peers, config, server_state, app_state, _loop)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `asyncio.BufferedProtocol`."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        self._http.hear(self._buffer[:nbytes])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._http.connection_made(cast("asyncio.Transport", transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._http.connection_lost(exc)

    def eof_received(self) -> None:
        """See `asyncio.BufferedProtocol`."""
        self._http.eof_received()

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._http.resume_writing()
