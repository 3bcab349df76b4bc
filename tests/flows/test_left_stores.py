"""A connection is taken off a store while a batch of its deliveries is on the way there."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.connections import directory
from ingest.flows.connections.leaving import leave_stores, withdraw_from
from ingest.flows.deliveries.lease import Lease
from ingest.flows.deliveries.normalise import prepare
from ingest.flows.deliveries.prepared import Opened, Prepared
from ingest.flows.deliveries.route import names_of, open_delivery
from ingest.flows.deliveries.settle import settle_deliveries
from ingest.store import claiming, connections
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows.desk import Desk
from tests.flows.halcyon import issue

Neighbour = tuple[str, str, Mapping[str, Any]]

pytestmark = pytest.mark.integration


@dataclass
class Town:
    """A connection that feeds two stores, of which it is to leave one."""

    engine: sa.Engine
    left: str = ""
    kept: str = ""
    connection: str = ""
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.engine)
        self.left, self.kept = make_store(self.engine), make_store(self.engine)
        self.connection = connect(self.engine, "github", stores=[self.left, self.kept])

    def read(self) -> tuple[Lease, list[Prepared]]:
        """A batch as a worker has it, just before it is written."""
        self.desk.deliver(self.connection, issue())
        with transaction(self.engine) as conn:
            claim = claiming.claim(
                conn, limit=9, max_bytes=10**6, lease_s=60, alone=False, dear=True
            )
            opened = [open_delivery(row) for row in claim.rows]
            book = directory.read_directory(conn, *names_of(opened))
        prepared = [prepare(one, book) for one in opened if isinstance(one, Opened)]
        assert {target.store.id for p in prepared for target in p.targets} == {self.left, self.kept}
        return Lease(claim.token, claim.lease_s), prepared

    def leave(self, conn: sa.Connection) -> None:
        found = connections.by_id(conn, [self.connection])[self.connection]
        assert leave_stores(conn, found, [self.left]) == [self.left]

    def expect_nothing_there(self) -> None:
        """And that the rest comes to where it belongs."""
        assert self.desk.documents(self.left) == {}
        self.desk.run("UPDATE lightfast_webhook_deliveries SET next_attempt_at = now()")
        self.desk.work()
        assert self.desk.documents(self.left) == {}
        assert [*self.desk.documents(self.kept)] == ["halcyon/web#1"]
        (row,) = self.desk.rows("SELECT status FROM lightfast_webhook_deliveries")
        assert row["status"] == "processed"


def test_what_was_read_before_and_is_written_after_it_stays_out(engine: sa.Engine) -> None:
    """Bug: behind the last look for its documents, they were written all the same, and stayed."""
    town = Town(engine)
    lease, prepared = town.read()
    with transaction(engine) as conn:
        town.leave(conn)
    withdraw_from(engine, town.connection, [town.left])
    settle_deliveries(engine, lease, prepared)
    town.expect_nothing_there()


def test_who_waits_for_the_change_before_he_writes_sees_it(engine: sa.Engine) -> None:
    """A look at the links by whoever waits for the lock would see them as they were before."""
    town = Town(engine)
    lease, prepared = town.read()
    writing = threading.Thread(target=lambda: settle_deliveries(engine, lease, prepared))
    with transaction(engine) as conn:
        town.leave(conn)
        writing.start()
        waits = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until = time.monotonic() + 20
        while town.desk.rows(waits)[0]["n"] == 0:
            assert time.monotonic() < until, "nobody waits"
            time.sleep(0.01)
    writing.join()
    withdraw_from(engine, town.connection, [town.left])
    town.expect_nothing_there()


def test_who_reads_while_the_change_is_made_sees_it(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: the links were read before, and the count by which they are judged after it."""
    town = Town(engine)
    neighbours = connections.neighbours

    def meanwhile(conn: sa.Connection, store_ids: Collection[str]) -> list[Neighbour]:
        with transaction(engine) as other:
            town.leave(other)
        return neighbours(conn, store_ids)

    with monkeypatch.context() as patched:
        patched.setattr(connections, "neighbours", meanwhile)
        lease, prepared = town.read()
    withdraw_from(engine, town.connection, [town.left])
    settle_deliveries(engine, lease, prepared)
    town.expect_nothing_there()


def test_what_was_written_before_the_change_goes(engine: sa.Engine) -> None:
    town = Town(engine)
    lease, prepared = town.read()
    settle_deliveries(engine, lease, prepared)
    with transaction(engine) as conn:
        town.leave(conn)
    assert withdraw_from(engine, town.connection, [town.left]) == 1
    assert town.desk.documents(town.left) == {}
    assert [*town.desk.documents(town.kept)] == ["halcyon/web#1"]
