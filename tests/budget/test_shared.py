"""Who may ask: of all processes together no more than the share; whoever is waited for, always."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from redis import Redis

from ingest.core.errors import BudgetSpent
from ingest.sources.limits import Limit
from tests.broker.servers import server
from tests.budget.askers import (
    BEGUN,
    CALL,
    LIMIT,
    PER_S,
    SHARE,
    SLACK_S,
    ask_for,
    asking,
    may,
    most_within,
    told,
)

pytestmark = pytest.mark.integration

MINUTE = replace(LIMIT, per_s=60)
SECONDS = 3.3


def test_processes_and_threads_together_never_have_more_than_the_share(redis_url: str) -> None:
    spawning = get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawning) as processes, ThreadPoolExecutor(4) as threads:
        asked = [pool.submit(ask_for, redis_url, SECONDS) for pool in (processes, threads) * 2]
        times = [at for one in asked for at in one.result(60)]
    assert most_within(times, PER_S - SLACK_S) <= SHARE
    assert len(times) >= 2 * SHARE, "it does not stand still either"


def test_who_is_waited_for_always_leaves_and_counts(redis_url: str) -> None:
    with asking(redis_url, limits=[MINUTE]) as one, asking(redis_url, limits=[MINUTE]) as other:
        assert all(may(one, background=False) for _ in range(SHARE - 3))
        assert [may(other) for _ in range(4)] == [True, True, True, False]
        assert all(may(other, background=False) for _ in range(100))
        assert not may(one)


def test_a_page_that_has_begun_may_take_half_of_what_is_left_to_the_living(redis_url: str) -> None:
    with asking(redis_url, limits=[MINUTE]) as budget:
        while may(budget):
            pass
        assert sum(may(budget, begun=True) for _ in range(99)) == BEGUN - SHARE
        assert not may(budget)


def test_a_page_waits_until_there_is_enough_for_a_page(redis_url: str) -> None:
    """Not until a single request of it may leave: the page would be asked for again and again."""
    with asking(redis_url, limits=[replace(LIMIT, per_s=3)]) as budget:
        for _ in range(SHARE):
            assert may(budget)
            time.sleep(0.01)
        with pytest.raises(BudgetSpent) as caught:
            budget.spend(CALL, background=True, begun=False)
        assert caught.value.retry_after_s is not None
        time.sleep(caught.value.retry_after_s)
        assert sum(may(budget) for _ in range(SHARE)) >= SHARE // 2


def test_of_two_limits_the_shorter_one_counts_first_and_each_once(redis_url: str) -> None:
    hour, short = Limit("hour", 100, 3600), Limit("short", 5, 5, share=0.6)
    with asking(redis_url, limits=[hour, short]) as budget:
        assert sum(may(budget) for _ in range(30)) == 3
        with Redis.from_url(redis_url) as client:
            (key,) = client.keys("ingest:budget:notion:hour:*")
            assert client.llen(key) == 3


def test_within_a_page_the_pace_of_a_second_is_kept_and_nothing_thrown_away(
    redis_url: str,
) -> None:
    pace = Limit("pace", 5, 1, share=0.6)
    with asking(redis_url, limits=[pace]) as budget:
        began = time.monotonic()
        assert all(may(budget, begun=number > 0) for number in range(10))
        assert 1.0 < time.monotonic() - began < 6.0


def test_nobody_waits_where_a_page_has_not_begun(redis_url: str) -> None:
    with asking(redis_url, limits=[Limit("short", 5, 5, share=0.6)]) as budget:
        began = time.monotonic()
        assert sum(may(budget) for _ in range(50)) == 3
        assert time.monotonic() - began < 4.0


def test_a_weight_counts_as_so_many(redis_url: str) -> None:
    heavy = Limit("points", 100, 60, lambda _call: 30, share=0.7)
    with asking(redis_url, limits=[heavy]) as budget:
        assert [may(budget) for _ in range(3)] == [True, True, False]


# What the provider says.


def test_what_a_provider_says_is_left_stops_all_processes_until_it_resets(redis_url: str) -> None:
    """Somebody else spends of it too, so that its count is lower than ours."""
    with asking(redis_url, limits=[MINUTE]) as one, asking(redis_url, limits=[MINUTE]) as other:
        told(one, left=12, _for=2)
        with pytest.raises(BudgetSpent) as caught:
            other.spend(CALL, background=True, begun=False)
        assert caught.value.retry_after_s is not None
        assert 1.0 < caught.value.retry_after_s <= 2.0
        assert may(other, background=False)
        time.sleep(caught.value.retry_after_s)
        assert may(other)


def test_what_is_left_beyond_the_reserve_may_be_had(redis_url: str) -> None:
    with asking(redis_url, limits=[MINUTE]) as budget:
        told(budget, left=13, _for=50)
        assert may(budget)
        told(budget, left=12, _for=50)
        assert not may(budget)
        assert may(budget, begun=True)
        told(budget, left=6, _for=50)
        assert not may(budget, begun=True)


def test_a_larger_limit_than_is_published_is_used_and_remembered(redis_url: str) -> None:
    with asking(redis_url, limits=[replace(MINUTE, per_s=3)]) as budget:
        told(budget, left=99, _for=1, of=100)
        assert sum(may(budget) for _ in range(200)) == 70
        time.sleep(3.1)
        assert sum(may(budget) for _ in range(200)) == 70


def test_a_limit_that_nobody_publishes_is_the_providers_to_tell(redis_url: str) -> None:
    unknown = Limit("requests", 0, 60, lambda _call: 0)
    with asking(redis_url, limits=[unknown]) as budget:
        assert all(may(budget) for _ in range(50))
        told(budget, left=30, _for=50, of=100)
        assert not may(budget)


def test_what_comes_back_steadily_is_there_again_before_the_reset(redis_url: str) -> None:
    steady = Limit("requests", 360, 36, share=0.9, refills=True)  # ten a second
    with asking(redis_url, limits=[steady]) as budget:
        told(budget, left=32, _for=36)
        with pytest.raises(BudgetSpent) as caught:
            budget.spend(CALL, background=True, begun=False)
        assert caught.value.retry_after_s is not None
        assert caught.value.retry_after_s < 5.0
        time.sleep(1.0)
        assert may(budget)


def test_no_reset_lies_further_than_a_window(redis_url: str) -> None:
    """Whatever the unit of the header: milliseconds that were taken for seconds are 50 years."""
    with asking(redis_url, limits=[MINUTE]) as budget:
        told(budget, left=0, _for=10**9)
        with pytest.raises(BudgetSpent) as caught:
            budget.spend(CALL, background=True, begun=False)
        assert caught.value.retry_after_s == pytest.approx(60.0, abs=1.0)


# Whose it is.


def test_tokens_do_not_share_what_is_a_tokens_own_and_share_what_is_their_owners(
    redis_url: str,
) -> None:
    owned = replace(MINUTE, owner=lambda _metadata, given: given.partition("-")[0])
    for limit, shared in ((MINUTE, False), (owned, True)):
        with (
            asking(redis_url, limits=[limit], given="app-1") as one,
            asking(redis_url, limits=[limit], given="app-2") as other,
        ):
            while may(one):
                pass
            assert may(other) is not shared


def test_redis_holds_no_token(redis_url: str) -> None:
    secret = "a-token-that-nobody-may-read"
    with asking(redis_url, given=secret) as budget:
        may(budget)
        told(budget, left=3, _for=9)
    with Redis.from_url(redis_url) as client:
        kept = [*client.keys(), *(client.get(key) for key in client.keys("*:told"))]
    assert kept
    assert secret.encode() not in b" ".join(map(bytes, kept))


def test_what_is_counted_is_forgotten_with_its_window(tmp_path: Path) -> None:
    with server(tmp_path) as redis, asking(redis.url) as budget:
        may(budget)
        time.sleep(PER_S + 0.5)
        assert redis.tell("KEYS", "*:requests:*") == []
