"""`ingest source update`: filters by name, and stores that a connection leaves."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from tests.cli.conftest import SECRET_KEY, Ingest, connect_linear, deliver
from tests.factories import METADATA, SECRET

pytestmark = pytest.mark.integration

TOKEN = "ghp_a_token_that_nobody_may_see"


def _github(ingest: Ingest, *more: str) -> str:
    ingest("store", "create", "docs")
    told = ("--store", "docs", "--name", "web", "--metadata", json.dumps(METADATA["github"]))
    secret = ("--webhook-secret-env", "SECRET")
    made = ingest("source", "connect", "github", *told, *secret, *more, SECRET=SECRET)
    return str(made.out.strip())


def _metadata(ingest: Ingest, connection: str) -> dict[str, object]:
    shown: dict[str, object] = ingest("source", "show", connection, "--json").json["metadata"]
    return shown


def test_filters_are_set_and_taken_away_by_their_names(ingest: Ingest) -> None:
    id_ = _github(ingest, "--filter", "include=docs/**", "--filter", "include=*.md")
    assert _metadata(ingest, id_)["include"] == ["docs/**", "*.md"]
    narrowed = ("--filter", "include=guide/**", "--filter", "branch=next")
    assert ingest("source", "update", id_, *narrowed).code == 0
    told = _metadata(ingest, id_)
    assert (told["include"], told["branch"]) == (["guide/**"], "next")
    assert ingest("source", "update", id_, "--filter", "include=", "--filter", "branch=").code == 0
    assert {"include", "branch"}.isdisjoint(_metadata(ingest, id_))


def test_a_changed_filter_is_carried_out_by_a_run_of_its_own(ingest: Ingest) -> None:
    id_ = _github(ingest)
    ingest("source", "credentials", id_, "--token-env", "TOKEN", TOKEN=TOKEN)
    ran = ingest("source", "update", id_, "--filter", "include=guide/**")
    assert "What left the filter is let go, what entered fetched, by sync run" in ran.err
    (newest, *_) = ingest("source", "show", id_, "--json").json["syncs"]
    assert newest["kind"] == "full"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("team=1", "GitHub has no filter 'team'; it has include ("),
        ("docs/**", "'docs/**' is no filter; write NAME=VALUE, as in include=…"),
        (f"include={501 * chr(120)}", "500"),
    ],
)
def test_what_is_no_filter_is_wrong_use_and_changes_nothing(
    ingest: Ingest, told: str, said: str
) -> None:
    id_ = _github(ingest)
    before = _metadata(ingest, id_)
    ran = ingest("source", "update", id_, "--filter", told)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert _metadata(ingest, id_) == before


def test_a_source_without_filters_says_so(ingest: Ingest) -> None:
    ingest("store", "create", "docs")
    told = ("--store", "docs", "--name", "v", "--metadata", json.dumps(METADATA["vercel"]))
    ran = ingest("source", "connect", "vercel", *told, "--filter", "branch=main")
    assert (ran.code, "all that its connection stands for is wanted" in ran.err) == (2, True)
    assert ingest("source", "list", "--json").json == []


def test_of_a_store_that_is_left_goes_what_nobody_else_feeds(
    ingest: Ingest, engine: sa.Engine
) -> None:
    for store in ("left", "kept"):
        ingest("store", "create", store)
    id_ = connect_linear(ingest, "left", "kept")
    deliver(ingest, id_, "Issue.create")
    drain_deliveries(engine, go_on=lambda: True)
    ran = ingest("source", "update", id_, "--remove-store", "left", "--json")
    assert ran.json["stores"] == ["kept"]
    assert ingest("docs", "list", "--store", "left", "--json").json == []
    assert len(ingest("docs", "list", "--store", "kept", "--json").json) == 1
    deliver(ingest, id_, "Comment.create")
    drain_deliveries(engine, go_on=lambda: True)
    assert ingest("docs", "list", "--store", "left", "--json").json == []
    assert len(ingest("docs", "list", "--store", "kept", "--json").json) == 2


def test_a_store_can_be_changed_for_another_at_once(ingest: Ingest) -> None:
    for store in ("one", "two"):
        ingest("store", "create", store)
    id_ = connect_linear(ingest, "one", INGEST_SECRET_KEY=SECRET_KEY)
    both = ("--remove-store", "one", "--add-store", "two", "--json")
    assert ingest("source", "update", id_, *both).json["stores"] == ["two"]


def test_the_last_store_stays_and_so_does_one_that_is_not_fed(ingest: Ingest) -> None:
    ingest("store", "create", "only")
    id_ = connect_linear(ingest, "only")
    last = ingest("source", "update", id_, "--name", "Other", "--remove-store", "only")
    assert (last.code, f"ingest source disconnect {id_}" in last.err) == (2, True)
    strange = ingest("source", "update", id_, "--remove-store", "nowhere")
    assert (strange.code, "it feeds only" in strange.err) == (2, True)
    shown = ingest("source", "show", id_, "--json").json
    assert (shown["name"], shown["stores"]) == ("Linear", ["only"])
