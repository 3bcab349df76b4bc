"""What a stranger may send to any source's route, and what a provider never would, signed.

Each is (what it is, the request's bytes), and closes its connection unless it says otherwise.
"""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.core.times import to_micros
from ingest.sources.registry import source
from tests.factories import signed

Lines = list[tuple[bytes, bytes]]

DEEP = 10_000
_NUMBERS = ("1" + "0" * 400, "-" + "9" * 5_000, "1e999", "-1e-999", "1.7976931348623159e308", "-0")


@dataclass(frozen=True)
class Door:
    """A route of a source."""

    source_type: str
    path: str

    def fields(self, **more: Any) -> dict[str, Any]:
        """A body's object, which names the time where the source signs that."""
        time = source(self.source_type).descriptor.scheme.time
        if time is not None and time.place == "body":
            more[time.name] = to_micros(datetime.now(UTC)) // 1000
        return {"id": f"storm-{uuid.uuid4()}", **more}

    def lines(self, body: bytes, **changes: str) -> Lines:
        """The headers that the provider would send with it."""
        told = signed(self.source_type, body, headers=changes)
        return [(name.encode(), text.encode("latin-1")) for name, text in told.items()]

    def request(self, lines: Lines, body: bytes, *, length: bytes | None = None) -> bytes:
        """One request; `length` where it is not the truth, the empty text for none."""
        told = b"%d" % len(body) if length is None else length
        ending = [(b"content-length", told)] if told else []
        written = b"".join(b"%s: %s\r\n" % line for line in [*lines, *ending])
        head = b"POST %s HTTP/1.1\r\nhost: x\r\n" % self.path.encode()
        return head + written + b"connection: close\r\n\r\n" + body

    @property
    def signature(self) -> bytes:
        """The signature header's name, in lower case."""
        return source(self.source_type).descriptor.scheme.header.lower().encode()

    def good(self) -> tuple[Lines, bytes]:
        body = json.dumps(self.fields()).encode()
        return self.lines(body), body


def unbelievable(door: Door) -> Iterator[tuple[str, bytes]]:
    """Requests whose signature is none: of none of these may a row be left."""
    for what, value in _no_signatures(door):
        lines, body = door.good()
        others = [line for line in lines if line[0] != door.signature]
        yield what, door.request([*others, (door.signature, value)], body)
        twice = f"{what}, and then the right one"
        yield twice, door.request([*others, (door.signature, value), *lines], body)
    lines, body = door.good()
    yield "no signature", door.request([n for n in lines if n[0] != door.signature], body)
    yield "another body", door.request(lines, body + b" ")
    yield "a body cut off", door.request(lines, body[:-1])
    yield "another source's header", door.request([(b"x-signature", b"1")], body)
    yield "nothing at all", door.request([], b"")


def _no_signatures(door: Door) -> Iterator[tuple[str, bytes]]:
    lines, _ = door.good()
    right = dict(lines)[door.signature]
    yield "a cut signature", right[:-1]
    yield "a longer signature", right + b"0"
    yield "a signature in capitals", right.swapcase()
    yield "half a signature", right[: len(right) // 2]
    yield "an empty algorithm", b"="
    yield "two in one", right[::-1] + b"," + right[::-1]
    yield "latin-1", b"\xff\xfe" * 20
    yield "UTF-8", "ſha256=ａ".encode() * 5
    yield "a huge one", b"a" * 40_000


def refused(door: Door) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    """Rightly signed requests that are none, and the answers that may be given."""
    for what, body in _no_objects(door):
        yield what, door.request(door.lines(body), body), frozenset({400, 401})
    body = json.dumps(door.fields()).encode()
    for media_type in (
        "text/plain",
        "text/html; charset=utf-8",
        "multipart/form-data",
        "\xff/json",
    ):
        lines = door.lines(body, **{"content-type": media_type})
        yield f"a {media_type}", door.request(lines, body), frozenset({415})
    bomb = gzip.compress(b" " * 10_000_000)
    for coding in (b"gzip", b"br", b"deflate, gzip", b"\xff"):
        lines = [*door.lines(bomb), (b"content-encoding", coding)]
        yield "a compressed body", door.request(lines, bomb), frozenset({415})
    headers = [*door.lines(body), *((b"x-%d" % n, b"v" * 100) for n in range(2_000))]
    yield "many headers", door.request(headers, body), frozenset({0, 200, 400, 431})
    headers = [*door.lines(body), (b"x-huge", b"v" * 300_000)]
    yield "a huge header", door.request(headers, body), frozenset({0, 200, 400, 431})


def _no_objects(door: Door) -> Iterator[tuple[str, bytes]]:
    whole = json.dumps(door.fields()).encode()
    yield "truncated JSON", whole[:-1]
    yield "JSON and more", whole + b"}"
    yield "not UTF-8", b'{"id": "\xff"}'
    yield "a body of nothing", b""
    for text in (b"[]", b'"text"', b"null", b"1", b"true", b"NaN", b"Infinity", b"{'a': 1}"):
        yield f"a body of {text.decode()}", text
    yield "an array nested deep", b"[" * DEEP + b"]" * DEEP
    yield "an object nested deep", b'{"a":' * DEEP + b"1" + b"}" * DEEP


def storable(door: Door) -> Iterator[tuple[str, bytes, bytes]]:
    """Rightly signed objects of junk: accepted or refused, and if accepted worked off."""
    for what, fields in _odd_objects(door):
        raw = json.dumps(fields)
        for number in _NUMBERS if what == "numbers" else ("0",):
            body = raw.replace('"number"', number).encode()
            yield what, door.request(door.lines(body), body), body
    lines, body = door.good()
    yield "the right signature twice", door.request([*lines, *lines], body), body
    wrong = (door.signature, b"sha256=00")
    lines, body = door.good()
    yield "the right one and then a wrong one", door.request([*lines, wrong], body), body


def _odd_objects(door: Door) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "numbers", door.fields(type="number", action="number", data={"id": "number"})
    for text in ("\x00", "\ud800", "\udfff\ud800", "\x00" * 1_000, "\u202e", "💩" * 1_000):
        yield "a text", door.fields(type=text, action=text, data={"id": text, "title": text})
        yield "a key", door.fields(**{text: text, "data": {text: {text: [text]}}})
    values: tuple[Any, ...] = (None, True, [], {}, [[]], {"id": None}, "", 1)
    for value in values:
        names = ("type", "action", "data", "repository", "organizationId", "workspace_id", "entity")
        more = ("payload", "installation", "account_id", "detail", "event", "issue", "sender")
        yield "every field", door.fields(**dict.fromkeys((*names, *more), value))


def large(door: Door, limit: int) -> Iterator[tuple[str, list[bytes]]]:
    """Bodies over the limit, in the parts in which they are sent; each is refused with 413."""
    over = b'{"id":"' + b"a" * limit + b'"}'
    yield "just over, and it says so", [door.request(door.lines(over), over)]
    lines = [*door.lines(b"{}"), (b"transfer-encoding", b"chunked")]
    part = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    head = door.request(lines, b"", length=b"")
    yield "30 MB in chunks", [head, *[part] * 30, b"0\r\n\r\n"]
    yield "30 MB at once", [door.request(lines[:-1], b"", length=b"30000000"), *[b" " * 10**6] * 30]


def garbage(door: Door) -> Iterator[tuple[str, bytes]]:
    """What is no HTTP, behind what is, on one connection."""
    lines, body = door.good()
    first = door.request(lines, body).replace(b"connection: close\r\n", b"")
    for what, rest in (
        ("bytes", bytes(range(256)) * 4),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200),
        ("another version", b"POST / HTTP/9.9\r\n\r\n"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("lines", b"\r\n" * 1_000),
        ("half a request", first[:40]),
    ):
        yield f"a request, then {what}", first + rest
        yield what, rest
