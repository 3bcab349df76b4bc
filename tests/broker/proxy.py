"""A host between us and a broker, which can vanish: it says nothing, and hangs up on nobody."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on between a port of its own and a broker until it is told to vanish."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._listens = socket.create_server(("127.0.0.1", 0))
        self._there = threading.Event()
        self._there.set()
        self._pairs: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The broker's, by way of this host."""
        user, at, _ = self._parts.netloc.rpartition("@")
        host = f"{user}{at}127.0.0.1:{self._listens.getsockname()[1]}"
        return self._parts._replace(netloc=host).geturl()

    def vanish(self) -> None:
        self._there.clear()

    def come_back(self) -> None:
        self._there.set()

    def close(self) -> None:
        for one in (self._listens, *self._pairs):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listens.accept()
                far = socket.create_connection((self._parts.hostname or "", self._parts.port or 0))
            except OSError:
                return
            self._pairs += [near, far]
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as ready, suppress(OSError, ValueError):
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ready.select():
                    self._there.wait()
                    read = key.fileobj
                    if not isinstance(read, socket.socket) or not (data := read.recv(65_536)):
                        near.close()
                        far.close()
                        return
                    key.data.sendall(data)


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    made = Proxy(url)
    try:
        yield made
    finally:
        made.come_back()
        made.close()
