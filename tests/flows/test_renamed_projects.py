"""A project of Sentry that is called otherwise by now: its things are its own by either name."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.doctor.connections import Surroundings, look_at_connections
from ingest.flows.documents.find import find_documents
from ingest.store import connections
from ingest.store.engine import transaction
from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent
from tests.flows.reprocessing import worked_off
from tests.sources.sentry.deliveries import told

__all__ = ["desk"]

pytestmark = [pytest.mark.integration, pytest.mark.once]

INSTALLATION = "0f1e2d3c-4b5a-4697-8877-665544332211"


def issue(number: int, slug: str, *, at: int, project: str = "501") -> Sent:
    fixture = told("issue.created")
    told_issue = fixture["body"]["data"]["issue"]
    told_issue |= {"id": str(1000 + number), "shortId": f"{slug.upper()}-{number}"}
    told_issue["project"] = {"id": project, "slug": slug}
    fixture["headers"]["sentry-hook-timestamp"] = str(1_772_440_000 + at)
    return Sent("sentry", fixture["body"], fixture["headers"])


def comment(id_: int, number: int, slug: str) -> Sent:
    fixture = told("comment.created")
    data = fixture["body"]["data"]
    data |= {"comment_id": id_, "issue_id": 1000 + number, "project_slug": slug}
    return Sent("sentry", fixture["body"], fixture["headers"])


@pytest.fixture
def store(engine: sa.Engine) -> str:
    return make_store(engine)


def test_in_any_order_its_issues_and_comments_are_the_connections(
    desk: Desk, engine: sa.Engine
) -> None:
    """Bug: what names the project by its slug alone was outside the connection for ever."""
    sent = [
        issue(9, "web", at=1),
        comment(1, 9, "web"),
        issue(7, "shop", at=2),
        comment(2, 9, "shop"),
    ]
    for order in permutations(sent):
        store = make_store(engine)
        to = connect(engine, "sentry", stores=[store])
        for one in order:
            desk.deliver(to, one)
            desk.work()
        desk.work()
        keys = {"SHOP-9", "SHOP-7", "1009/comment/1", "1009/comment/2"}
        assert {*desk.documents(store)} == keys
        for number, key in ((7, "SHOP-7"), (9, "SHOP-9")):
            for slug in ("WEB", "SHOP"):
                assert found(engine, store, f"{slug}-{number}") == [key]
    counted = desk.rows("SELECT DISTINCT status FROM lightfast_webhook_deliveries")
    assert [row["status"] for row in counted] == ["processed"]


def found(engine: sa.Engine, store: str, key: str) -> list[str]:
    with transaction(engine) as conn:
        rows = find_documents(conn, key, store_id=store)
    return [row["source_id"] for row in rows]


def test_references_by_either_name_are_bound(desk: Desk, engine: sa.Engine, store: str) -> None:
    to = connect(engine, "sentry", stores=[store])
    github = connect(engine, "github", stores=[store])
    desk.end(to, issue(9, "web", at=1))
    desk.end(to, issue(7, "shop", at=2))
    desk.end(github, halcyon.issue(1, body="Fixes SHOP-7 and WEB-9; see WEB-7, SHOP-9, STAGE-7"))
    assert desk.targets("halcyon/web#1") == dict.fromkeys(
        ["SHOP-7", "SHOP-9", "WEB-7", "WEB-9"], True
    )


def test_what_was_said_before_the_name_was_known_is_heard_again(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    to = connect(engine, "sentry", stores=[store])
    github = connect(engine, "github", stores=[store])
    desk.end(github, halcyon.issue(1, body="Fixes SHOP-7"))
    desk.end(github, halcyon.issue(2, body="Of nothing"))
    assert desk.targets("halcyon/web#1") == {}
    desk.end(to, issue(7, "shop", at=2))
    desk.work()
    assert worked_off(engine)
    assert desk.targets("halcyon/web#1") == {"SHOP-7": True}


def test_people_are_told(desk: Desk, engine: sa.Engine, store: str) -> None:
    to = connect(engine, "sentry", stores=[store])
    desk.end(to, issue(7, "shop", at=2))
    findings = look_at_connections(engine, Surroundings({}, None), to)
    said = [one.said for one in findings if one.check.endswith("name")]
    assert said == ["Sentry's project web is called shop by now; issues are found by either name"]
    with transaction(engine) as conn:
        (shown,) = connections.listing(conn, to)
    assert shown["metadata"]["projectSlugs"] == {"shop": "2026-03-02T08:26:42.000Z"}
    assert shown["metadata"]["sentryProjectSlug"] == "web"


def test_on_the_app_wide_route_it_is_found_by_either_name(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    to = connect(engine, "sentry", {"webhookId": INSTALLATION}, stores=[store])
    desk.end(to, issue(7, "shop", at=2))
    desk.end(None, comment(1, 7, "shop"))
    desk.end(None, comment(2, 7, "web"))
    assert {*desk.documents()} == {"SHOP-7", "1007/comment/1", "1007/comment/2"}


def test_who_takes_over_a_former_name_has_it(desk: Desk, engine: sa.Engine, store: str) -> None:
    first = connect(engine, "sentry", stores=[store])
    other: dict[str, Any] = {"sentryProjectId": "502", "sentryProjectSlug": "depot"}
    second = connect(engine, "sentry", other, stores=[store])
    github = connect(engine, "github", stores=[store])
    desk.end(first, issue(9, "web", at=1))
    desk.end(first, issue(9, "shop", at=2))
    desk.end(second, issue(9, "web", at=3, project="502"))
    desk.end(github, halcyon.issue(1, body="Fixes WEB-9, see SHOP-9 and DEPOT-9"))
    bound = desk.rows(
        "SELECT r.target_key AS key, l.scope FROM lightfast_document_references r"
        " JOIN lightfast_document_ledger l ON l.document_id = r.target_document_id"
    )
    assert {(row["key"], row["scope"]) for row in bound} == {
        ("WEB-9", "sentry.io/502"),
        ("SHOP-9", "sentry.io/501"),
        ("DEPOT-9", "sentry.io/502"),
    }


def test_a_name_that_is_another_tenants_is_not_learned(
    desk: Desk, engine: sa.Engine, store: str
) -> None:
    to = connect(engine, "sentry", stores=[store])
    other: dict[str, Any] = {"sentryProjectId": "502", "sentryProjectSlug": "depot"}
    connect(engine, "sentry", other, stores=[store])
    desk.end(to, issue(7, "depot", at=2))
    with transaction(engine) as conn:
        (shown,) = connections.listing(conn, to)
    assert "projectSlugs" not in shown["metadata"]
