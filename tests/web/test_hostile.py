"""What nobody should send: never a 5xx but 503, never a hung connection, never a dead receiver."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.factories import signed
from tests.web.running import LIMIT, speak, status

HEAD = b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\n"
BODY = b'{"repository":{"id":101}}'


def request(headers: list[tuple[bytes, bytes]], body: bytes = BODY) -> bytes:
    lines = [b"%s: %s\r\n" % header for header in headers]
    length = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    return HEAD + b"".join(lines) + length + body


def head(ending: bytes) -> bytes:
    """A head that is believed so far, and whose last line is this one."""
    return HEAD + b"".join(b"%s: %s\r\n" % line for line in headers_of()) + ending + b"\r\n\r\n"


def headers_of(body: bytes = BODY) -> list[tuple[bytes, bytes]]:
    return [(k.encode(), v.encode()) for k, v in signed("github", body).items()]


def _hostile_headers() -> Iterator[tuple[str, list[tuple[bytes, bytes]]]]:
    good = headers_of()
    yield "repeated signature", [*good, (b"x-hub-signature-256", b"sha256=00")]
    yield "repeated, the wrong one first", [(b"X-Hub-Signature-256", b"sha256=00"), *good]
    yield "repeated content type", [*good, (b"content-type", b"text/xml")]
    yield "signature that is not ASCII", [(b"x-hub-signature-256", b"\xff\xfe"), *good]
    yield "event that is not ASCII", [(b"x-github-event", b"p\xc3\xbcsh"), *good]
    yield "media type that is not ASCII", [(b"content-type", b"\xff/json"), *good]
    yield "delivery id that is not ASCII", [(b"x-github-delivery", b"\xff" * 300), *good]
    yield "user agent that is not UTF-8", [*good, (b"user-agent", b"\xff\x80\xc3")]
    yield "control characters", [*good, (b"user-agent", b"a\x01b\x7f")]
    yield "many headers", [*good, *((b"x-%d" % n, b"v") for n in range(200))]
    yield "a huge header", [*good, (b"user-agent", b"a" * 100_000)]
    yield "NUL in a value", [*good, (b"user-agent", b"a\x00b")]
    yield "no colon", [*good, (b"broken\r\nheader", b"v")]
    yield "compressed", [*good, (b"content-encoding", b"gzip, br")]
    yield "two lengths", [*good, (b"content-length", b"1")]
    yield "a negative length", [*good, (b"content-length", b"-1")]
    yield "a length that is no number", [*good, (b"content-length", b"\xb2")]
    yield "an endless length", [*good, (b"content-length", b"9" * 50)]
    yield "upgrade", [*good, (b"upgrade", b"websocket")]
    yield "expectation", [*good, (b"expect", b"100-continue")]


@pytest.mark.integration
def test_no_header_makes_it_fail(port: int) -> None:
    answers = {name: status(speak(port, request(told))) for name, told in _hostile_headers()}
    assert not {name: code for name, code in answers.items() if not 100 <= code < 500}
    assert answers["repeated signature"] == 200
    assert answers["repeated, the wrong one first"] == 401
    assert answers["compressed"] == 415


@pytest.mark.integration
def test_a_request_of_two_lengths_is_one_request_or_none(port: int) -> None:
    chunked = [(b"transfer-encoding", b"chunked"), *headers_of()]
    assert status(speak(port, request(chunked, b"zz\r\n"))) in {0, 400}
    smuggled = request(chunked, b"0\r\n\r\n" + HEAD + b"\r\n")
    assert speak(port, smuggled).count(b"HTTP/1.1") == 1


def _hostile_bodies() -> Iterator[bytes]:
    yield from (b"", b"null", b"[]", b'"text"', b"1e999", b"NaN", b'{"a":NaN}', b"{", b"\x00")
    yield from (b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"{}{}", b'{"a":1}\x00', b'{"a":"\x00"}')
    yield from (b'{"repository":{"id":%d}}' % 10**40, b'{"repository":' + b"9" * 5000 + b"}")
    yield from (b'{"repository":[]}', b'{"repository":{"id":{"id":1}}}', b'{"a":"\\u0000"}')
    yield from (b'{"a":"\\ud800"}', b'{"\\udfff":1}', b'{"a":1,"a":2}', b'{"":{"":{"":{}}}}')
    yield from (b'{"a":' * 100_000, b"[" * 100_000, b'{"a":' * 300 + b"1" + b"}" * 300)
    yield b'{"a":"' + b"\\u0041" * 100_000 + b'"}'


@pytest.mark.integration
def test_no_signed_body_makes_it_fail(client: httpx.Client) -> None:
    for body in _hostile_bodies():
        answer = client.post("/webhooks/github", content=body, headers=signed("github", body))
        assert answer.status_code in {200, 400}, body[:40]
        assert list(answer.json()) in [["delivery", "status"], ["error"]]


@pytest.mark.integration
def test_too_large_is_answered_before_the_body_was_read(port: int) -> None:
    """The length is a lie: nothing follows, and nobody waits for it."""
    began = time.monotonic()
    told = speak(port, head(b"content-length: 9999999999999"), b"{")
    assert status(told) == 413
    assert b"connection: close" in told.lower()
    assert time.monotonic() - began < 15


@pytest.mark.integration
def test_too_large_in_chunks_is_refused_when_it_is_too_large(port: int) -> None:
    chunk = b"%x\r\n%s\r\n" % (2**16, b" " * 2**16)
    many = [chunk] * (LIMIT // 2**16 + 40)
    told = speak(port, head(b"transfer-encoding: chunked"), *many, b"0\r\n\r\n")
    assert status(told) == 413


@pytest.mark.integration
def test_a_sender_that_leaves_harms_nobody(port: int, client: httpx.Client) -> None:

    for part in (b"", b'{"repo'):
        with socket.create_connection(("127.0.0.1", port)) as leaving:
            leaving.sendall(head(b"content-length: 100") + part)
    assert client.get("/healthz").status_code == 200
    until = time.monotonic() + 5
    while 'answer="left",source="github"} 2.0' not in client.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.integration
def test_pipelined_requests_are_each_answered(port: int) -> None:
    one = request(headers_of()).replace(b"connection: close\r\n", b"")
    told = speak(port, one, request(headers_of()))
    assert told.count(b"HTTP/1.1 200") == 2


@pytest.mark.integration
def test_no_path_makes_it_fail(client: httpx.Client) -> None:
    for path in (
        "%ff",
        "%ed%a0%80",
        "%00",
        "..%2f..",
        "a" * 5000,
        "%F0%9F%92%A9",
        "*",
        "github%0a",
    ):
        for route in (f"/webhooks/{path}", f"/webhooks/github/{path}"):
            answer = client.post(route, content=BODY, headers=signed("github", BODY))
            assert answer.status_code == 404, route
            assert len(answer.content) < 500
            json.loads(answer.content)
