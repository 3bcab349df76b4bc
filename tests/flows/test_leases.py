"""Who works keeps his lease, whatever he waits for; and one that ran out is no proof of a crash."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.deliveries.lease import Lease, renewing
from ingest.store import claiming
from ingest.store.claiming import Claim
from ingest.store.engine import transaction
from tests.factories import connect
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.leases import run_out

__all__ = ["desk"]

pytestmark = pytest.mark.integration

_LOCK = sa.text("SELECT FROM lightfast_document_ledger FOR UPDATE")
_SUSPECT = "UPDATE lightfast_webhook_deliveries SET suspect = true WHERE status = 'pending'"


@pytest.fixture
def github(engine: sa.Engine) -> str:
    return connect(engine, "github", {"githubRepoId": str(halcyon.REPOSITORY)})


def claim(engine: sa.Engine, *, alone: bool = False, lease_s: float = 30.0) -> Claim:
    with transaction(engine, durable=False) as conn:
        return claiming.claim(conn, limit=5, max_bytes=2**20, alone=alone, lease_s=lease_s)


def test_a_lock_that_outlasts_the_lease_takes_nobody_down(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    """A bug once: a lone row that waited for a lock died of crashes that nobody had seen."""
    desk.deliver(github, halcyon.issue(at=1))
    desk.work()
    (id_,) = desk.deliver(github, halcyon.issue(at=2, title="Later"))
    desk.run(_SUSPECT)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            drain_deliveries(engine, go_on=lambda: not over.is_set(), lease_s=0.6)
            time.sleep(0.1)

    workers = [threading.Thread(target=work) for _ in range(2)]
    with transaction(engine) as conn:
        conn.execute(_LOCK)
        for worker in workers:
            worker.start()
        time.sleep(claiming.GRACE_S + 2)
    ends_at = time.monotonic() + 30
    while desk.delivery(id_)["status"] == "pending" and time.monotonic() < ends_at:
        time.sleep(0.1)
    over.set()
    for worker in workers:
        worker.join()
    ended = desk.delivery(id_)
    assert (ended["status"], ended["attempts"], ended["lone_crashes"]) == ("processed", 1, 0)


def test_a_lease_that_ran_out_is_left_to_an_owner_who_lives(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    """Three outages of the database that met one row were three crashes once."""
    (id_,) = desk.deliver(github, halcyon.issue())
    desk.run(_SUSPECT)
    for _ in range(4):
        held = claim(engine, alone=True, lease_s=-1.0)
        assert [row.id for row in held.rows] == [id_]
        assert not claim(engine, alone=True).rows
        with transaction(engine) as conn:
            claiming.renew(conn, held.token, [id_], 30.0)
        assert not claim(engine, alone=True).rows
        desk.run("UPDATE lightfast_webhook_deliveries SET lease_until = NULL")
    assert desk.delivery(id_)["lone_crashes"] == 0


def test_one_whose_owner_is_gone_is_taken_over_and_counted(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    (id_,) = desk.deliver(github, halcyon.issue())
    desk.run(_SUSPECT)
    claim(engine, alone=True, lease_s=-1.0)
    assert not claim(engine, alone=True).rows
    desk.run("UPDATE lightfast_webhook_deliveries SET missed_at = missed_at - interval '1 min'")
    assert [row.lone_crashes for row in claim(engine, alone=True).rows] == [1]
    assert desk.delivery(id_)["missed_at"] is None


def test_a_database_that_is_away_is_asked_again_until_the_lease_is_kept(
    desk: Desk, engine: sa.Engine, github: str
) -> None:
    (id_,) = desk.deliver(github, halcyon.issue())
    held = claim(engine)
    run_out(engine)
    with renewing(engine, Lease(held.token, 0.3), [id_]):
        ends_at = time.monotonic() + 10
        while desk.delivery(id_)["missed_at"] is not None and time.monotonic() < ends_at:
            time.sleep(0.05)
    assert desk.delivery(id_)["missed_at"] is None
