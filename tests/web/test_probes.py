"""What anybody may ask of the database, it is asked once at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa

from ingest.core.errors import Unavailable
from ingest.sources.registry import all_sources
from ingest.store.engine import connect
from ingest.store.upgrade import upgrade
from ingest.web.probes import Shared
from tests.black_hole import proxied
from tests.store.test_sessions import set_here
from tests.web.running import receiver


def test_whoever_comes_while_a_call_is_under_way_shares_it() -> None:
    calls: list[int] = []
    go_on = threading.Event()

    def call() -> int:
        calls.append(len(calls))
        go_on.wait(20)
        return len(calls)

    async def main() -> None:
        with ThreadPoolExecutor(4) as threads:
            shared = Shared(call, threads)
            asking = [asyncio.create_task(shared.get()) for _ in range(50)]
            await asyncio.sleep(0.01)
            asking.pop().cancel()
            go_on.set()
            assert await asyncio.gather(*asking) == [1] * 49
            assert await shared.get() == 2

    asyncio.run(main())


def test_a_failure_is_told_to_all_and_kept_for_nobody() -> None:
    answers = iter([True, False])

    def call() -> str:
        if next(answers):
            raise Unavailable("the database is away")
        return "here"

    async def main() -> None:
        with ThreadPoolExecutor(1) as threads:
            shared = Shared(call, threads)
            with pytest.raises(Unavailable):
                await shared.get()
            assert await shared.get() == "here"

    asyncio.run(main())


@pytest.mark.integration
def test_a_database_that_can_only_be_read_is_not_ready(
    engine: sa.Engine, database_url: str
) -> None:
    """Bug: 200 was answered while no delivery could be stored."""
    upgrade(engine, list(all_sources()))
    set_here(database_url, "default_transaction_read_only = on")
    with receiver(database_url, lambda _: None) as port:
        answer = _ready(port)
        assert (answer.status_code, "can only be read" in answer.text) == (503, True)
        set_here(database_url, "default_transaction_read_only = off")
        assert _ready(port).status_code == 200


@pytest.mark.integration
def test_a_silent_database_is_not_ready_within_five_seconds(database_url: str) -> None:
    made = connect(database_url)
    upgrade(made, list(all_sources()))
    made.dispose()
    with proxied(database_url) as proxy, receiver(proxy.url, lambda _: None) as port:
        assert _ready(port).status_code == 200
        proxy.passing.clear()
        for _ in range(2):
            began = time.monotonic()
            assert _ready(port).status_code == 503
            assert time.monotonic() - began < 6
        proxy.passing.set()
        assert _ready(port).status_code == 200


def _ready(port: int) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=20, trust_env=False)
