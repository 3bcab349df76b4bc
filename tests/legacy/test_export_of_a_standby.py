"""A standby will do: nothing of an export needs a server that can be written to."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.export import export
from ingest.store.engine import connect
from tests.failing_over import Pair, pair
from tests.legacy.check_archive import check
from tests.legacy.database import build

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_standby_gives_the_archive_of_its_primary(tmp_path: Path) -> None:
    with pair(tmp_path / "pair") as servers:
        build(servers.primary_url, documents=100)
        _wait_for_the_standby(servers)
        engine = connect(servers.standby_url)
        export(engine, tmp_path / "archive", program="0.0.0")
        engine.dispose()
        assert check(servers.primary_url, tmp_path / "archive") == []
    assert Archive.open(tmp_path / "archive").verify() == []


def _wait_for_the_standby(servers: Pair) -> None:
    with psycopg.connect(servers.primary_url) as primary:
        here = primary.execute("SELECT pg_current_wal_lsn()").fetchone()
    until = time.monotonic() + 30
    with psycopg.connect(servers.standby_url, autocommit=True) as standby:
        query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while standby.execute(query, here).fetchone() != (True,):
            assert time.monotonic() < until
            time.sleep(0.05)
