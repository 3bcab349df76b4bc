"""Redis killed, vanished, emptied or full: slower and never wrong, and nobody hangs."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from ingest.budget.trust import AGAIN_S, LONGEST_REST_S, Trust
from ingest.core.errors import BudgetSpent
from tests.broker.servers import MASTER, Server, sentinel, server
from tests.budget.askers import (
    CALL,
    LIMIT,
    PER_S,
    SHARE,
    SLACK_S,
    asking,
    let_through,
    may,
    most_within,
    told,
)

pytestmark = pytest.mark.integration

SECONDS, LONG_S = 6.0, 60.0
OWN = SHARE // 4
LONGER, MINUTE = replace(LIMIT, per_s=2), replace(LIMIT, per_s=60)


def kill(redis: Server) -> None:
    redis.process.kill()
    redis.process.wait()


def empty(redis: Server) -> None:
    redis.tell("FLUSHALL")


def fill(redis: Server) -> None:
    redis.tell("CONFIG", "SET", "maxmemory", "1")


HARMS: list[Callable[[Server], None]] = [kill, Server.vanish, empty, fill]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_who_is_waited_for_goes_on_and_what_nobody_waits_for_rests_for_a_window(
    tmp_path: Path, harm: Callable[[Server], None]
) -> None:
    """What was asked before still counts at the provider: nothing more for a window of it."""
    with server(tmp_path) as redis, asking(redis.url, limits=[LONGER]) as budget:
        assert sum(may(budget) for _ in range(SHARE)) == SHARE
        harm(redis)
        began = time.monotonic()
        assert not may(budget)
        assert all(may(budget, background=False) for _ in range(30))
        assert time.monotonic() - began < LONGER.per_s - SLACK_S
        while not may(budget):
            time.sleep(0.01)
        assert time.monotonic() - began >= LONGER.per_s - SLACK_S


def test_without_redis_a_process_takes_a_quarter_of_the_share(tmp_path: Path) -> None:
    with server(tmp_path) as redis, asking(redis.url) as budget:
        assert may(budget)
        kill(redis)
        times = let_through(budget, seconds=4.0)
    assert most_within(times, PER_S - SLACK_S) <= OWN
    assert len(times) >= 2 * OWN


def test_a_redis_that_was_never_there_is_the_same() -> None:
    with asking("redis://127.0.0.1:1/0", limits=[LONGER]) as budget:
        assert may(budget, background=False)
        assert not may(budget)
        time.sleep(LONGER.per_s)
        assert sum(may(budget) for _ in range(SHARE)) == OWN


def test_what_the_provider_said_counts_without_redis(tmp_path: Path) -> None:
    with server(tmp_path) as redis, asking(redis.url, limits=[replace(LIMIT, per_s=9)]) as budget:
        told(budget, left=3, _for=9)
        kill(redis)
        with pytest.raises(BudgetSpent) as caught:
            budget.spend(CALL, background=True, begun=False)
        assert caught.value.retry_after_s == pytest.approx(9.0, abs=1.0)


def test_a_page_of_many_requests_comes_to_its_end_without_redis() -> None:
    pace = replace(LIMIT, amount=5, share=0.6)
    with asking("redis://127.0.0.1:1/0", limits=[pace]) as budget:
        assert not may(budget)
        time.sleep(PER_S)
        assert all(may(budget, begun=number > 0) for number in range(3))


def test_it_is_said_once_when_redis_goes_and_once_when_it_is_back(tmp_path: Path) -> None:
    with capture_logs() as logs, server(tmp_path) as redis, asking(redis.url) as budget:
        may(budget)
        os.kill(redis.process.pid, signal.SIGSTOP)
        for _ in range(20):
            may(budget)
            may(budget, background=False)
            told(budget, left=40, _for=1)
            time.sleep(0.05)
        os.kill(redis.process.pid, signal.SIGCONT)
        time.sleep(0.3)
        for _ in range(5):
            may(budget)
    said = [one["event"] for one in logs]
    assert said == ["shared_budget_lost", "shared_budget_found"]
    assert "127.0.0.1" not in str(logs)


def test_where_it_is_back_all_of_the_share_is_there_again(tmp_path: Path) -> None:
    with server(tmp_path) as redis, asking(redis.url) as budget:
        may(budget)
        empty(redis)
        times = let_through(budget, seconds=4 * PER_S)
    assert most_within(times, PER_S - SLACK_S) <= SHARE
    assert most_within(times, PER_S) > 2 * OWN


def test_the_next_server_counts_where_the_first_is_away(tmp_path: Path) -> None:
    with server(tmp_path) as first, server(tmp_path) as second:
        urls = (first.url, second.url)
        with asking(*urls) as one, asking(*urls) as other:
            assert [may(one), may(other)] == [True, True]
            kill(first)
            times = let_through(one, other, seconds=6 * PER_S)
    assert most_within(times, PER_S - SLACK_S) <= SHARE
    assert most_within(times, PER_S) > 2 * OWN


def test_sentinels_lead_to_the_primary(tmp_path: Path) -> None:
    with server(tmp_path) as redis, sentinel(tmp_path, redis) as watching:
        url = f"sentinel://127.0.0.1:{watching.port}/0?master_name={MASTER}"
        with asking(url, limits=[MINUTE]) as one, asking(redis.url, limits=[MINUTE]) as other:
            assert sum(may(one) + may(other) for _ in range(SHARE)) == SHARE


def test_a_socket_is_a_way_to_it_too(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    url = f"redis+socket://{path}?virtual_host=0"
    with (
        server(tmp_path, "--unixsocket", str(path)) as redis,
        asking(url, limits=[MINUTE]) as one,
        asking(redis.url, limits=[MINUTE]) as other,
    ):
        assert sum(may(one) + may(other) for _ in range(SHARE)) == SHARE


def test_a_socket_that_was_closed_meanwhile_is_no_outage(tmp_path: Path) -> None:
    with server(tmp_path) as redis, asking(redis.url) as budget, capture_logs() as logs:
        assert may(budget)
        redis.tell("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert may(budget)
    assert logs == []


# Whatever happens to Redis.


def test_four_processes_never_have_more_than_the_share_whatever_happens(tmp_path: Path) -> None:
    _storm(tmp_path, SECONDS, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_four_processes_never_have_more_than_the_share_for_long(tmp_path: Path, seed: int) -> None:
    _storm(tmp_path, LONG_S, seed=seed)


def _storm(directory: Path, seconds: float, *, seed: int) -> None:
    drawn, over = random.Random(seed), threading.Event()
    times: list[float] = []
    waited: list[float] = []
    with server(directory) as redis, ExitStack() as stack:
        budgets = [stack.enter_context(asking(redis.url)) for _ in range(4)]

        def ask(number: int) -> None:
            while not over.is_set():
                background, began = number % 3 > 0, time.time()
                if may(budgets[number % 4], background=background) and background:
                    times.append(began)
                waited.append(time.time() - began)
                time.sleep(0.003 if background else 0.2)

        with ThreadPoolExecutor(8) as threads:
            asked = [threads.submit(ask, number) for number in range(8)]
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(drawn.uniform(0.0, 2.5))
                _harm(redis, drawn)
            over.set()
            for one in asked:
                one.result(10)
    assert most_within(times, PER_S - SLACK_S) <= SHARE
    assert len(times) > SHARE
    assert max(waited) < 3.0


def _harm(redis: Server, drawn: random.Random) -> None:
    with suppress(RedisError):
        match drawn.randrange(3):
            case 0:
                empty(redis)
            case 1:
                redis.tell("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            case _:
                os.kill(redis.process.pid, signal.SIGSTOP)
                time.sleep(drawn.uniform(0.0, 1.5))
                os.kill(redis.process.pid, signal.SIGCONT)


# What a process believes.


def test_an_hour_is_not_waited_for_since_headers_tell_of_it() -> None:
    trust = Trust()
    trust.find("a", 0.0)
    trust.lose(100.0, "away")
    assert trust.rest_s(3600, 100.0) == LONGEST_REST_S
    assert trust.rest_s(1, 100.5) == 0.5
    assert trust.rest_s(3600, 100.0 + LONGEST_REST_S) == 0.0
    assert not trust.may_ask(100.0)
    assert trust.may_ask(100.0 + AGAIN_S)


def test_it_is_believed_again_after_a_window_of_its_return() -> None:
    trust = Trust()
    trust.find("a", 0.0)
    assert trust.is_whole(10, 0.0)
    trust.lose(5.0, "away")
    trust.lose(50.0, "away")
    trust.find("a", 55.0)
    assert (trust.rest_s(10, 55.0), trust.is_whole(10, 64.9)) == (0.0, False)
    assert trust.is_whole(10, 65.0)


def test_one_that_forgot_rests_once_more() -> None:
    trust = Trust()
    trust.find("a", 0.0)
    trust.find("b", 10.0)
    assert trust.rest_s(30, 10.0) == 30.0
    assert trust.is_whole(30, 40.0)
