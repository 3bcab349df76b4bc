"""What a request awaits while another thread stores its delivery.

Law: the loop's own future is only ever ended by the loop, and one that was cancelled is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from ingest.flows.receive import Stored

T = TypeVar("T")


class Promise:
    """An answer of the group commit (see `group_commit.Answer`); `answer` is awaited."""

    __slots__ = ("_done", "_loop", "answer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._done = False
        self.answer: asyncio.Future[Stored] = loop.create_future()

    def set_running_or_notify_cancel(self) -> bool:
        """Whether somebody still waits."""
        return not self.answer.cancelled()

    def set_result(self, result: Stored) -> None:
        """It is stored."""
        self._end(self.answer.set_result, result)

    def set_exception(self, exception: Exception) -> None:
        """It is not."""
        self._end(self.answer.set_exception, exception)

    def done(self) -> bool:
        """Whether it was answered."""
        return self._done

    def _end(self, tell: Callable[[T], None], what: T) -> None:
        self._done = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._tell, tell, what)

    def _tell(self, tell: Callable[[T], None], what: T) -> None:
        if not self.answer.done():
            tell(what)
