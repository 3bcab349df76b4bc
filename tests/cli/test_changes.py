"""`ingest changes`: as a person and a script meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.flows.doctor import look_at_changes
from ingest.flows.retention import delete_changes
from tests.changes.shelf import Table
from tests.cli.conftest import SECRET_KEY, Ingest, Ran
from tests.factories import make_store

pytestmark = pytest.mark.integration


@pytest.fixture
def table(engine: sa.Engine) -> Table:
    return Table(engine, make_store(engine, "docs"))


def lines(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def test_changes_are_lines_of_json_in_order(table: Table, ingest: Ingest) -> None:
    table.put("a", "one")
    table.put("b", "two")
    table.delete("a")
    told = lines(ingest("changes"))
    assert [(one["op"], one["document_id"]) for one in told] == [
        ("upserted", "a"),
        ("upserted", "b"),
        ("deleted", "a"),
    ]
    assert list(told[0]) == [
        "position",
        "op",
        "document_id",
        "store_id",
        "source_type",
        "source_id",
        "content_hash",
        "config_hash",
        "updated_at",
        "changed",
        "chunks",
    ]
    after = str(told[0]["position"])
    assert lines(ingest("changes", "--from", after, "--json")) == told[1:]


def test_a_consumer_begins_with_a_snapshot_and_goes_on(table: Table, ingest: Ingest) -> None:
    table.put("a", "one")
    first = lines(ingest("changes", "--consumer", "embedder"))
    assert [one.get("snapshot") for one in first] == ["begins", None, "ends"]
    table.put("b", "one")
    assert [one["document_id"] for one in lines(ingest("changes", "--consumer", "embedder"))] == [
        "b"
    ]
    assert lines(ingest("changes", "--consumer", "embedder")) == []
    (shown,) = ingest("changes", "consumers", "--json").json
    assert (shown["name"], shown["behind"], shown["snapshot"]) == ("embedder", 0, False)
    again = lines(ingest("changes", "--consumer", "embedder", "--from", "snapshot"))
    assert len(again) == 4
    assert len(lines(ingest("changes", "--consumer", "embedder", "--from", "0"))) == 2
    assert ingest("changes", "forget", "embedder").code == 0
    assert ingest("changes", "consumers", "--json").json == []
    assert ingest("changes", "forget", "embedder").code == 2


def test_one_that_fell_behind_is_told_on_stderr_and_gets_a_snapshot(
    table: Table, ingest: Ingest
) -> None:
    table.put("a", "one")
    ingest("changes", "--consumer", "embedder")
    table.put("b", "one")
    assert delete_changes(table.engine, 7, keep=0) > 0
    (found,) = look_at_changes(table.engine)
    assert "fell behind" in found.said
    ran = ingest("changes", "--consumer", "embedder")
    assert "fell behind" in ran.err
    assert len(lines(ran)) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "yesterday"), "give a position"),
        (("--from", "99"), "not told yet"),
        (("--consumer", ""), "name"),
        (("--consumer", "new", "--store", "dosc"), "there is no store dosc"),
        (("--follow", "--limit", "3"), "leave --limit out"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(
    table: Table, ingest: Ingest, options: tuple[str, ...], said: str
) -> None:
    ran = ingest("changes", *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.usefixtures("interruptible")
def test_follow_goes_on_until_it_is_interrupted(table: Table, database_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "INGEST_SECRET_KEY": SECRET_KEY}
    command = [sys.executable, "-m", "ingest.cli", "changes", "--consumer", "f", "--follow"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        try:
            assert json.loads(follower.stdout.readline())["snapshot"] == "begins"
            assert json.loads(follower.stdout.readline())["snapshot"] == "ends"
            table.put("a", "one")
            assert json.loads(follower.stdout.readline())["document_id"] == "a"
            follower.send_signal(signal.SIGINT)
            assert follower.wait(90) == 0
        finally:
            follower.kill()


def test_the_doctor_tells_who_is_behind(table: Table, ingest: Ingest) -> None:
    (found,) = look_at_changes(table.engine)
    assert "nobody" in found.said
    ingest("changes", "--consumer", "embedder")
    table.put("a", "one")
    (found,) = look_at_changes(table.engine)
    assert "embedder" in found.said
