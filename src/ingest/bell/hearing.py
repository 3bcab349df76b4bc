"""What a worker says in the database when it hears a bell: that it did, and its clock's time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE
from ingest.pulse import FETCHER, SYNCER, WORKER, process_name
from ingest.store import clocks, schedule
from ingest.store.engine import transaction

TELL_EVERY_S = 60.0
"""Between two times that a process says what its clock shows."""
_KINDS = {INGEST_QUEUE: WORKER, FETCH_QUEUE: FETCHER}
"""Who hears a bell; all others are heard by syncers."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Hearing:
    """The bells that a process hears.

    now: its host's clock, in UTC. monotonic: in seconds, by which TELL_EVERY_S is kept.
    """

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    _told: dict[str, float] = field(default_factory=dict)

    def hear(self, engine: sa.Engine, bell: str) -> None:
        """Note that the bell was heard; committed when this returns, before anything is claimed.

        Raises `TransientError` where the database is away.
        """
        kind = _KINDS.get(bell, SYNCER)
        with transaction(engine, durable=False) as conn:
            schedule.hear(conn, bell)
            if self._is_due(kind):
                clocks.tell(conn, process_name(kind), self.now())

    def _is_due(self, kind: str) -> bool:
        now = self.monotonic()
        last = self._told.get(kind)
        if last is not None and now - last < TELL_EVERY_S:
            return False
        self._told[kind] = now
        return True


OF_PROCESS = Hearing()
"""This process's own."""
