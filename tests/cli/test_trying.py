"""`ingest send-test`: a signed webhook over HTTP, followed to its document or to the cause."""

from __future__ import annotations

from threading import Thread

import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from tests.cli.conftest import Ingest, connect_linear
from tests.factories import SECRET, SECRET_KEY
from tests.web.running import receiver

pytestmark = pytest.mark.integration


def test_a_test_webhook_is_followed_to_its_document_and_not_doubled(
    ingest: Ingest, engine: sa.Engine, database_url: str
) -> None:
    def work(_queue: str) -> None:
        Thread(target=drain_deliveries, args=(engine,), kwargs={"go_on": lambda: True}).start()

    key = {"INGEST_SECRET_KEY": SECRET_KEY}
    ingest("store", "create", "docs", **key)
    told = connect_linear(ingest, "docs", **key)
    with receiver(database_url, work) as port:
        url = ("--url", f"http://127.0.0.1:{port}")
        first = ingest("send-test", "linear", *url, "--json", **key).json
        again = ingest("send-test", "linear", *url, "--json", **key).json
        ingest("source", "credentials", told, "--retire", "1", **key)
        unsigned = ingest("send-test", "linear", *url, **key)
    assert (first["connection_id"], first["status"], first["cause"]) == (told, "processed", None)
    (document,) = first["documents"]
    assert document["kind"] == "issue"
    assert [one["id"] for one in again["documents"]] == [document["id"]]
    assert again["delivery"] != first["delivery"]
    assert unsigned.code == 2
    assert "--webhook-secret-env" in unsigned.err
    assert SECRET not in unsigned.err


def test_what_cannot_be_tried_says_so(ingest: Ingest) -> None:
    nowhere = ("--url", "http://127.0.0.1:9")
    nobody = ingest("send-test", "linear", *nowhere)
    assert (nobody.code, "no linear is connected" in nobody.err) == (2, True)
    ingest("store", "create", "docs")
    one = connect_linear(ingest, "docs")
    silent = ingest("send-test", "linear", *nowhere)
    assert (silent.code, "no receiver answers" in silent.err) == (3, True)
    over = ingest("send-test", "linear", *nowhere, "--about", "8f4c7e1e")
    assert (over.code, "leave --about away" in over.err) == (2, True)
    ingest("source", "pause", one)
    paused = ingest("send-test", "linear", *nowhere)
    assert (paused.code, "paused" in paused.err) == (1, True)
    mistyped = ingest("send-test", "liner")
    assert (mistyped.code, "did you mean linear?" in mistyped.err) == (2, True)
    assert "sentry, vercel, zendesk" in mistyped.err


def test_the_version_and_the_database_s_address_are_told(ingest: Ingest, database_url: str) -> None:
    assert ingest("--version").out.startswith("ingest ")
    assert ingest("db", "url").out.strip() == database_url
