"""Turns of large bodies: bounded together, each connection to its share, in order of arrival."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import Unavailable
from ingest.web.room import LargeRoom, Rooms


def run(main: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(main())


def test_who_does_not_fit_waits_for_his_turn() -> None:
    async def main() -> None:
        room = LargeRoom(10, most_each=10)
        await room.enter("a", 6)
        second = asyncio.create_task(room.enter("b", 6))
        third = asyncio.create_task(room.enter("c", 2))
        await asyncio.sleep(0)
        assert not second.done()
        await asyncio.sleep(0.01)
        assert not third.done(), "a small one overtakes, and the large ones wait for ever"
        room.leave("a", 6)
        await asyncio.gather(second, third)

    run(main)


def test_who_waits_too_long_is_asked_to_come_back_and_holds_nothing() -> None:
    async def main() -> None:
        room = LargeRoom(10, most_each=10, within_s=0.01)
        await room.enter("a", 10)
        for _ in range(3):
            with pytest.raises(Unavailable, match="large bodies"):
                await room.enter("b", 1)
        room.leave("a", 10)
        await room.enter("b", 10)

    run(main)


def test_whoever_gives_up_lets_the_next_one_pass() -> None:
    async def main() -> None:
        room = LargeRoom(10, most_each=10)
        await room.enter("a", 6)
        impatient = asyncio.create_task(room.enter("b", 9))
        next_one = asyncio.create_task(room.enter("c", 4))
        await asyncio.sleep(0)
        impatient.cancel()
        with suppress(asyncio.CancelledError):
            await impatient
        await asyncio.wait_for(next_one, 5)

    run(main)


def test_one_whose_turn_came_as_he_gave_up_holds_nothing() -> None:
    async def main() -> None:
        room = LargeRoom(10, most_each=10)
        await room.enter("a", 10)
        leaving = asyncio.create_task(room.enter("b", 10))
        await asyncio.sleep(0)
        room.leave("a", 10)
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        await asyncio.wait_for(room.enter("c", 10), 5)

    run(main)


def test_a_connection_that_has_its_share_lets_others_pass() -> None:
    async def main() -> None:
        room = LargeRoom(10, most_each=5)
        await room.enter("greedy", 5)
        more = asyncio.create_task(room.enter("greedy", 1))
        await asyncio.sleep(0)
        await asyncio.wait_for(room.enter("other", 5), 5)
        assert not more.done()
        room.leave("greedy", 5)
        await asyncio.wait_for(more, 5)

    run(main)


def test_one_body_of_the_largest_size_always_fits() -> None:
    async def main() -> None:
        rooms = Rooms(100, small=1, large=1)
        for id_ in (None, "c1"):
            with rooms.place(id_) as place:
                await asyncio.wait_for(place.enlarge(100), 5)

    run(main)


def test_everybodys_route_takes_nothing_of_what_connections_have() -> None:
    async def main() -> None:
        rooms = Rooms(100, large=200)
        with (
            rooms.place(None) as one,
            rooms.place(None) as two,
            rooms.place("c1") as own,
        ):
            await one.enlarge(100)
            await two.enlarge(100)
            await asyncio.wait_for(own.enlarge(100), 5)

    run(main)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 8), st.booleans()),
        max_size=20,
    )
)
def test_never_more_than_there_is_and_in_the_end_everything_is_back(
    bodies: list[tuple[str, int, bool]],
) -> None:
    """Whoever comes in whatever order, and leaves or gives up."""
    held = dict.fromkeys("abc", 0)

    async def one(room: LargeRoom, whose: str, size: int) -> None:
        await room.enter(whose, size)
        held[whose] += size
        assert sum(held.values()) <= 8
        assert held[whose] <= max(4, size)
        await asyncio.sleep(0)
        held[whose] -= size
        room.leave(whose, size)

    async def main() -> None:
        room = LargeRoom(8, most_each=4)
        tasks = []
        for whose, size, gives_up in bodies:
            task = asyncio.create_task(one(room, whose, size))
            await asyncio.sleep(0)
            if gives_up and not held[whose]:
                task.cancel()
            tasks.append(task)
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        await asyncio.wait_for(room.enter("d", 8), 5)

    run(main)
