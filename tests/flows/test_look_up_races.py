"""Look-ups under two workers, crashes, repairs and refusals at the wrong moment.

Each test began as a way to lose a delivery, to blame an innocent one, or to stop everybody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
import structlog

from ingest.bell.ring import ring
from ingest.core.changes import Refresh
from ingest.core.identity import Identity, object_id
from ingest.core.queues import FETCH_QUEUE
from ingest.core.vault import Vault
from ingest.flows import sweep
from ingest.flows.connections.credentials import replace_credentials
from ingest.flows.connections.lifecycle import disconnect_source, pause_source, resume_source
from ingest.flows.connections.purge import purge_connection
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.lookups.clients import Clients
from ingest.flows.lookups.drain import drain_lookups
from ingest.store import (
    conditions,
    connections,
    credentials,
    deliveries,
    lookup_admin,
    lookup_ends,
    lookups,
    queue_admin,
)
from ingest.store.credentials import API_TOKEN
from ingest.store.engine import connect as engine_of
from ingest.store.engine import transaction
from ingest.store.lookups import Wanted
from ingest.store.reasons import PARKED
from ingest.testing.fakes import Answer, Trouble
from tests.factories import VAULT, connect, make_store
from tests.flows.asking_notion import WORKSPACE, Office, event, office, page_id
from tests.leases import run_out

pytestmark = pytest.mark.integration

BROKEN = Answer(500, {"object": "error", "status": 500, "code": "internal_server_error"})
REFUSED = Answer(401, {"object": "error", "status": 401, "code": "unauthorized"})


@pytest.fixture
def desk(engine: sa.Engine) -> Iterator[Office]:
    with office(engine) as made:
        yield made


def parked(desk: Office, *pages: str) -> list[int]:
    """Deliveries that wait for the look-ups of these pages."""
    for page in pages:
        desk.write(page, f"The text of {page}.")
    ids = desk.deliver(*(event("page.created", page) for page in pages))
    desk.work()
    return ids


def due(desk: Office) -> None:
    """Time passes: leases run out, and whatever waits may be tried again."""
    with transaction(desk.engine) as conn:
        conn.execute(
            sa.text("UPDATE lightfast_lookups SET next_attempt_at = now() - interval '1 s'")
        )
    run_out(desk.engine)


def everything(desk: Office) -> None:
    """Look up until nothing is left."""
    while desk.rows("SELECT 1 AS one FROM lightfast_lookups"):
        due(desk)
        drain_lookups(desk.engine, desk.clients, go_on=_times(40))


def _times(turns: int) -> Callable[[], bool]:
    left = iter(range(turns))
    return lambda: next(left, None) is not None


def status_of(desk: Office) -> str | None:
    with transaction(desk.engine) as conn:
        return connections.by_id(conn, [desk.connection])[desk.connection].status


def test_a_token_that_no_key_opens_stops_nobody_else(desk: Office) -> None:
    """A bug once: the drain died with it, each time, and nobody's look-ups were made any more."""
    (locked,) = parked(desk, "Locked")
    lost = Vault(["a key that was lost, of thirty characters"])
    with transaction(desk.engine) as conn:
        credentials.remove(conn, desk.connection, API_TOKEN)
        credentials.add(conn, lost, desk.connection, API_TOKEN, desk.notion.token)
    desk.open()
    (open_,) = parked(desk, "Open")
    with structlog.testing.capture_logs() as lines:
        assert desk.look_up() == {"put_off": 1, "seen": 1}
    (told,) = [line for line in lines if line["event"] == "look_ups_lack_a_setting"]
    assert (told["log_level"], "INGEST_SECRET_KEY" in told["reason"]) == ("error", True)
    assert desk.delivery(open_) == ("processed", "looked up")
    assert desk.delivery(locked) == ("pending", PARKED)
    (row,) = desk.rows("SELECT last_error, attempts FROM lightfast_lookups")
    assert "INGEST_SECRET_KEY" in row["last_error"]
    desk.clients.close()
    desk.clients = Clients(
        Vault(["a key that was lost, of thirty characters"]), {"notion": desk.fake.url}
    )
    desk.look_up()
    assert desk.delivery(locked) == ("processed", "looked up")


def test_who_takes_the_worker_down_takes_no_innocent_with_it(desk: Office) -> None:
    """A bug once: those claimed beside it three times were given up with it."""
    poison, *innocent = parked(desk, "Poison", "One", "Two", "Three")
    desk.fake.latency_s = 0.15

    class Crash(BaseException):
        """The worker is gone."""

    for _ in range(12):
        asked = desk.reads_of("Poison")

        def until_poisoned(asked: int = asked) -> bool:
            if desk.reads_of("Poison") > asked:
                raise Crash
            return True

        due(desk)
        try:
            drain_lookups(desk.engine, desk.clients, go_on=until_poisoned)
        except Crash:
            continue
        break
    assert [desk.delivery(id_) for id_ in innocent] == [("processed", "looked up")] * 3
    assert desk.delivery(poison) == ("dead", "took its worker down 3 times while it was alone")
    assert desk.reads_of("Poison") == 4, "once in company, then alone"


def test_an_answer_with_what_no_row_can_hold_ends_its_own_delivery(desk: Office) -> None:
    """A bug once: the reason quoted U+0000, could not be stored, and the drain died of it."""
    bad, good = parked(desk, "Bad", "Good")
    nul = Answer(422, b"no \x00 such \xff thing")
    desk.fake.troubles.append(Trouble(nul, path=page_id("Bad")))
    assert desk.look_up() == {"hopeless": 1, "seen": 1}
    assert desk.delivery(good) == ("processed", "looked up")
    status, reason = desk.delivery(bad)
    assert status == "dead"
    assert "\ufffd such" in str(reason)


def test_what_cannot_be_ranked_ends_its_own_delivery(desk: Office) -> None:
    bad, good = parked(desk, "Bad", "Good")
    desk.notion.pages[page_id("Bad")]["last_edited_time"] = "1903-03-02T08:00:00.000Z"
    assert desk.look_up() == {"hopeless": 1, "seen": 1}
    assert [desk.delivery(id_)[0] for id_ in (bad, good)] == ["dead", "processed"]


def test_a_refusal_of_a_token_that_was_replaced_meanwhile_pauses_nothing(desk: Office) -> None:
    """A bug once: the repair came first, the old token's refusal after it, and all waited again."""
    (id_,) = parked(desk, "Runbook")
    desk.fake.latency_s = 0.4
    desk.fake.troubles.append(Trouble(REFUSED))
    running = threading.Thread(target=desk.look_up)
    running.start()
    while not desk.fake.requests:
        time.sleep(0.01)
    replace_credentials(desk.engine, desk.connection, {API_TOKEN: desk.notion.token}, VAULT)
    running.join()
    desk.fake.latency_s = 0.0
    assert status_of(desk) == connections.CONFIGURED
    with transaction(desk.engine) as conn:
        assert conditions.read(conn, desk.connection) == {}
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")


def test_a_second_refusal_pauses_again_and_a_person_s_pause_stays_one(desk: Office) -> None:
    (id_,) = parked(desk, "Runbook")
    desk.fake.troubles.append(Trouble(REFUSED, times=6))
    desk.look_up()
    assert status_of(desk) == connections.REFUSED
    resume_source(desk.engine, desk.connection)
    desk.look_up()
    assert status_of(desk) == connections.REFUSED
    resume_source(desk.engine, desk.connection)
    desk.fake.latency_s = 0.3
    running = threading.Thread(target=desk.look_up)
    running.start()
    asked = len(desk.fake.requests)
    while len(desk.fake.requests) == asked:
        time.sleep(0.01)
    pause_source(desk.engine, desk.connection)
    running.join()
    desk.fake.latency_s = 0.0
    assert status_of(desk) == connections.PAUSED
    new = {API_TOKEN: desk.notion.token}
    replace_credentials(desk.engine, desk.connection, new, VAULT)
    assert status_of(desk) == connections.PAUSED
    desk.look_up()
    assert desk.delivery(id_)[0] == "pending"
    resume_source(desk.engine, desk.connection)
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")


def test_a_limit_of_no_time_at_all_is_still_a_rest(desk: Office) -> None:
    parked(desk, "Runbook")
    told = Answer(429, {"object": "error", "code": "rate_limited"}, {"retry-after": "0"})
    desk.fake.troubles.append(Trouble(told))
    assert desk.look_up() == {"limited": 1}
    held = desk.rows(
        "SELECT held_until > now() + interval '1 s' AS later FROM lightfast_connection_conditions"
    )
    assert held == [{"later": True}]


def app_wide(desk: Office, page: str) -> int:
    """A delivery of the app-wide route, for every connection to the workspace."""
    sent = event("page.created", page)
    with transaction(desk.engine) as conn:
        ((id_, _),) = deliveries.insert(conn, [sent.arrival(None, sent.body["id"])])
    return id_


def beside(desk: Office) -> str:
    """One more connection to the workspace, with a store of its own."""
    return connect(desk.engine, "notion", stores=[make_store(desk.engine)], token=desk.notion.token)


def test_a_look_up_does_not_end_what_waits_for_a_paused_connection_too(desk: Office) -> None:
    """A bug once: the look-up of the one ended the delivery, and the other never had its share."""
    desk.write("Runbook", "A text.")
    other = beside(desk)
    pause_source(desk.engine, other)
    id_ = app_wide(desk, "Runbook")
    desk.work()
    desk.look_up()
    assert desk.delivery(id_) == ("pending", "the connection is paused")
    assert "A text." in desk.texts()["Runbook"]
    resume_source(desk.engine, other)
    desk.work()
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")
    recorded = desk.rows("SELECT count(DISTINCT store_id) AS n FROM lightfast_ingestion_events")
    assert recorded == [{"n": 2}]


@pytest.mark.parametrize("hopeless_first", [True, False])
def test_a_delivery_one_of_whose_look_ups_is_hopeless_is_dead_in_any_order(
    desk: Office, *, hopeless_first: bool
) -> None:
    desk.write("Runbook", "A text.")
    beside(desk)
    id_ = app_wide(desk, "Runbook")
    desk.work()
    bad = Answer(422, {"object": "error", "code": "validation_error"})
    for turn in (hopeless_first, not hopeless_first):
        if turn:
            desk.fake.troubles.append(Trouble(bad))
        with transaction(desk.engine) as conn:
            conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
        drain_lookups(desk.engine, desk.clients, go_on=_times(1), threads=1)
    assert desk.delivery(id_)[0] == "dead"
    with transaction(desk.engine) as conn:
        queue_admin.replay(conn, [id_])
    desk.work()
    desk.look_up()
    assert desk.delivery(id_)[0] == "processed"


def test_of_two_look_ups_that_end_a_delivery_at_once_the_second_ends_it(desk: Office) -> None:
    """A bug once: each saw the other still to come, and it waited for a day."""
    desk.write("Runbook", "A text.")
    beside(desk)
    id_ = app_wide(desk, "Runbook")
    desk.work()
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now()"))
        _, (first, second) = lookups.claim(conn, limit=2)

    def end() -> int:
        with transaction(desk.engine) as conn:
            return len(lookup_ends.finish(conn, [second.id]))

    with ThreadPoolExecutor(1) as threads:
        with transaction(desk.engine) as conn:
            assert lookup_ends.finish(conn, [first.id]) == []
            later = threads.submit(end)
            time.sleep(0.3)
        assert later.result(10) == 1
    assert desk.delivery(id_)[0] == "pending"


def test_a_store_that_is_deleted_meanwhile_costs_only_its_own_share(desk: Office) -> None:
    kept, lost = make_store(desk.engine), make_store(desk.engine)
    token = desk.notion.token
    desk.connection = connect(desk.engine, "notion", stores=[kept, lost], token=token)
    (id_,) = parked(desk, "Runbook")
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("DELETE FROM lightfast_stores WHERE id = :id"), {"id": lost})
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")
    recorded = desk.rows("SELECT store_id FROM lightfast_ingestion_events")
    assert recorded == [{"store_id": kept}]


def test_what_is_asked_for_while_its_source_is_disconnected_ends_too(desk: Office) -> None:
    """A bug once: it waited for a day for a look-up that nobody would make."""
    (id_,) = parked(desk, "Runbook")
    with transaction(desk.engine) as conn:
        connections.set_status(
            conn, desk.connection, is_active=False, status=connections.DISCONNECTED
        )
    desk.work()
    assert desk.delivery(id_) == ("pending", PARKED)
    sweep.unpark(desk.engine)
    desk.work()
    assert desk.delivery(id_) == ("skipped", "the connection is disconnected")
    assert desk.rows("SELECT * FROM lightfast_lookups") == []


def _request(number: int, connection: str, hint: dict[str, str], patience_s: float) -> Wanted:
    wanted = Identity("notion", WORKSPACE, "page", str(number))
    return connection, Refresh(wanted, hint, patience_s=patience_s)


def test_two_requests_of_one_batch_are_what_two_of_two_batches_are(desk: Office) -> None:
    first = _request(1, desk.connection, {"parent": "p", "page": "q"}, 60.0)
    second = _request(1, desk.connection, {"page": "r"}, 0.0)
    kept = []
    for batches in ([[first, second]], [[first], [second]]):
        with transaction(desk.engine) as conn:
            for batch in batches:
                lookups.request(conn, batch, {})
        kept += desk.rows(
            "SELECT hint, patient_until > now() + interval '50 s' AS patient FROM lightfast_lookups"
        )
        with transaction(desk.engine) as conn:
            lookup_admin.drop(conn, desk.connection)
    assert kept == [{"hint": {"parent": "p", "page": "r"}, "patient": True}] * 2


def test_who_asks_and_who_lands_do_not_lock_one_another_out(desk: Office) -> None:
    """A bug once: the one locked by object, the other by id, and one of them was thrown back."""
    wanted = [_request(number, desk.connection, {}, 0.0) for number in range(200)]
    wanted.sort(key=lambda one: object_id(one[1].identity), reverse=True)
    with transaction(desk.engine) as conn:
        for one in wanted:
            lookups.request(conn, [one], {})
        token, claimed = lookups.claim(conn, limit=200, each=200)
    ids = [one.id for one in claimed]
    until = time.monotonic() + 2.0

    def ask() -> int:
        rounds = 0
        while time.monotonic() < until:
            with transaction(desk.engine, durable=False) as conn:
                lookups.request(conn, wanted, {})
            rounds += 1
        return rounds

    def land() -> int:
        rounds = 0
        while time.monotonic() < until:
            with transaction(desk.engine, durable=False) as conn:
                lookups.require_held(conn, token, ids)
            with transaction(desk.engine, durable=False) as conn:
                lookups.renew(conn, token, ids)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(2) as threads:
        assert all(done.result(30) for done in [threads.submit(ask), threads.submit(land)])


def test_two_workers_look_each_thing_up_once_and_lose_nothing(desk: Office) -> None:
    names = [f"Page {number}" for number in range(24)]
    ids = parked(desk, *names)
    due(desk)
    others = Clients(VAULT, {"notion": desk.fake.url})
    until = time.monotonic() + 20.0
    left = "SELECT 1 AS one FROM lightfast_lookups LIMIT 1"

    def work(clients: Clients) -> None:
        while time.monotonic() < until and desk.rows(left):
            drain_lookups(desk.engine, clients, go_on=_times(20))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, [desk.clients, others]))
    others.close()
    assert [desk.delivery(id_)[0] for id_ in ids] == ["processed"] * len(names)
    assert [desk.reads_of(name) for name in names] == [1] * len(names)
    assert set(desk.texts()) == set(names)


def test_a_provider_that_is_always_broken_is_asked_ever_more_rarely(desk: Office) -> None:
    (id_,) = parked(desk, "Runbook")
    desk.fake.troubles.append(Trouble(BROKEN, times=99))
    waits = []
    for _ in range(4):
        desk.look_up()
        (row,) = desk.rows(
            "SELECT extract(epoch FROM next_attempt_at - now()) AS s FROM lightfast_lookups"
        )
        waits.append(float(row["s"]))
    for waited, whole in zip(waits, (5, 10, 20, 40), strict=True):
        assert whole / 2 - 1 < waited <= whole
    assert len(desk.fake.requests) == 4
    assert desk.delivery(id_) == ("pending", PARKED)
    with transaction(desk.engine) as conn:
        assert "500" in lookup_admin.of_connection(conn, desk.connection)["last_error"]


def test_a_delivery_that_is_sent_and_replayed_while_it_waits_is_still_one(desk: Office) -> None:
    desk.write("Runbook", "A text.")
    sent = event("page.created", "Runbook")
    (id_,) = desk.deliver(sent)
    desk.work()
    assert desk.deliver(sent) == [id_]
    with transaction(desk.engine) as conn:
        assert queue_admin.replay(conn, [id_]) == 0
        assert queue_admin.hurry(conn, desk.connection) == 0
    desk.work()
    desk.look_up()
    assert desk.delivery(id_) == ("processed", "looked up")
    assert desk.reads_of("Runbook") == 1


def test_a_purge_while_a_look_up_runs_leaves_nothing_behind(desk: Office) -> None:
    parked(desk, "Runbook")
    desk.fake.latency_s = 0.4
    running = threading.Thread(target=desk.look_up)
    running.start()
    while not desk.fake.requests:
        time.sleep(0.01)
    disconnect_source(desk.engine, desk.connection)
    purge_connection(desk.engine, desk.connection)
    running.join()
    left = "SELECT 1 AS one FROM lightfast_lookups UNION ALL SELECT 1 FROM lightfast_docs_documents"
    assert desk.rows(left) == []
    assert desk.rows("SELECT 1 AS one FROM lightfast_webhook_deliveries") == []
    assert desk.rows("SELECT 1 AS one FROM lightfast_document_feeds") == []


_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def test_who_processes_and_who_looks_up_never_deadlock(desk: Office, database_url: str) -> None:
    names = [f"Page {number}" for number in range(12)]
    for name in names:
        desk.write(name, f"The text of {name}.")
    before = desk.rows(_DEADLOCKS)  # the database is not new, and counts those of other tests
    until = time.monotonic() + 4.0
    engines = [engine_of(database_url, application="ingest-test") for _ in range(4)]
    clients = Clients(VAULT, {"notion": desk.fake.url})
    now = sa.text(
        "UPDATE lightfast_lookups SET next_attempt_at = now() WHERE id IN"
        " (SELECT id FROM lightfast_lookups WHERE lease_until IS NULL FOR UPDATE"
        " SKIP LOCKED)"
    )

    def deliver(mine: sa.Engine) -> None:
        while time.monotonic() < until:
            sent = [event("page.content_updated", name) for name in names]
            with transaction(mine, durable=False) as conn:
                told = [one.arrival(desk.connection, one.body["id"]) for one in sent]
                deliveries.insert(conn, told)
            drain_deliveries(mine, go_on=_times(3), threads=2)

    def look_up(mine: sa.Engine) -> None:
        while time.monotonic() < until:
            with transaction(mine, durable=False) as conn:
                conn.execute(now)
            drain_lookups(mine, clients, go_on=_times(5))

    with ThreadPoolExecutor(4) as threads:
        acts = [deliver, deliver, look_up, look_up]
        for done in [threads.submit(act, mine) for act, mine in zip(acts, engines, strict=True)]:
            done.result(60)
    for mine in engines:
        mine.dispose()
    clients.close()
    desk.work()
    everything(desk)
    desk.work()
    assert (
        desk.rows(
            "SELECT status, reason FROM lightfast_webhook_deliveries WHERE status <> 'processed'"
        )
        == []
    )
    assert desk.rows(_DEADLOCKS) == before


def test_a_wake_up_that_was_lost_is_rung_again_while_something_is_due(desk: Office) -> None:
    rung: list[str] = []

    def knock(queue: str) -> None:
        ring(desk.engine, queue, publish=rung.append)

    def tick() -> list[str]:
        rung.clear()
        with transaction(desk.engine) as conn:
            conn.execute(sa.text("DELETE FROM lightfast_schedule_slots"))
        assert sweep.sweep(desk.engine, knock)
        return list(rung)

    parked(desk, "Runbook")
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_lookups SET next_attempt_at = now() + '1 h'"))
    assert tick() == []
    due(desk)
    assert tick() == [FETCH_QUEUE]
    assert tick() == [], "the message is on its way"
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_bells SET rung_at = rung_at - interval '6 s'"))
    assert tick() == [FETCH_QUEUE], "it was lost"
    with transaction(desk.engine) as conn:
        conn.execute(sa.text("UPDATE lightfast_bells SET rung_at = rung_at - interval '6 s'"))
        conditions.rate_limit(conn, desk.connection, 60.0)
    assert tick() == [], "nobody knocks while the provider wants to be left"
    with transaction(desk.engine) as conn:
        conditions.clear(conn, desk.connection)
    pause_source(desk.engine, desk.connection)
    assert tick() == []
    resume_source(desk.engine, desk.connection)
    assert tick() == [FETCH_QUEUE]


def test_a_source_of_hundreds_of_look_ups_leaves_a_healthy_one_its_turn(
    desk: Office,
) -> None:
    busy = desk.connection
    parked(desk, *(f"Page {number}" for number in range(200)))
    desk.open()
    (id_,) = parked(desk, "Runbook")
    due(desk)
    drain_lookups(desk.engine, desk.clients, go_on=_times(1))
    assert desk.delivery(id_) == ("processed", "looked up")
    (left,) = desk.rows(
        "SELECT count(*) AS n FROM lightfast_lookups WHERE connection_id = :id", id=busy
    )
    assert left["n"] == 200 - lookups.EACH


def test_a_token_that_cannot_be_sent_pauses_its_source_and_is_nowhere_quoted(desk: Office) -> None:
    """A bug once: with a blank at its end the token stood in the row's error, and in the log."""
    desk.open(token="ntn_a-token-with-a-blank ")
    (id_,) = parked(desk, "Runbook")
    assert desk.look_up() == {"refused": 1}
    assert status_of(desk) == connections.REFUSED
    shown = desk.rows("SELECT problem FROM lightfast_connection_conditions")
    shown += desk.rows("SELECT last_error FROM lightfast_lookups")
    assert "ntn_a-token" not in str(shown)
    assert "the token for Notion" in shown[0]["problem"]
    assert desk.delivery(id_) == ("pending", PARKED)
