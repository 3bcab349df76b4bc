"""Two environments on one broker: neither sees, hears or takes what is the other's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from kombu import Connection, Queue
from redis import Redis

from ingest.broker.broker import broker_of
from ingest.core.errors import BadSettings
from ingest.core.queues import QUEUES
from ingest.embedded import commands
from ingest.embedded.processes import wait_until
from ingest.settings import load
from tests.broker.workers import environment, heard_s, send, until_heard, working

PREFIX = "staging-"
SETTINGS = """
from ingest.worker import app
print(app.conf.task_default_queue, app.conf.control_exchange, app.conf.event_exchange)
print(app.conf.broker_transport_options.get("unacked_key"))
"""
RING = """
from ingest.bell.ring import publish
publish("ingest")
publish("fetch")
"""


def ran(code: str, broker_url: str, **more: str) -> list[str]:
    env = {**os.environ, "CELERY_BROKER_URL": broker_url, **more}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture
def shared_url(broker_url: str) -> Iterator[str]:
    """A broker on which no environment has left a message."""
    _forget(broker_url)
    yield broker_url
    _forget(broker_url)


def _forget(url: str) -> None:
    with Connection(url) as line, line.channel() as channel:
        for name in QUEUES:
            Queue(f"{PREFIX}{name}", channel=channel).delete()


def waiting(url: str, name: str) -> int:
    with Connection(url) as line, line.channel() as channel:
        queue = Queue(name, channel=channel)
        queue.declare()
        found = 0
        while queue.get(no_ack=True) is not None:
            found += 1
        return found


def test_without_a_prefix_every_name_is_as_it_was() -> None:
    """They are public: `INTERFACE` names them, and other programs send there."""
    assert ran(SETTINGS, "redis://h:1/0") == ["ingest", "celery", "celeryev", "None"]
    assert broker_of("redis://h:1/0").queue("ingest") == "ingest"


def test_with_one_everything_that_is_kept_on_the_broker_has_it() -> None:
    assert ran(SETTINGS, "redis://h:1/0", INGEST_QUEUE_PREFIX=PREFIX) == [
        "staging-ingest",
        "staging-celery",
        "staging-celeryev",
        "staging-unacked",
    ]


@pytest.mark.parametrize("text", ["a b", "-a", "ä", "x" * 65, "a/b", "a*", "{a}"])
def test_a_prefix_that_some_broker_would_not_take_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(BadSettings, match="INGEST_QUEUE_PREFIX"):
        load({"INGEST_QUEUE_PREFIX": text})


@pytest.mark.integration
def test_a_bell_rings_in_its_own_environment_alone(shared_url: str) -> None:
    ran(RING, shared_url, INGEST_QUEUE_PREFIX=PREFIX)
    assert [waiting(shared_url, name) for name in ("ingest", "fetch")] == [0, 0]
    assert [waiting(shared_url, f"{PREFIX}{name}") for name in ("ingest", "fetch")] == [1, 1]


@pytest.mark.integration
def test_the_same_commands_work_with_a_prefix_and_take_nothing_of_the_others(
    engine: sa.Engine, database_url: str, shared_url: str, tmp_path: Path
) -> None:
    """`-Q ingest` of the Procfile means this environment's queue of that name."""
    env: Mapping[str, str] = environment(database_url, shared_url, INGEST_QUEUE_PREFIX=PREFIX)

    def ring() -> None:
        send(shared_url, "ingest.process", queue=f"{PREFIX}ingest")

    send(shared_url, "ingest.process", queue="ingest")
    with working(commands.worker(env={}, processes=1), env, tmp_path / "log") as worker:
        worker.wait_for("ready.")
        assert heard_s(engine, "ingest") is None
        until_heard(engine, "ingest", ring)
        assert "exchange=staging-ingest" in worker.said()
    assert waiting(shared_url, "ingest") == 1, "the other environment's message is gone"
    if shared_url.startswith("redis"):
        with Redis.from_url(shared_url, decode_responses=True) as redis:
            there: list[str] = redis.execute_command("KEYS", "*")
        ours = [key for key in there if PREFIX in key]
        rest = {key for key in there if PREFIX not in key and "pidbox" not in key}
        assert ours
        assert rest <= {
            "_kombu.binding.ingest",
            "_kombu.binding_permanent.ingest",
            "_kombu.binding_deadlines",  # by exchange, whose names have the prefix
        }


@pytest.mark.integration
def test_beat_asks_in_its_own_environment(
    engine: sa.Engine, database_url: str, shared_url: str, tmp_path: Path
) -> None:
    env = environment(database_url, shared_url, INGEST_QUEUE_PREFIX=PREFIX)
    with working(commands.beat(data_dir=tmp_path, env={}), env, tmp_path / "log") as beat:
        beat.wait_for("Sending due task sweep")
        # What it sends is over in seconds.
        assert wait_until(lambda: waiting(shared_url, f"{PREFIX}ingest") >= 1, seconds=20)
        assert waiting(shared_url, "ingest") == 0
