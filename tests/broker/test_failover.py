"""A broker that fails over, fills up or vanishes ends no process; each goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from celery import Celery

from ingest.broker.broker import Broker, broker_of
from ingest.broker.line import bell_line, broker_errors
from ingest.broker.trial import Standing, try_out
from ingest.embedded import commands
from tests.broker.servers import MASTER, sentinel, server
from tests.broker.workers import environment, until_heard, working

pytestmark = pytest.mark.integration

TASKS = {"ingest": "ingest.process", "fetch": "ingest.fetch"}
CHILDREN = {
    "ingest": commands.worker(env={}, processes=1),
    "fetch": commands.fetcher(env={}),
}


def ringer(broker: Broker, queue: str) -> Callable[[], object]:
    """Sends a wake-up as somebody else's Celery would; a broker that is away is left alone."""
    client = Celery(broker=broker.url)
    client.conf.broker_transport_options = broker.bell_options()

    def ring() -> None:
        with suppress(*broker_errors(bell_line(broker))), client.connection() as line:
            client.send_task(TASKS[queue], queue=queue, retry=False, connection=line)

    return ring


@pytest.mark.parametrize("queue", TASKS)
def test_a_worker_lives_through_its_brokers_demotion(
    engine: sa.Engine, database_url: str, tmp_path: Path, queue: str
) -> None:
    """Bug: worker and fetcher ended on `UNBLOCKED`, which Celery takes for a fault of its own."""
    with server(tmp_path) as other, server(tmp_path) as redis:
        ring = ringer(broker_of(redis.url), queue)
        env = environment(database_url, redis.url)
        with working(CHILDREN[queue], env, tmp_path / "log") as worker:
            until_heard(engine, queue, ring)
            redis.tell("REPLICAOF", "127.0.0.1", other.port)
            worker.wait_for("read only replica")
            time.sleep(3)
            redis.tell("REPLICAOF", "NO", "ONE")
            until_heard(engine, queue, ring)
        assert worker.said().count("Traceback") < 5


@pytest.mark.slow
def test_a_failover_of_sentinels_is_followed(
    engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    """The primary dies: worker, beat, bell and doctor find the one that took over."""
    with (
        server(tmp_path) as first,
        server(tmp_path, "--replicaof", f"127.0.0.1 {first.port}") as second,
        sentinel(tmp_path, first) as watch,
    ):
        urls = f"sentinel://127.0.0.1:1;sentinel://127.0.0.1:{watch.port}/0?master_name={MASTER}"
        broker = broker_of(urls)
        until_replicated(second.tell)
        assert try_out(broker).standing is Standing.WELL
        env = environment(database_url, urls)
        with (
            working(CHILDREN["ingest"], env, tmp_path / "worker.log"),
            working(commands.beat(data_dir=tmp_path, env={}), env, tmp_path / "beat.log") as beat,
        ):
            beat.wait_for("beat: Starting")
            until_heard(engine, "ingest", ringer(broker, "ingest"))
            first.process.kill()
            until_heard(engine, "ingest", ringer(broker, "ingest"))
            assert try_out(broker).standing is Standing.WELL
            until_ticked(engine)


def until_replicated(tell: Callable[..., object]) -> None:
    end = time.monotonic() + 30
    while "'master_link_status': 'up'" not in str(tell("INFO", "replication")):
        assert time.monotonic() < end
        time.sleep(0.2)
    time.sleep(2)  # and until the sentinel has asked the primary who follows it


def until_ticked(engine: sa.Engine) -> None:
    """The sweep that beat asks for is done by the worker."""
    asked = sa.text("SELECT count(*) FROM lightfast_schedule_slots WHERE schedule = 'sweep'")
    with engine.connect() as conn:
        before = conn.execute(asked).scalar_one()
    end = time.monotonic() + 45
    while True:
        with engine.connect() as conn:
            if conn.execute(asked).scalar_one() > before:
                return
        assert time.monotonic() < end, "beat asks for nothing"
        time.sleep(0.5)
