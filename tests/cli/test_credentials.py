"""Tokens and handshakes by command: set, refused, repaired, shown once."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ingest.core.vault import Vault
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import conditions, deliveries, handshakes
from ingest.store.engine import transaction
from tests.cli.conftest import SECRET_KEY, Ingest
from tests.factories import METADATA
from tests.flows.asking_notion import event

pytestmark = pytest.mark.integration

TOKEN = "ntn_a-token-of-a-test"


@pytest.fixture
def notion(ingest: Ingest) -> str:
    """A connection to Notion, without a token and without a secret."""
    ingest("store", "create", "docs")
    argv = ("--store", "docs", "--name", "Halcyon", "--metadata", json.dumps(METADATA["notion"]))
    return str(ingest("source", "connect", "notion", *argv).out.strip())


def _deliver(engine: sa.Engine, connection: str) -> None:
    """A thin event of a page waits for a worker, which comes."""
    with transaction(engine) as conn:
        deliveries.insert(conn, [event("page.created", "Runbook").arrival(connection)])
    drain_deliveries(engine, go_on=lambda: True, threads=1)


def test_a_token_that_is_set_late_brings_back_what_had_none(
    ingest: Ingest, engine: sa.Engine, notion: str
) -> None:
    _deliver(engine, notion)
    (skipped,) = ingest("deliveries", "list", "--json").json
    assert skipped["status"] == "skipped"
    assert "no token" in skipped["reason"]
    assert "ingest source credentials" in skipped["reason"]
    ran = ingest("source", "credentials", notion, "--token-env", "TOKEN", TOKEN=TOKEN)
    assert ran.code == 0
    assert "1 waiting deliveries are due now" in ran.err
    assert TOKEN not in ran.out + ran.err
    drain_deliveries(engine, go_on=lambda: True, threads=1)
    shown = ingest("source", "show", notion, "--json").json
    assert shown["look_ups"]["waiting"] == 1
    assert shown["secrets"] == {"api_token": 1}
    drained = ingest("drain", "--timeout", "0", "--json")
    assert (drained.code, drained.out) == (1, '{"unfinished":1,"look_ups":1}\n')
    assert "1 deliveries and 1 look-ups are unfinished" in drained.err


def test_a_refusal_is_shown_and_a_new_token_ends_it(
    ingest: Ingest, engine: sa.Engine, notion: str
) -> None:
    ingest("source", "credentials", notion, "--token-env", "TOKEN", TOKEN=TOKEN)
    with transaction(engine) as conn:
        conditions.refuse(conn, notion, "Notion answers 401 to /v1/pages/x")
    shown = ingest("source", "show", notion, "--json").json
    assert (shown["status"], shown["is_active"]) == ("refused", False)
    assert shown["problem"] == "Notion answers 401 to /v1/pages/x"
    assert shown["problem_at"].endswith("Z")
    ingest("source", "credentials", notion, "--token-env", "TOKEN", TOKEN=f"{TOKEN}2")
    shown = ingest("source", "show", notion, "--json").json
    assert (shown["status"], shown["is_active"], shown["problem"]) == ("configured", True, None)
    assert shown["secrets"] == {"api_token": 1}, "a token replaces the one before"


def test_who_paused_a_source_resumes_it_and_no_token_does(ingest: Ingest, notion: str) -> None:
    ingest("source", "pause", notion)
    ingest("source", "credentials", notion, "--token-env", "TOKEN", TOKEN=TOKEN)
    assert ingest("source", "show", notion, "--json").json["status"] == "paused"


@pytest.mark.parametrize(
    ("argv", "environ", "problem"),
    [
        ((), {}, "nothing to set"),
        (("--token-env", "TOKEN"), {}, "TOKEN is not set"),
        (("--token-env", "TOKEN"), {"TOKEN": "two words"}, "token"),
    ],
)
def test_what_cannot_be_a_token_is_wrong_use(
    ingest: Ingest, notion: str, argv: tuple[str, ...], environ: dict[str, str], problem: str
) -> None:
    ran = ingest("source", "credentials", notion, *argv, **environ)
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert "two words" not in ran.err


def test_a_handshakes_token_is_shown_once(ingest: Ingest, engine: sa.Engine, notion: str) -> None:
    early = ingest("source", "verification", notion)
    assert early.code == 2
    assert "has not sent its token yet" in early.err
    with transaction(engine) as conn:
        assert handshakes.capture(conn, Vault([SECRET_KEY]), "notion", notion, "secret_word")
    told = ingest("source", "verification", notion, "--json").json
    assert told == {"id": notion, "verification_token": "secret_word"}
    late = ingest("source", "verification", notion)
    assert late.code == 2
    assert "shown already" in late.err
    armed = ingest("source", "verification", notion, "--rearm", "--json").json
    assert armed == {"id": notion, "waits_s": 900.0}


def test_connecting_says_what_to_do_for_a_handshake(ingest: Ingest) -> None:
    ingest("store", "create", "docs")
    argv = (
        "--store",
        "docs",
        "--name",
        "H",
        "--metadata",
        json.dumps(METADATA["notion"]),
    )
    ran = ingest("source", "connect", "notion", *argv)
    assert "waits 15 minutes for Notion's verification token" in ran.err
    assert f"ingest source verification {ran.out.strip()}" in ran.err


def test_webhook_secrets_are_listed_expired_and_retired(ingest: Ingest, notion: str) -> None:
    argv = ("source", "credentials", notion)
    for secret in ("the old one", "the new one"):
        ingest(*argv, "--webhook-secret-env", "SECRET", SECRET=secret)
    old, new = ingest(*argv, "--list", "--json").json
    assert (old["kind"], old["live"], old["expires_at"]) == ("webhook_secret", True, None)
    listed = ingest(*argv, "--expire-others-in", "24h", "--json").json
    assert [row["expires_at"] is not None for row in listed] == [True, False]
    assert [row["id"] for row in ingest(*argv, "--retire", str(old["id"]), "--json").json] == [
        new["id"]
    ]
    printed = ingest(*argv, "--list")
    assert "one" not in printed.out + printed.err
    wrong = ingest(*argv, "--expire-others-in", "soon")
    assert (wrong.code, wrong.out) == (2, "")
    assert "write 30s, 15m, 24h or 7d" in wrong.err
    assert ingest("source", "credentials", "nobody", "--list").code == 2


def test_secrets_rotate_ends_the_use_of_the_old_key(ingest: Ingest, notion: str) -> None:
    argv = ("source", "credentials", notion, "--token-env", "TOKEN")
    ingest(*argv, TOKEN=TOKEN)
    new = "a new key of more than thirty-two characters"
    ran = ingest("secrets", "rotate", "--json", INGEST_SECRET_KEY=f"{new},{SECRET_KEY}")
    assert (ran.code, ran.json) == (0, {"rotated": 1, "current": 0, "closed": 0})
    ran = ingest("secrets", "rotate", "--json", INGEST_SECRET_KEY=new)
    assert (ran.code, ran.json) == (0, {"rotated": 0, "current": 1, "closed": 0})
    ran = ingest("secrets", "rotate", "--json")
    assert (ran.code, json.loads(ran.out)) == (1, {"rotated": 0, "current": 0, "closed": 1})
    assert "append the key that they were made with" in ran.err


def test_a_rearmed_handshake_is_confirmed(ingest: Ingest, engine: sa.Engine, notion: str) -> None:
    argv = ("source", "verification", notion)
    ingest("source", "credentials", notion, "--webhook-secret-env", "SECRET", SECRET="the old one")
    assert ingest(*argv, "--confirm").code == 2
    ingest(*argv, "--rearm")
    with transaction(engine) as conn:
        handshakes.capture(conn, Vault([SECRET_KEY]), "notion", notion, "secret_new")
    assert ingest(*argv, "--json").json["verification_token"] == "secret_new"
    assert len(ingest("source", "credentials", notion, "--list", "--json").json) == 2
    assert ingest(*argv, "--confirm", "--json").json == {"id": notion, "confirmed": True}
    assert len(ingest("source", "credentials", notion, "--list", "--json").json) == 1
    assert ingest(*argv, "--confirm", "--rearm").code == 2
