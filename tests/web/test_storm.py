"""A storm over every route of every source: never a 5xx, nothing unverified stored, all ended."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.sources.registry import all_sources
from tests.factories import METADATA, SECRET, connect
from tests.web.running import LIMIT, receiver, speak, status
from tests.web.storm import Door, garbage, large, refused, storable, unbelievable

pytestmark = [pytest.mark.integration, pytest.mark.once]

HTTP = set(range(100, 500))


@pytest.fixture
def open_port(database_url: str) -> Iterator[int]:
    """A receiver with an app-wide secret of every source."""
    everybody = dict.fromkeys(all_sources(), (SECRET,))
    with receiver(database_url, lambda _queue: None, app_wide=everybody) as listening:
        yield listening


def doors(engine: sa.Engine, source_type: str) -> list[Door]:
    """The source's routes: its connection's own, and the app-wide one where it has one."""
    own = Door(source_type, f"/webhooks/{source_type}/{connect(engine, source_type)}")
    if not all_sources()[source_type].descriptor.signs_for_all_tenants:
        return [own]
    return [own, Door(source_type, f"/webhooks/{source_type}")]


@pytest.mark.parametrize("source_type", METADATA)
def test_no_route_of_a_source_is_hurt_by_a_storm(
    engine: sa.Engine, database_url: str, open_port: int, source_type: str
) -> None:
    for door in doors(engine, source_type):
        before = steady_rows(database_url)
        for what, request in unbelievable(door):
            assert status(speak(open_port, request)) in {0, 400, 401, 431}, (door.path, what)
        assert rows(database_url) == before, "an unverified body is stored"
        for what, request, allowed in refused(door):
            assert status(speak(open_port, request)) in allowed, (door.path, what)
        for what, parts in large(door, LIMIT):
            assert status(speak(open_port, *parts)) == 413, (door.path, what)
        before = rows(database_url)
        accepted = 0
        for what, request, body in storable(door):
            answer = speak(open_port, request)
            assert status(answer) in {200, 400}, (door.path, what, body[:80])
            accepted += b'"accepted"' in answer
        assert accepted > 10
        assert rows(database_url) == before + accepted
        for what, told in garbage(door):
            assert statuses(throw(open_port, told)) <= HTTP, (door.path, what)
    assert httpx.get(f"http://127.0.0.1:{open_port}/healthz", trust_env=False).status_code == 200
    drain_deliveries(engine, go_on=lambda: True)
    assert unfinished(database_url) == []


def test_the_route_that_a_source_does_not_have_takes_nothing(
    database_url: str, open_port: int
) -> None:
    for source_type, found in all_sources().items():
        if not found.descriptor.signs_for_all_tenants:
            door = Door(source_type, f"/webhooks/{source_type}")
            for what, request, _ in storable(door):
                assert status(speak(open_port, request)) == 404, (source_type, what)
    assert rows(database_url) == 0


def throw(port: int, told: bytes) -> bytes:
    """Send it and say no more; what is answered."""
    heard = b""
    with (
        suppress(ConnectionError),
        socket.create_connection(("127.0.0.1", port), timeout=20) as client,
    ):
        client.sendall(told)
        client.shutdown(socket.SHUT_WR)
        while part := client.recv(65536):
            heard += part
    return heard


def statuses(answers: bytes) -> set[int]:
    """Of all answers on a connection; none where it was hung up, as what is no HTTP deserves."""
    return {int(code) for code in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answers)}


def rows(database_url: str) -> int:
    """How many deliveries are stored."""
    with psycopg.connect(database_url) as conn:
        found = conn.execute("SELECT count(*) FROM lightfast_webhook_deliveries").fetchone()
    assert found is not None
    return int(found[0])


def steady_rows(database_url: str) -> int:
    """The same once it rests: what a sender signed before he hung up is stored after he left."""
    counted = -1
    while counted != (now := rows(database_url)):
        counted = now
        time.sleep(0.3)
    return counted


def unfinished(database_url: str) -> list[tuple[int, str, str | None]]:
    """Deliveries without an end, or whose end is a fault of ours."""
    with psycopg.connect(database_url) as conn:
        return conn.execute(
            "SELECT id, status, coalesce(reason, last_error) FROM lightfast_webhook_deliveries"
            " WHERE status NOT IN ('processed', 'skipped', 'duplicate', 'dead')"
            "    OR reason ~ 'adapter fault|took its worker|database refuses'"
        ).fetchall()
