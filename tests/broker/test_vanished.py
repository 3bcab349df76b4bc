"""A broker's host that vanishes hangs up on nobody: each client has to notice by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from ingest.broker.broker import broker_of
from ingest.broker.options import BELL_S
from ingest.broker.trial import WITHIN_S, Standing, try_out
from ingest.embedded import commands
from ingest.embedded.processes import free_port
from ingest.store import schedule
from ingest.store.engine import transaction
from tests.broker.proxy import proxy
from tests.broker.test_failover import CHILDREN, ringer
from tests.broker.workers import environment, until_heard, working
from tests.factories import connect, signed

pytestmark = pytest.mark.integration

BODY = b'{"repository":{"id":101}}'
RINGER = """
import sys, time
from ingest.core.errors import Unavailable
from ingest.bell.ring import publish
publish("ingest")
for line in sys.stdin:
    began = time.monotonic()
    try:
        publish("ingest")
        said = "rung"
    except Unavailable:
        said = "away"
    print(said, time.monotonic() - began, flush=True)
"""


def test_a_bell_over_a_line_that_stood_gives_up_within_seconds(broker_url: str) -> None:
    """Bug: a publisher that waits for its confirmation, or writes to RabbitMQ, waited for ever."""
    with (
        proxy(broker_url) as host,
        subprocess.Popen(
            [sys.executable, "-c", RINGER],
            env={**os.environ, "CELERY_BROKER_URL": host.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def ring() -> tuple[str, float]:
            (process.stdin or sys.stdout).write("\n")
            (process.stdin or sys.stdout).flush()
            said, took_s = (process.stdout or sys.stdin).readline().split()
            return said, float(took_s)

        assert ring()[0] == "rung"
        host.vanish()
        for _ in range(2):
            said, took_s = ring()
            assert said == "away"
            assert took_s < 3 * BELL_S + 1
        host.come_back()
        assert ring()[0] == "rung"
        process.stdin.close()


def test_doctor_keeps_its_time_limit(broker_url: str) -> None:
    with proxy(broker_url) as host:
        assert try_out(broker_of(host.url)).standing is Standing.WELL
        host.vanish()
        began_at = time.monotonic()
        assert try_out(broker_of(host.url)).standing is Standing.AWAY
        assert time.monotonic() - began_at < WITHIN_S + 1


def test_a_receiver_answers_as_fast_as_ever(
    engine: sa.Engine, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    """The bell is off the path: who sends a delivery waits for its row, and for no broker."""
    connection, port = connect(engine, "github"), free_port()
    url = f"http://127.0.0.1:{port}/webhooks/github/{connection}"
    with proxy(broker_url) as host:
        env = environment(database_url, host.url)
        child = commands.web(host="127.0.0.1", port=port, env={})
        with (
            working(child, env, tmp_path / "log") as web,
            httpx.Client(timeout=30, trust_env=False) as client,
        ):
            web.wait_for("Uvicorn running on")

            def slowest_s(times: int) -> float:
                worst = 0.0
                for _ in range(times):
                    key = {"X-GitHub-Delivery": os.urandom(8).hex()}
                    headers = signed("github", BODY, headers=key)
                    began_at = time.monotonic()
                    assert client.post(url, content=BODY, headers=headers).status_code == 200
                    worst = max(worst, time.monotonic() - began_at)
                    time.sleep(0.05)
                return worst

            slowest_s(5)
            with transaction(engine) as conn:
                schedule.hear(conn, "ingest")  # so that the next delivery rings anew
            host.vanish()
            assert slowest_s(40) < 1.5, "a broker held the receiver up"
            web.wait_for("bell_not_rung")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("queue", CHILDREN)
def test_a_worker_finds_its_way_back(
    engine: sa.Engine, database_url: str, broker_url: str, tmp_path: Path, queue: str
) -> None:
    """Bug: a worker told the others that it is there, from the loop that would have noticed."""
    with proxy(broker_url) as host:
        env = environment(database_url, host.url)
        with working(CHILDREN[queue], env, tmp_path / "log") as worker:
            ring = ringer(broker_of(broker_url), queue)
            until_heard(engine, queue, ring)
            host.vanish()
            worker.wait_for("Connection to broker lost")
            host.come_back()
            until_heard(engine, queue, ring)
