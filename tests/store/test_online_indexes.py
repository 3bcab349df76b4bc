"""Indexes of huge tables are built by an upgrade while others write; a broken one is made anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ingest.sources.registry import source_types
from ingest.store import migrations
from ingest.store.engine import connect, transaction
from ingest.store.online_indexes import ONLINE
from ingest.store.tables import METADATA
from ingest.store.upgrade import check, head, upgrade
from tests.databases import empty_databases

pytestmark = pytest.mark.integration

NAME = "idx_deliveries_settled"
BEFORE = "0004"
_MARK = """
INSERT INTO lightfast_webhook_deliveries
  (source_type, delivery_key, body_hash, headers, body) VALUES ('github', %s, '', '{}', '')
"""
_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
_BUILDS = """
SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE c.relname = 'lightfast_webhook_deliveries' AND l.mode = 'ShareUpdateExclusiveLock'
"""


@pytest.fixture
def make(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as make:
        yield make


def behind(url: str) -> None:
    """Bring a database to the version before the index."""
    engine = connect(url)
    with transaction(engine) as conn:
        migrations.run(conn, BEFORE)
    engine.dispose()


def upgraded(url: str) -> str | None:
    engine = connect(url)
    report = upgrade(engine, source_types())
    assert check(engine, source_types()) == []
    engine.dispose()
    return report.before


def is_valid(url: str, name: str = NAME) -> bool:
    with psycopg.connect(url) as conn:
        row = conn.execute(_VALID, [name]).fetchone()
    return row == (True,)


def test_deliveries_are_stored_while_the_index_is_built(make: Callable[[], str]) -> None:
    """A writer that is in the middle of his transaction is waited for, and keeps nobody out."""
    url = make()
    behind(url)
    with (
        psycopg.connect(url) as slow,
        psycopg.connect(url, autocommit=True) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        slow.execute(_MARK, ["slow"])
        running = pool.submit(upgraded, url)
        wait = threading.Event()
        while other.execute(_BUILDS).fetchone() == (0,):
            assert not running.done(), running.result()
            wait.wait(0.05)
        other.execute("SET lock_timeout = '2s'")
        other.execute(_MARK, ["other"])
        assert not running.done()
        slow.commit()
        assert running.result(timeout=60) == BEFORE
    assert is_valid(url)


def test_what_a_broken_build_left_is_made_anew(make: Callable[[], str]) -> None:
    url = make()
    behind(url)
    with psycopg.connect(url) as conn:
        conn.execute(f"CREATE INDEX {NAME} ON lightfast_webhook_deliveries (settled_at)".encode())
        conn.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [NAME]
        )
    assert upgraded(url) == BEFORE
    assert is_valid(url)
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT pg_get_indexdef(to_regclass(%s))", [NAME]).fetchone()
    assert row is not None
    assert "WHERE" in row[0]


def test_it_is_built_in_the_schema_that_the_url_names(make: Callable[[], str]) -> None:
    """What builds it has no search path: a statement of its own is no transaction of ours."""
    url = make()
    with psycopg.connect(url) as conn:
        conn.execute('CREATE SCHEMA "Of a tenant"')
    inside = f"{url}?options=-csearch_path%3D%22Of%5C%20a%5C%20tenant%22"
    behind(inside)
    assert upgraded(inside) == BEFORE
    assert is_valid(url, f'"Of a tenant".{NAME}')


def test_several_upgrades_at_once_build_it_once(make: Callable[[], str]) -> None:
    url = make()
    behind(url)
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(upgraded, [url] * 3))
    assert set(told) == {BEFORE, head()} or set(told) == {BEFORE}
    assert is_valid(url)


def test_each_is_an_index_of_ours() -> None:
    known = {str(index.name) for table in METADATA.tables.values() for index in table.indexes}
    assert known >= {*ONLINE}
