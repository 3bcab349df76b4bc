"""What nobody signs twice counts once; what a payload names badly reaches no other tenant.

The deliveries are Sentry's: a new id for each attempt, no signed time, and projects by their slug.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import conditions, deliveries
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows.halcyon import Sent
from tests.sources.sentry.deliveries import told

pytestmark = pytest.mark.integration

INSTALLATION = "0f1e2d3c-4b5a-4697-8877-665544332211"


class Desk:
    """A database, and deliveries that are laid on it and worked off."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def end(self, to: str | None, name: str, key: str, **headers: str) -> tuple[str, str]:
        """Deliver a fixture under an attempt's id, work, and tell the status and the reason."""
        found = told(name)
        sent = Sent("sentry", found["body"], {**found["headers"], **headers})
        return self.deliver(to, sent, key)

    def deliver(self, to: str | None, sent: Sent, key: str) -> tuple[str, str]:
        with transaction(self.engine) as conn:
            ((id_, _),) = deliveries.insert(conn, [sent.arrival(to, key)])
        drain_deliveries(self.engine, go_on=lambda: True, threads=1)
        (row,) = self.rows(
            "SELECT status, reason FROM lightfast_webhook_deliveries WHERE id = :id", id=id_
        )
        return row["status"], row["reason"]

    def rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        with transaction(self.engine) as conn:
            return [dict(row) for row in conn.execute(sa.text(query), given).mappings()]

    def status(self) -> str:
        (row,) = self.rows(
            "SELECT source_metadata ->> 'status' AS status FROM lightfast_docs_documents"
        )
        return str(row["status"])


@pytest.fixture
def desk(engine: sa.Engine) -> Desk:
    return Desk(engine)


def test_another_attempt_of_one_fact_is_one_event(desk: Desk, engine: sa.Engine) -> None:
    sentry = connect(engine, "sentry")
    assert desk.end(sentry, "issue.resolved", "attempt-1")[0] == "processed"
    assert desk.end(sentry, "issue.resolved", "attempt-2")[0] == "duplicate"
    events = desk.rows("SELECT event_key FROM lightfast_ingestion_events")
    assert len(events) == 1
    assert events[0]["event_key"].startswith("issue.resolved:")


def test_a_body_that_was_applied_is_not_applied_again_at_another_time(
    desk: Desk, engine: sa.Engine
) -> None:
    """Its time stands in a header that nobody signs: else an old body could turn the clock back."""
    sentry = connect(engine, "sentry")
    for number, name in enumerate(("issue.unresolved", "issue.resolved")):
        at = str(1_772_410_000 + number)
        desk.end(sentry, name, f"told-{number}", **{"sentry-hook-timestamp": at})
    assert desk.status() == "resolved"
    ended = desk.end(
        sentry, "issue.unresolved", "replayed", **{"sentry-hook-timestamp": "1772420000"}
    )
    assert ended[0] == "duplicate"
    assert desk.status() == "resolved"


def test_a_slug_is_believed_on_the_connections_own_route_only(
    desk: Desk, engine: sa.Engine
) -> None:
    """Promise 7: another tenant may have a project of that name."""
    sentry = connect(engine, "sentry")
    status, reason = desk.end(None, "comment.created", "everybody")
    assert status == "skipped"
    assert "no connection" in reason
    assert desk.rows("SELECT * FROM lightfast_docs_documents") == []
    assert desk.end(sentry, "comment.created", "own")[0] == "processed"
    assert len(desk.rows("SELECT * FROM lightfast_docs_documents")) == 1


def test_an_installation_finds_its_own_connection_on_everybodys_route(
    desk: Desk, engine: sa.Engine
) -> None:
    mine, other = make_store(engine), make_store(engine)
    connect(engine, "sentry", {"webhookId": INSTALLATION}, stores=[mine])
    connect(engine, "sentry", {"webhookId": "another-installation"}, stores=[other])
    assert desk.end(None, "comment.created", "everybody")[0] == "processed"
    stores = desk.rows("SELECT store_id FROM lightfast_docs_documents")
    assert [row["store_id"] for row in stores] == [mine]


def test_a_slug_in_the_place_of_an_id_reaches_nobody_on_everybodys_route(
    desk: Desk, engine: sa.Engine
) -> None:
    connect(engine, "sentry", {"sentryProjectId": "web"})
    found = told("issue.resolved")
    found["body"]["data"]["issue"]["project"] = "web"
    status, _ = desk.deliver(None, Sent("sentry", found["body"], found["headers"]), "slug")
    assert status == "skipped"


def test_what_is_revoked_is_shown_and_what_still_comes_ends(desk: Desk, engine: sa.Engine) -> None:
    github = connect(engine, "github", {"githubRepoId": "510001"})
    fixtures = Path(__file__).parents[1] / "sources" / "github" / "fixtures"
    ends = []
    for name in ("repository.deleted", "issues.opened"):
        found = json.loads((fixtures / f"{name}.json").read_text())
        headers = {key.lower(): value for key, value in found["headers"].items()}
        ends.append(desk.deliver(github, Sent("github", found["body"], headers), name)[0])
    assert ends == ["skipped", "processed"]
    with transaction(engine) as conn:
        assert conditions.read(conn, github)["problem"] == "the repository was deleted"


def test_what_is_told_is_applied_at_once_and_its_look_up_follows(
    desk: Desk, engine: sa.Engine
) -> None:
    sentry = connect(engine, "sentry", token="sntrys_of-a-test")
    assert desk.end(sentry, "comment.created", "told")[0] == "processed"
    (asked,) = desk.rows("SELECT kind, external_id FROM lightfast_lookups")
    assert asked == {"kind": "issue", "external_id": "1170820242"}
    assert desk.rows("SELECT * FROM lightfast_lookup_waiters") == []
