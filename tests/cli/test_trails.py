"""One trail: from a delivery to its events and documents, and from a document back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.retention import delete_old
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, Town

pytestmark = pytest.mark.integration


def test_a_delivery_names_its_events_and_documents_and_a_document_what_touched_it(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    newest, oldest = ingest("deliveries", "list", "--json").json
    told = ingest("deliveries", "show", newest["delivery_key"], "--json").json
    assert told["id"] == newest["id"]
    (event,) = told["events"]
    assert (event["store_id"], event["event_key"]) == (town.store, newest["delivery_key"])
    did = {one["document_id"]: one["did"] for one in told["documents"]}
    assert did == {town.comment: "created"}
    assert told["look_ups"] == []
    people = ingest("deliveries", "show", str(newest["id"]))
    assert (people.code, town.comment in people.out, event["id"] in people.out) == (0, True, True)

    ingest("deliveries", "replay", str(oldest["id"]))
    drain_deliveries(engine, go_on=lambda: True)
    after, before = ingest("docs", "history", town.issue, "--json").json
    assert (before["did"], after["did"]) == ("created", "unchanged")
    assert {before["delivery_key"], after["delivery_key"]} == {oldest["delivery_key"]}
    assert before["event_id"] == after["event_id"]
    assert (before["hash_before"], len(before["hash_after"])) == (None, 64)
    shown = ingest("docs", "history", town.issue)
    assert f"none → {before['hash_after'][:8]}" in shown.out
    assert "The trail goes back 30 days" in shown.err


def test_the_trail_is_kept_as_long_as_settled_deliveries(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        conn.exec_driver_sql("UPDATE lightfast_trail_steps SET at = '2026-01-01'")
    assert delete_old(engine, 30, go_on=lambda: True).trail == 2
    assert ingest("docs", "history", town.issue, "--json").json == []


def test_what_is_erased_leaves_no_trail(ingest: Ingest, town: Town, engine: sa.Engine) -> None:
    assert ingest("source", "disconnect", town.connection, "--purge", "--yes").code == 0
    with transaction(engine) as conn:
        left = "SELECT count(*) FROM lightfast_trail_steps"
        assert conn.exec_driver_sql(left).scalar_one() == 0


@pytest.mark.parametrize(
    "argv",
    [
        ("deliveries", "show", "77"),
        ("deliveries", "show", "no-such-guid"),
        ("deliveries", "replay", "77"),
        ("docs", "history", "nobody"),
        ("docs", "show", "nobody"),
        ("fetches", "show", "77"),
    ],
)
def test_an_id_that_does_not_exist_is_a_line_and_exit_1(
    ingest: Ingest, argv: tuple[str, ...]
) -> None:
    ran = ingest(*argv)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "there is no" in ran.err


def test_deliveries_are_filtered_and_counted_before_they_are_replayed(
    ingest: Ingest, town: Town
) -> None:
    newest, oldest = ingest("deliveries", "list", "--json").json
    wanted = {
        ("--key", oldest["delivery_key"]): 1,
        ("--connection", town.connection): 2,
        ("--reason", "APPLIED"): 2,
        ("--reason", "no such words"): 0,
        ("--since", "1h"): 2,
        ("--until", "1h"): 0,
        ("--source", "linear", "--status", "processed"): 2,
        ("--source", "github", "--status", "processed"): 0,
    }
    for options, count in wanted.items():
        assert len(ingest("deliveries", "list", *options, "--json").json) == count, options
        dry = ingest("deliveries", "replay", *options, "--dry-run", "--json")
        assert dry.json == {"matching": count, "replayed": 0}, options
        assert f"{count} settled deliveries match" in dry.err
    assert len(ingest("deliveries", "list", "--status", "pending", "--json").json) == 0
    replayed = ingest("deliveries", "replay", "--key", newest["delivery_key"], "--json")
    assert replayed.json == {"replayed": 1}
    (pending,) = ingest("deliveries", "list", "--status", "pending", "--json").json
    assert pending["id"] == newest["id"]
    unknown = ingest("deliveries", "list", "--connection", "nobody")
    assert unknown.out == ""
    assert "there is no connection nobody" in unknown.err
