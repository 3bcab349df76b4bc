"""What goes for good: a connection with all it told, a store, an organization; and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.errors import NotConnected
from ingest.flows import erasing
from ingest.flows.erasing import Held
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows import halcyon
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
    gone = erasing.erase_connection(engine, connection)
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
    gone = erasing.erase_connection(engine, connection)
    assert gone.deliveries == 0, "its tenant is another connection's too"
    assert gone.events == 1
    assert sorted(desk.documents(store)) == ["halcyon/twin#1", "halcyon/twin#2"]
    assert len(desk.rows("SELECT 1 FROM lightfast_ingestion_events WHERE store_id = 'one'")) == 2
    gone = erasing.erase_connection(engine, elsewhere)
    assert (gone.deliveries, gone.events) == (1, 1)
    assert count(desk, "lightfast_webhook_deliveries") == 2


def test_an_event_that_two_connections_told_goes_with_the_second(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    one, other = (connect(engine, "github", stores=[store]) for _ in range(2))
    desk.end(None, halcyon.issue(1))
    assert count(desk, "lightfast_ingestion_events") == 1
    assert erasing.erase_connection(engine, one).events == 0
    assert erasing.erase_connection(engine, other).events == 1


def test_events_from_before_facts_were_kept_go_where_they_can_be_nobody_else_s(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    connection = connect(engine, "github", stores=[store])
    linear = connect(engine, "linear", stores=[store])
    desk.end(connection, halcyon.issue(1))
    desk.end(linear, halcyon.linear_issue(1))
    desk.run("DELETE FROM lightfast_connection_facts")
    assert erasing.erase_connection(engine, connection).events == 1
    (row,) = desk.rows("SELECT source_type::text AS of FROM lightfast_ingestion_events")
    assert row["of"] == "linear"


def test_a_purge_that_was_interrupted_is_run_again(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    connection = connect(engine, "github", stores=[store])
    desk.deliver(connection, *(halcyon.issue(n) for n in range(1, 30)))
    desk.work()
    desk.run("DELETE FROM lightfast_docs_documents WHERE source_id LIKE '%#1%'")
    erasing.erase_connection(engine, connection)
    with pytest.raises(NotConnected):
        erasing.erase_connection(engine, connection)
    assert desk.documents() == {}


def test_a_store_goes_with_its_own_sources_and_leaves_shared_ones(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    second = make_store(engine, "two")
    own = connect(engine, "linear", stores=[store])
    shared = connect(engine, "github", stores=[store, second])
    desk.end(own, halcyon.linear_issue(1))
    desk.end(shared, halcyon.issue(1, body="See ENG-1"))
    assert erasing.held_by_store(engine, store) == Held(1, 1, 2, 1)
    gone = erasing.erase_store(engine, store)
    assert (gone.stores, gone.connections, gone.documents) == (1, 1, 2)
    assert sorted(desk.documents()) == ["halcyon/web#1"]
    assert desk.counts([shared]) == [1]
    assert desk.rows("SELECT * FROM lightfast_document_ledger WHERE store_id = 'one'") == []
    assert desk.end(shared, halcyon.issue(2))[0] == "processed"
    with pytest.raises(NotConnected, match="there is no store one"):
        erasing.erase_store(engine, store)


def test_an_organization_goes_whole_and_alone(desk: Desk, engine: sa.Engine, store: str) -> None:
    connection = connect(engine, "github", stores=[store], token="a token")
    other = connect(engine, "github", TWIN, stores=[make_store(engine, "other")])
    desk.end(None, by_person(halcyon.issue(1)))
    desk.end(None, twin())
    desk.end(connection, by_person(halcyon.issue(2)))
    assert erasing.held_by_organization(engine, "one").connections == 1
    gone = erasing.erase_organization(engine, "one")
    assert (gone.organizations, gone.stores, gone.connections) == (1, 1, 1)
    assert (gone.documents, gone.events, gone.deliveries) == (2, 2, 2)
    assert everywhere(desk, PERSON) == []
    assert everywhere(desk, connection) == []
    assert list(desk.documents()) == ["halcyon/twin#1"]
    assert desk.end(other, twin(2))[0] == "processed"
    with pytest.raises(NotConnected, match="there is no organization one"):
        erasing.erase_organization(engine, "one")


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
    assert erasing.erase_connection(engine, connection).deliveries == 1
    assert count(desk, "lightfast_webhook_deliveries") == 1
