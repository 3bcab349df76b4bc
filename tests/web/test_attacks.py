"""What strangers did to a receiver so that honest deliveries waited for 30 s, and may do no more.

Each attack runs beside an honest sender, who has to be answered all the while, in a process whose
memory is watched. The heavy versions are marked slow.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ingest.sources.registry import all_sources
from ingest.store.upgrade import upgrade
from ingest.web.peers import MOST_PEERS
from ingest.web.room import LARGE_ROOM_BYTES, SMALL_BODY_BYTES, SMALL_ROOM_BYTES
from tests.factories import connect
from tests.web.attacked import (
    Attacked,
    attacked,
    deliver,
    descriptors,
    flood,
    forged,
    head,
    send,
    strangers,
)
from tests.web.running import heard, status

pytestmark = [pytest.mark.integration, pytest.mark.once]

EVERYBODYS = "/webhooks/github"
HALF = b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\n"
MIB = 2**20
LARGEST = 25 * MIB
ROOM_MIB = 100
"""What an attack may add to a receiver's memory: far less than it sends, on any machine."""


@pytest.fixture
def target(
    database_url: str, engine: sa.Engine, redis_url: str, tmp_path: Path
) -> Iterator[Attacked]:
    upgrade(engine, list(all_sources()))
    with attacked(database_url, redis_url, tmp_path) as running:
        yield running


@pytest.fixture
def own(engine: sa.Engine) -> str:
    """The route of a connection."""
    return f"{EVERYBODYS}/{connect(engine, 'github')}"


def test_heads_without_an_end_take_no_memory(target: Attacked, own: str) -> None:
    """A gigabyte of them was kept."""
    _send_endless_heads(target, own, connections=100, kib_each=640)


@pytest.mark.slow
def test_a_gigabyte_of_heads_takes_no_memory(target: Attacked, own: str) -> None:
    for _ in range(4):
        _send_endless_heads(target, own, connections=256, kib_each=1024)


def _send_endless_heads(target: Attacked, own: str, *, connections: int, kib_each: int) -> None:
    before = target.peak_mib()
    lines = b"".join(b"x-%d: %s\r\n" % (n, b"v" * 1000) for n in range(32))
    with strangers(target.port, connections, HALF, *[lines] * (kib_each // 32)):
        deliver(target.port, own).assert_prompt()
    with strangers(target.port, connections, HALF + b"x: ", *[b"v" * 65536] * (kib_each // 64)):
        deliver(target.port, own).assert_prompt()
    assert target.peak_mib() - before < ROOM_MIB
    assert 'reason="head_too_large"' in target.metrics()


def test_eleven_hundred_half_heads_are_in_nobodys_way(target: Attacked, own: str) -> None:
    """They took every file descriptor that there was."""
    with strangers(target.port, descriptors(1100), HALF) as opened:
        deliver(target.port, own).assert_prompt()
        deliver(target.port, EVERYBODYS).assert_prompt()
        assert len(opened) > 200


@pytest.mark.slow
def test_more_connections_than_there_are_descriptors_are_in_nobodys_way(
    target: Attacked, own: str
) -> None:
    before = target.peak_mib()
    count = descriptors(MOST_PEERS + 2000)
    with strangers(target.port, count, HALF, b"x: " + b"v" * 30_000):
        deliver(target.port, own, 20).assert_prompt()
    assert target.peak_mib() - before < 2 * ROOM_MIB
    idle = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    with strangers(target.port, count, idle):
        deliver(target.port, own, 20).assert_prompt()
    reasons = target.metrics()
    assert 'reason="too_many_heads"' in reasons or count < MOST_PEERS


def test_large_bodies_of_strangers_are_not_even_read(target: Attacked, own: str) -> None:
    """Ten slow ones to a source that there is not made everybody wait for 30 s."""
    before = target.peak_mib()
    unsigned = {"content-type": "application/json", "x-github-event": "push"}
    wrong = [
        head("/webhooks/gitea", LARGEST, {}),
        head(EVERYBODYS, LARGEST, {"content-type": "text/xml"}),
        head(EVERYBODYS, LARGEST, unsigned),
        head(EVERYBODYS, LARGEST, unsigned | {"x-github-delivery": "d"}),
        forged(f"{EVERYBODYS}/{uuid.uuid4()}", LARGEST),
        forged("/webhooks/zendesk", LARGEST),
        forged(own, LARGEST + 1),
    ]
    for one in wrong:
        with strangers(target.port, 10, one, b"{" * 65536) as opened:
            deliver(target.port, own, 2).assert_prompt()
            told = {status(stranger.recv(4096)) for stranger in opened}
            assert told <= {400, 401, 404, 413, 415}
    assert target.peak_mib() - before < ROOM_MIB / 2


def test_slow_bodies_that_may_be_believed_are_bounded_and_small_ones_pass(
    target: Attacked, own: str
) -> None:
    """On everybody's route anybody may send what looks signed."""
    before = target.peak_mib()
    large = b'{"id":"%s","pad":"%s"}' % (b"l" * 9, b"x" * (2 * SMALL_BODY_BYTES))
    with strangers(target.port, 50, forged(EVERYBODYS, LARGEST), b"{"):
        deliver(target.port, EVERYBODYS, 2, body=large).assert_prompt()
    almost = b"{" * (LARGEST - 1)
    with strangers(target.port, 12, forged(EVERYBODYS, LARGEST), almost) as opened:
        deliver(target.port, EVERYBODYS).assert_prompt()
        deliver(target.port, own).assert_prompt()
        deliver(target.port, own, 2, body=large).assert_prompt()
        assert {status(heard(one)) for one in opened} <= {408, 503}
    assert target.peak_mib() - before < LARGE_ROOM_BYTES / MIB + ROOM_MIB


def test_many_slow_small_bodies_make_way_for_honest_ones(target: Attacked, own: str) -> None:
    before = target.peak_mib()
    count = descriptors(4 * SMALL_ROOM_BYTES // SMALL_BODY_BYTES + 20)
    almost = b"{" * (SMALL_BODY_BYTES - 1)
    with strangers(target.port, count, forged(EVERYBODYS, SMALL_BODY_BYTES), almost) as opened:
        deliver(target.port, EVERYBODYS).assert_prompt()
        deliver(target.port, own).assert_prompt()
        assert status(heard(opened[0])) == 408
    assert target.peak_mib() - before < SMALL_ROOM_BYTES / MIB + ROOM_MIB


def test_random_ids_of_connections_hold_nobody_up(target: Attacked, own: str) -> None:
    """Each was looked up alone, one after the other, and honest ones behind them."""
    unknown = [forged(f"{EVERYBODYS}/{uuid.uuid4()}", 2) + b"{}" for _ in range(1500)]
    statuses: list[int] = []
    flooding = threading.Thread(target=lambda: statuses.extend(flood(target.port, unknown)))
    flooding.start()
    deliver(target.port, own, 10).assert_prompt()
    flooding.join()
    assert set(statuses) == {404}
    _assert_few_lines(target)


def test_what_is_refused_in_masses_is_counted_and_seldom_logged(target: Attacked, own: str) -> None:
    wrong = [forged(own, 2) + b"{}"] * 300
    nonsense = [b"nonsense\r\n\r\n"] * 300
    assert set(flood(target.port, wrong)) == {401}
    assert set(flood(target.port, nonsense)) == {400}
    deliver(target.port, own).assert_prompt()
    _assert_few_lines(target)
    counted = target.metrics()
    assert 'ingest_received_total{answer="401",source="github"} 300.0' in counted
    assert 'ingest_dropped_connections_total{reason="not_http"} 300.0' in counted
    assert "0" * 64 not in "".join(target.lines())


def _assert_few_lines(target: Attacked) -> None:
    lines = target.lines()
    assert len(lines) < 200, lines[-20:]


def test_bodies_before_their_secrets_are_known_wait_outside(
    target: Attacked, database_url: str
) -> None:
    """The database hangs, so nobody is known: what is sent meanwhile is not kept."""
    before = target.peak_mib()
    path = f"{EVERYBODYS}/{uuid.uuid4()}"
    with psycopg.connect(database_url) as conn:
        conn.execute("LOCK TABLE lightfast_source_credentials IN ACCESS EXCLUSIVE MODE")
        waiting = forged(path, SMALL_BODY_BYTES)
        with strangers(target.port, 300, waiting, b"{" * (SMALL_BODY_BYTES - 1)) as opened:
            assert status(heard(opened[-1])) == 503
            assert target.peak_mib() - before < ROOM_MIB / 2
            deliver(target.port, EVERYBODYS).assert_prompt()


def test_what_asks_the_database_for_anybody_asks_once_at_a_time(target: Attacked, own: str) -> None:
    routes = (b"/metrics", b"/metrics/database", b"/readyz")
    asking = [b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % route for route in routes] * 200
    statuses: list[int] = []
    flooding = threading.Thread(
        target=lambda: statuses.extend(flood(target.port, asking, lines=100))
    )
    flooding.start()
    deliver(target.port, own).assert_prompt()
    flooding.join()
    assert set(statuses) == {200}


def test_requests_in_a_row_and_headers_behind_a_body_take_no_memory(
    target: Attacked, own: str
) -> None:
    """What one connection makes the parser keep: queued requests, and trailers."""
    before = target.peak_mib()
    many = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 8_000
    with strangers(target.port, 100, many):
        deliver(target.port, own).assert_prompt()
    chunked = b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    with strangers(target.port, 100, chunked, *[b"x: y\r\n" * 10_000] * 10):
        deliver(target.port, own).assert_prompt()
    assert target.peak_mib() - before < ROOM_MIB


def _half_heads(target: Attacked, over: threading.Event) -> None:
    with strangers(target.port, descriptors(500), HALF):
        over.wait(1)


def _endless_heads(target: Attacked, over: threading.Event) -> None:
    with strangers(target.port, 50, HALF, *[b"x: " + b"v" * 65536] * 20):
        over.wait(0.1)


def _slow_bodies(target: Attacked, over: threading.Event) -> None:
    with strangers(target.port, 30, forged(EVERYBODYS, LARGEST)) as opened:
        for one in opened * 20:
            send(one, b"{" * 1000)
            over.wait(0.01)


def _random_ids(target: Attacked, _over: threading.Event) -> None:
    flood(target.port, [forged(f"{EVERYBODYS}/{uuid.uuid4()}", 2) + b"{}" for _ in range(500)])


ATTACKS = (_half_heads, _endless_heads, _slow_bodies, _random_ids)


@pytest.mark.slow
def test_all_of_it_at_once_again_and_again(target: Attacked, own: str) -> None:
    """Half heads, endless heads, slow bodies and random ids, again and again."""
    before = target.peak_mib()
    over = threading.Event()

    def again_and_again(attack: Callable[[Attacked, threading.Event], None]) -> None:
        while not over.is_set():
            attack(target, over)

    attackers = [threading.Thread(target=again_and_again, args=(one,)) for one in ATTACKS]
    for one in attackers:
        one.start()
    try:
        for _ in range(30):
            deliver(target.port, own, 3).assert_prompt()
            over.wait(0.5)
    finally:
        over.set()
        for one in attackers:
            one.join()
    assert target.peak_mib() - before < 2 * ROOM_MIB
