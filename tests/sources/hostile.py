"""What a provider, or whoever answers in its place, may send: bytes of a test, said over a socket.

In an answer `{token}` becomes what the request's authorization was, without its scheme, `{auth}`
the whole of it, `{url}` and `{port}` the server's own, and `{length}` that of the body.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import repeat

Answer = bytes | Callable[[], Iterator[bytes]]
"""Bytes that are sent at once, or pieces that are sent one by one."""

PAUSE_S = 0.01


def http(head: str, body: bytes = b"", status: str = "200 OK", *, length: bool = True) -> bytes:
    """An answer with these header lines; with its length, and the last on its connection."""
    lines = [f"HTTP/1.1 {status}", "connection: close", *filter(None, head.split("\n"))]
    if length:
        lines.append("content-length: {length}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def _redirect(location: str, status: str = "302 Found") -> bytes:
    return http(f"location: {location}", b"moved", status)


def _chunked(*chunks: bytes) -> bytes:
    return http("transfer-encoding: chunked", b"".join(chunks), length=False)


def _coded(body: bytes, coding: str = "gzip") -> bytes:
    return http(f"content-encoding: {coding}", body)


def _endless_interim() -> Iterator[bytes]:
    yield from repeat(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 400)


def _head_byte_by_byte() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nx: "
    for _ in range(2_000):
        time.sleep(PAUSE_S)
        yield b"y"


def _body_byte_by_byte() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    for _ in range(2_000):
        time.sleep(PAUSE_S)
        yield b"1\r\n \r\n"


def _interim_byte_by_byte() -> Iterator[bytes]:
    for _ in range(500):
        time.sleep(PAUSE_S)
        yield b"HTTP/1.1 102 Processing\r\n\r\n"


_BOMB = gzip.compress(bytes(40 * 2**20))
_WRONG = {"type": "{token}", "message": "no {token}", "extensions": {"code": "{token}"}}
_ECHO = json.dumps(
    {
        "data": None,
        "default_branch": "{token}",
        "detail": "{token}",
        "error": {"code": "{token}"},
        "errors": [_WRONG],
        "full_name": "{token}/{token}",
        "id": "{token}",
        "message": "{token}",
        "name": "{token}",
        "slug": "{token}",
        "token": "{token}",
        "user": {"id": 1, "role": "{token}"},
    }
).encode()

REDIRECTS: Mapping[str, Answer] = {
    "to a mailbox": _redirect("mailto:somebody@example.test"),
    "to a mailbox, without a name": _redirect("mailto:x"),
    "to a script": _redirect("javascript:alert(1)"),
    "to a file": _redirect("file:///etc/passwd"),
    "to data": _redirect("data:text/html,{token}"),
    "to another host without a scheme": _redirect("//evil.example.test/"),
    "to a cloud's secrets": _redirect("http://169.254.169.254/latest/meta-data/"),
    "to another port": _redirect("http://127.0.0.1:9/"),
    "to another scheme": _redirect("https://127.0.0.1:{port}/"),
    "to a name before the host": _redirect("http://{token}@127.0.0.1:{port}/"),
    "to a password before the host": _redirect("http://127.0.0.1:{port}@evil.example.test/"),
    "to the token as a host": _redirect("http://{token}.evil.example.test/"),
    "to the token as a path": _redirect("/{token}/x"),
    "to the token as a query": _redirect("/x?y={auth}"),
    "to bytes beyond ASCII": http("", b"", "302 Found").replace(
        b"connection", b"location: http://\xff\xfe\xe9/\r\nconnection"
    ),
    "to an address that is none": _redirect("http://[::1"),
    "to a port that is none": _redirect("http://127.0.0.1:99999999/"),
    "to no host": _redirect("http:///x"),
    "to a name that is none": _redirect(f"http://{'a' * 300}.test/"),
    "to a name of no language": _redirect("http://xn--a/"),
    "to a letter of a name": _redirect("http://\u2100.test/"),
    "to a long way": _redirect("/" + "a" * 70_000),
    "to nowhere": http("", b"", "302 Found"),
    "to nothing": _redirect(""),
    "to itself": _redirect("{url}/again"),
    "to itself, to be read": _redirect("/again", "303 See Other"),
    "for good, climbing": _redirect("/../../..", "301 Moved Permanently"),
    "two ways at once": http("location: /a\nlocation: //evil.example.test/", b"", "307 X"),
}
HEADS: Mapping[str, Answer] = {
    "one line for ever": http("x: " + "y" * 300_000),
    "lines for ever": http("\n".join(f"x-{n}: y" for n in range(20_000))),
    "letters beyond ASCII": http("x-é: ü\nlink: <\u2028>; rel=next\nretry-after: ٣", b"{}"),
    "an end of text": http("x: a\x00b", b"{}"),
    "folded": http("x: a\n b\n\tc", b"{}"),
    "no name": http(": x", b"{}"),
    "cookies": http(
        "\n".join(["set-cookie: a=b; domain=.test; expires=never", "set-cookie: ="] * 99)
    ),
    "the token in a cookie": http("set-cookie: {token}={token}; path=/", b"{}", "500 No"),
    "the token in each header": http("x: {auth}\n{token}: x\nretry-after: {token}", b"", "503 No"),
    "the token as a reason": http("", b"", "400 {token} {auth}"),
    "the token as a limit": http("x-ratelimit-reset: {token}\nretry-after: {token}", b"", "429 No"),
    "a limit of a thousand years": http("retry-after: " + "9" * 400, b"", "429 No"),
    "a length that is none": http("content-length: soon", b"{}", length=False),
    "a length below nothing": http("content-length: -1", b"{}", length=False),
    "two lengths": http("content-length: 1\ncontent-length: 2", b"{}", length=False),
    "a length of many digits": http("content-length: " + "9" * 5_000, b"{}", length=False),
    "more than its length": http("content-length: 1", b"{}" * 9, length=False),
    "less than its length": http("content-length: 99", b"{", length=False),
    "a version of its own": http("").replace(b"HTTP/1.1", b"HTTP/9.9"),
    "a status of its own": http("", b"{}", "999 {token}"),
    "a status that is none": http("", b"{}", "abc {token}"),
    "the token instead of a head": b"{auth} {token}\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x28",
    "nothing": b"",
    "another protocol from now on": http("upgrade: x", b"", "101 Switching Protocols"),
    "interim answers for ever": _endless_interim,
    "interim answers, slowly": _interim_byte_by_byte,
    "byte by byte": _head_byte_by_byte,
}
BODIES: Mapping[str, Answer] = {
    "HTML": http("content-type: text/html", b"<html><h1>It works: {token}</h1>"),
    "HTML with a fault": http("content-type: text/html", b"<p>{auth}</p>", "502 Bad Gateway"),
    "the token, unreadable": http("", b"{token}", "400 Bad Request"),
    "the token at the cut": http("", b"x" * 195 + b"{token}", "422 No"),
    "the token, cut": http("content-length: 40", b"x" * 9 + b"{token}", "422 No", length=False),
    "the token everywhere": http("", _ECHO),
    "the token everywhere, refused": http("", _ECHO, "401 Unauthorized"),
    "the token everywhere, forbidden": http("", _ECHO, "403 Forbidden"),
    "the token everywhere, wrong": http("", _ECHO, "400 Bad Request"),
    "the token everywhere, gone": http("", _ECHO, "404 Not Found"),
    "the token in a list": http("", b"[" + _ECHO + b"]"),
    "nothing to say": http("", b"", "204 No Content"),
    "null": http("", b"null"),
    "a number": http("", b"1e999"),
    "no number": http("", b'{"id": NaN}'),
    "halves of letters": http("", b'{"id": "\\ud800", "name": "\\udfff"}'),
    "letters beyond text": http("", b'{"id": "\xff\xfe"}'),
    "depth": http("", b"[" * 100_000),
    "not gzip": _coded(b"not gzip at all"),
    "gzip that is cut": _coded(gzip.compress(b"[1]" * 999)[:-9]),
    "gzip with more behind": _coded(gzip.compress(b"{}") + b"{token}" * 99),
    "gzip that grows": _coded(_BOMB),
    "a coding of its own": _coded(b"{}", "{token}"),
    "codings upon codings": _coded(gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
    "chunks that are none": _chunked(b"zz\r\n{}\r\n0\r\n\r\n"),
    "chunks without an end": _chunked(b"2\r\n{}\r\n"),
    "a chunk of a length below nothing": _chunked(b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk that says the token": _chunked(b"{token}\r\n{}\r\n0\r\n\r\n"),
    "chunks of another coding": http("transfer-encoding: gzip, chunked", b"{}", length=False),
    "byte by byte": _body_byte_by_byte,
}
ANSWERS: Mapping[str, Answer] = {
    **{f"redirects {name}": answer for name, answer in REDIRECTS.items()},
    **{f"heads with {name}": answer for name, answer in HEADS.items()},
    **{f"bodies of {name}": answer for name, answer in BODIES.items()},
}


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """A server that answers every request so, and its URL; each connection has its own thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threads: list[threading.Thread] = []

        def run() -> None:
            while True:
                try:
                    talking, _ = listening.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=_talk, args=(talking, answer, port)))
                threads[-1].start()

        accepting = threading.Thread(target=run)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(10)


def _talk(talking: socket.socket, answer: Answer, port: int) -> None:
    with talking, suppress(OSError):
        talking.settimeout(10)
        told = b""
        while b"\r\n\r\n" not in told:
            piece = talking.recv(65_536)
            if not piece:
                return
            told += piece
        for said in [answer] if isinstance(answer, bytes) else answer():
            talking.sendall(_filled(said, told, port))


def _filled(said: bytes, told: bytes, port: int) -> bytes:
    lines = told.partition(b"\r\n\r\n")[0].split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)}
    auth = headers.get(b"authorization", b"nobody")
    token = auth.rpartition(b" ")[2]
    url = f"http://127.0.0.1:{port}".encode()
    for name, value in {b"auth": auth, b"token": token, b"url": url}.items():
        said = said.replace(b"{" + name + b"}", value)
    said = said.replace(b"{port}", str(port).encode())
    length = len(said.partition(b"\r\n\r\n")[2])
    return said.replace(b"{length}", str(length).encode())
