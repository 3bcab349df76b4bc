"""What goes for good: a connection with all it told, a store, an organization; and nothing else."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.errors import NotConnected
from ingest.flows.connections.erase import (
    Held,
    erase_connection,
    erase_organization,
    erase_store,
    held_by_organization,
    held_by_store,
)
from ingest.flows.connections.lifecycle import disconnect_source
from ingest.store import events, facts
from ingest.store.engine import transaction
from ingest.store.events import Event
from ingest.store.facts import Fact
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.asking_github import ID, works
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import TWIN_REPOSITORY, Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration

PERSON = "somebody-who-is-to-be-forgotten"
TWIN = {"githubRepoId": str(TWIN_REPOSITORY), "repoFullName": "halcyon/twin"}


def by_person(sent: Sent) -> Sent:
    """The delivery, made by a person whose name is looked for afterwards."""
    return Sent(sent.source_type, {**sent.body, "sender": {"login": PERSON}}, sent.headers)


def twin(number: int = 1) -> Sent:
    return halcyon.issue(number, repository="halcyon/twin", repository_id=TWIN_REPOSITORY)


def everywhere(desk: Desk, word: str) -> list[str]:
    """The tables that hold the word in any column, bodies included."""
    with transaction(desk.engine) as conn:
        names = [*sa.inspect(conn).get_table_names()]
        return [name for name in names if _holds(conn, name, word)]


def _holds(conn: sa.Connection, name: str, word: str) -> bool:
    row: sa.ColumnElement[str] = sa.cast(sa.literal_column(name), sa.Text)
    if name == "lightfast_webhook_deliveries":
        row = sa.func.concat(row, sa.literal_column("encode(body, 'escape')"))
    query = sa.select(sa.func.count()).select_from(sa.table(name)).where(row.contains(word))
    return bool(conn.execute(query).scalar_one())


def count(desk: Desk, table: str) -> int:
    with transaction(desk.engine) as conn:
        query = sa.select(sa.func.count()).select_from(sa.table(table))
        return int(conn.execute(query).scalar_one())


@pytest.fixture
def store(engine: sa.Engine) -> str:
    return make_store(engine, "one")


def test_a_purge_takes_what_it_told_by_every_road(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: bodies of the app-wide route stayed, and the names in the log of events."""
    connection = connect(engine, "github", stores=[store])
    desk.end(connection, by_person(halcyon.issue(1)))
    desk.end(None, by_person(halcyon.issue(2)))
    assert everywhere(desk, PERSON) == [
        "lightfast_ingestion_events",
        "lightfast_webhook_deliveries",
    ]
    gone = erase_connection(engine, connection)
    assert (gone.documents, gone.events, gone.deliveries) == (2, 2, 2)
    assert everywhere(desk, PERSON) == []


def test_a_purge_spares_what_another_connection_stands_for(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    connection = connect(engine, "github", stores=[store])
    other = connect(engine, "github", TWIN, stores=[store])
    elsewhere = connect(engine, "github", stores=[make_store(engine, "elsewhere")])
    desk.end(None, halcyon.issue(1))
    desk.end(None, twin())
    desk.end(other, twin(2))
    gone = erase_connection(engine, connection)
    assert gone.deliveries == 0, "its tenant is another connection's too"
    assert gone.events == 1
    assert sorted(desk.documents(store)) == ["halcyon/twin#1", "halcyon/twin#2"]
    assert len(desk.rows("SELECT 1 FROM lightfast_ingestion_events WHERE store_id = 'one'")) == 2
    gone = erase_connection(engine, elsewhere)
    assert (gone.deliveries, gone.events) == (1, 1)
    assert count(desk, "lightfast_webhook_deliveries") == 2


def test_an_event_that_two_connections_told_goes_with_the_second(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    one, other = (connect(engine, "github", stores=[store]) for _ in range(2))
    desk.end(None, halcyon.issue(1))
    assert count(desk, "lightfast_ingestion_events") == 1
    assert erase_connection(engine, one).events == 0
    assert erase_connection(engine, other).events == 1


def test_the_same_body_by_two_hooks_is_two_events_and_each_goes_with_its_own(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: the first one's event stayed for ever, as the second had told the same body too."""
    one, other = (connect(engine, "github", stores=[store]) for _ in range(2))
    connect(engine, "github", TWIN, stores=[store])
    for to in (one, other):
        desk.end(to, by_person(halcyon.issue(1)))
    assert count(desk, "lightfast_ingestion_events") == 2
    assert erase_connection(engine, one).events == 1
    assert erase_connection(engine, other).events == 1
    assert everywhere(desk, PERSON) == []


def test_what_was_only_told_to_be_gone_leaves_no_former_keys(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: nobody feeds such a thing, so no purge came by it."""
    connection = connect(engine, "linear", stores=[store])
    desk.end(connection, halcyon.linear_issue(1, action="remove", previousIdentifiers=[PERSON]))
    assert "lightfast_document_aliases" in everywhere(desk, PERSON)
    erase_connection(engine, connection)
    assert everywhere(desk, PERSON) == []
    assert desk.rows("SELECT 1 FROM lightfast_document_ledger WHERE rank IS NOT NULL") == []


def test_what_another_one_of_the_tenant_may_have_told_to_be_gone_stays_so(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    one, other = (connect(engine, "linear", stores=[store]) for _ in range(2))
    desk.end(other, halcyon.linear_issue(1, action="remove"))
    erase_connection(engine, one)
    query = "SELECT state FROM lightfast_document_ledger WHERE rank IS NOT NULL"
    assert [row["state"] for row in desk.rows(query)] == ["deleted"]


def test_a_delivery_that_waits_for_others_too_no_longer_waits_in_its_name(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """Bug: the other one's look-up recorded the event in the erased connection's store too."""
    second = make_store(engine, "two")
    erased, other = (
        connect(engine, "github", stores=[into], token="a token") for into in (store, second)
    )
    desk.end(None, by_person(halcyon.issue(1, pull_request={"url": "x"})))
    query = "SELECT jsonb_array_elements(events) ->> 'store_id' AS of FROM lightfast_lookup_waiters"
    assert {row["of"] for row in desk.rows(query)} == {store, second}
    erase_connection(engine, erased)
    assert {row["of"] for row in desk.rows(query)} == {second}
    assert everywhere(desk, erased) == []
    assert erase_connection(engine, other).deliveries == 1
    assert everywhere(desk, PERSON) == []


def test_what_was_begun_before_it_was_disconnected_goes_too(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """A worker commits an event when the purge has taken out all events that it saw."""
    connection = connect(engine, "github", stores=[store])
    connect(engine, "github", TWIN, stores=[store])
    told = Event("an id", store, "github", "a key", {"sender": PERSON}, "processed")
    with ThreadPoolExecutor(1) as thread:
        with transaction(engine) as conn:
            facts.tell(conn, [Fact(connection, str(uuid.uuid4()), told.event_key)])
            events.record(conn, [told])
            purge = thread.submit(erase_connection, engine, connection)
            waiting = "SELECT 1 AS one FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while not desk.rows(waiting):
                assert not purge.done()
        assert purge.result().events == 1
    assert everywhere(desk, PERSON) == []


def test_who_was_disconnected_meanwhile_has_no_event_of_what_others_look_up(
    engine: sa.Engine,
) -> None:
    with works(engine) as desk:
        gone = desk.open()
        second = make_store(engine, "two")
        connect(engine, "github", stores=[second], token=desk.github.token)
        told = halcyon.pull_request(1).body["pull_request"]
        desk.github.put(ID, "pull_request", told)
        with transaction(engine) as conn:
            halcyon.deliver(conn, None, halcyon.issue(1, pull_request={"url": "x"}))
        desk.work()
        disconnect_source(engine, gone)
        desk.look_up()
        rows = desk.rows("SELECT store_id FROM lightfast_ingestion_events")
        assert [row["store_id"] for row in rows] == [second]


ACCOUNTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "github": ({}, {"installation": {"id": 7}}),
    "sentry": ({"webhookId": "ours"}, {"installation": {"uuid": "ours"}, "data": {}}),
    "vercel": ({"vercelTeamId": "ours"}, {"type": "x", "payload": {"team": {"id": "ours"}}}),
}
"""A connection's account, and a body that names no more than that."""


@pytest.mark.parametrize("source_type", sorted(ACCOUNTS))
def test_what_names_an_account_alone_goes_with_its_last_connection(
    desk: Desk, engine: sa.Engine, store: str, source_type: str
) -> None:
    """Bug: it names no tenant, so its body stayed: who installed the app, who joined the team."""
    metadata, body = ACCOUNTS[source_type]
    one, last = (connect(engine, source_type, metadata, stores=[store]) for _ in range(2))
    headers = {"x-github-event": "installation", "sentry-hook-resource": "seer"}
    desk.end(None, by_person(Sent(source_type, {"action": "created", **body}, headers)))
    assert erase_connection(engine, one).deliveries == 0
    assert erase_connection(engine, last).deliveries == 1
    assert everywhere(desk, PERSON) == []


def test_an_organization_takes_along_what_of_its_account_was_never_connected(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    """A repository that the app may read too, of which nobody wanted to know."""
    connection = connect(engine, "github", stores=[store])
    unwanted = by_person(twin())
    unwanted.body["installation"]["id"] = 7
    desk.end(None, unwanted)
    assert erase_connection(engine, connection).deliveries == 0
    connect(engine, "github", stores=[store])
    assert erase_organization(engine, "one").deliveries == 1
    assert everywhere(desk, PERSON) == []


def test_events_from_before_facts_were_kept_go_where_they_can_be_nobody_else_s(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    connection = connect(engine, "github", stores=[store])
    linear = connect(engine, "linear", stores=[store])
    desk.end(connection, halcyon.issue(1))
    desk.end(linear, halcyon.linear_issue(1))
    desk.run("DELETE FROM lightfast_connection_facts")
    assert erase_connection(engine, connection).events == 1
    (row,) = desk.rows("SELECT source_type::text AS of FROM lightfast_ingestion_events")
    assert row["of"] == "linear"


def test_a_purge_that_was_interrupted_is_run_again(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    connection = connect(engine, "github", stores=[store])
    desk.deliver(connection, *(halcyon.issue(n) for n in range(1, 30)))
    desk.work()
    desk.run("DELETE FROM lightfast_docs_documents WHERE source_id LIKE '%#1%'")
    erase_connection(engine, connection)
    with pytest.raises(NotConnected):
        erase_connection(engine, connection)
    assert desk.documents() == {}


def test_a_store_goes_with_its_own_sources_and_leaves_shared_ones(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    second = make_store(engine, "two")
    own = connect(engine, "linear", stores=[store])
    shared = connect(engine, "github", stores=[store, second])
    desk.end(own, halcyon.linear_issue(1))
    desk.end(shared, halcyon.issue(1, body="See ENG-1"))
    assert held_by_store(engine, store) == Held(1, 1, 2, 1)
    gone = erase_store(engine, store)
    assert (gone.stores, gone.connections, gone.documents) == (1, 1, 2)
    assert sorted(desk.documents()) == ["halcyon/web#1"]
    assert desk.counts([shared]) == [1]
    assert desk.rows("SELECT * FROM lightfast_document_ledger WHERE store_id = 'one'") == []
    assert desk.end(shared, halcyon.issue(2))[0] == "processed"
    with pytest.raises(NotConnected, match="there is no store one"):
        erase_store(engine, store)


def test_an_organization_goes_whole_and_alone(desk: Desk, engine: sa.Engine, store: str) -> None:
    connection = connect(engine, "github", stores=[store], token="a token")
    other = connect(engine, "github", TWIN, stores=[make_store(engine, "other")])
    desk.end(None, by_person(halcyon.issue(1)))
    desk.end(None, twin())
    desk.end(connection, by_person(halcyon.issue(2)))
    assert held_by_organization(engine, "one").connections == 1
    gone = erase_organization(engine, "one")
    assert (gone.organizations, gone.stores, gone.connections) == (1, 1, 1)
    assert (gone.documents, gone.events, gone.deliveries) == (2, 2, 2)
    assert everywhere(desk, PERSON) == []
    assert everywhere(desk, connection) == []
    assert list(desk.documents()) == ["halcyon/twin#1"]
    assert desk.end(other, twin(2))[0] == "processed"
    with pytest.raises(NotConnected, match="there is no organization one"):
        erase_organization(engine, "one")


@pytest.mark.parametrize("body", [b"[1", b"{}", b'{"repository": {"id": true}}', b"\xff"])
def test_what_cannot_be_read_of_the_app_wide_route_hinders_nobody(
    desk: Desk, engine: sa.Engine, store: str, body: bytes
) -> None:
    connection = connect(engine, "github", stores=[store])
    desk.end(None, halcyon.issue(1))
    arrival: dict[str, Any] = {"body": body, "headers": "{}"}
    with transaction(engine) as conn:
        conn.execute(
            sa.text("""
                INSERT INTO lightfast_webhook_deliveries
                  (source_type, delivery_key, body_hash, headers, body, status)
                VALUES ('github', 'odd', 'x', CAST(:headers AS jsonb), :body, 'dead')
            """),
            arrival,
        )
    assert erase_connection(engine, connection).deliveries == 1
    assert count(desk, "lightfast_webhook_deliveries") == 1
