"""Servers that fail: a primary that dies or is demoted, one that freezes, one that is gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.core.errors import TransientError, Unavailable
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.doctor.readiness import is_ready
from ingest.flows.receiving.arrivals import insert_into
from ingest.sources.registry import all_sources
from ingest.store.engine import ReadOnly, connect, connect_to_probe, transaction
from ingest.store.upgrade import upgrade
from tests.failing_over import Pair, frozen, pair, pid_of, server
from tests.store.test_sessions import arrival

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_STATES = sa.text("SELECT status, count(*) FROM lightfast_webhook_deliveries GROUP BY status")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path / "pair") as made:
        yield made


def test_deliveries_go_on_by_themselves_after_a_failover(servers: Pair) -> None:
    engine, probe = connect(servers.url), connect_to_probe(servers.url)
    upgrade(engine, list(all_sources()))
    insert = insert_into(engine)
    for number in range(20):
        insert([arrival(number)])
    assert is_ready(probe)
    _wait_for_the_standby(servers)
    os.kill(servers.primary_pid, signal.SIGQUIT)
    with pytest.raises(Unavailable):
        insert([arrival(20)])
    servers.promote()
    began = time.monotonic()
    _insist(lambda: insert([arrival(21)]))
    assert time.monotonic() - began < 10
    assert is_ready(probe)
    drain_deliveries(engine, go_on=lambda: True)
    with transaction(engine) as conn:
        states = {row.status for row in conn.execute(_STATES)}
    assert states == {"skipped"}, "nothing is dead: no connection is there for them"
    for made in (engine, probe):
        made.dispose()


def test_a_standby_alone_is_read_only_and_is_not_ready(servers: Pair) -> None:
    engine = connect(servers.primary_url)
    upgrade(engine, list(all_sources()))
    engine.dispose()
    _wait_for_the_standby(servers)
    made, probe = connect(servers.standby_url), connect_to_probe(servers.standby_url)
    with pytest.raises(ReadOnly, match="it is a standby"):
        is_ready(probe)
    insert = insert_into(made)
    with pytest.raises(ReadOnly):
        insert([arrival(1)])
    servers.promote()
    insert([arrival(1)])
    assert is_ready(probe)
    made.dispose()
    probe.dispose()


def test_a_frozen_server_is_noticed_by_probes_in_five_seconds(tmp_path: Path) -> None:
    """Bug: 20 s and more for `/readyz` and `ingest doctor`."""
    with server(tmp_path) as services:
        url = services.urls.database_url
        probe, engine = connect_to_probe(url), connect(url)
        is_ready(probe)
        with transaction(engine):
            pass
        with frozen(pid_of(tmp_path)):
            for _ in range(2):
                began = time.monotonic()
                with pytest.raises(Unavailable):
                    is_ready(probe)
                assert time.monotonic() - began < 5.5
            began = time.monotonic()
            with pytest.raises(Unavailable), transaction(engine):
                pass
            assert time.monotonic() - began < 12
        is_ready(probe)
        with transaction(engine):
            pass
        probe.dispose()
        engine.dispose()


def _wait_for_the_standby(servers: Pair) -> None:
    primary, standby = connect(servers.primary_url), connect(servers.standby_url)
    with transaction(primary) as conn:
        here = conn.exec_driver_sql("SELECT pg_current_wal_lsn()").scalar_one()
    until = time.monotonic() + 30
    while True:
        with transaction(standby) as conn:
            query = f"SELECT pg_last_wal_replay_lsn() >= '{here}'"
            if conn.exec_driver_sql(query).scalar_one():
                break
        assert time.monotonic() < until
        time.sleep(0.05)
    primary.dispose()
    standby.dispose()


def _insist(act: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            act()
        except TransientError:
            assert time.monotonic() < until
            time.sleep(0.2)
        else:
            return


def test_a_host_that_vanishes_is_noticed_in_seconds() -> None:
    """Bug: 945 s of 503, until the kernel gave up."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("a network of the test's own takes root, unshare and ip")
    if subprocess.run(["unshare", "--net", "true"], check=False).returncode != 0:
        pytest.skip("no network of the test's own may be made here")
    told = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.store.vanishing"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    waited_s = json.loads(told.stdout.splitlines()[-1])
    assert len(waited_s) == 4
    assert all(seconds < 16 for seconds in waited_s.values()), waited_s
