"""Reads the change feed for a consumer: a snapshot first, then what is told, from where it stands.

At least once, and per document in the order of what happened. Nothing is waited for in a
transaction; the wait is by looking again, since a pooler hands on no notification.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final, Literal, Self

import sqlalchemy as sa

from ingest.changes.merging import digest_of
from ingest.changes.places import FeedPlace, Remembered, Unremembered, require_given
from ingest.changes.stepping import FIRST_PAGE, next_batch
from ingest.changes.told import ChangeBatch, DocumentChange
from ingest.core.errors import BadInput, FellBehind, LeaseLost
from ingest.store import outbox
from ingest.store.change_consumers import ChangeConsumer
from ingest.store.engine import transaction

ALL: Final = "all"
Start = Literal["snapshot"] | int
"""Where a consumer begins that is new: with what stands, or behind that position."""

LEASE_S = 60.0
LOOKS_FIRST_S, LOOKS_EVERY_S = 0.05, 0.5
"""Between two looks while nothing comes: the wait grows from the one to the other."""
MOST = 10_000
NAME_LENGTH = 191


class Changes:
    """The changes of these stores, read for a consumer of this name. Not for several threads.

    consumer: a name; None for a reader that nobody remembers. stores: store ids, or ALL.
    source_types: of these sources; None is all. start: for a consumer that is new.
    lease_s: so long another reader of the same name waits for one that died.
    is_written_down: the consumer is there; where it was forgotten, `read` raises `BadInput`, and
        makes no new one.
    """

    def __init__(
        self,
        engine: sa.Engine,
        consumer: str | None,
        *,
        stores: Collection[str] | Literal["all"],
        source_types: Collection[str] | None = None,
        start: Start = "snapshot",
        lease_s: float = LEASE_S,
        is_written_down: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Contacts nobody. Raises `BadInput` for what cannot be meant."""
        self._engine, self._lease_s, self._pause = engine, lease_s, pause
        self._first = ChangeConsumer(
            name=_named(consumer),
            stores=_stores(stores),
            source_types=None if source_types is None else tuple(sorted(set(source_types))),
            position=0 if start == "snapshot" else start,
            snapshot=start == "snapshot",
            page=None,
            snapshots=0,
        )
        self._goes_on = False
        self._place: FeedPlace = (
            Unremembered(self._first)
            if consumer is None
            else Remembered(
                self._first, str(uuid.uuid4()), lease_s, is_written_down=is_written_down
            )
        )

    def read(self, limit: int = 500, *, wait_s: float = 0.0) -> ChangeBatch:
        """The next changes, about so many: a transaction is not cut in two. Blocks for `wait_s`.

        Without `ack` the same come again. Empty where there are none, and where another reader of
        the same name is at work. Raises `FellBehind`, once, where what comes next was deleted: the
        consumer begins with a snapshot then, and the next `read` gives its first page. Raises
        `BadInput` for a limit not within 1 to MOST, and where the consumer has other stores or
        sources; `TransientError` where the database is away.
        """
        if not 1 <= limit <= MOST:
            raise BadInput(f"limit is {limit}: give 1 to {MOST:,}")
        until = time.monotonic() + wait_s
        while True:
            batch = self._look(limit)
            if batch:
                return batch
            if batch is not None and self._goes_on:
                continue
            if time.monotonic() >= until:
                return batch if batch is not None else ChangeBatch((), 0, self._first)
            self._wait(None if batch is None else batch.position, until)

    def ack(self, batch: ChangeBatch) -> None:
        """Note that all of a batch is applied: the next `read` goes on behind it.

        Raises `LeaseLost` where another reader has gone on meanwhile, who gets the batch again.
        """
        if not batch:
            return
        with transaction(self._engine) as conn:
            if not self._place.stand(conn, batch.after):
                raise LeaseLost(
                    f"consumer {self._first.name} is read by another, or has begun anew: what was "
                    "read before comes again"
                )

    def texts(self, changes: Iterable[DocumentChange]) -> Mapping[str, str]:
        """The texts of the new chunks of these changes, by chunk id.

        They are read as they stand now: one that is gone by now is not among them, and a later
        change says so.
        """
        wanted = [(one, one.chunks.new) for one in changes if one.chunks and one.chunks.new]
        ids = {chunk.id for _, chunks in wanted for chunk in chunks}
        if not ids:
            return {}
        with transaction(self._engine, durable=False) as conn:
            found = outbox.texts(
                conn,
                {one.document_id for one, _ in wanted},
                {digest_of(id_) for id_ in ids},
                self._first.stores,
            )
        return {id_: found[digest_of(id_)] for id_ in ids if digest_of(id_) in found}

    def snapshot(self) -> None:
        """Begin anew: the next `read` gives the first page of what stands."""
        with transaction(self._engine) as conn:
            self._place.restart(conn)

    def write_down(self, conn: sa.Connection) -> None:
        """Write the consumer down, in the caller's transaction, before anybody reads for it."""
        self._place.write_down(conn)

    def seek(self, position: int) -> None:
        """Go on behind that position, forward or back. Raises `BadInput` for one that is to come.

        One that is deleted by now lets the next `read` raise `FellBehind`.
        """
        self._give_positions()
        with transaction(self._engine) as conn:
            require_given(conn, position)
            self._place.seek(conn, position)

    def close(self) -> None:
        """Let the next reader of the same name begin at once."""
        with transaction(self._engine, durable=False) as conn:
            self._place.release(conn)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self, limit: int) -> ChangeBatch | None:
        """One look: what came is given its positions, and what is next is read.

        None where another reader is at work.
        """
        self._give_positions()
        with transaction(self._engine, durable=False) as conn:
            at = self._place.take(conn)
            if at is None:
                return None
            if at.snapshot and at.page is None:
                at = replace(at, position=outbox.head(conn).last, page=FIRST_PAGE)
                self._place.note_start(conn, at)
            batch = self._next(conn, at, limit)
            if isinstance(batch, ChangeBatch):
                return batch
        raise batch  # once what it says is noted

    def _next(
        self, conn: sa.Connection, at: ChangeConsumer, limit: int
    ) -> ChangeBatch | FellBehind:
        try:
            batch = next_batch(conn, at, limit)
        except FellBehind as error:
            self._place.restart(conn, fell_behind=True)
            return error
        if not batch and batch.after != at:  # of what the filter leaves out nothing is applied
            self._place.stand(conn, batch.after)
        self._goes_on = not batch and batch.position < outbox.head(conn).last
        return batch

    def _give_positions(self) -> None:
        """What was committed until now has its place after this."""
        given = outbox.STEP_ROWS
        while given >= outbox.STEP_ROWS:
            with transaction(self._engine, durable=False) as conn:
                fresh = outbox.is_fresh(conn)
            if not fresh:
                return
            with transaction(self._engine) as conn:
                given = outbox.give_positions(conn, wait=True)

    def _wait(self, position: int | None, until: float) -> None:
        """Wait until a look may find more than up to that position, or the time is over.

        A third of the lease at most: a look renews it.
        """
        wait_s = LOOKS_FIRST_S if position is not None else LOOKS_EVERY_S
        until = min(until, time.monotonic() + self._lease_s / 3)
        while (left_s := until - time.monotonic()) > 0:
            self._pause(min(wait_s, left_s))
            wait_s = min(wait_s * 2, LOOKS_EVERY_S)
            if position is None:
                return
            with transaction(self._engine, durable=False) as conn:
                if outbox.is_fresh(conn) or outbox.head(conn).last > position:
                    return


def _named(consumer: str | None) -> str:
    if consumer is None:
        return ""
    is_plain = consumer.isprintable() and consumer.strip() == consumer
    if not (0 < len(consumer) <= NAME_LENGTH and is_plain):
        raise BadInput(f"a consumer's name has 1 to {NAME_LENGTH} printable characters")
    return consumer


def _stores(stores: Collection[str] | Literal["all"]) -> tuple[str, ...] | None:
    if stores == ALL:
        return None
    if isinstance(stores, str) or not stores:
        raise BadInput(f"stores is {stores!r}: give a list of store ids, or {ALL!r}")
    return tuple(sorted(set(stores)))
