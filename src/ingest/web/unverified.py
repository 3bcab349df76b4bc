"""Tells the database that a connection's route refuses what its provider signs.

Law: strangers can cause it, so it costs little and holds nobody up: one write at a time, one a
second, one for each connection every `AGAIN_S`, in a thread. What is not written is told by the
next refusal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future

import structlog

log = structlog.get_logger(__name__)

AGAIN_S = 10.0
"""A refusal of the same connection within this time tells nothing new."""
EACH_S = 1.0
MOST_NOTED = 1_000
"""Connections that are remembered; beyond, all are forgotten."""


class Unverified:
    """Notes refused signatures, by connection. To be asked by one thread.

    write: (connection, reason), in a thread of `threads`; what it raises is logged. now: a
    monotonic clock in seconds.
    """

    def __init__(
        self,
        write: Callable[[str, str], object],
        threads: Executor,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._threads = threads
        self._now = now
        self._noted: dict[str, float] = {}
        self._next_at = now()
        self._is_writing = False

    def note(self, connection_id: str, reason: str) -> None:
        """Write it down some time soon, unless somebody has just done so; never raises."""
        now = self._now()
        if self._is_writing or now < self._next_at or now < self._noted.get(connection_id, now):
            return
        if len(self._noted) >= MOST_NOTED:
            self._noted.clear()
        self._noted[connection_id] = now + AGAIN_S
        self._next_at = now + EACH_S
        self._is_writing = True
        self._threads.submit(self._write, connection_id, reason).add_done_callback(self._written)

    def _written(self, writing: Future[object]) -> None:
        self._is_writing = False
        error = None if writing.cancelled() else writing.exception()
        if error is not None:
            log.warning("unverified_not_noted", reason=type(error).__name__)
