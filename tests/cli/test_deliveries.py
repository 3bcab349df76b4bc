"""`ingest deliveries`, `enqueue` and `drain`: the queue as people look after it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from ingest.core.times import to_micros
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.retention import delete_old
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, Town, deliver
from tests.factories import signed

pytestmark = pytest.mark.integration


def test_deliveries_are_listed_the_newest_first(ingest: Ingest, town: Town) -> None:
    listed = ingest("deliveries", "list", "--json").json
    assert [row["status"] for row in listed] == ["processed", "processed"]
    assert listed[0]["id"] > listed[1]["id"]
    assert listed[0]["received_at"].endswith("Z")
    assert "body" not in listed[0]
    assert ingest("deliveries", "list", "--status", "dead", "--json").json == []
    assert ingest("deliveries", "list", "--source", "github", "--json").json == []
    assert len(ingest("deliveries", "list", "--source", "linear", "--json").json) == 2
    cut = ingest("deliveries", "list", "--limit", "1")
    assert "first 1; there may be more" in cut.err
    assert cut.out.count("processed") == 1
    assert town.connection == listed[0]["connection_id"]


def test_one_is_shown_with_its_body_as_text_and_no_signature(ingest: Ingest, town: Town) -> None:
    newest = ingest("deliveries", "list", "--json").json[0]["id"]
    shown = ingest("deliveries", "show", str(newest), "--json").json
    assert orjson.loads(shown["body"])["type"] == "Comment"
    assert not [name for name in shown["headers"] if "signature" in name]
    assert ingest("deliveries", "show", str(newest)).code == 0
    unknown = ingest("deliveries", "show", str(newest + 1))
    assert unknown.code == 1
    assert f"there is no delivery {newest + 1}" in unknown.err
    assert town.issue


def test_a_replay_starts_from_the_beginning(ingest: Ingest, town: Town, engine: sa.Engine) -> None:
    newest, oldest = (row["id"] for row in ingest("deliveries", "list", "--json").json)
    received = ingest("deliveries", "show", str(oldest), "--json").json["received_at"]
    replayed = ingest("deliveries", "replay", str(oldest), str(newest), "--json").json
    assert replayed == {"replayed": 2}
    shown = ingest("deliveries", "show", str(oldest), "--json").json
    assert (shown["status"], shown["attempts"], shown["settled_at"]) == ("pending", 0, None)
    assert shown["received_at"] == received
    assert ingest("deliveries", "replay", str(oldest), "--json").json == {"replayed": 0}
    drain_deliveries(engine, go_on=lambda: True)
    statuses = [row["status"] for row in ingest("deliveries", "list", "--json").json]
    assert statuses == ["duplicate", "duplicate"]
    assert len(ingest("docs", "list", "--json").json) == 2
    assert town.store


def test_all_of_a_status_are_replayed_once_each(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        conn.exec_driver_sql(_MANY_DEAD, (town.connection,))
    assert ingest("deliveries", "replay", "--status", "dead", "--json").json == {"replayed": 4500}
    pending = ingest("deliveries", "list", "--status", "pending", "--limit", "9999", "--json").json
    assert len(pending) == 4500
    assert {row["attempts"] for row in pending} == {0}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "name deliveries, or all of a status"),
        (["1", "--status", "dead"], "not both"),
        (["--status", "gone"], "'gone' is not a status"),
        (["--status", "pending"], "on their way already"),
        (["0"], "Invalid value"),
    ],
)
def test_a_replay_of_nothing_in_particular_is_wrong_use(
    ingest: Ingest, argv: list[str], said: str
) -> None:
    ran = ingest("deliveries", "replay", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_replay_of_what_is_gone_is_one_clear_line(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    oldest = ingest("deliveries", "list", "--json").json[-1]["id"]
    with transaction(engine) as conn:
        conn.exec_driver_sql("UPDATE lightfast_webhook_deliveries SET settled_at = '2026-01-01'")
    assert delete_old(engine, 30, go_on=lambda: True).deliveries == 2
    ran = ingest("deliveries", "replay", str(oldest))
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert f"there is no delivery {oldest} (any more: settled ones are deleted" in ran.err
    assert town.store


def test_a_person_may_say_that_the_dead_need_nothing_any_more(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    """Only then retention may delete them, after their time."""
    with transaction(engine) as conn:
        conn.exec_driver_sql(_MANY_DEAD, (town.connection,))
    processed = ingest("deliveries", "list", "--status", "processed", "--json").json[0]["id"]
    dead = ingest("deliveries", "list", "--status", "dead", "--json").json[0]["id"]
    told = ingest("deliveries", "discard", str(dead), str(processed), "--json").json
    assert told == {"discarded": 1}
    shown = ingest("deliveries", "show", str(dead), "--json").json
    assert shown["status"] == "skipped"
    assert shown["reason"].startswith("discarded by a person")
    assert shown["settled_at"] is not None
    assert ingest("deliveries", "discard", "--all", "--json").json == {"discarded": 4499}
    assert ingest("deliveries", "discard", "--all", "--json").json == {"discarded": 0}
    assert ingest("deliveries", "show", str(processed), "--json").json["status"] == "processed"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "name dead deliveries"),
        (["1", "--all"], "not both"),
    ],
)
def test_to_discard_nothing_in_particular_is_wrong_use(
    ingest: Ingest, argv: list[str], said: str
) -> None:
    ran = ingest("deliveries", "discard", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_drain_waits_for_the_last_one_and_for_the_counts(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    deliver(ingest, town.connection, "Issue.update")
    worker = threading.Timer(0.3, lambda: drain_deliveries(engine, go_on=lambda: True))
    worker.start()
    drained = ingest("drain", "--timeout", "20", "--json")
    worker.join()
    assert drained.json == {"unfinished": 0, "look_ups": 0}
    assert ingest("source", "show", town.connection, "--json").json["document_count"] == 2


def test_drain_without_a_worker_times_out(ingest: Ingest, town: Town) -> None:
    deliver(ingest, town.connection, "Issue.update")
    ran = ingest("drain", "--timeout", "0.3", "--json")
    assert (ran.code, ran.out) == (1, '{"unfinished":1,"look_ups":0}\n')
    assert "1 deliveries are unfinished after 0.3 s; is a worker running?" in ran.err


def test_the_same_delivery_is_known_the_second_time(
    ingest: Ingest, town: Town, tmp_path: Path
) -> None:
    argv = _files(tmp_path, {}, connection=town.connection)
    assert ingest(*argv, "--json").json["status"] == "accepted"
    assert ingest(*argv, "--json").json["status"] == "duplicate"


def test_what_cannot_be_believed_or_read_is_refused(
    ingest: Ingest, town: Town, tmp_path: Path
) -> None:
    forged = _files(tmp_path, {"linear-signature": "0" * 64}, connection=town.connection)
    ran = ingest(*forged)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    for files, said in (
        (("--headers", "@/nowhere", "--body", "@/nowhere"), "/nowhere cannot be read"),
        (("--headers", "{}", "--body", "text"), "'text' is not a file's name; write @FILE"),
        (("--headers", '{"a": 1}', "--body", "@/nowhere"), "header a is not a text"),
    ):
        ran = ingest("enqueue", "linear", *files)
        assert ran.code == 2
        assert said in ran.err


def _files(folder: Path, headers: dict[str, str], *, connection: str) -> list[str]:
    sent_at_ms = to_micros(datetime.now(UTC)) // 1000
    body = orjson.dumps({"type": "Reaction", "action": "create", "webhookTimestamp": sent_at_ms})
    told = signed("linear", body)
    (folder / "headers").write_bytes(orjson.dumps(told | headers))
    (folder / "body").write_bytes(body)
    argv = ["enqueue", "linear", "--headers", f"@{folder}/headers", "--body", f"@{folder}/body"]
    return [*argv, "--connection", connection]


_MANY_DEAD = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, connection_id, delivery_key, body_hash, headers, body, status, attempts)
SELECT 'linear', %s, 'key ' || n, 'x', '{}', '{}', 'dead', 3 FROM generate_series(1, 4500) n
"""
