"""`ingest source`: what is connected, and under which conditions it acts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, Town, connect_linear, deliver
from tests.factories import METADATA

pytestmark = pytest.mark.integration

WORD = "a very secret word of a test"
TOKEN = "a-very-secret-token-of-a-test/token:x@halcyon"
ZENDESK_TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="


@pytest.mark.parametrize("source_type", sorted(METADATA))
def test_each_source_is_connected_and_shown(ingest: Ingest, source_type: str) -> None:
    ingest("store", "create", "docs")
    made = _connect(ingest, source_type, METADATA[source_type]).json
    shown = ingest("source", "show", made["id"], "--json").json
    assert shown["metadata"] == METADATA[source_type]
    assert (shown["source_type"], shown["stores"], shown["status"]) == (
        source_type,
        ["docs"],
        "configured",
    )
    assert shown["secrets"] == {"api_token": 1, "webhook_secret": 1}
    assert (shown["deliveries"], shown["last_received_at"]) == ({}, None)
    assert made["route"] == f"/webhooks/{source_type}/{made['id']}"


def test_a_secret_never_comes_out_again(ingest: Ingest, engine: sa.Engine) -> None:
    ingest("store", "create", "docs")
    made = _connect(ingest, "linear", METADATA["linear"])
    id_ = made.json["id"]
    said = [made, ingest("source", "show", id_), ingest("source", "show", id_, "--json")]
    said += [ingest("source", "list"), ingest("source", "list", "--json")]
    assert not any(word in ran.out + ran.err for ran in said for word in (WORD, TOKEN))
    with transaction(engine) as conn:
        stored = conn.exec_driver_sql("SELECT secret FROM lightfast_source_credentials").scalars()
        assert not any(WORD.encode() in bytes(secret) for secret in stored)


def test_metadata_is_stored_in_the_seeds_spelling_with_its_type(
    ingest: Ingest, tmp_path: Path
) -> None:
    ingest("store", "create", "docs")
    told = {"linear_team_id": "t", "linearTeamKey": "ENG", "linearOrganizationId": "o"}
    file = tmp_path / "metadata.json"
    file.write_text(json.dumps({**told, "teamName": "E", "webhookId": None, "more": {"a": 1}}))
    ran = ingest(*_argv("linear", f"@{file}"))
    assert "refuses every request" in ran.err
    shown = ingest("source", "show", ran.out.strip(), "--json").json
    assert shown["metadata"] == {
        "type": "linear",
        "linearTeamId": "t",
        "linearTeamKey": "ENG",
        "linearOrganizationId": "o",
        "teamName": "E",
        "more": {"a": 1},
    }


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("{", "--metadata is not JSON"),
        ("[]", "--metadata is not a JSON object"),
        ("@/nowhere/at/all", "/nowhere/at/all cannot be read: No such file"),
        ("{}", "linearTeamId: Field required; linearTeamKey: Field required"),
        (json.dumps(METADATA["github"]), "type: Input should be 'linear'"),
        (json.dumps({**METADATA["linear"], "linearOrganizationId": ""}), "linearOrganizationId"),
    ],
)
def test_metadata_that_does_not_fit_is_wrong_use(ingest: Ingest, metadata: str, said: str) -> None:
    ingest("store", "create", "docs")
    ran = ingest(*_argv("linear", metadata))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ingest("source", "list", "--json").json == []


@pytest.mark.parametrize(
    ("source_type", "more", "said"),
    [
        ("zendesk", {"zendeskSubdomain": "evil.com#"}, "zendeskSubdomain: give a subdomain alone"),
        ("zendesk", {"zendeskSubdomain": "x@127.0.0.1:9200/"}, "zendeskSubdomain: give "),
        ("zendesk", {"brandSubdomains": ["ok", "a/b"]}, "brandSubdomains.1: give "),
        ("sentry", {"apiHost": "127.0.0.1"}, "apiHost: give the name of a host"),
        ("sentry", {"apiHost": "localhost:9000"}, "apiHost: give the name of a host"),
        ("sentry", {"apiHost": "evil.com"}, "apiHost of the connection names evil.com"),
        ("sentry", {"sentryProjectSlug": ".."}, "sentryProjectSlug: give an id, or a slug"),
        ("vercel", {"apiHost": "api.vercel.com.evil.com"}, "let the setting INGEST_ALLOWED_API_HO"),
        ("github", {"repoFullName": "../.."}, "repoFullName: give owner/repository"),
        ("github", {"branch": "a..b"}, "branch: give the name of a branch"),
    ],
)
def test_metadata_that_would_lead_a_token_astray_is_wrong_use(
    ingest: Ingest, source_type: str, more: dict[str, Any], said: str
) -> None:
    ingest("store", "create", "docs")
    ran = ingest(*_argv(source_type, json.dumps({**METADATA[source_type], **more})))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ingest("source", "list", "--json").json == []


def test_an_operator_lets_metadata_name_hosts_of_his_own(ingest: Ingest) -> None:
    ingest("store", "create", "docs")
    told = {**METADATA["sentry"], "apiHost": "errors.halcyon.example:9000"}
    argv = _argv("sentry", json.dumps(told))
    assert ingest(*argv).code == 2
    for environ in (
        {"INGEST_ALLOWED_API_HOSTS": "errors.halcyon.example"},
        {"INGEST_ALLOWED_API_HOSTS": "x.example, *.halcyon.example"},
        {"INGEST_SENTRY_API_URL": "http://10.0.0.7:9000"},
    ):
        made = ingest(*argv, **environ)
        assert made.code == 0, environ
        ingest("source", "disconnect", made.out.strip())
    wrong = ingest(*argv, INGEST_ALLOWED_API_HOSTS="https://errors.halcyon.example")
    assert wrong.code == 2
    assert "INGEST_ALLOWED_API_HOSTS holds 'https://errors.halcyon.example'" in wrong.err


def test_what_else_is_missing_or_wrong_is_named(ingest: Ingest) -> None:
    ingest("store", "create", "docs", "--workspace", "w1", "--organization", "o1")
    ingest("store", "create", "theirs", "--workspace", "w2", "--organization", "o2")
    good = _argv("zendesk", json.dumps(METADATA["zendesk"]))
    for argv, environ, said in (
        ([*good, "--store", "nix"], {}, "no store nix; create it with: ingest store create nix"),
        ([*good, "--store", "theirs"], {}, "several organizations"),
        ([*good, "--token-env", "TOKEN"], {}, "environment variable TOKEN is not set"),
        ([*good, "--name", ""], {}, "the name has 0 characters"),
        (
            [*good, "--webhook-secret-env", "S"],
            {"S": ZENDESK_TEST_SECRET},
            "public test secret",
        ),
        (["source", "connect", "gopher", *good[3:]], {}, "'gopher' is no source"),
    ):
        ran = ingest(*argv, **environ)
        assert ran.code == 2, said
        assert said in ran.err
    assert ingest("source", "list", "--json").json == []


def test_without_a_key_no_secret_is_taken(ingest: Ingest) -> None:
    ingest("store", "create", "docs")
    argv = _argv("vercel", json.dumps(METADATA["vercel"]))
    ran = ingest(*argv, "--token-env", "TOKEN", TOKEN=TOKEN, INGEST_SECRET_KEY="")
    assert ran.code == 2
    assert "INGEST_SECRET_KEY is not set" in ran.err


def test_a_paused_source_lets_deliveries_wait_and_resuming_lets_them_through(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    assert ingest("source", "pause", town.connection, "--json").json["status"] == "paused"
    deliver(ingest, town.connection, "Issue.update")
    drain_deliveries(engine, go_on=lambda: True)
    waiting = ingest("drain", "--timeout", "0")
    assert waiting.code == 1
    assert "1 deliveries are unfinished after 0 s (the connection is paused)" in waiting.err
    resumed = ingest("source", "resume", town.connection)
    assert "1 waiting deliveries are due now" in resumed.err
    assert "configured" in resumed.out
    drain_deliveries(engine, go_on=lambda: True)
    assert ingest("drain", "--json").json == {"unfinished": 0, "look_ups": 0}
    shown = ingest("source", "show", town.connection, "--json").json
    assert shown["deliveries"] == {"processed": 3}
    assert shown["last_received_at"].endswith("Z")


def test_a_disconnected_source_keeps_its_documents_and_receives_no_more(
    ingest: Ingest, town: Town
) -> None:
    gone = ingest("source", "disconnect", town.connection, "--json").json
    assert gone["status"] == "disconnected"
    assert len(ingest("docs", "list", "--json").json) == 2
    refused = deliver(ingest, town.connection, "Issue.update")
    assert refused.code == 2
    assert "no connection of this id" in refused.err
    ran = ingest("source", "pause", town.connection)
    assert ran.code == 2
    assert f"connect it again with: ingest source resume {town.connection}" in ran.err


def test_a_disconnected_source_is_resumed_where_its_place_is_free(
    ingest: Ingest, town: Town
) -> None:
    ingest("source", "disconnect", town.connection)
    resumed = ingest("source", "resume", town.connection, "--json")
    assert resumed.json["status"] == "configured"
    assert "no API token" in resumed.err
    assert deliver(ingest, town.connection, "Issue.update").json["status"] == "accepted"
    ingest("source", "disconnect", town.connection)
    other = connect_linear(ingest, town.store)
    taken = ingest("source", "resume", town.connection)
    assert (taken.code, taken.out) == (2, "")
    assert f"connection {other}" in taken.err
    assert "the very same already" in taken.err


def test_the_very_same_is_connected_once_to_one_store_and_to_another_too(
    ingest: Ingest, town: Town
) -> None:
    metadata = ingest("source", "show", town.connection, "--json").json["metadata"]
    told = ("--name", "Again", "--metadata", json.dumps(metadata))
    twice = ingest("source", "connect", "linear", "--store", town.store, *told)
    assert (twice.code, twice.out) == (2, "")
    assert f"ingest source update {town.connection}" in twice.err
    ingest("store", "create", "other")
    assert ingest("source", "connect", "linear", "--store", "other", *told).code == 0
    into = ingest("source", "update", town.connection, "--add-store", "other")
    assert (into.code, "the very same already" in into.err) == (2, True)


def test_a_store_is_added_to_a_connection_that_goes_on(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    ingest("store", "create", "second")
    told = ingest("source", "update", town.connection, "--add-store", "second", "--json")
    assert sorted(told.json["stores"]) == ["second", town.store]
    assert "ingest reprocess --what deliveries" in told.err
    deliver(ingest, town.connection, "Issue.update")
    drain_deliveries(engine, go_on=lambda: True)
    (row,) = ingest("docs", "list", "--store", "second", "--json").json
    assert row["kind"] == "issue"
    nowhere = ingest("source", "update", town.connection, "--add-store", "nowhere")
    assert "there is no store nowhere" in nowhere.err
    ingest("store", "create", "theirs", "--workspace", "w2", "--organization", "o2")
    across = ingest("source", "update", town.connection, "--add-store", "theirs")
    assert "several organizations" in across.err


def test_a_purge_leaves_the_database_as_if_it_had_never_been_connected(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    assert ingest("source", "disconnect", town.connection, "--purge", "--yes", "--json").json == {
        "id": town.connection,
        "documents": 2,
        "events": 2,
        "deliveries": 2,
        "status": "purged",
    }
    assert ingest("docs", "list", "--json").json == []
    assert ingest("deliveries", "list", "--json").json == []
    assert ingest("source", "list", "--json").json == []
    left = _counted(engine)
    assert left.pop("lightfast_document_ledger") == 2
    assert {name: count for name, count in left.items() if count} == {}
    second = connect_linear(ingest, town.store)
    for name in ("Comment.create", "Issue.create"):
        deliver(ingest, second, name)
    drain_deliveries(engine, go_on=lambda: True)
    back = ingest("docs", "list", "--json").json
    assert {row["id"] for row in back} == {town.issue, town.comment}


def test_a_purge_spares_what_another_source_feeds(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    ingest("source", "update", town.connection, "--metadata", '{"teamKeys": ["OTHER"]}')
    second = connect_linear(ingest, town.store)
    deliver(ingest, second, "Issue.create")
    drain_deliveries(engine, go_on=lambda: True)
    gone = ingest("source", "disconnect", town.connection, "--purge", "--yes", "--json").json
    assert (gone["documents"], gone["deliveries"]) == (1, 2)
    (left,) = ingest("docs", "list", "--json").json
    assert left["id"] == town.issue
    shown = ingest("docs", "show", town.issue, "--json").json
    assert [feed["connection_id"] for feed in shown["feeds"]] == [second]
    ingest("drain")
    assert ingest("source", "show", second, "--json").json["document_count"] == 1


def test_an_unknown_connection_is_wrong_use(ingest: Ingest) -> None:
    for command in ("show", "pause", "resume", "disconnect"):
        ran = ingest("source", command, "nobody")
        assert (ran.code, ran.out) == (2, "")
        assert "there is no connection nobody" in ran.err


def test_people_see_a_table(ingest: Ingest, town: Town) -> None:
    ingest("drain")
    listed = ingest("source", "list").out
    assert town.connection in listed
    assert "document count" in listed
    shown = ingest("source", "show", town.connection).out
    assert '{"processed":2}' in shown


def _argv(source_type: str, metadata: str) -> list[str]:
    argv = ["source", "connect", source_type, "--store", "docs", "--name", "A name"]
    return [*argv, "--metadata", metadata]


def _connect(ingest: Ingest, source_type: str, metadata: object) -> Any:
    argv = _argv(source_type, json.dumps(metadata))
    secrets = ("--webhook-secret-env", "HOOK", "--token-env", "TOKEN")
    return ingest(*argv, *secrets, "--json", HOOK=f"{WORD}\n", TOKEN=TOKEN)


def _counted(engine: sa.Engine) -> dict[str, int]:
    """How many rows each table has that a connection's words may leave something in."""
    apart = (
        *("schema_version", "schema_serves", "organizations", "workspaces", "stores", "bells"),
        *("drift", "outbox", "outbox_head"),
    )
    with transaction(engine) as conn:
        names = sa.inspect(conn).get_table_names()
        counted = [n for n in names if not n.endswith(apart)]
        tables = {n: sa.select(sa.func.count()).select_from(sa.table(n)) for n in counted}
        return {name: conn.execute(query).scalar_one() for name, query in tables.items()}
