"""A world that a consumer of the change feed follows, as badly as a consumer may.

Between batches it reads or does not, applies what it read once or twice, acknowledges it or dies,
acknowledges what another has read since, begins anew, and falls behind. It knows the feed alone.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

import sqlalchemy as sa

from ingest.changes import ALL, ChangeBatch, Changes, FellBehind, LeaseLost
from ingest.flows.retention import delete_changes
from ingest.store.engine import transaction
from tests.changes.model import Follower, Shown, follow, tables
from tests.flows.test_convergence import Plan, World

_HURRY = sa.text("""
UPDATE lightfast_change_consumers SET lease_until = now() - interval '1 second'
""")
_AGE = sa.text("""
UPDATE lightfast_document_outbox SET written_at = written_at - interval '8 days'
WHERE position IS NOT NULL
""")


@dataclass
class FollowedWorld(World):
    """A world, its follower, and the chance by which that is disturbed."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))
    follower: Follower = field(default_factory=Follower)
    _feed: Changes | None = None
    _late: list[tuple[Changes, ChangeBatch]] = field(default_factory=list)
    _one: threading.Lock = field(default_factory=threading.Lock)

    def between(self, plan: Plan) -> None:
        """The follower has some turns, in whichever worker's thread; one at a time."""
        super().between(plan)
        if self._one.acquire(blocking=False):
            try:
                for _ in range(self.chance.randint(0, 3)):
                    self.turn()
            finally:
                self._one.release()

    def turn(self) -> None:
        """Read some, and do with it what may be done."""
        feed = self._reader()
        if self.chance.random() < 0.1:
            feed.snapshot()
        if self.chance.random() < 0.1:
            self._fall_behind()
        try:
            batch = feed.read(self.chance.choice([1, 2, 5, 500]))
        except FellBehind:
            return
        texts = feed.texts(batch.changes)
        for _ in range(self.chance.choice([1, 1, 2])):
            self.follower.apply(batch, texts)
        self._end(feed, batch)

    def catch_up(self) -> Shown:
        """Read to the end; what the follower has then."""
        while True:
            try:
                follow(self._reader(), self.follower)
            except FellBehind:
                continue
            return self.follower.shown()

    def stands(self) -> Shown:
        """What the tables hold."""
        return tables(self.engine)

    def _end(self, feed: Changes, batch: ChangeBatch) -> None:
        """It is acknowledged, or not: by a reader that died, or by one that comes late."""
        drawn = self.chance.random()
        if drawn < 0.5:
            feed.ack(batch)
        elif drawn < 0.7:
            self._die()
        elif drawn < 0.8:
            self._late.append((feed, batch))
            self._die()
        for late in self._late if self.chance.random() < 0.3 else []:
            try:
                late[0].ack(late[1])
            except LeaseLost:
                continue

    def _reader(self) -> Changes:
        if self._feed is None:
            self._feed = Changes(self.engine, "follower", stores=ALL)
        return self._feed

    def _die(self) -> None:
        self._feed = None
        with transaction(self.engine, durable=False) as conn:
            conn.execute(_HURRY)

    def _fall_behind(self) -> None:
        with transaction(self.engine, durable=False) as conn:
            conn.execute(_AGE)
        delete_changes(self.engine, 7)
