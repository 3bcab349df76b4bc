"""What a request awaits of the commit: its answer, its failure, or the end of its time."""

from __future__ import annotations

import asyncio

import pytest

from ingest.core.errors import TransientError, Unavailable
from ingest.web.promise import Promise

LATER_S = 60.0
SOON_S = 0.01


def promised(within_s: float) -> Promise:
    loop = asyncio.get_running_loop()
    return Promise(loop, loop.time() + within_s)


def test_an_answer_from_another_thread_reaches_the_one_who_waits() -> None:
    async def main() -> None:
        promise = promised(LATER_S)
        asyncio.get_running_loop().run_in_executor(None, promise.set_result, (7, True))
        assert await promise.kept() == (7, True)
        assert promise.done()

    asyncio.run(main())


def test_a_failure_reaches_the_one_who_waits() -> None:
    async def main() -> None:
        promise = promised(LATER_S)
        promise.set_exception(TransientError("the database is away"))
        with pytest.raises(TransientError, match="away"):
            await promise.kept()

    asyncio.run(main())


def test_when_time_is_up_the_sender_is_told_and_what_waits_is_not_stored() -> None:
    async def main() -> None:
        promise = promised(SOON_S)
        assert promise.set_running_or_notify_cancel()
        with pytest.raises(Unavailable, match="too long"):
            await promise.kept()
        assert not promise.set_running_or_notify_cancel()
        promise.set_result((7, True))  # the commit was under way: nobody hears of it
        await asyncio.sleep(0)

    asyncio.run(main())


def test_who_leaves_is_not_waited_for() -> None:
    async def main() -> None:
        promise = promised(LATER_S)
        waiting = asyncio.create_task(promise.kept())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not promise.set_running_or_notify_cancel()

    asyncio.run(main())


def test_an_answer_after_the_end_of_the_loop_is_no_error() -> None:
    async def main() -> Promise:
        return promised(LATER_S)

    promise = asyncio.run(main())
    promise.set_result((7, True))
    assert promise.done()
