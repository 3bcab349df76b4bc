"""What is left of providers' limits, as the metrics tell it: the least of all, nothing false."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from ingest.broker.broker import broker_of
from ingest.budget.left import limits_left
from ingest.budget.line import tallies_of
from ingest.budget.shared import SharedBudgets
from ingest.budget.trust import Trust
from ingest.sources.limits import Limit
from ingest.web.database_metrics import DatabaseMetrics
from tests.broker.servers import server
from tests.budget.askers import asking, limited_by, told

pytestmark = pytest.mark.integration

HOUR = Limit("an hour", 5000, 3600)
SECOND = Limit("a second", 10, 1)
NAME = "ingest_provider_limit"


class Page:
    """A receiver's page, read anew each time."""

    def __init__(self, budgets: SharedBudgets, limit: Limit) -> None:
        source = limited_by(limit)
        self._page = DatabaseMetrics(lambda: limits_left(budgets, [source]))

    def lines(self) -> list[str]:
        lines = self._page.text().decode().splitlines()
        assert "ingest_database_up 1.0" in lines, "the database is well, whatever Redis is"
        return [line for line in lines if line.startswith(NAME)]


@contextmanager
def page_of(url: str, limit: Limit = HOUR) -> Iterator[Page]:
    budgets = SharedBudgets(lambda: tallies_of(broker_of(url)), trust=Trust(0.1))
    yield Page(budgets, limit)
    budgets.close()


@pytest.fixture
def page(redis_url: str) -> Iterator[Page]:
    with page_of(redis_url) as made:
        yield made


def said(remaining: int, amount: int = 5000) -> list[str]:
    labels = '{limit="an hour",source="notion"}'
    return [f"{NAME}_remaining{labels} {remaining}.0", f"{NAME}_amount{labels} {amount}.0"]


def hear(url: str, given: str, *, limit: Limit = HOUR, **headers: int) -> None:
    with asking(url, limits=[limit], given=given) as budget:
        told(budget, **headers)


def test_of_all_tokens_the_one_with_the_least_left_is_told(redis_url: str, page: Page) -> None:
    assert page.lines() == []
    hear(redis_url, "one", left=4000, for_=600)
    assert page.lines() == said(4000)
    hear(redis_url, "another", left=90, for_=600, of=1000)
    hear(redis_url, "a third", left=3000, for_=600)
    assert page.lines() == said(90, 1000)
    assert "another" not in "".join(page.lines())
    hear(redis_url, "another", left=4999, for_=600, of=1000)
    assert page.lines() == said(3000)


def test_what_is_whole_again_is_told_no_more_and_forgotten(redis_url: str, page: Page) -> None:
    for token in range(150):
        hear(redis_url, f"token {token}", left=1, for_=1)
    hear(redis_url, "one", left=70, for_=600)
    time.sleep(1.1)
    assert page.lines() == said(70)
    with Redis.from_url(redis_url) as redis:
        (kept,) = redis.keys("*:left")
        assert redis.zcard(kept) == 51, "the hundred that were looked at are forgotten"
        assert 0 < redis.ttl(kept) <= 86_400
        redis.flushdb()
    assert page.lines() == []


def test_a_limit_of_a_second_says_nothing_to_who_looks_every_quarter_of_a_minute(
    redis_url: str,
) -> None:
    hear(redis_url, "one", limit=SECOND, left=1, for_=1)
    with page_of(redis_url, SECOND) as page:
        assert page.lines() == []


def test_without_redis_nothing_is_told_and_nobody_waits(tmp_path: Path) -> None:
    with server(tmp_path) as redis, page_of(redis.url) as page:
        hear(redis.url, "one", left=3, for_=600)
        assert page.lines() == said(3)
        redis.process.kill()
        redis.process.wait()
        began = time.monotonic()
        assert page.lines() == []
        assert page.lines() == []
        assert time.monotonic() - began < 3
