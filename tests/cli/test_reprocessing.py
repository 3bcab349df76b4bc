"""`ingest reprocess`, and `ingest store update`, which asks for it."""

from __future__ import annotations

import json

import pytest

from ingest.core.errors import BadInput
from ingest.flows.reprocess import drain
from tests.cli.conftest import Ingest, Town

pytestmark = pytest.mark.integration


def test_a_store_wants_other_chunks_and_has_them(ingest: Ingest, town: Town) -> None:
    told = ("--chunk-max-tokens", "64", "--chunk-overlap", "0", "--no-reprocess", "--json")
    row = ingest("store", "update", town.store, *told).json
    assert (row["chunk_max_tokens"], row["chunk_overlap"], row["reprocess"]) == (64, 0, None)
    tried = ingest("reprocess", "--store", town.store, "--dry-run", "--json").json
    assert tried["documents"] == {"linear": {"looked": 2, "rechunked": 2}}
    assert {one["store"] for one in tried["changes"]} == {town.store}
    assert ingest("reprocess", "list", "--json").json == []
    ran = ingest("reprocess", "--store", town.store, "--here", "--json")
    assert ran.json["state"] == "done"
    assert ran.json["counts"] == {"linear": {"looked": 2, "rechunked": 2}}
    assert '"rechunked":2' in ran.err
    (listed,) = ingest("reprocess", "list", "--json").json
    assert listed == ingest("reprocess", "show", str(listed["id"]), "--json").json
    again = ingest("reprocess", "--dry-run", "--json").json
    assert again["documents"] == {"linear": {"looked": 2}}
    assert (
        ingest("store", "update", town.store, "--chunk-max-tokens", "64", "--json").json[
            "reprocess"
        ]
        is None
    )


def test_a_run_that_fails_while_it_is_waited_for_is_an_error(
    ingest: Ingest, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise BadInput("no adapter reads this")

    monkeypatch.setattr(drain, "make_step", fails)
    monkeypatch.setattr(drain, "MOST_TRIES", 0)
    ran = ingest("reprocess", "--store", town.store, "--here", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["state"] == "failed"
    assert "is failed: its step failed 0 times: no adapter reads this" in ran.err


def test_a_change_asks_for_a_run_that_can_be_cancelled(ingest: Ingest, town: Town) -> None:
    run = ingest("store", "update", town.store, "--embedding-dim", "8", "--json").json["reprocess"]
    shown = ingest("reprocess", "show", str(run), "--json").json
    assert (shown["what"], shown["scope"]) == (["chunks"], {"store": town.store})
    assert ingest("reprocess", "cancel", str(run), "--json").json["state"] == "cancelled"
    ran = ingest("reprocess", "cancel", str(run))
    assert ran.code == 2
    assert "ended already" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--what", "everything"], "there is chunks, references, deliveries"),
        (["--store", "nowhere"], "there is no store nowhere"),
        (["--connection", "nobody"], "there is no connection nobody"),
        (["--source", "auk"], "is no source"),
        (["--since", "7d"], "with --what deliveries alone"),
        (["--what", "deliveries", "--since", "soon"], "no span of time"),
        (["--what", "deliveries", "--kind", "issue"], "a kind is one of documents"),
        (["--what", "deliveries", "--resync"], "a resync is of documents"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(ingest: Ingest, options: list[str], said: str) -> None:
    ran = ingest("reprocess", *options, "--dry-run")
    assert ran.code == 2
    assert said in ran.err


def test_a_run_that_there_is_not_is_wrong_use(ingest: Ingest) -> None:
    for command in ("show", "cancel"):
        ran = ingest("reprocess", command, "7")
        assert ran.code == 2
        assert "no reprocess run 7" in ran.err
    ran = ingest("store", "update", "docs")
    assert ran.code == 2
    assert "name what is to be another" in ran.err
