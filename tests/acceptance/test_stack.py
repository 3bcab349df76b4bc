"""Processes killed, the broker emptied, all stopped: the tables end as if nothing had been."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa
from kombu import Connection, Queue
from redis import Redis

from ingest.cli.main import run
from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE
from ingest.embedded import find_running, start
from ingest.embedded.processes import free_port, wait_until
from ingest.machine import Running, is_ready
from ingest.pulse import KINDS, WORKER, feel
from ingest.store.engine import connect as connect_to
from tests.acceptance.conftest import connected, enqueue, settle
from tests.acceptance.crowd import EVENTS_OF_AN_ISSUE, Letter, crowd, send
from tests.acceptance.poisoned import POISON
from tests.acceptance.tables import leased, results, statuses
from tests.embedded.watching import REPOSITORY, nothing_runs
from tests.factories import SECRET_KEY, signed

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

Undisturbed = Callable[[int], dict[str, list[Any]]]
ISSUES = 250
SETTLED_S = 90.0
KILLS = 2
"""A row may be alone in a worker's hands when it dies, and three such deaths end it."""


def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    stage: Running,
    engine: sa.Engine,
    connection: str,
    database_url: str,
    undisturbed: Undisturbed,
) -> None:
    with sending(stage.url, connection, crowd(ISSUES)) as done:
        for _ in range(KILLS):
            kill_workers_that_hold_deliveries(stage, database_url)
        stage.wait(done.is_set, seconds=SETTLED_S, until="all deliveries answered")
    wait_until_settled(stage, database_url)
    assert statuses(database_url) == expected_statuses(ISSUES)
    settle(engine)
    assert results(engine) == undisturbed(ISSUES)
    assert_all_turn(stage)


def assert_all_turn(stage: Running) -> None:
    """A probe finds the receiver, and of the others whoever lives: not those that were killed."""
    directory = stage.machine.program.settings.data_dir
    stage.wait(lambda: feel(directory, WORKER) != [], seconds=SETTLED_S, until="a worker turns")
    port = str(urlsplit(stage.url).port)
    for kind in ("web", *KINDS):
        assert run(["health", kind, "--port", port], {"INGEST_DATA_DIR": str(directory)}) == 0
        assert kind == "web" or len(feel(directory, kind)) == 1


def test_an_emptied_broker_loses_nothing(
    stage: Running,
    engine: sa.Engine,
    connection: str,
    database_url: str,
    broker_url: str,
    undisturbed: Undisturbed,
) -> None:
    with sending(stage.url, connection, crowd(ISSUES)) as done:
        while not done.is_set():
            empty(broker_url)
            time.sleep(0.2)
            stage.stack.tend()
        empty(broker_url)
    wait_until_settled(stage, database_url)
    assert statuses(database_url) == expected_statuses(ISSUES)
    settle(engine)
    assert results(engine) == undisturbed(ISSUES)


def test_a_payload_that_kills_its_worker_takes_no_innocent_with_it(
    engine: sa.Engine, connection: str, database_url: str
) -> None:
    innocent = crowd(5)
    body = innocent[0].body
    poison = Letter(signed("github", body, headers={"x-github-delivery": POISON}), body)
    enqueue(engine, connection, [*innocent[:20], poison, *innocent[20:]])
    crashes = crashes_until_it_ends("tests.acceptance.poisoned", database_url, "1")
    assert 2 <= crashes <= 4  # once among others, then alone until it is given up
    with psycopg.connect(database_url) as conn:
        dead = conn.execute(
            "SELECT delivery_key, reason FROM lightfast_webhook_deliveries WHERE status = 'dead'"
        ).fetchall()
    assert [key for key, _ in dead] == [POISON]
    assert "took its worker down" in dead[0][1]
    assert sum(statuses(database_url).values()) == len(innocent) + 1
    assert "pending" not in statuses(database_url)
    assert leased(database_url) == 0


def test_sigterm_stops_everything_and_leaves_no_lease(tmp_path: Path) -> None:
    data_dir, port = tmp_path / "data", free_port()
    letters = crowd(ISSUES)
    with up(data_dir, port) as process:
        assert wait_until(lambda: is_ready("127.0.0.1", port), seconds=60)
        assert_a_second_one_is_refused(data_dir)
        urls = find_running(data_dir)
        assert urls is not None
        engine = connect_to(urls.database_url)
        connection = connected(engine)
        enqueue(engine, connection, letters[1:])
        send(f"http://127.0.0.1:{port}", connection, letters[:1])
        engine.dispose()
        assert wait_until(lambda: leased(urls.database_url) > 0, seconds=30, pause=0.005)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert nothing_runs(str(data_dir))
    with start(data_dir, redis=False) as services:
        url = services.urls.database_url
        assert leased(url) == 0
        assert sum(statuses(url).values()) == len(letters)
        assert set(statuses(url)) <= {"pending", "processed", "skipped"}


@pytest.mark.slow
def test_a_long_storm_changes_nothing(
    stage: Running,
    engine: sa.Engine,
    connection: str,
    database_url: str,
    broker_url: str,
    undisturbed: Undisturbed,
) -> None:
    issues = 2_000
    letters = crowd(issues)
    with sending(stage.url, connection, letters, patient=True) as done:
        for number in range(6):
            empty(broker_url)
            if number < KILLS:
                kill_workers_that_hold_deliveries(stage, database_url)
            kill(stage, ("web", "beat")[number % 2])
        stage.wait(done.is_set, seconds=600, until="all deliveries answered")
    wait_until_settled(stage, database_url)
    assert statuses(database_url) == expected_statuses(issues)
    settle(engine)
    assert results(engine) == undisturbed(issues)


def empty(broker_url: str) -> None:
    """Take all away that this stack has in its broker: of Redis the queues' own keys too."""
    if broker_url.startswith("redis"):
        with Redis.from_url(broker_url) as redis:
            redis.flushdb()
        return
    with Connection(broker_url) as broker, broker.channel() as channel:
        for queue in (INGEST_QUEUE, FETCH_QUEUE):
            with contextlib.suppress(*broker.channel_errors):
                Queue(queue, channel=channel).purge()


def expected_statuses(issues: int) -> dict[str, int]:
    skipped = issues - issues // 5  # stars
    return {"processed": issues * EVENTS_OF_AN_ISSUE - skipped, "skipped": skipped}


@contextmanager
def sending(
    url: str, connection: str, letters: Sequence[Letter], *, patient: bool = False
) -> Iterator[threading.Event]:
    """Send in the background; the event says that all were answered."""
    done, faults = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            send(url, connection, letters, patient=patient)
        except (AssertionError, OSError, ValueError) as error:
            faults.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield done
    finally:
        thread.join(SETTLED_S)
    assert faults == []


def wait_until_settled(stage: Running, database_url: str) -> None:
    stage.wait(
        lambda: "pending" not in statuses(database_url) and leased(database_url) == 0,
        seconds=SETTLED_S,
        until="all deliveries settled",
    )


def kill_workers_that_hold_deliveries(stage: Running, database_url: str) -> None:
    """Stop the whole group and look: a lease that stands then belongs to it. Else it goes on."""
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline:
        stage.stack.tend()
        pid = stage.stack.pids().get("worker")
        if pid is not None and leased(database_url):
            os.killpg(pid, signal.SIGSTOP)
            if leased(database_url):
                kill(stage, "worker")
                return
            os.killpg(pid, signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("no worker was seen at work")


def kill(stage: Running, name: str) -> None:
    """End a child with all its processes, and wait for the one that follows it."""
    pid = stage.stack.pids()[name]
    os.killpg(pid, signal.SIGKILL)
    stage.wait(
        lambda: stage.stack.pids().get(name) not in {None, pid},
        seconds=60,
        until=f"another {name}",
    )


def crashes_until_it_ends(module: str, *arguments: str) -> int:
    """Run a module again and again until it exits 0; how often it was killed before."""
    for crashes in range(20):
        command = [sys.executable, "-m", module, *arguments]
        ended = subprocess.run(command, cwd=REPOSITORY, check=False, timeout=60)
        if ended.returncode == 0:
            return crashes
        assert ended.returncode == -signal.SIGKILL
    raise AssertionError("it is killed for ever")


@contextmanager
def up(data_dir: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`ingest up`, everything embedded; killed at the end if it still runs."""
    with subprocess.Popen(up_command(port), env=up_environment(data_dir)) as process:
        try:
            yield process
        finally:
            process.kill()


def assert_a_second_one_is_refused(data_dir: Path) -> None:
    second = subprocess.run(
        up_command(free_port()),
        env=up_environment(data_dir),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert second.returncode == 3
    assert "is in use by process" in second.stderr


def up_command(port: int) -> list[str]:
    return [sys.executable, "-m", "ingest.cli", "up", "--port", str(port)]


def up_environment(data_dir: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.endswith("_URL")}
    return kept | {"INGEST_DATA_DIR": str(data_dir), "INGEST_SECRET_KEY": SECRET_KEY}
