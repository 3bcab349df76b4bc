"""The memory that bodies may take: a part for small ones, and one for large ones on each kind of
route, so that no flood of one kind is in the way of another. For one event loop.

Law: a small body never waits. Where their part is full, the sender who has been awaited longest
makes way: an honest body is whole within milliseconds, and what fills a receiver is slow. A large
body waits for its turn, unread, for some seconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ingest.core.errors import BadRequest, Unavailable

SMALL_BODY_BYTES = 256 * 2**10
"""A body of more bytes is a large one."""
SMALL_ROOM_BYTES = 64 * 2**20
LARGE_ROOM_BYTES = 96 * 2**20
"""For each kind of route, everybody's and connections' own; at least two of the largest."""
TURN_WITHIN_S = 4.5
RETRY_AFTER_S = 2.0


class Rooms:
    """All the room there is, for bodies of up to `longest` bytes."""

    def __init__(
        self, longest: int, *, small: int = SMALL_ROOM_BYTES, large: int = LARGE_ROOM_BYTES
    ) -> None:
        each = max(large, 2 * longest)
        self._small = SmallRoom(small)
        self._everybodys = LargeRoom(each, most_each=each)
        self._own = LargeRoom(each, most_each=each // 2)

    @contextmanager
    def place(self, connection_id: str | None) -> Iterator[Place]:
        """What one request's body takes, given back at its end."""
        large = self._everybodys if connection_id is None else self._own
        place = Place(self._small, large, connection_id or "")
        try:
            yield place
        finally:
            place.leave()


class Place:
    """What one body takes; a small one until it is told otherwise."""

    __slots__ = ("_large", "_large_bytes", "_small", "_whose", "sent_off", "small_bytes", "timer")

    def __init__(self, small: SmallRoom, large: LargeRoom, whose: str) -> None:
        self._small, self._large, self._whose = small, large, whose
        self._large_bytes = 0
        self.small_bytes = 0
        self.sent_off = False
        self.timer: asyncio.Timeout | None = None
        """Of what is awaited of the sender now, if anything is."""

    @property
    def is_large(self) -> bool:
        """Whether it has its turn among the large ones."""
        return self._large_bytes > 0

    async def enlarge(self, size: int) -> None:
        """Wait for a turn with a body of that size; raises `Unavailable` where it does not come."""
        await self._large.enter(self._whose, size)
        self._large_bytes = size
        self._small.leave(self)

    def take(self, count: int) -> None:
        """So many bytes came. A large body has its room already.

        Raises `Unavailable` where there is none, and `BadRequest` (408) for who had to make way.
        """
        if not self._large_bytes:
            self._small.take(self, count)

    def wait(self) -> None:
        """More is awaited of the sender."""
        if not self._large_bytes:
            self._small.wait(self)

    def whole(self) -> None:
        """No more is."""
        self._small.whole(self)

    def leave(self) -> None:
        """Give everything back."""
        self._small.leave(self)
        if self._large_bytes:
            self._large.leave(self._whose, self._large_bytes)
            self._large_bytes = 0


class SmallRoom:
    """Bytes that small bodies share; whose sender is the slowest makes way."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: OrderedDict[Place, None] = OrderedDict()  # the longest first

    def take(self, place: Place, count: int) -> None:
        """So many bytes for this place, whoever else has to leave for them."""
        if place.sent_off:
            raise too_slow()
        while count > self._free and self._make_way(place):
            pass
        if count > self._free:
            raise Unavailable(
                "too many bodies are being stored at once", retry_after_s=RETRY_AFTER_S
            )
        self._free -= count
        place.small_bytes += count

    def wait(self, place: Place) -> None:
        """Its sender is awaited, since now or earlier."""
        self._waiting.setdefault(place, None)

    def whole(self, place: Place) -> None:
        """Its sender is awaited no longer, so it makes way for nobody."""
        self._waiting.pop(place, None)

    def leave(self, place: Place) -> None:
        """Whatever it took is free."""
        self._waiting.pop(place, None)
        self._free += place.small_bytes
        place.small_bytes = 0

    def _make_way(self, newcomer: Place) -> bool:
        """Whether somebody left, who hears of it at once."""
        slowest = next((one for one in self._waiting if one is not newcomer), None)
        if slowest is None:
            return False
        self.leave(slowest)
        slowest.sent_off = True
        if slowest.timer is not None and not slowest.timer.expired():
            slowest.timer.reschedule(0.0)
        return True


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    whose: str
    size: int
    come: asyncio.Future[None]


class LargeRoom:
    """Bytes that large bodies share, in turns; `most_each` is the share of one connection."""

    def __init__(self, limit: int, *, most_each: int, within_s: float = TURN_WITHIN_S) -> None:
        self._free = limit
        self._most_each = most_each
        self._within_s = within_s
        self._held: Counter[str] = Counter()
        self._waiting: dict[_Turn, None] = {}

    async def enter(self, whose: str, size: int) -> None:
        """Wait for room of that size; raises `Unavailable` where it is not there in time."""
        turn = _Turn(whose, size, asyncio.get_running_loop().create_future())
        self._waiting[turn] = None
        self._let_in()
        if turn.come.done():
            return
        came = False
        try:
            async with asyncio.timeout(self._within_s):
                await turn.come
            came = True
        except TimeoutError as error:
            raise Unavailable(
                "too many large bodies are being read at once", retry_after_s=RETRY_AFTER_S
            ) from error
        finally:
            if not came:
                self._give_up(turn)

    def leave(self, whose: str, size: int) -> None:
        """Give it back; whose turn it is comes in."""
        self._free += size
        self._held[whose] -= size
        if not self._held[whose]:
            del self._held[whose]
        self._let_in()

    def _give_up(self, turn: _Turn) -> None:
        """Waited enough; his turn may have come in that very moment."""
        if turn in self._waiting:
            del self._waiting[turn]
            self._let_in()
        else:
            self.leave(turn.whose, turn.size)

    def _let_in(self) -> None:
        """In the order in which they came; who has his share already lets others pass."""
        for turn in list(self._waiting):
            if turn.size > self._free:
                return
            held = self._held[turn.whose]
            if turn.come.done() or (held and held + turn.size > self._most_each):
                continue
            del self._waiting[turn]
            self._free -= turn.size
            self._held[turn.whose] += turn.size
            turn.come.set_result(None)


def too_slow() -> BadRequest:
    """The refusal of a body whose sender took too long."""
    return BadRequest("the body came too slowly; send it again", status=408)
