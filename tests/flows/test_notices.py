"""What providers tell of connections: apps that are suspended, repositories that are taken away."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.store import conditions, connections, flags
from ingest.store.connections import CONFIGURED, PAUSED, REFUSED
from ingest.store.engine import transaction
from ingest.store.flags import MOST_KEPT, Flag
from tests.factories import connect, make_store
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration

REPOSITORY, INSTALLATION = 510001, 220001


def app(action: str, at: str, *, event: str = "installation", **more: Any) -> Sent:
    """What GitHub sends of an App's installation."""
    installation = {
        "id": INSTALLATION,
        "account": {"login": "halcyon", "id": 7, "type": "Organization"},
        "updated_at": at,
    }
    body = {"action": action, "installation": installation, **more}
    return Sent("github", body, {"x-github-event": event})


@pytest.fixture
def connection(engine: sa.Engine) -> str:
    metadata = {"githubRepoId": str(REPOSITORY), "githubInstallationId": str(INSTALLATION)}
    return connect(engine, "github", metadata, stores=[make_store(engine)])


def shown(engine: sa.Engine, connection: str) -> dict[str, str]:
    with transaction(engine) as conn:
        return {row["flag"]: row["said"] for row in flags.read(conn, connection)}


def set_status(engine: sa.Engine, connection: str, status: str) -> None:
    with transaction(engine) as conn:
        connections.set_status(conn, connection, is_active=False, status=status)


def status(engine: sa.Engine, connection: str) -> str | None:
    with transaction(engine) as conn:
        return connections.by_id(conn, [connection])[connection].status


def test_a_suspended_app_is_shown_on_its_connections_until_it_is_back(
    desk: Desk, engine: sa.Engine, connection: str
) -> None:
    """Bug: "the payload names nothing that a connection stands for"."""
    ended, reason = desk.end(None, app("suspend", "2026-03-01T10:00:00Z"), "suspended")
    assert (ended, "suspended" in str(reason)) == ("skipped", True)
    assert list(shown(engine, connection)) == ["suspension"]
    with transaction(engine) as conn:
        assert "suspended" in conditions.read(conn, connection)["problem"]
    set_status(engine, connection, REFUSED)
    desk.end(None, app("unsuspend", "2026-03-02T10:00:00Z"), "unsuspended")
    assert shown(engine, connection) == {}
    assert status(engine, connection) == CONFIGURED, "what its refusal paused goes on"


def test_what_a_person_paused_stays_paused(desk: Desk, engine: sa.Engine, connection: str) -> None:
    set_status(engine, connection, PAUSED)
    desk.end(None, app("suspend", "2026-03-01T10:00:00Z"), "suspended")
    assert list(shown(engine, connection)) == ["suspension"]
    desk.end(None, app("unsuspend", "2026-03-02T10:00:00Z"), "unsuspended")
    assert (shown(engine, connection), status(engine, connection)) == ({}, PAUSED)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_the_newest_word_stands_in_whatever_order_they_come(
    desk: Desk,
    engine: sa.Engine,
    connection: str,
    order: tuple[int, ...],
) -> None:
    told = [
        app("suspend", "2026-03-01T10:00:00Z"),
        app("unsuspend", "2026-03-02T10:00:00Z"),
        app("suspend", "2026-03-03T10:00:00Z"),
    ]
    for place in order:
        desk.end(None, told[place], str(place))
    assert list(shown(engine, connection)) == ["suspension"]


def test_a_repository_is_taken_away_and_given_back(
    desk: Desk, engine: sa.Engine, connection: str
) -> None:
    here = {"id": REPOSITORY, "full_name": "halcyon/web"}
    event = "installation_repositories"
    gone = app("removed", "2026-03-01T10:00:00Z", event=event, repositories_removed=[here])
    desk.end(None, gone, "removed")
    assert list(shown(engine, connection)) == ["repository"]
    back = app("added", "2026-03-02T10:00:00Z", event=event, repositories_added=[here])
    desk.end(None, back, "added")
    assert shown(engine, connection) == {}


def test_events_of_nobody_say_why_they_change_nothing(desk: Desk) -> None:
    revoked = Sent("github", {"action": "revoked"}, {"x-github-event": "github_app_authorization"})
    ended = desk.end(None, revoked, "revoked")
    assert ended[0] == "skipped"
    assert "a person's own leave for the app" in str(ended[1])
    nobody = desk.end(None, app("deleted", "2026-03-01T10:00:00Z"), "deleted")
    assert f"installation:{INSTALLATION}" in str(nobody[1])
    assert "`githubInstallationId`" in str(nobody[1])
    assert "ingest source update" in str(nobody[1])


def test_of_many_denied_objects_the_newest_are_kept(engine: sa.Engine, connection: str) -> None:
    with transaction(engine) as conn:
        for number in range(3):
            named = [f"ticket {n}" for n in range(number * 50, number * 50 + 50)]
            flags.raise_all(conn, [Flag(connection, flags.DENIED, one, "403") for one in named])
        assert len(flags.read(conn, connection)) == MOST_KEPT
        flags.clear(conn, connection, flags.DENIED)
        assert flags.read(conn, connection) == []


def test_no_other_body_passes_for_word_of_an_app(
    desk: Desk, engine: sa.Engine, connection: str
) -> None:
    """Nobody signs the header: a genuine body that is sent again as `installation` says nothing."""
    lite = {"id": INSTALLATION, "node_id": "MDIz"}
    repository = {"id": REPOSITORY, "full_name": "halcyon/web"}
    for number, body in enumerate(
        (
            {"action": "deleted", "installation": lite, "repository": repository},
            {"action": "deleted", "installation": lite, "organization": {"login": "halcyon"}},
            {"action": "deleted", "installation": lite, "issue": {"number": 1}},
        )
    ):
        sent = Sent("github", body, {"x-github-event": "installation"})
        desk.end(connection, sent, str(number))
    assert shown(engine, connection) == {}
