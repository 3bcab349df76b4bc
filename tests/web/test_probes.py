"""What anybody may ask of the database, it is asked once at a time."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.core.errors import Unavailable
from ingest.web.probes import Shared


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
