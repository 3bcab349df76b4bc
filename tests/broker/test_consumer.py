"""Whoever may publish on our queue may publish anything: what is no task hinders no worker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kombu import Connection
from redis import Redis

from ingest.broker.consumer import fault_of
from ingest.embedded import commands
from ingest.embedded.processes import wait_until
from tests.broker.workers import PATIENCE_S, environment, send, until_heard, working

pytestmark = pytest.mark.integration

JSON = "application/json"
BODY = json.dumps([[], {}, {}])
GOOD: Mapping[str, Any] = {"task": "ingest.process", "lang": "py"}
"""Headers of a task, but for the id."""

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "no id": GOOD,
    "an id of null": {**GOOD, "id": None},
    "an id that is a number": {**GOOD, "id": 1},
    "a task that is a list": {"task": [], "id": "a"},
    "no such task": {"task": "ingest.nothing", "id": "a"},
    "no such task and no id": {"task": "ingest.nothing"},
    "a limit that is a text": {**GOOD, "id": "b", "timelimit": "x"},
    "a limit of three": {**GOOD, "id": "c", "timelimit": [1, 2, 3]},
    "a time that is none": {**GOOD, "id": "d", "eta": "yesterday"},
    "an end that is none": {**GOOD, "id": "e", "expires": {"a": 1}},
    "retries that are a text": {**GOOD, "id": "f", "retries": "x"},
    "parents that are numbers": {**GOOD, "id": "g", "root_id": 1, "parent_id": 2, "group": 3},
}
BODIES: Mapping[str, tuple[str, str]] = {
    "no json": ("{", JSON),
    "of another kind": ("!!python/object:os.system", "application/x-yaml"),
    "not three parts": ("[]", JSON),
    "arguments that are none": ('[1, 2, {"chain": 3}]', JSON),
    "nothing": ("", JSON),
}
ITEMS = ["garbage", "{}", "[]", "1", '{"body": 1}', '{"properties": {}, "headers": 1}', "\xff"]
"""What stands in a list of Redis, where kombu looks for a message."""


def publisher(broker_url: str) -> Callable[..., None]:
    def publish(headers: Mapping[str, Any], body: str = BODY, kind: str = JSON) -> None:
        with Connection(broker_url) as line:
            line.Producer().publish(
                body,
                exchange="ingest",
                routing_key="ingest",
                headers=dict(headers),
                content_type=kind,
                content_encoding="utf-8",
            )

    return publish


def test_what_is_no_task_is_put_aside_and_the_next_one_is_heard(
    engine: sa.Engine, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    """Bug: a message without an id made the consumer reconnect for ever, or ended it (RabbitMQ)."""
    publish = publisher(broker_url)

    def ring() -> None:
        send(broker_url, "ingest.process", queue="ingest")

    child = commands.worker(env={}, processes=1)
    with working(child, environment(database_url, broker_url), tmp_path / "log") as worker:
        until_heard(engine, "ingest", ring)
        for headers in HEADERS.values():
            publish(headers)
        for body, kind in BODIES.values():
            publish({**GOOD, "id": uuid.uuid4().hex}, body, kind)
        publish({}, json.dumps({"task": "ingest.process", "args": [], "kwargs": {}}))
        until_heard(engine, "ingest", ring)
        assert wait_until(lambda: worker.said().count("message_put_aside") >= 6, seconds=PATIENCE_S)
        assert "Connection to broker lost" not in worker.said()
        if broker_url.startswith("redis"):
            with Redis.from_url(broker_url) as redis:
                for item in ITEMS:
                    redis.lpush("ingest", item)
            until_heard(engine, "ingest", ring)


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        (None, "no headers"),
        ([], "no headers"),
        ({}, None),
        ({"id": "b"}, None),
        ({"task": "a"}, "header id"),
        ({"task": b"a", "id": "b"}, "header task"),
        ({"task": "a", "id": "b"}, None),
        ({"task": "a", "id": "b", "timelimit": [1.5, None], "expires": 3, "eta": None}, None),
        ({"task": "a", "id": "b", "timelimit": [1]}, "header timelimit"),
        ({"task": "a", "id": "b", "timelimit": [1, "a"]}, "header timelimit"),
        ({"task": "a", "id": "b", "retries": True}, "header retries"),
    ],
)
def test_a_message_is_looked_at_before_celery_is(headers: object, fault: str | None) -> None:
    found = fault_of(headers)
    assert found == fault if fault is None else found is not None and fault in found
