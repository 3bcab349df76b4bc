"""A provider's API that echoes what it was sent, in every place where an answer has room.

Every request gets the next of `ANSWERS`; what it says of the request's own credentials comes back.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = Callable[[BaseHTTPRequestHandler, str], None]


def _say(handler: BaseHTTPRequestHandler, status: int, body: str, **headers: str) -> None:
    raw = body.encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


def _hang_up(handler: BaseHTTPRequestHandler, _told: str) -> None:
    handler.connection.close()


def _nonsense(handler: BaseHTTPRequestHandler, told: str) -> None:
    handler.wfile.write(f"NONSENSE {told}\r\n\r\n".encode())
    handler.connection.close()


ANSWERS: tuple[Answer, ...] = (
    lambda h, told: _say(h, 400, f'{{"message": "you sent {told}"}}'),
    lambda h, _: _say(h, 302, "", location="mailto:somebody@example.com"),
    lambda h, told: _say(h, 302, "", location=f"https://elsewhere.example/?seen={told}"),
    lambda h, told: _say(h, 302, "", location=f"//{told.replace(' ', '')}:x/"),
    lambda h, told: _say(h, 422, told, x_echo=told),
    lambda h, told: _say(h, 500, f"<html>{told}</html>"),
    lambda h, told: _say(h, 200, f'{{"id": ["{told}"], "data": {{"issue": {{"id": "{told}"}}}}}}'),
    lambda h, told: _say(h, 200, f"no JSON but {told}"),
    lambda h, told: _say(h, 200, f'[{{"{told}": null}}]', set_cookie=f"seen={told}; path=:/"),
    lambda h, told: _say(h, 404, told),
    _nonsense,
    _hang_up,
)
REFUSED: tuple[Answer, ...] = (lambda h, told: _say(h, 403, f'{{"detail": "not for {told}"}}'),)


@contextmanager
def hostile_provider(answers: tuple[Answer, ...] = ANSWERS) -> Iterator[str]:
    """The URL of one, on loopback, until the end of the block."""
    turns = itertools.cycle(answers)

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode("utf-8", "replace")
            self.close_connection = True
            next(turns)(self, self.headers.get("authorization") or body or "nothing")

        do_POST = do_GET  # noqa: N815 - likewise

        def log_message(self, *_: object) -> None:
            """Nothing to tell."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
