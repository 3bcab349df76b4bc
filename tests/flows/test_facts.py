"""One body is one fact: sent once more under another id, it is what it was."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.store import facts
from ingest.store.engine import transaction
from ingest.store.facts import Fact
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration


@pytest.fixture
def github(engine: sa.Engine) -> str:
    return connect(engine, "github", stores=[make_store(engine, "store-1")])


def events(desk: Desk) -> list[tuple[str, str]]:
    rows = desk.rows("SELECT event_key, status FROM lightfast_ingestion_events ORDER BY 1")
    return [(row["event_key"], row["status"]) for row in rows]


def test_a_captured_delivery_under_another_id_is_a_duplicate(desk: Desk, github: str) -> None:
    """Bug: the id is a header that nobody signs, and each new one made a new event."""
    assert desk.end(github, halcyon.issue(1), key="genuine")[0] == "processed"
    ended = desk.end(github, halcyon.issue(1), key="made up")
    assert ended == ("duplicate", "the event is recorded already")
    assert events(desk) == [("genuine", "processed")]


def test_two_of_one_batch_are_one_fact_too(desk: Desk, github: str) -> None:
    ids = [
        *desk.deliver(github, halcyon.issue(1), key="first"),
        *desk.deliver(github, halcyon.issue(1), key="second"),
    ]
    desk.work()
    assert [desk.delivery(id_)["status"] for id_ in ids] == ["processed", "duplicate"]
    assert events(desk) == [("first", "processed")]


def test_under_another_header_too_and_its_genuine_meaning_stays(desk: Desk, github: str) -> None:
    """Somebody is faster than the provider, and has the body skipped: it is not lost by that."""
    genuine = halcyon.issue(1)
    as_star = Sent("github", genuine.body, {"x-github-event": "star"})
    assert desk.end(github, as_star, key="made up")[0] == "skipped"
    assert desk.end(github, genuine, key="genuine")[0] == "processed"
    assert events(desk) == [("made up", "processed")]
    assert list(desk.documents()) == ["halcyon/web#1"]


def test_what_is_dead_leaves_no_fact(desk: Desk, github: str) -> None:
    genuine = halcyon.comment(11)
    forged = Sent("github", genuine.body, {"x-github-event": "issues"})
    assert desk.end(github, forged, key="made up")[0] == "dead"
    assert desk.end(github, genuine, key="genuine")[0] == "processed"
    assert events(desk) == [("genuine", "processed")]


def test_its_changes_pass_through_apply_all_the_same(desk: Desk, github: str) -> None:
    """Promise 3: what an older adapter got wrong is mended, whatever the id."""
    desk.end(github, halcyon.issue(1, title="Right"), key="genuine")
    desk.run("UPDATE lightfast_document_ledger SET rank = '0'")
    desk.run('UPDATE lightfast_docs_documents SET source_metadata = \'{"title": "wrong"}\'')
    desk.end(github, halcyon.issue(1, title="Right"), key="made up")
    assert desk.documents()["halcyon/web#1"]["source_metadata"]["title"] == "Right"


def test_another_connection_tells_its_own(desk: Desk, engine: sa.Engine, github: str) -> None:
    twin = connect(engine, "github", stores=["store-1"])
    desk.end(github, halcyon.issue(1), key="one hook")
    assert desk.end(twin, halcyon.issue(1), key="another hook")[0] == "processed"
    assert len(events(desk)) == 2


def test_a_redelivery_is_no_other_fact(desk: Desk, github: str) -> None:
    (id_,) = desk.deliver(github, halcyon.issue(1), key="genuine")
    desk.work()
    desk.replay(id_)
    assert desk.delivery(id_)["status"] == "duplicate"
    assert events(desk) == [("genuine", "processed")]


def test_facts_are_told_once_and_known_by_their_first_key(engine: sa.Engine, github: str) -> None:
    one, other = str(uuid.uuid4()), str(uuid.uuid4())

    def tell(*told: tuple[str, str]) -> dict[Any, str]:
        with transaction(engine) as conn:
            return facts.tell(conn, [Fact(github, fact, key) for fact, key in told])

    assert tell() == {}
    assert tell((one, "a"), (one, "b"), (other, "c")) == {(github, one): "a"}
    assert tell((one, "a"), (other, "c")) == {}
    assert tell((one, "z"), (other, "c")) == {(github, one): "a"}
