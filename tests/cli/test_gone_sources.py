"""A connection whose source is not installed any more: it can be looked at, and let go."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.store import connections
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest
from tests.factories import make_store

pytestmark = pytest.mark.integration

GONE = "gone"


@pytest.fixture
def connection(engine: sa.Engine) -> str:
    """Made when there was such a source; the enum keeps its label."""
    with transaction(engine) as conn:
        conn.exec_driver_sql(f"ALTER TYPE source_type ADD VALUE '{GONE}'")
    store = make_store(engine, "docs")
    with transaction(engine) as conn:
        return connections.create(
            conn,
            source_type=GONE,
            name="of another time",
            metadata={"type": GONE},
            tenants=["somebody"],
            store_ids=[store],
        )


def test_it_is_listed_and_shown(ingest: Ingest, connection: str) -> None:
    (row,) = ingest("source", "list", "--json").json
    assert (row["id"], row["source_type"]) == (connection, GONE)
    assert ingest("source", "show", connection, "--json").json["metadata"] == {"type": GONE}
    assert ingest("source", "credentials", connection, "--list", "--json").json == []


def test_it_can_be_paused_resumed_and_disconnected(ingest: Ingest, connection: str) -> None:
    for command, status in (
        ("pause", "paused"),
        ("resume", "configured"),
        ("disconnect", "disconnected"),
    ):
        assert ingest("source", command, connection, "--json").json["status"] == status


def test_the_database_is_current_all_the_same(ingest: Ingest, connection: str) -> None:
    assert ingest("db", "upgrade", "--json").json["added_source_types"] == []
    assert ingest("db", "check", "--json").json["current"]


@pytest.mark.parametrize(
    "argv",
    [
        ("doctor", "--offline"),
        ("doctor", "--offline", "--json"),
        ("deliveries", "list"),
        ("docs", "list"),
        ("types",),
    ],
)
def test_other_commands_do_their_work_beside_it(
    ingest: Ingest, connection: str, argv: tuple[str, ...]
) -> None:
    ran = ingest(*argv)
    assert ran.code == 0 or argv[0] == "doctor"
    assert ran.out or ran.err.startswith("There is no such")
    assert connection not in ran.err


@pytest.mark.parametrize("command", ["credentials", "disconnect"])
def test_what_needs_its_source_says_so_in_a_line(
    ingest: Ingest, connection: str, command: str
) -> None:
    more = {"credentials": ("--token-env", "TOKEN"), "disconnect": ("--purge", "--yes")}[command]
    ran = ingest("source", command, connection, *more, TOKEN="a token of a test")
    assert ran.code != 0
    assert "source type 'gone' is unknown" in ran.err.splitlines()[-1]
