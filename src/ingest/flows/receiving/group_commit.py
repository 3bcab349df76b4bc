"""Group commit: a thread stores all requests that arrived while it was storing, in one transaction.

Each arrival is answered after the commit that holds it, and an arrival that the database refuses
fails alone. What waits is bounded by bytes; beyond them a sender is asked to come back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
import structlog

from ingest.core.errors import IngestError, Unavailable
from ingest.flows.batches import Steps, settle_batch
from ingest.flows.receiving.arrivals import Insert, Stored, unstorable
from ingest.store.deliveries import Arrival

log = structlog.get_logger(__name__)

GROUP_ROWS = 500
GROUP_BYTES = 8 * 2**20
"""Of one transaction; a larger body is stored alone."""
WAITING_BYTES = 128 * 2**20
"""Of all that wait or are being stored."""
ROW_BYTES = 1024
"""What a waiting arrival is taken to need beside its body."""
RETRY_AFTER_S = 2.0


class CommitAnswer(Protocol):
    """Who waits for a commit: what of a `concurrent.futures.Future` is used, from our thread.

    Asked first whether anybody waits still (False: it is not stored), then ended once: by a result
    after the commit, or by `Unavailable`.
    """

    def set_running_or_notify_cancel(self) -> bool: ...

    def set_result(self, result: Stored) -> None: ...

    def set_exception(self, exception: Exception) -> None: ...

    def done(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    answer: CommitAnswer

    @property
    def size(self) -> int:
        return len(self.arrival.body) + ROW_BYTES


class GroupCommit:
    """The queue before the database and the one thread that empties it.

    insert: stores a group, all or none (`arrivals.insert_into`).
    on_commit: called with the number of arrivals after each commit, in our thread; it must not
        block. To ring is its business.
    Safe for threads. The thread starts with the first arrival, and ends with `close`.
    """

    def __init__(
        self,
        insert: Insert,
        on_commit: Callable[[int], None],
        *,
        rows: int = GROUP_ROWS,
        max_waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        self._insert = insert
        self._on_commit = on_commit
        self._rows = rows
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[_Waiting] = deque()
        self._held = 0  # bytes that wait or are being stored
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, arrival: Arrival) -> Future[Stored]:
        """Queue an arrival; the future ends after its commit, or fails with `Unavailable`.

        Its result is the delivery's id and whether it is accepted. Raises `Unavailable` at once
        where too much waits already. A future that is cancelled before its turn is not stored.
        """
        answer: Future[Stored] = Future()
        self.queue(arrival, answer)
        return answer

    def queue(self, arrival: Arrival, answer: CommitAnswer) -> None:
        """The same with an answer that the caller brings, which is ended from our thread."""
        one = _Waiting(arrival, answer)
        with self._changed:
            if self._closed:
                raise Unavailable("the receiver is stopping", retry_after_s=RETRY_AFTER_S)
            if self._held and self._held + one.size > self._max_waiting_bytes:
                raise Unavailable("too much waits to be stored", retry_after_s=RETRY_AFTER_S)
            self._held += one.size
            self._waiting.append(one)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, timeout_s: float = 10.0) -> None:
        """Store what waits, then end the thread; whatever comes later is refused.

        Returns after `timeout_s` at the latest, done or not.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while group := self._next_group():
            live = [one for one in group if one.answer.set_running_or_notify_cancel()]
            try:
                self._store(live)
            finally:
                self._release(group)

    def _next_group(self) -> list[_Waiting]:
        """Everything that waits, within the limits; empty when closed and done."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            group: list[_Waiting] = []
            room = GROUP_BYTES
            while self._waiting and len(group) < self._rows:
                room -= self._waiting[0].size
                if group and room < 0:
                    break
                group.append(self._waiting.popleft())
            return group

    def _store(self, group: Sequence[_Waiting]) -> None:
        """Store a group and answer each of it; halves it where a row is at fault."""
        steps: Steps[_Waiting, None] = Steps(self._commit, _give_back, _bury, races=())
        try:
            settle_batch(group, steps)
        except sa.exc.SQLAlchemyError as error:  # a table is missing: the schema is behind
            log.exception("group_not_stored", deliveries=len(group))
            unanswered = [one for one in group if not one.answer.done()]
            _refuse(unanswered, Unavailable(f"the database cannot store: {type(error).__name__}"))

    def _commit(self, group: Sequence[_Waiting]) -> None:
        stored = self._insert([one.arrival for one in group])
        for one, answer in zip(group, stored, strict=True):
            one.answer.set_result(answer)
        self._on_commit(len(group))

    def _release(self, group: Sequence[_Waiting]) -> None:
        """Whatever happened, nobody waits for ever and the room is given back."""
        unanswered = [one for one in group if not one.answer.done()]
        _refuse(unanswered, Unavailable("storing failed; the log says why"))
        with self._changed:
            self._held -= sum(one.size for one in group)


def _give_back(group: Sequence[_Waiting], error: IngestError) -> None:
    log.warning("group_not_stored", deliveries=len(group), error=str(error))
    _refuse(group, error)


def _bury(one: _Waiting, error: IngestError) -> None:
    """It is answered alone; its sender may come again."""
    log.error("delivery_unstorable", source=one.arrival.source_type, error=str(error))
    one.answer.set_exception(unstorable(error))


def _refuse(group: Sequence[_Waiting], error: IngestError) -> None:
    for one in group:
        one.answer.set_exception(error)
