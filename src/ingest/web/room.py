"""The memory that bodies may take: a part for small ones, and one for large ones on each kind of
route, so that no flood of one kind is in the way of another. For one event loop.

Law: a small body never waits. Where their part is full, the sender who has been awaited longest
makes way: an honest body is whole within milliseconds, and what fills a receiver is slow. A body
that has grown large waits for its turn, unread, for some seconds; and while somebody waits, whoever
has a turn and does not hurry loses it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from ingest.core.errors import BadRequest, Unavailable
from ingest.web.large_room import RETRY_AFTER_S, LargeRoom

SMALL_BODY_BYTES = 256 * 2**10
"""A body of more bytes is a large one."""
SMALL_ROOM_BYTES = 64 * 2**20
"""For all small bodies at once."""
LARGE_ROOM_BYTES = 96 * 2**20
"""For each kind of route, everybody's and connections' own; at least two of the largest."""


class Rooms:
    """All the room there is, for bodies of up to `longest` bytes.

    small: bytes for small bodies, which wait for nobody.
    large: bytes for large ones (for two of the longest at least), on everybody's routes and as many
        again on connections' own, where one connection has half of it at most.
    """

    def __init__(
        self, longest: int, *, small: int = SMALL_ROOM_BYTES, large: int = LARGE_ROOM_BYTES
    ) -> None:
        each = max(large, 2 * longest)
        self._small = SmallRoom(small)
        self._everybodys = LargeRoom(each, most_each=each)
        self._own = LargeRoom(each, most_each=each // 2)

    def place(self, connection_id: str | None) -> BodyPlace:
        """What one request's body takes; a context manager that gives it back at the end.

        `connection_id` is None on everybody's route.
        """
        large = self._everybodys if connection_id is None else self._own
        return BodyPlace(self._small, large, connection_id or "")


class BodyPlace:
    """What one body takes; a small one until `enlarge`.

    Whoever reads the body says here what comes (`take`) and whether more is awaited (`wait`,
    `whole`), and puts the time-out that he waits with into `timer`: so he can be sent off.
    """

    __slots__ = (
        "_large",
        "_small",
        "came",
        "is_large",
        "is_waiting",
        "sent_off",
        "small_bytes",
        "timer",
        "whose",
    )

    def __init__(self, small: SmallRoom, large: LargeRoom, whose: str) -> None:
        self._small, self._large, self.whose = small, large, whose
        self.came = 0
        """The bytes of it that came."""
        self.small_bytes = 0
        self.is_large = False
        self.is_waiting = False
        self.sent_off = False
        self.timer: asyncio.Timeout | None = None
        """Of what is awaited now, if anything is."""

    def __enter__(self) -> BodyPlace:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    async def enlarge(self, size: int) -> None:
        """Wait for a turn with a body of that size, and make way for small ones meanwhile.

        Raises `Unavailable` where the turn does not come, and `BadRequest` (408).
        """
        self._small.wait(self)
        await self._large.enter(self, size)
        self.is_large = True
        self._small.leave(self)

    def take(self, count: int) -> None:
        """So many bytes came. A large body has its room already.

        Raises `Unavailable` where there is none, and `BadRequest` (408) for who had to make way.
        """
        if self.sent_off:
            raise too_slow()
        self.came += count
        if not self.is_large:
            self._small.take(self, count)

    def wait(self) -> None:
        """More is awaited of the sender."""
        if not self.is_large:
            self._small.wait(self)

    def whole(self) -> None:
        """No more is."""
        self._small.whole(self)

    def leave(self) -> None:
        """Give everything back; may be called twice."""
        self._small.leave(self)
        if self.is_large:
            self._large.leave(self)
            self.is_large = False

    def send_off(self) -> None:
        """It takes too long: whatever is awaited for it ends."""
        self.sent_off = True
        if self.timer is not None and not self.timer.expired():
            self.timer.reschedule(0.0)


class SmallRoom:
    """Bytes that small bodies share; whose sender is the slowest makes way."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: OrderedDict[BodyPlace, None] = OrderedDict()  # the longest first
        self._waiting_bytes = 0  # of what those hold

    def take(self, place: BodyPlace, count: int) -> None:
        """So many bytes for this place, whoever else has to leave for them.

        Raises `Unavailable` where even that would not be enough.
        """
        if count > self._free:
            self._make_room(place, count)
        self._free -= count
        place.small_bytes += count
        if place.is_waiting:
            self._waiting_bytes += count

    def wait(self, place: BodyPlace) -> None:
        """Its sender is awaited, since now or earlier."""
        if not place.is_waiting:
            place.is_waiting = True
            self._waiting[place] = None
            self._waiting_bytes += place.small_bytes

    def whole(self, place: BodyPlace) -> None:
        """Its sender is awaited no longer, so it makes way for nobody."""
        if place.is_waiting:
            place.is_waiting = False
            del self._waiting[place]
            self._waiting_bytes -= place.small_bytes

    def leave(self, place: BodyPlace) -> None:
        """Whatever it took is free."""
        self.whole(place)
        self._free += place.small_bytes
        place.small_bytes = 0

    def _make_room(self, newcomer: BodyPlace, count: int) -> None:
        """The slowest of the others leave, each of whom hears of it at once."""
        own = newcomer.small_bytes if newcomer.is_waiting else 0
        if count > self._free + self._waiting_bytes - own:
            raise Unavailable(
                "too many bodies are being stored at once", retry_after_s=RETRY_AFTER_S
            )
        while count > self._free:
            slowest = next(one for one in self._waiting if one is not newcomer)
            self.leave(slowest)
            slowest.send_off()


def too_slow() -> BadRequest:
    """The refusal (408) of a body whose sender took too long, or had to make way."""
    return BadRequest("the body came too slowly; send it again", status=408)
