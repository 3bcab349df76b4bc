"""A Redis stream and a Celery task are told what a webhook is, in their own form."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from kombu import Connection, Queue
from redis import Redis

from ingest.settings import load
from ingest.sinks import making, pushing
from ingest.sinks.adding import WantedSink, add_sink
from ingest.store import change_sinks
from ingest.store.engine import transaction
from ingest.wiring import Program
from tests.changes.shelf import Table
from tests.factories import SECRET_KEY
from tests.sinks.receiving import Receiver, standing

pytestmark = pytest.mark.integration

QUEUE = "sink-of-a-test"
_TASKS = """
import json, os
from celery import Celery
app = Celery("theirs", broker=os.environ["THEIR_BROKER"])
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)

@app.task(name="theirs.changed")
def changed(message):
    with open(os.environ["THEIR_FILE"], "a") as file:
        file.write(json.dumps(message) + "\\n")
"""


def _push(program: Program) -> dict[str, int]:
    make = lambda sink: making.make(program, sink)  # noqa: E731 - read as one line
    return dict(pushing.push(program.engine, make, go_on=lambda: True))


def test_a_stream_has_an_entry_for_each_change(
    program: Program, table: Table, redis_url: str
) -> None:
    table.put("a", "text")
    table.put("b", "text of b")
    add_sink(program.engine, program.vault, WantedSink("stream", stream="documents"))
    assert _push(program) == {"delivered": 2}
    table.delete("b")
    table.put("a", "another text")
    assert _push(program) == {"delivered": 2}
    receiver = Receiver()
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        entries: Any = redis.xrange("documents")
    ops = [fields["op"] for _, fields in entries]
    assert ops == [
        "snapshot_begins",
        "upserted",
        "upserted",
        "snapshot_ends",
        "deleted",
        "upserted",
    ]
    for _, fields in entries:
        if "change" in fields:
            change = orjson.loads(fields["change"])
            assert fields["document_id"] == change["document_id"]
            assert int(fields["position"]) == change["position"]
            receiver.change(change)
    assert receiver.shown == standing(program.engine)


def test_a_stream_does_not_grow_without_end(program: Program, table: Table, redis_url: str) -> None:
    with transaction(program.engine) as conn:
        for number in range(350):
            table.put(f"d{number}", "text", conn=conn)
    add_sink(program.engine, program.vault, WantedSink("stream", stream="short", most=100))
    while _push(program).get("delivered"):
        pass
    with Redis.from_url(redis_url) as redis:
        assert 100 <= int(redis.xlen("short")) < 300  # Redis cuts by nodes of a hundred entries


def test_a_redis_that_is_away_or_full_is_tried_again(program: Program, table: Table) -> None:
    table.put("a", "text")
    url = "redis://:the-password@127.0.0.1:1/0"
    add_sink(program.engine, program.vault, WantedSink("stream", stream="s", url=url))
    assert _push(program) == {"failed": 1}
    with transaction(program.engine) as conn:
        (shown,) = change_sinks.show(conn)
    assert shown.problem == "Redis does not take it: ConnectionError"


def test_a_key_of_another_kind_is_told(program: Program, table: Table, redis_url: str) -> None:
    table.put("a", "text")
    with Redis.from_url(redis_url) as redis:
        redis.set("taken", "a string")
    add_sink(program.engine, program.vault, WantedSink("stream", stream="taken"))
    assert _push(program) == {"failed": 1}


@pytest.fixture
def through(database_url: str, redis_url: str, broker_url: str) -> Iterator[Program]:
    """As `program`, with the broker of the test."""
    told = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": broker_url,
        "INGEST_SECRET_KEY": SECRET_KEY,
    }
    made = Program(load(told))
    yield made
    made.close()
    with Connection(broker_url) as line, line.channel() as channel:
        Queue(QUEUE, channel=channel).delete()


def test_a_task_is_called_with_each_message(
    through: Program, table: Table, broker_url: str
) -> None:
    """As Celery's protocol has it, read by another client."""
    table.put("a", "text")
    wanted = WantedSink("task", task="theirs.changed", queue=QUEUE)
    add_sink(through.engine, through.vault, wanted)
    assert _push(through) == {"delivered": 1}
    receiver = Receiver()
    with Connection(broker_url) as line, line.SimpleQueue(QUEUE) as queue:
        message = queue.get(timeout=10)
        args, _, _ = message.payload
        message.ack()
    assert message.headers["task"] == "theirs.changed"
    assert message.headers["id"].startswith("msg_")
    receiver.take(args[0])
    assert receiver.shown == standing(through.engine)


def test_a_broker_that_is_away_is_tried_again(program: Program, table: Table) -> None:
    table.put("a", "text")
    wanted = WantedSink("task", task="t", url="redis://:the-password@127.0.0.1:1/0")
    add_sink(program.engine, program.vault, wanted)
    assert _push(program) == {"failed": 1}
    with transaction(program.engine) as conn:
        (shown,) = change_sinks.show(conn)
    assert (shown.problem or "").startswith("the broker does not take it: ")


@pytest.mark.slow
def test_a_worker_of_theirs_runs_it(
    through: Program, table: Table, broker_url: str, tmp_path: Path
) -> None:
    (tmp_path / "theirs.py").write_text(_TASKS)
    told = tmp_path / "told.jsonl"
    wanted = WantedSink("task", task="theirs.changed", queue=QUEUE)
    add_sink(through.engine, through.vault, wanted)
    environ = {**os.environ, "THEIR_BROKER": broker_url, "THEIR_FILE": str(told)}
    argv = [sys.executable, "-m", "celery", "-A", "theirs", "worker", "-P", "solo", "-Q", QUEUE]
    with subprocess.Popen(argv, env=environ, cwd=tmp_path, stderr=subprocess.DEVNULL) as worker:
        try:
            for number in range(300):
                table.put(f"d{number}", f"text {number}")
            table.delete("d7")
            while _push(through).get("delivered"):
                pass
            _until_in_step(told, through)
        finally:
            worker.terminate()


def _until_in_step(told: Path, program: Program) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        receiver = Receiver()
        for line in told.read_text().splitlines() if told.exists() else []:
            receiver.take(orjson.loads(line))
        if receiver.shown == standing(program.engine):
            return
        time.sleep(0.2)
    raise AssertionError("the worker did not get everything")
