"""Where a reader stands in the feed: remembered under a name in the database, or by nobody.

Both answer the same calls, in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import sqlalchemy as sa

from ingest.core.errors import BadInput, FellBehind
from ingest.store import change_consumers, outbox
from ingest.store.change_consumers import ChangeConsumer


class FeedPlace(Protocol):
    """Where a reader stands."""

    def take(self, conn: sa.Connection) -> ChangeConsumer | None:
        """Where it stands; None where another reads for it just now."""

    def note_start(self, conn: sa.Connection, at: ChangeConsumer) -> None:
        """Note where a snapshot begins."""

    def stand(self, conn: sa.Connection, at: ChangeConsumer) -> bool:
        """Stand there from now on; False where that is not the reader's to say any more."""

    def restart(self, conn: sa.Connection, *, fell_behind: bool = False) -> None:
        """Begin with a snapshot."""

    def write_down(self, conn: sa.Connection) -> None:
        """Have it remembered, before anybody reads for it."""

    def seek(self, conn: sa.Connection, position: int) -> None:
        """Go on behind that position."""

    def release(self, conn: sa.Connection) -> None:
        """Let another reader begin."""


@dataclass(slots=True)
class Unremembered:
    """A reader without a name, which is where it was told to begin, or where it said that it is."""

    first: ChangeConsumer
    at: ChangeConsumer | None = None

    def take(self, conn: sa.Connection) -> ChangeConsumer:
        """Where it stands: nobody else reads for it."""
        if self.at is None:
            if not self.first.snapshot:
                require_given(conn, self.first.position)
            self.at = self.first
        return self.at

    def note_start(self, conn: sa.Connection, at: ChangeConsumer) -> None:
        """Nothing is read by a snapshot that was not acknowledged."""

    def stand(self, conn: sa.Connection, at: ChangeConsumer) -> bool:
        """It may stand where it likes."""
        self.at = at
        return True

    def restart(self, conn: sa.Connection, *, fell_behind: bool = False) -> None:
        """Begin with a snapshot."""
        self.at = replace(self.first, snapshot=True, page=None)

    def write_down(self, conn: sa.Connection) -> None:
        """Nobody remembers it."""

    def seek(self, conn: sa.Connection, position: int) -> None:
        """Go on behind that position."""
        self.at = replace(self.first, snapshot=False, page=None, position=position)

    def release(self, conn: sa.Connection) -> None:
        """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A consumer, for whom one reader at a time reads, under a lease.

    `first` is where one that is new stands. is_written_down: there is none that is new.
    """

    first: ChangeConsumer
    token: str
    lease_s: float
    is_written_down: bool = False

    @property
    def name(self) -> str:
        return self.first.name

    def take(self, conn: sa.Connection) -> ChangeConsumer | None:
        """Where it stands, with the lease; a consumer that is new is written down."""
        at = self._lease(conn)
        known = at or change_consumers.find(conn, self.name)
        if known is None:
            if self.is_written_down:
                raise BadInput(f"consumer {self.name} was forgotten: nothing is read for it")
            self.write_down(conn)
            return self._lease(conn)
        self._require_same(known)
        return at

    def note_start(self, conn: sa.Connection, at: ChangeConsumer) -> None:
        """Note where a snapshot begins."""
        change_consumers.note_start(conn, self.name, at.position)

    def stand(self, conn: sa.Connection, at: ChangeConsumer) -> bool:
        """Stand there, unless another reader has the lease or the consumer has begun anew."""
        return change_consumers.ack(conn, at, token=self.token)

    def restart(self, conn: sa.Connection, *, fell_behind: bool = False) -> None:
        """Begin with a snapshot."""
        self._require_known(conn)
        self.write_down(conn)
        change_consumers.restart(conn, self.name, fell_behind=fell_behind)

    def seek(self, conn: sa.Connection, position: int) -> None:
        """Go on behind that position."""
        self._require_known(conn)
        self.write_down(conn)
        change_consumers.seek(conn, self.name, position)

    def release(self, conn: sa.Connection) -> None:
        """Let another reader begin."""
        change_consumers.release(conn, self.name, token=self.token)

    def _lease(self, conn: sa.Connection) -> ChangeConsumer | None:
        return change_consumers.take(conn, self.name, token=self.token, lease_s=self.lease_s)

    def write_down(self, conn: sa.Connection) -> None:
        """Write it down where it is new. Raises `BadInput` for a position that is to come."""
        if not self.first.snapshot:
            require_given(conn, self.first.position)
        change_consumers.create(conn, self.first)

    def _require_known(self, conn: sa.Connection) -> None:
        known = change_consumers.find(conn, self.name)
        if known is not None:
            self._require_same(known)

    def _require_same(self, at: ChangeConsumer) -> None:
        for what, has, wanted in (
            ("stores", at.stores, self.first.stores),
            ("sources", at.source_types, self.first.source_types),
        ):
            if has != wanted:
                raise BadInput(
                    f"consumer {at.name} has other {what}: give the same, or another name, or "
                    f"`ingest changes forget {at.name}` first"
                )


def require_given(conn: sa.Connection, position: int) -> None:
    """Raise `BadInput` for a position that nothing was told at yet."""
    last = outbox.head(conn).last
    if not 0 <= position <= last:
        raise BadInput(f"position {position} is not told yet: give 0 to {last}, or `snapshot`")


def require_kept(conn: sa.Connection, at: ChangeConsumer, position: int) -> None:
    """Raise `FellBehind` where what comes after a position is deleted.

    Looked at after it was read: what was there then was all.
    """
    pruned = outbox.head(conn).pruned
    if pruned > position:
        raise FellBehind(at.name, position=position, kept_from=pruned + 1)
