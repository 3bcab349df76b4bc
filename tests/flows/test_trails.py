"""The trail over look-ups and sync runs: each try with its error, and what each did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.store import trails
from ingest.store.engine import transaction
from ingest.testing.fakes import Answer, Trouble
from tests.flows.asking_notion import Office, event, office, page_id
from tests.flows.syncing import synced

pytestmark = pytest.mark.integration
BROKEN = Answer(503, {"object": "error", "status": 503, "code": "service_unavailable"})


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Office]:
    with office(engine) as made:
        yield made


def test_a_delivery_leads_over_its_look_up_to_the_document_and_back(desk: Office) -> None:
    desk.write("Plan", "one")
    desk.fake.troubles.append(Trouble(BROKEN))
    (delivery,) = desk.deliver(event("page.content_updated", "Plan"))
    desk.work()
    desk.look_up()
    with transaction(desk.engine) as conn:
        (waiting,) = trails.lookups_of_delivery(conn, delivery)
        assert trails.look_ups(conn, failing=True, limit=9)[0]["id"] == waiting["id"]
    assert (waiting["state"], waiting["external_id"]) == ("waiting", page_id("Plan"))
    assert "503" in waiting["last_error"]
    desk.look_up()
    with transaction(desk.engine) as conn:
        (ended,) = trails.lookups_of_delivery(conn, delivery)
        (done,) = trails.documents_of(conn, lookup_ids=[ended["id"]], limit=9)
        (event_row,) = trails.events_of_delivery(conn, delivery)
        shown = trails.look_up(conn, ended["id"])
        (touched,) = trails.history(conn, done["document_id"], limit=9) or []
    assert [one["outcome"] for one in ended["tries"]] == ["put_off", "seen"]
    assert "503" in ended["tries"][0]["error"]
    assert (ended["state"], ended["id"]) == ("seen", waiting["id"])
    assert shown is not None
    assert shown["deliveries"] == [delivery]
    assert (done["did"], touched["lookup_id"], event_row["status"]) == (
        "created",
        ended["id"],
        "processed",
    )


def test_what_a_sync_run_changed_is_in_the_document_s_history(desk: Office) -> None:
    desk.write("Plan", "one")
    synced(desk.engine, desk.clients, [desk.connection])
    synced(desk.engine, desk.clients, [desk.connection])
    (row,) = desk.rows("SELECT id FROM lightfast_docs_documents")
    with transaction(desk.engine) as conn:
        (touched,) = trails.history(conn, row["id"], limit=9) or []
    assert (touched["did"], touched["delivery_id"]) == ("created", None)
    assert touched["run_id"] is not None
