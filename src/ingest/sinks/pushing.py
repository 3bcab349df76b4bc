"""The loop that pushes: each sink in a thread of its own, for as long as there is time.

Law: a message leaves only under the sink's lease, renewed before each; so nothing older follows
what is newer, as long as a message takes less than the lease. What was not noted as taken comes
again, after a kill too. Time is looked at between messages: a batch may have a hundred, and what a
sink has of it already is left out the next time.
"""

from __future__ import annotations

import uuid
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from ingest.changes import ALL, ChangeBatch, Changes, FellBehind
from ingest.core.errors import BadSettings, IngestError, LeaseLost, TransientError
from ingest.core.queues import PUSH_BELL, PUSH_EVERY_S
from ingest.core.retry import delay_s
from ingest.sinks.contract import MessageSink, SinkEnded
from ingest.sinks.message import SinkMessage, messages
from ingest.store import change_sinks, schedule
from ingest.store.change_sinks import HeldSink, Sink
from ingest.store.engine import transaction

log = structlog.get_logger(__name__)

THREADS = 4
"""Sinks that one process pushes to at a time: one that hangs is in nobody's way."""
LEASE_S = 60.0
"""Four times what a message may take: who is stopped for longer than that has lost it."""
CHANGES = 200
WRONG_S = 300.0
"""Until what is set up wrong is looked at again."""
SHOWN = 300

GoOn = Callable[[], bool]
Make = Callable[[Sink], MessageSink]


def push_due(engine: sa.Engine, make: Make, *, go_on: GoOn) -> Counter[str]:
    """One tick of the beat: as `push`; nothing where the tick was another beat's."""
    with transaction(engine, durable=False) as conn:
        if not schedule.take_slot(conn, "push", every_s=PUSH_EVERY_S):
            return Counter()
    return push(engine, make, go_on=go_on)


def ring_for_news(engine: sa.Engine, ring: Callable[[str], object]) -> None:
    """Ring for a pusher, after the commit of documents, where a sink waits for such news.

    One that is pushed to just now, or is tried later, is left to its pusher and to the beat.
    """
    with transaction(engine, durable=False) as conn:
        are_due = change_sinks.are_due(conn)
    if are_due:
        ring(PUSH_BELL)


def push(engine: sa.Engine, make: Make, *, go_on: GoOn, lease_s: float = LEASE_S) -> Counter[str]:
    """Push to the sinks that are due until they have all, or `go_on` says no.

    How many changes were `delivered`, and how many sinks `failed` or `ended`. Raises
    `TransientError` where the database is away: then the leases run out.
    """
    token = str(uuid.uuid4())
    with transaction(engine, durable=False) as conn:
        due = change_sinks.claim(conn, token=token, lease_s=lease_s, limit=THREADS)
    if not due:
        return Counter()
    pushes = [_Push(engine, make, sink, HeldSink(sink.name, token), go_on, lease_s) for sink in due]
    with ThreadPoolExecutor(len(pushes), thread_name_prefix="push") as pool:
        futures = [pool.submit(one.run) for one in pushes]
    done: Counter[str] = Counter()
    away: TransientError | None = None
    for one, future in zip(pushes, futures, strict=True):
        error = future.exception()
        if isinstance(error, TransientError):
            away = error
        else:
            done += future.result() if error is None else one.broke(error)
    if away is not None:
        raise away
    return done


@dataclass(frozen=True, slots=True)
class _Push:
    """One sink's turn."""

    engine: sa.Engine
    make: Make
    sink: Sink
    held: HeldSink
    go_on: GoOn
    lease_s: float

    def run(self) -> Counter[str]:
        """Push until it has all, fails, or the time is over."""
        try:
            made = self.make(self.sink)
        except BadSettings as error:
            return self._put_off(str(error), WRONG_S)
        done: Counter[str] = Counter()
        with closing(made):
            try:
                self._push_all(made, done)
            except SinkEnded as error:
                with transaction(self.engine) as conn:
                    change_sinks.pause(conn, self.sink.name, str(error))
                log.warning("sink_ended", sink=self.sink.name, reason=str(error))
                return done + Counter(ended=1)
            except _NotTaken as error:
                before = 0 if done else self.sink.attempts
                wait_s = error.retry_after_s
                return done + self._put_off(
                    str(error), self._delay_s(before) if wait_s is None else wait_s
                )
            except LeaseLost:  # paused, removed, or read by another: he goes on
                pass
        with transaction(self.engine, durable=False) as conn:
            self.held.release(conn)
        return done

    def broke(self, error: BaseException) -> Counter[str]:
        """What no trying mends, or a fault of ours: told, and tried later, in nobody's way."""
        kind = type(error).__name__
        said = str(error) if isinstance(error, IngestError) else f"a fault of ours: {kind}"
        done = self._put_off(said, self._delay_s(self.sink.attempts))
        if done:
            log.error("sink_broke", sink=self.sink.name, kind=kind)
        return done

    def _push_all(self, made: MessageSink, done: Counter[str]) -> None:
        sink, taken = self.sink, set(self.sink.taken)
        stores = ALL if sink.stores is None else sink.stores
        with Changes(
            self.engine,
            sink.name,
            stores=stores,
            source_types=sink.source_types,
            lease_s=self.lease_s,
            is_written_down=True,  # removed meanwhile, it must not come back
        ) as feed:
            while self.go_on() and (batch := self._read(feed)):
                for message in messages(batch, sink.name):
                    if message.id in taken:
                        continue
                    if done and not self.go_on():
                        return
                    self._send(made, message)
                    done["delivered"] += len(message.changes)
                feed.ack(batch)
                with transaction(self.engine, durable=False) as conn:
                    self.held.whole(conn)

    def _read(self, feed: Changes) -> ChangeBatch:
        try:
            return feed.read(CHANGES)
        except FellBehind as error:  # told once; what is read next is a snapshot
            log.warning("sink_fell_behind", sink=self.sink.name, reason=str(error))
            with transaction(self.engine) as conn:
                self.held.fell_behind(conn)
            return feed.read(CHANGES)

    def _send(self, made: MessageSink, message: SinkMessage) -> None:
        with transaction(self.engine, durable=False) as conn:
            if not self.held.renew(conn, self.lease_s):
                raise LeaseLost("the sink is another pusher's by now, or paused")
        try:
            made.send(message)
        except TransientError as error:
            raise _NotTaken(str(error), retry_after_s=error.retry_after_s) from error
        with transaction(self.engine, durable=False) as conn:
            self.held.taken(conn, message.id, len(message.changes))

    def _delay_s(self, failed_before: int) -> float:
        return delay_s(failed_before + 1, zlib.crc32(self.sink.name.encode()))

    def _put_off(self, problem: str, wait_s: float) -> Counter[str]:
        """Try it later; nothing of one that was removed or paused meanwhile, or is another's."""
        with transaction(self.engine) as conn:
            if not self.held.put_off(conn, problem[:SHOWN], wait_s):
                return Counter()
        log.warning("sink_put_off", sink=self.sink.name, reason=problem, wait_s=round(wait_s, 1))
        return Counter(failed=1)


class _NotTaken(TransientError):
    """A sink did not take a message: its own trouble, not the database's."""
