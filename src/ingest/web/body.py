"""Reads a request's body: bounded in bytes and in time, alone and all together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.types import Receive

from ingest.core.errors import BadRequest, Unavailable

READ_WITHIN_S = 30.0
"""The slowest provider gives up after this long."""


class Disconnected(Exception):
    """The sender left before its request was complete; there is nobody to answer."""


class Budget:
    """The bytes that all bodies may take at once. For one event loop."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    @contextmanager
    def share(self) -> Iterator[Share]:
        """A request's part, given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            self._free += share.taken

    def take(self, count: int) -> bool:
        """Whether so many bytes were free; they are taken."""
        if count > self._free:
            return False
        self._free -= count
        return True


class Share:
    """What one request has taken of the budget."""

    __slots__ = ("_budget", "taken")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.taken = 0

    def take(self, count: int) -> None:
        """Take more; raises `Unavailable` where the budget is spent."""
        if not self._budget.take(count):
            raise Unavailable("too many bodies are being read at once", retry_after_s=2.0)
        self.taken += count


async def read(
    receive: Receive,
    headers: Mapping[str, str],
    share: Share,
    *,
    limit: int,
    within_s: float = READ_WITHIN_S,
) -> bytes:
    """The whole body. Raises `BadRequest` (413, 408), `Unavailable`, `Disconnected`."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(within_s):
            return await _read(receive, share, limit)
    except TimeoutError as error:
        raise BadRequest(
            f"the body did not arrive within {within_s:g} s; send it again", status=408
        ) from error


async def _read(receive: Receive, share: Share, limit: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        total += len(part)
        if total > limit:
            raise _too_large(limit)
        share.take(len(part))
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> BadRequest:
    return BadRequest(
        f"the body is larger than {limit} bytes; raise INGEST_MAX_BODY_BYTES to accept it",
        status=413,
    )
