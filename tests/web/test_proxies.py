"""The proxies of `docs/proxy`: what is signed passes, what is theirs to stop ends there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from ingest.store.engine import transaction
from tests.factories import connect, signed
from tests.web.proxies import Proxy, caddy, heard, nginx
from tests.web.running import status

pytestmark = [pytest.mark.integration, pytest.mark.once]

BODY = b'{ "id":\t"evt-1",\r\n "text": "\xc3\xa9 \\u00e9", "zero": 1.0, "a":1, "a":2 } '
HEAD_WITHIN_S = 10.0
"""As the configurations say."""


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path, port: int) -> Iterator[Proxy]:
    with request.param(tmp_path, port) as running:
        yield running


def post(path: str, headers: dict[str, str], body: bytes, *, length: int | None = None) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    told = len(body) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{lines}content-length: {told}\r\n"
    return f"{head}connection: close\r\n\r\n".encode() + body


def received(client: httpx.Client) -> list[str]:
    """The lines of the receiver's metrics about requests that came to it."""
    lines = client.get("/metrics").text.splitlines()
    return [line for line in lines if line.startswith("ingest_received_total")]


def test_a_signed_delivery_passes_with_its_raw_bytes(proxy: Proxy, engine: sa.Engine) -> None:
    path = f"/webhooks/github/{connect(engine, 'github')}"
    long = BODY + b" " * 300_000
    for body in (BODY, long):
        assert status(proxy.ask(post(path, signed("github", body), body))) == 200
    with transaction(engine) as conn:
        rows = conn.execute(sa.text("SELECT body FROM lightfast_webhook_deliveries ORDER BY id"))
        assert [bytes(row.body) for row in rows] == [BODY, long]


def test_a_refusal_passes_too(proxy: Proxy) -> None:
    answer = proxy.ask(post("/webhooks/github", signed("github", BODY, "another"), BODY))
    assert status(answer) == 401
    assert b"does not match" in answer


def test_an_oversize_body_is_stopped_by_the_proxy(proxy: Proxy, client: httpx.Client) -> None:
    """It is not read either: what it says of itself is enough."""
    too_long = 25 * 2**20 + 1
    request = post("/webhooks/github", signed("github", BODY), BODY, length=too_long)
    with proxy.dial() as sender:
        sender.sendall(request)
        assert status(sender.recv(4096)) == 413
    assert not received(client)


def test_who_is_slow_is_stopped_by_the_proxy(proxy: Proxy, client: httpx.Client) -> None:
    """A head never reaches the receiver; nor does a body before it is whole, by nginx. Behind Caddy
    the receiver ends a slow body itself.
    """
    good = signed("github", BODY)
    with proxy.dial() as head, proxy.dial() as body:
        began = time.monotonic()
        head.sendall(b"POST /webhooks/github HTTP/1.1\r\nhost: localhost\r\nx: ")
        body.sendall(post("/webhooks/github", good, BODY, length=99_999))
        assert status(proxy.ask(post("/webhooks/github", good, BODY))) == 200
        assert status(heard(body)) in {0, 408}
        assert status(heard(head)) in {0, 408}
        assert HEAD_WITHIN_S - 2 < time.monotonic() - began < 60
    assert 'answer="accepted",source="github"} 1.0' in client.get("/metrics").text
    assert "ingest_dropped_connections_total{" not in client.get("/metrics").text


def test_a_huge_head_is_stopped_by_the_proxy(proxy: Proxy, client: httpx.Client) -> None:
    headers = signed("github", BODY) | {"x-huge": "v" * 60_000}
    assert status(proxy.ask(post("/webhooks/github", headers, BODY))) in {400, 431}
    assert not received(client)


def test_nothing_but_webhooks_is_reached_from_outside(proxy: Proxy) -> None:
    for request in (b"GET /metrics", b"GET /readyz", b"POST /healthz", b"GET /"):
        told = request + b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        assert status(proxy.ask(told)) == 404
    get = b"GET /webhooks/github HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    assert status(proxy.ask(get)) in {403, 404}


def test_nginx_keeps_slow_bodies_to_itself_and_bounds_what_one_address_may_do(
    tmp_path: Path, port: int, client: httpx.Client
) -> None:
    slow = post("/webhooks/github", signed("github", BODY), BODY, length=99_999)
    with nginx(tmp_path, port) as proxy, ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(proxy.dial()).sendall(slow)
        until = time.monotonic() + 5
        while status(proxy.ask(post("/webhooks/github", signed("github", BODY), BODY))) != 429:
            assert time.monotonic() < until
        assert all('answer="accepted"' in line for line in received(client))
