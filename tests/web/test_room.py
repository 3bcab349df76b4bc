"""Turns of large bodies: bounded together, each connection to its share, in order of arrival."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import BadRequest, Unavailable
from ingest.web.large_room import HURRY_BYTES, LargeRoom
from ingest.web.room import SMALL_BODY_BYTES, Rooms


@dataclass(eq=False)
class Someone:
    """A body that only notes what is done to it."""

    whose: str
    came: int = 0
    timer: asyncio.Timeout | None = None
    told: list[str] = field(default_factory=list)

    def send_off(self) -> None:
        self.told.append("sent off")


class Door:
    """A room, and who went in."""

    def __init__(
        self, limit: int, *, most_each: int, within_s: float = 20.0, hurry_s: float = 20.0
    ) -> None:
        self.room = LargeRoom(limit, most_each=most_each, within_s=within_s, hurry_s=hurry_s)

    async def enter(self, whose: str, size: int) -> Someone:
        made = Someone(whose)
        await self.room.enter(made, size)
        return made

    def later(self, whose: str, size: int) -> asyncio.Task[Someone]:
        return asyncio.create_task(self.enter(whose, size))


def run(main: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(main())


def test_who_does_not_fit_waits_for_his_turn() -> None:
    async def main() -> None:
        door = Door(10, most_each=10)
        first = await door.enter("a", 6)
        second, third = door.later("b", 6), door.later("c", 2)
        await asyncio.sleep(0.01)
        assert not second.done()
        assert not third.done(), "a small one overtakes, and the large ones wait for ever"
        door.room.leave(first)
        await asyncio.gather(second, third)

    run(main)


def test_who_waits_too_long_is_asked_to_come_back_and_holds_nothing() -> None:
    async def main() -> None:
        door = Door(10, most_each=10, within_s=0.01)
        first = await door.enter("a", 10)
        for _ in range(3):
            with pytest.raises(Unavailable, match="large bodies"):
                await door.enter("b", 1)
        door.room.leave(first)
        await door.enter("b", 10)

    run(main)


def test_whoever_gives_up_lets_the_next_one_pass() -> None:
    async def main() -> None:
        door = Door(10, most_each=10)
        await door.enter("a", 6)
        impatient, next_one = door.later("b", 9), door.later("c", 4)
        await asyncio.sleep(0)
        impatient.cancel()
        with suppress(asyncio.CancelledError):
            await impatient
        await asyncio.wait_for(next_one, 5)

    run(main)


def test_one_whose_turn_came_as_he_gave_up_holds_nothing() -> None:
    async def main() -> None:
        door = Door(10, most_each=10)
        first = await door.enter("a", 10)
        leaving = door.later("b", 10)
        await asyncio.sleep(0.01)
        door.room.leave(first)
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        await asyncio.wait_for(door.enter("c", 10), 5)

    run(main)


def test_a_connection_that_has_its_share_lets_others_pass() -> None:
    async def main() -> None:
        door = Door(10, most_each=5)
        greedy = await door.enter("greedy", 5)
        more = door.later("greedy", 1)
        await asyncio.sleep(0)
        await asyncio.wait_for(door.enter("other", 5), 5)
        assert not more.done()
        door.room.leave(greedy)
        await asyncio.wait_for(more, 5)

    run(main)


def test_while_somebody_waits_who_does_not_hurry_loses_his_turn() -> None:
    async def main() -> None:
        door = Door(3, most_each=3, hurry_s=0.05)
        slow, quick, being_stored = [await door.enter(name, 1) for name in "abc"]
        async with asyncio.timeout(60) as slow.timer, asyncio.timeout(60) as quick.timer:
            await asyncio.sleep(0.1)
            assert not slow.told, "nobody waits"
            waiting = door.later("d", 1)
            while not slow.told:
                quick.came += HURRY_BYTES
                await asyncio.sleep(0.001)
        assert not quick.told
        assert not being_stored.told, "nothing is awaited of its sender"
        door.room.leave(slow)
        await asyncio.wait_for(waiting, 5)

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
        with rooms.place(None) as one, rooms.place(None) as two, rooms.place("c1") as own:
            await one.enlarge(100)
            await two.enlarge(100)
            await asyncio.wait_for(own.enlarge(100), 5)

    run(main)


def test_who_waits_for_his_turn_makes_way_for_small_ones() -> None:
    """Else a crowd of them would fill the room of the small ones."""

    async def main() -> None:
        rooms = Rooms(SMALL_BODY_BYTES, small=SMALL_BODY_BYTES)
        with (
            rooms.place("a") as inside,
            rooms.place("a") as waiting,
            rooms.place(None) as small,
        ):
            waiting.take(SMALL_BODY_BYTES)
            await inside.enlarge(SMALL_BODY_BYTES * 100)
            turn = asyncio.create_task(waiting.enlarge(SMALL_BODY_BYTES * 100))
            await asyncio.sleep(0.01)
            small.take(SMALL_BODY_BYTES)
            with pytest.raises(Unavailable):
                await asyncio.wait_for(turn, 5)
            with pytest.raises(BadRequest):
                waiting.take(1)

    run(main)


def test_nobody_makes_way_for_what_does_not_fit_anyway() -> None:
    async def main() -> None:
        rooms = Rooms(SMALL_BODY_BYTES, small=10)
        with rooms.place(None) as whole, rooms.place(None) as slow, rooms.place(None) as more:
            whole.take(6)
            slow.take(3)
            slow.wait()
            with pytest.raises(Unavailable):
                more.take(5)
            slow.take(1)
            with pytest.raises(Unavailable):
                slow.take(1)
            more.take(4)
            with pytest.raises(BadRequest):
                slow.take(1)

    run(main)


_SMALL = st.tuples(st.sampled_from(["take", "wait", "whole", "leave"]), st.integers(0, 5))


@given(st.lists(st.tuples(_SMALL, st.integers(1, 6)), max_size=60))
def test_the_room_of_small_bodies_is_never_exceeded_and_comes_back(
    steps: list[tuple[tuple[str, int], int]],
) -> None:
    async def main() -> None:
        rooms = Rooms(SMALL_BODY_BYTES, small=10)
        with ExitStack() as stack:
            places = [stack.enter_context(rooms.place(None)) for _ in range(6)]
            for (what, number), count in steps:
                place = places[number]
                if what == "take":
                    with suppress(Unavailable, BadRequest):
                        place.take(count)
                else:
                    getattr(place, what)()
                assert 0 <= sum(one.small_bytes for one in places) <= 10
        with rooms.place(None) as last:
            last.take(10)

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

    async def one(door: Door, whose: str, size: int) -> None:
        inside = await door.enter(whose, size)
        held[whose] += size
        assert sum(held.values()) <= 8
        assert held[whose] <= max(4, size)
        await asyncio.sleep(0)
        held[whose] -= size
        door.room.leave(inside)

    async def main() -> None:
        door, tasks = Door(8, most_each=4), []
        for whose, size, gives_up in bodies:
            task = asyncio.create_task(one(door, whose, size))
            await asyncio.sleep(0)
            if gives_up and not held[whose]:
                task.cancel()
            tasks.append(task)
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        assert not [one for one in done if isinstance(one, AssertionError)]
        await asyncio.wait_for(door.enter("d", 8), 5)

    run(main)
