"""A future with a deadline: what a request awaits while another thread stores its delivery.

Law: the loop's own future is ended by the loop alone, and once. It does what `asyncio.timeout` and
`asyncio.wrap_future` would do together, at a fraction of their cost for each request.
"""

from __future__ import annotations

import asyncio
import contextlib

from ingest.core.errors import Unavailable
from ingest.flows.receiving.arrivals import Stored


def too_slow() -> Unavailable:
    """What a sender is told whose answer would come too late."""
    return Unavailable("storing takes too long")


class Promise:
    """A `group_commit.CommitAnswer` that is due at `until`, in seconds of the loop's clock.

    Made and awaited in the event loop, answered from the thread that commits. An answer that comes
    too late is dropped; an arrival whose time is up before its turn is not stored.
    """

    __slots__ = ("_answer", "_answered", "_loop", "_until")

    def __init__(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self._loop = loop
        self._until = until
        self._answered = False
        self._answer: asyncio.Future[Stored] = loop.create_future()

    async def kept(self) -> Stored:
        """What the commit says; raises what it failed with, or `Unavailable` when time is up."""
        timer = self._loop.call_at(self._until, self._tell, too_slow())
        try:
            return await self._answer
        finally:
            timer.cancel()

    def set_running_or_notify_cancel(self) -> bool:
        """Whether somebody still waits."""
        return not self._answer.done()

    def set_result(self, result: Stored) -> None:
        """It is stored."""
        self._pass_on(result)

    def set_exception(self, exception: Exception) -> None:
        """It is not."""
        self._pass_on(exception)

    def done(self) -> bool:
        """Whether the commit has answered."""
        return self._answered

    def _pass_on(self, what: Stored | Exception) -> None:
        self._answered = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._tell, what)

    def _tell(self, what: Stored | Exception) -> None:
        if self._answer.done():
            return
        if isinstance(what, Exception):
            self._answer.set_exception(what)
        else:
            self._answer.set_result(what)
