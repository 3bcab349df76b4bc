"""A body on its way: in parts, too large, too slow, and what it may take of the memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive

from ingest.core.errors import BadRequest, IngestError, Unavailable
from ingest.web.body import Body, Disconnected, Limits, Pace
from ingest.web.room import SMALL_BODY_BYTES, Rooms

LIMIT = 4 * SMALL_BODY_BYTES
LARGE = b"x" * (SMALL_BODY_BYTES + 1)


def sender(*parts: bytes, left: bool = False, then_s: float = 0.0) -> Receive:
    """Sends these parts; `left`: and then hangs up, after a while."""
    told: list[Message] = [
        {"type": "http.request", "body": part, "more_body": n + 1 < len(parts) or left}
        for n, part in enumerate(parts)
    ]

    async def receive() -> Message:
        if told:
            return told.pop(0)
        await asyncio.sleep(then_s)
        return {"type": "http.disconnect"}

    return receive


def read(
    receive: Receive,
    headers: Mapping[str, str] | None = None,
    *,
    rooms: Rooms | None = None,
    limits: Limits | None = None,
    limit: int = LIMIT,
) -> bytes:
    async def run() -> bytes:
        with (rooms or Rooms(LIMIT)).place(None) as place:
            body = Body(receive, headers or {}, limits or Limits())
            told = await body.read(place, limit=limit)
            assert body.whole
            return told

    return asyncio.run(run())


def refusal(
    receive: Receive, headers: Mapping[str, str] | None = None, limits: Limits | None = None
) -> int:
    with pytest.raises(BadRequest) as caught:
        read(receive, headers, limits=limits)
    return caught.value.status


@given(parts=st.lists(st.binary(max_size=9), min_size=1, max_size=9))
def test_a_body_comes_in_any_number_of_parts(parts: list[bytes]) -> None:
    assert read(sender(*parts)) == b"".join(parts)


def test_a_large_body_is_read_whether_it_says_so_or_not() -> None:
    whole = LARGE * 2
    parts = [whole[start : start + 99_999] for start in range(0, len(whole), 99_999)]
    for headers in ({}, {"content-length": str(len(whole))}):
        assert read(sender(*parts), headers) == whole


@pytest.mark.parametrize("told", ["", "-1", "\xb2", "9" * 50, "1e3", " 1"])
def test_a_length_that_makes_no_sense_is_none(told: str) -> None:
    assert read(sender(b"1"), {"content-length": told}) == b"1"


def test_too_large_is_refused_before_it_is_read_or_when_it_is() -> None:
    assert refusal(sender(), {"content-length": str(LIMIT + 1)}) == 413
    assert refusal(sender(b"x" * LIMIT, b"y", left=True)) == 413


def test_a_slow_body_is_given_up() -> None:
    limits = Limits(grace_s=0.01)
    assert refusal(sender(b"1", left=True, then_s=9), limits=limits) == 408


def test_a_body_that_never_ends_is_given_up_however_fast_it_comes() -> None:
    async def receive() -> Message:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"1", "more_body": True}

    assert refusal(receive, limits=Limits(whole_s=0.05, grace_bytes=1)) == 408


def test_a_sender_that_leaves_is_not_answered() -> None:
    with pytest.raises(Disconnected):
        read(sender(b"1", left=True))


def test_all_bodies_together_are_bounded_and_room_comes_back() -> None:
    rooms = Rooms(LIMIT, small=8)
    with pytest.raises(Unavailable):
        read(sender(b"12345", b"6789"), rooms=rooms)
    assert read(sender(b"12345678"), rooms=rooms) == b"12345678"


def test_the_pace_is_that_of_each_stretch_of_time() -> None:
    pace = Pace(Limits(whole_s=30, grace_s=5, grace_bytes=100), 0.0)
    pace.came(99, 4.0)
    assert pace.until == 5.0
    pace.came(1, 4.0)
    assert pace.until == 9.0
    pace.came(10_000, 8.0)
    pace.came(99, 12.0)
    assert pace.until == 13.0
    pace.came(1, 29.0)
    assert pace.until == 30.0


def arrived(receive: Receive, headers: Mapping[str, str] | None = None) -> bool:
    return asyncio.run(Body(receive, headers or {}).has_arrived())


def test_what_is_here_already_is_known_without_waiting() -> None:
    assert arrived(sender(b"all of it"))
    assert not arrived(sender(b"some", left=True))
    assert not arrived(sender(left=True, then_s=9))
    assert not arrived(sender())  # hung up


def test_who_asks_whether_to_send_is_not_told_to() -> None:
    async def receive() -> Message:
        raise AssertionError("receiving tells the sender to go on")

    assert not arrived(receive, {"expect": "100-continue"})


def test_a_failure_gives_all_room_back() -> None:
    async def run() -> None:
        rooms = Rooms(LIMIT, small=SMALL_BODY_BYTES)
        for parts in ((LARGE, b"1"), (b"1", LARGE), (b"1",)):
            with pytest.raises(Disconnected), rooms.place("c1") as place:
                await Body(sender(*parts, left=True), {}).read(place, limit=LIMIT)
        with rooms.place("c1") as place:
            assert await Body(sender(LARGE), {}).read(place, limit=LIMIT) == LARGE
        with rooms.place("c1") as place:
            whole = b"y" * SMALL_BODY_BYTES
            assert await Body(sender(whole), {}).read(place, limit=LIMIT) == whole

    asyncio.run(run())


def test_a_slow_small_body_makes_way_for_a_newcomer() -> None:
    async def run() -> None:
        rooms = Rooms(LIMIT, small=10)
        with rooms.place(None) as slow, rooms.place(None) as slower, rooms.place(None) as quick:
            reading = [
                asyncio.create_task(Body(sender(part, left=True, then_s=60), {}).read(p, limit=9))
                for p, part in ((slow, b"12345"), (slower, b"1234"))
            ]
            await asyncio.sleep(0.01)
            assert await Body(sender(b"123456"), {}).read(quick, limit=9) == b"123456"
            with pytest.raises(BadRequest) as caught:
                await reading[0]
            assert caught.value.status == 408
            assert not reading[1].done()
            reading[1].cancel()

    asyncio.run(run())


def test_a_body_that_is_whole_makes_way_for_nobody() -> None:
    async def run() -> None:
        rooms = Rooms(LIMIT, small=10)
        with rooms.place(None) as first, rooms.place(None) as second:
            assert await Body(sender(b"123456"), {}).read(first, limit=9) == b"123456"
            with pytest.raises(IngestError, match="at once"):
                await Body(sender(b"123456"), {}).read(second, limit=9)

    asyncio.run(run())
