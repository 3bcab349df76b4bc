"""A server on loopback that takes webhooks, or does not; it proves each by the library."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET, NEWER = (
    "whsec_" + base64.b64encode(f"a secret of a test, {which}".encode()).decode()
    for which in ("32 bytes....", "the newer...")
)


@dataclass(frozen=True)
class Answer:
    """What it answers to one request: a status, and before it the wait of one that hangs."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs_s: float = 0.0
    drips_s: float = 0.0


@dataclass
class Hook:
    """What came, proven by `secret`; `answers` are given one after the other, then 200."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    came: list[Any] = field(default_factory=list)
    secret: str = SECRET
    signatures: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving_hook() -> Iterator[Hook]:
    """The server, as long as the block lasts."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = Webhook(hook.secret).verify(body, dict(self.headers))
            assert told["type"] == "changes"
            hook.came.append(told["data"])
            hook.signatures.append(self.headers["webhook-signature"])
            hook.ids.append(self.headers["webhook-id"])
            answer = hook.answers.pop(0) if hook.answers else Answer()
            hook.stop.wait(answer.hangs_s)
            if 200 <= answer.status < 300:
                hook.taken.append(told["data"])
            self._answer(answer)

        def _answer(self, answer: Answer) -> None:
            try:
                if answer.drips_s:
                    self._drip(answer.drips_s)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()
            except OSError:  # whoever asked has gone
                self.close_connection = True

        def _drip(self, seconds: float) -> None:
            until = time.monotonic() + seconds
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
            while time.monotonic() < until and not hook.stop.wait(0.05):
                self.wfile.write(b"y")
            raise BrokenPipeError

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/changes/secret-path"
    try:
        yield hook
    finally:
        hook.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
