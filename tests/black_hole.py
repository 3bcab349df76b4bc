"""A TCP proxy that can be told to take everything and pass on nothing: a peer that is gone, while a
kernel in between still acknowledges what is sent.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """Passes on while `passing` is set."""

    url: str
    passing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def proxied(database_url: str) -> Iterator[Proxy]:
    """A proxy before the server of this URL, passing."""
    parts = urlsplit(database_url)
    behind = (parts.hostname or "127.0.0.1", parts.port or 5432)
    ends: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        user = parts.netloc.rpartition("@")[0]
        url = parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
        proxy = Proxy(url)
        proxy.passing.set()
        accepting = threading.Thread(target=_accept, args=(listening, behind, proxy, ends))
        accepting.start()
        try:
            yield proxy
        finally:
            proxy.passing.set()
            listening.shutdown(socket.SHUT_RDWR)
            for end in ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(
    listening: socket.socket, behind: tuple[str, int], proxy: Proxy, ends: list[socket.socket]
) -> None:
    pumps = []
    with suppress(OSError):
        while True:
            near, _ = listening.accept()
            far = socket.create_connection(behind)
            ends += [near, far]
            for pair in ((near, far), (far, near)):
                pumps.append(threading.Thread(target=_pump, args=(*pair, proxy)))
                pumps[-1].start()
    for pump in pumps:
        pump.join()
    for end in ends:
        end.close()


def _pump(source: socket.socket, target: socket.socket, proxy: Proxy) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            proxy.passing.wait()
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
