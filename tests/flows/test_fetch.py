"""Look-ups: a thin event waits for one, ten events share one, and a refusal is read correctly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.flows.lookups.drain import drain_lookups
from ingest.store import conditions, connections, lookup_admin, lookup_counts, lookups
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import transaction
from ingest.store.reasons import PARKED, TOKENLESS
from ingest.testing.fakes import Answer, Trouble
from tests.factories import VAULT
from tests.flows.asking_notion import T0, T1, Office, event, office, page_id
from tests.leases import run_out

pytestmark = pytest.mark.integration

LIMITED = Answer(
    429, {"object": "error", "status": 429, "code": "rate_limited"}, {"retry-after": "30"}
)
BROKEN = Answer(500, {"object": "error", "status": 500, "code": "internal_server_error"})


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Office]:
    with office(engine) as made:
        yield made


def test_a_thin_event_ends_with_its_look_up_and_not_before(desk: Office) -> None:
    desk.write("Runbook", "Turn it off and on.")
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    assert desk.delivery(id_) == ("pending", PARKED)
    assert desk.texts() == {}
    assert desk.rows("SELECT * FROM lightfast_ingestion_events") == []
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")
    assert "Turn it off and on." in desk.texts()["Runbook"]
    (recorded,) = desk.rows("SELECT status FROM lightfast_ingestion_events")
    assert recorded == {"status": "processed"}
    assert desk.rows("SELECT * FROM lightfast_lookups") == []


def test_ten_events_of_one_object_cost_one_look_up(desk: Office) -> None:
    desk.write("Runbook", "One text.")
    kinds = ["page.created", *["page.content_updated"] * 9]
    ends = desk.end(*(event(kind, "Runbook") for kind in kinds))
    assert ends == [("processed", "looked up")] * 10
    assert desk.reads_of("Runbook") == 1
    (count,) = desk.rows("SELECT count(*) AS n FROM lightfast_ingestion_events")
    assert count["n"] == 10


def test_what_happens_while_it_is_looked_up_is_looked_up_once_more(desk: Office) -> None:
    desk.write("Runbook", "The old text.")
    desk.deliver(event("page.created", "Runbook"))
    desk.work()
    desk.fake.latency_s = 0.3
    running = threading.Thread(target=desk.look_up)
    running.start()
    while not desk.fake.requests:
        pass
    (late,) = desk.deliver(event("page.content_updated", "Runbook", at=T1))
    desk.work()
    running.join()
    assert desk.delivery(late) == ("pending", PARKED)
    desk.fake.latency_s = 0.0
    desk.write("Runbook", "The new text.", at=T1)
    desk.look_up()
    assert desk.delivery(late) == ("processed", "looked up")
    assert "The new text." in desk.texts()["Runbook"]


def test_no_transaction_is_open_while_a_provider_is_asked(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    desk.deliver(event("page.created", "Runbook"))
    desk.work()
    desk.fake.latency_s = 0.3
    running = threading.Thread(target=desk.look_up)
    running.start()
    while not desk.fake.requests:
        pass
    idle = desk.rows(
        "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
        " AND state LIKE 'idle in transaction%'"
    )
    running.join()
    assert idle == []


def test_without_a_token_it_is_skipped_and_a_token_brings_it_back(desk: Office) -> None:
    desk.open(token="")
    desk.write("Runbook", "A text.")
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    assert desk.delivery(id_) == ("skipped", TOKENLESS)
    due = replace_credentials(desk.engine, desk.connection, {API_TOKEN: desk.notion.token}, VAULT)
    assert due == 1
    desk.work()
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")
    (recorded,) = desk.rows("SELECT status FROM lightfast_ingestion_events")
    assert recorded == {"status": "processed"}


def test_a_wrong_token_pauses_the_connection_and_a_right_one_lets_all_through(
    desk: Office,
) -> None:
    desk.open(token="ntn_wrong")
    desk.write("Runbook", "A text.")
    desk.write("Plan", "Another.")
    (first,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    assert desk.look_up() == {"refused": 1}
    with transaction(desk.engine) as conn:
        found = connections.by_id(conn, [desk.connection])[desk.connection]
        condition = conditions.read(conn, desk.connection)
    assert (found.is_active, found.status) == (False, connections.REFUSED)
    assert "401" in condition["problem"]
    (second,) = desk.deliver(event("page.created", "Plan"))
    desk.work()
    asked = len(desk.fake.requests)
    desk.look_up()
    assert len(desk.fake.requests) == asked, "a refused token is not tried again"
    assert [desk.delivery(id_)[0] for id_ in (first, second)] == ["pending", "pending"]
    replace_credentials(desk.engine, desk.connection, {API_TOKEN: desk.notion.token}, VAULT)
    desk.work()
    desk.look_up()
    assert [desk.delivery(id_)[0] for id_ in (first, second)] == ["processed", "processed"]
    assert set(desk.texts()) == {"Runbook", "Plan"}
    with transaction(desk.engine) as conn:
        assert conditions.read(conn, desk.connection) == {}


def test_what_is_gone_is_deleted_only_where_its_parent_can_be_read(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    desk.end(event("page.created", "Runbook"))
    desk.notion.destroy(page_id("Runbook"))
    (ended,) = desk.end(event("page.content_updated", "Runbook", at=T1))
    assert ended == ("processed", "looked up: it is gone")
    assert desk.texts() == {}
    (row,) = desk.rows("SELECT state, rank FROM lightfast_document_ledger")
    assert row["state"] == "deleted"


def test_what_comes_back_after_it_was_gone_is_looked_up(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    desk.end(event("page.created", "Runbook"))
    desk.notion.hidden.add(page_id("Runbook"))
    desk.end(event("page.content_updated", "Runbook", at=T1))
    desk.notion.hidden.clear()
    (ended,) = desk.end(event("page.undeleted", "Runbook", at=T1))
    assert ended[0] == "processed"
    assert set(desk.texts()) == {"Runbook"}


def test_a_rate_limit_holds_the_whole_connection_and_no_other(desk: Office) -> None:
    for name in ("One", "Two", "Three"):
        desk.write(name, "A text.")
    ids = desk.deliver(*(event("page.created", name) for name in ("One", "Two", "Three")))
    desk.work()
    desk.fake.troubles.append(Trouble(LIMITED, times=3))
    desk.look_up()
    asked = len(desk.fake.requests)
    desk.look_up()
    assert len(desk.fake.requests) == asked, "nobody knocks while the provider wants to be left"
    with transaction(desk.engine) as conn:
        assert conditions.read(conn, desk.connection)["held_until"] is not None
        assert conditions.read(conn, desk.connection)["problem"] is None
    held = desk.connection
    desk.open()
    assert desk.end(event("page.created", "One")) == [("processed", "looked up")]
    with transaction(desk.engine) as conn:
        conditions.clear(conn, held)
    desk.look_up()
    assert [desk.delivery(id_)[0] for id_ in ids] == ["processed"] * 3


def test_a_provider_in_trouble_is_asked_again_later(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    desk.fake.troubles.append(Trouble(BROKEN))
    assert desk.look_up() == {"put_off": 1}
    assert desk.delivery(id_)[0] == "pending"
    (row,) = desk.rows(
        "SELECT attempts, last_error, next_attempt_at > now() AS later FROM lightfast_lookups"
    )
    assert row["attempts"] == 1
    assert row["later"]
    assert "500" in row["last_error"]
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")


def test_an_answer_that_makes_no_sense_ends_the_delivery_with_the_reason(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    page = desk.notion.pages[page_id("Runbook")]
    del page["last_edited_time"]
    (ended,) = desk.end(event("page.created", "Runbook"))
    assert ended[0] == "dead"
    assert "last_edited_time" in str(ended[1])
    assert desk.rows("SELECT * FROM lightfast_ingestion_events") == []


def test_a_look_up_that_takes_its_worker_down_again_and_again_is_given_up(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    for _ in range(4):
        with transaction(desk.engine) as conn:
            conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
            token, (held,) = lookups.claim(conn, limit=1)
            if held.suspect:
                lookups.set_alone(conn, token, held.id)
        run_out(desk.engine)
    assert desk.look_up() == {"hopeless": 1}
    assert desk.delivery(id_) == ("dead", "took its worker down 3 times while it was alone")


def test_a_look_up_is_not_to_blame_for_a_crash_in_company(desk: Office) -> None:
    """A bug once: three kills of a fetcher made a delivery dead, whatever ran beside it."""
    for name in ("Runbook", "Killer"):
        desk.write(name, "A text.")
    ids = desk.deliver(event("page.created", "Runbook"), event("page.created", "Killer"))
    desk.work()
    for _ in range(5):
        with transaction(desk.engine) as conn:
            conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
            assert len(lookups.claim(conn, limit=2)[1]) == 2
        run_out(desk.engine)
    for _ in ids:
        desk.look_up()
    assert [desk.delivery(id_)[0] for id_ in ids] == ["processed", "processed"]


def test_a_lease_that_ran_out_is_left_to_an_owner_who_lives(desk: Office) -> None:
    """An outage of the database takes nobody down."""
    desk.write("Runbook", "A text.")
    desk.deliver(event("page.created", "Runbook"))
    desk.work()
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
        token, (held,) = lookups.claim(conn, limit=1, lease_s=-1.0)
    with transaction(desk.engine) as conn:
        assert lookups.claim(conn, limit=1)[1] == []
    with transaction(desk.engine) as conn:
        lookups.renew(conn, token, [held.id])
    with transaction(desk.engine) as conn:
        assert lookups.claim(conn, limit=1)[1] == []
    (row,) = desk.rows("SELECT crashes, suspect, missed_at FROM lightfast_lookups")
    assert row == {"crashes": 0, "suspect": False, "missed_at": None}


def test_who_lost_the_lease_changes_nothing(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    desk.fake.latency_s = 0.3
    running = threading.Thread(target=desk.look_up)
    running.start()
    while not desk.fake.requests:
        pass
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_lookups SET lease_token = gen_random_uuid()"))
    running.join()
    assert desk.delivery(id_)[0] == "pending"
    assert desk.texts() == {}


def test_a_disconnected_source_asks_no_more(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    disconnect_source(desk.engine, desk.connection)
    desk.look_up()
    desk.work()
    assert desk.delivery(id_) == ("skipped", "the connection is disconnected")
    assert desk.fake.requests == []


def test_a_trashed_page_goes_with_what_is_in_it_and_comes_back_with_it(desk: Office) -> None:
    desk.write("Handbook", "A book.")
    parent = {"type": "page_id", "page_id": page_id("Handbook")}
    desk.notion.put_page(page_id("Chapter"), "Chapter", at=T0, parent=parent)
    told = {"id": page_id("Handbook"), "type": "page"}
    desk.end(event("page.created", "Handbook"), event("page.created", "Chapter", parent=told))
    titles = "SELECT source_metadata ->> 'title' AS t FROM lightfast_docs_documents ORDER BY 1"
    assert [row["t"] for row in desk.rows(titles)] == ["Chapter", "Handbook"]
    desk.notion.trash(page_id("Handbook"), at=T1)
    desk.end(event("page.deleted", "Handbook", at=T1))
    assert desk.rows(titles) == []
    desk.notion.restore(page_id("Handbook"), at=T1)
    desk.end(event("page.undeleted", "Handbook", at=T1))
    assert [row["t"] for row in desk.rows(titles)] == ["Chapter", "Handbook"]


def test_a_look_up_of_the_same_text_writes_no_row(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    desk.end(event("page.created", "Runbook"))
    before = desk.rows("SELECT CAST(xmin AS text) AS x FROM lightfast_docs_documents")
    desk.end(event("page.content_updated", "Runbook", at=T0))
    assert desk.rows("SELECT CAST(xmin AS text) AS x FROM lightfast_docs_documents") == before


_DUE = sa.text("""
UPDATE lightfast_lookups
SET next_attempt_at = now() - CASE external_id WHEN :first THEN interval '1 s' ELSE interval '0' END
""")


@pytest.mark.parametrize(("linger", "left"), [(True, 0), (False, 2)])
def test_a_drain_whose_time_is_up_goes_on_with_others_while_it_has_to_wait(
    desk: Office, *, linger: bool, left: int
) -> None:
    names = [f"Page {number}" for number in range(lookups.EACH + 2)]
    for name in names:
        desk.write(name, "A text.")
    desk.deliver(*(event("page.created", name) for name in names))
    desk.work()
    with transaction(desk.engine) as conn:
        conn.execute(_DUE, {"first": page_id(names[0])})
    desk.fake.latency_s, desk.fake.slow = 2.0, page_id(names[0])
    once = iter([True])
    drain_lookups(desk.engine, desk.clients, go_on=lambda: next(once, False), linger=lambda: linger)
    with transaction(desk.engine) as conn:
        assert lookup_admin.unfinished(conn)[0] == left
        (counted,) = lookup_counts.read(conn)
    assert (counted.source_type, counted.outcome) == ("notion", "seen")
    assert counted.buckets[-1] == (float("inf"), len(names) - left)
    assert counted.seconds >= 0.5


@pytest.mark.parametrize("waits", ["for its lag", "as it was told"])
def test_patience_makes_no_later_failure_dearer(desk: Office, waits: str) -> None:
    """A bug once: one 5xx after a minute of patience was retried after 2,560 s."""
    desk.deliver(event("page.created", "Runbook"))
    desk.work()
    patient = "UPDATE lightfast_lookups SET patient_until = now() + interval '5 min'"
    with transaction(desk.engine) as conn:
        conn.execute(sa.text(patient))
    for _ in range(9):
        if waits == "as it was told":
            told = replace(BROKEN, headers={"retry-after": "3"})
            desk.fake.troubles.append(Trouble(told))
        assert desk.look_up() == {"put_off": 1}
        with transaction(desk.engine) as conn:
            conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
    desk.write("Runbook", "A text.")
    desk.fake.troubles.append(Trouble(BROKEN))
    assert desk.look_up() == {"put_off": 1}
    (row,) = desk.rows(
        "SELECT attempts, extract(epoch FROM next_attempt_at - now()) AS wait_s"
        " FROM lightfast_lookups"
    )
    assert row["attempts"] == 1
    assert row["wait_s"] <= 5


def test_a_limit_of_many_hours_is_waited_for(desk: Office) -> None:
    """A bug once: it was cut at two hours."""
    desk.deliver(event("page.created", "Runbook"))
    desk.work()
    desk.fake.troubles.append(Trouble(replace(LIMITED, headers={"retry-after": "20000"})))
    assert desk.look_up() == {"limited": 1}
    (row,) = desk.rows(
        "SELECT extract(epoch FROM held_until - now()) AS held_s"
        " FROM lightfast_connection_conditions"
    )
    assert 19_900 < row["held_s"] <= 20_000


def test_what_is_not_readable_yet_is_asked_for_again_and_deleted_by_nobody(desk: Office) -> None:
    """An event may come before its object can be read: the 404 is the provider's own lag."""
    (id_,) = desk.deliver(event("page.created", "Runbook"))
    desk.work()
    patient = "UPDATE lightfast_lookups SET patient_until = now() + interval '5 min'"
    with transaction(desk.engine) as conn:
        conn.execute(sa.text(patient))
    assert desk.look_up() == {"put_off": 1}
    assert desk.delivery(id_)[0] == "pending"
    desk.write("Runbook", "A text.")
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")
    assert set(desk.texts()) == {"Runbook"}
