"""A delivery that two look-ups end, of which one is hopeless: whichever ends first, it is the same.

What the other saw stands, for it is what the provider holds; the delivery is dead with the reason,
records no event, and a replay brings the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.drain import drain_lookups
from ingest.store import queue_admin
from ingest.store.engine import transaction
from ingest.testing.fakes import Answer, Trouble
from tests.flows import halcyon
from tests.flows.asking_github import ID, NAME, Works, told, works
from tests.flows.snapshot import snapshot

pytestmark = pytest.mark.integration

_FIRST = sa.text("""
UPDATE lightfast_lookups SET next_attempt_at = CASE WHEN external_id = :first THEN now()
  ELSE now() + interval '1 hour' END
""")


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Works]:
    with works(engine) as made:
        made.open()
        for number in (1, 2):
            made.github.put(ID, "issue", halcyon.issue(number, at=1).body["issue"])
        yield made


def blocked(desk: Works) -> int:
    """The delivery that says: issue 1 is blocked by issue 2."""
    one, two = (halcyon.issue(n, at=1).body["issue"] for n in (1, 2))
    repository = {"id": ID, "full_name": NAME}
    body = {
        "action": "blocked_by_added",
        "blocked_issue_id": one["id"],
        "blocked_issue": one,
        "blocked_issue_repo": repository,
        "blocking_issue_id": two["id"],
        "blocking_issue": two,
        "blocking_issue_repo": repository,
        "repository": repository,
    }
    (id_,) = desk.deliver(told("issue_dependencies", body))
    desk.work()
    return id_


def look_up_first(desk: Works, number: str) -> None:
    with transaction(desk.engine) as conn:
        conn.execute(_FIRST, {"first": number})
    rounds = iter([True, True, False])
    drain_lookups(desk.engine, desk.clients, go_on=lambda: next(rounds, False))


@pytest.mark.parametrize("first", ["1", "2"])
def test_whichever_ends_first_it_is_the_same(desk: Works, first: str) -> None:
    id_ = blocked(desk)
    assert {r["external_id"] for r in desk.rows("SELECT external_id FROM lightfast_lookups")} == {
        "1",
        "2",
    }
    desk.fake.troubles.append(Trouble(Answer(200, b"<html>"), "issues/2", times=9))
    look_up_first(desk, first)
    desk.look_up()
    status, why = desk.delivery(id_)
    assert status == "dead", why
    live = "SELECT external_id FROM lightfast_document_ledger WHERE state = 'live'"
    assert [row["external_id"] for row in desk.rows(live)] == ["1"]
    assert desk.rows("SELECT id FROM lightfast_ingestion_events") == []
    assert desk.rows("SELECT delivery_id FROM lightfast_lookup_waiters") == []

    desk.fake.troubles.clear()
    with transaction(desk.engine) as conn:
        assert queue_admin.replay(conn, [id_]) == 1
    drain_deliveries(desk.engine, go_on=lambda: True, threads=1)
    desk.look_up()
    assert desk.delivery(id_)[0] == "processed"
    assert len(snapshot(desk.engine)["documents"]) == 2
    assert len(desk.rows("SELECT id FROM lightfast_ingestion_events")) == 1
