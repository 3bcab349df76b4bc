"""Reads a request's body, bounded in bytes, in time and in slowness."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive

from ingest.flows.receiving.admission import too_large
from ingest.web.room import SMALL_BODY_BYTES, BodyPlace, too_slow

READ_WITHIN_S = 30.0
"""The slowest provider gives up after this long."""
GRACE_S = 5.0
GRACE_BYTES = 2**20
"""Within each GRACE_S so many bytes have to come, or the body be whole: some 200 KiB a second."""


class Disconnected(Exception):
    """The sender left before its request was complete; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a sender may take.

    `whole_s` seconds for all of a body; within each `grace_s` it is whole, or `grace_bytes` more
    have come.
    """

    whole_s: float = READ_WITHIN_S
    grace_s: float = GRACE_S
    grace_bytes: int = GRACE_BYTES


LIMITS = Limits()


class Pace:
    """Until when a sender has to have sent more: `until`, in seconds of the clock of `now`."""

    __slots__ = ("_came", "_end", "_limits", "until")

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._end = now + limits.whole_s
        self._came = 0
        self.until = min(now + limits.grace_s, self._end)

    def came(self, count: int, now: float) -> None:
        """So many bytes more."""
        self._came += count
        if self._came >= self._limits.grace_bytes:
            self._came = 0
            self.until = min(now + self._limits.grace_s, self._end)


class Body:
    """A request's body, on its way; `whole` once it was read to its end.

    `headers` are the request's, with names in lower case: they say how long it will be.
    """

    __slots__ = ("_headers", "_limits", "_receive", "whole")

    def __init__(
        self, receive: Receive, headers: Mapping[str, str], limits: Limits = LIMITS
    ) -> None:
        self._receive = receive
        self._headers = headers
        self._limits = limits
        self.whole = False

    async def read(self, place: BodyPlace, *, limit: int) -> bytes:
        """All of it; to be called once.

        The bytes that come are charged to `place`. Raises `BadRequest` (413 for more bytes than
        `limit`, announced or sent; 408 for a sender who is too slow or has to make way),
        `Unavailable` where there is no room, `Disconnected` where the sender left.
        """
        announced = self._announced()
        if announced > limit:
            raise too_large(limit)
        clock = asyncio.get_running_loop().time
        part = await self._next(place, clock() + self._limits.grace_s)
        if self.whole and len(part) <= min(limit, SMALL_BODY_BYTES):
            place.take(len(part))
            return part
        pace = Pace(self._limits, clock())
        came = bytearray()
        try:
            while True:
                total = len(came) + len(part)
                if total > limit:
                    raise too_large(limit)
                if total > SMALL_BODY_BYTES and not place.is_large:
                    await place.enlarge(announced or limit)
                    pace = Pace(self._limits, clock())
                place.take(len(part))
                came += part
                if self.whole:
                    return bytes(came)
                pace.came(len(part), clock())
                part = b""  # held once, not twice, while more is awaited
                part = await self._next(place, pace.until)
        finally:
            came.clear()  # a failure's traceback may hold it for longer than it is paid for

    async def has_arrived(self) -> bool:
        """Whether the rest of it is here without having been waited for; it is thrown away."""
        if self.whole or "expect" in self._headers:
            return self.whole
        try:
            async with asyncio.timeout(0):
                message = await self._receive()
        except TimeoutError:
            return False
        return message["type"] == "http.request" and not message.get("more_body", False)

    async def _next(self, place: BodyPlace, until: float) -> bytes:
        """What comes next, by then."""
        try:
            async with asyncio.timeout_at(until) as timer:
                place.timer = timer
                message = await self._receive()
        except TimeoutError as error:
            raise too_slow() from error
        finally:
            place.timer = None
        if message["type"] == "http.disconnect":
            raise Disconnected
        if message.get("more_body", False):
            place.wait()
        else:
            self.whole = True
            if place.is_waiting:
                place.whole()
        part: bytes = message.get("body", b"")
        return part

    def _announced(self) -> int:
        """The length that the head tells; 0 where it tells none that makes sense."""
        told = self._headers.get("content-length", "")
        return int(told) if told.isascii() and told.isdecimal() and len(told) < 20 else 0
