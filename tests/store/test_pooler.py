"""Through PgBouncer in transaction mode: each transaction has another session of the server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ingest.core.errors import Unavailable
from ingest.sources.registry import all_sources
from ingest.store import migrations
from ingest.store.engine import SessionLost, connect, connect_to_probe, transaction
from ingest.store.health import require_writable
from ingest.store.upgrade import check, head, upgrade
from tests.databases import empty_databases
from tests.pgbouncer import IGNORED, REFUSED, pgbouncer
from tests.store.test_upgrade import UPGRADE

pytestmark = pytest.mark.integration

SOURCES = tuple(all_sources())
_TOLD = """
SELECT current_setting('timezone'), current_setting('lock_timeout'),
       current_setting('statement_timeout'), current_setting('search_path'), pg_backend_pid()
"""


@pytest.fixture(params=[REFUSED, IGNORED])
def ignores(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(database_url: str, ignores: str, tmp_path: Path) -> Iterator[str]:
    """The test's database through a pooler."""
    with pgbouncer(database_url, tmp_path / "pooler", ignores=ignores) as url:
        yield url


@contextmanager
def taken(database_url: str) -> Iterator[None]:
    """The pooler's first session is somebody else's."""
    with psycopg.connect(database_url, prepare_threshold=None) as other:
        other.execute("SELECT 1")
        yield


def test_every_transaction_is_told_what_it_is(database_url: str) -> None:
    """Bug: 16:37 was written for 21:37, without a word."""
    made = connect(f"{database_url}?options=-csearch_path%3Dtenant,public")
    sessions = set()
    for number in range(8):
        with taken(database_url) if number % 2 else nullcontext(), transaction(made) as conn:
            *told, session = conn.exec_driver_sql(_TOLD).one()
        assert told == ["UTC", "15s", "1min", "tenant,public"]
        sessions.add(session)
    assert len(sessions) == 2
    made.dispose()


@pytest.mark.parametrize("ignores", [IGNORED])
def test_nothing_of_it_stays_with_the_pooler(engine: sa.Engine, database_url: str) -> None:
    with transaction(engine) as conn:
        assert conn.exec_driver_sql("SHOW timezone").scalar() == "UTC"
    with psycopg.connect(database_url, prepare_threshold=None) as other:
        told = {str(other.execute("SHOW timezone").fetchone()) for _ in range(2)}
    assert told == {"('America/New_York',)"}


def test_nothing_is_prepared_and_nothing_fails_over_many_uses(database_url: str) -> None:
    engines = [connect(database_url), connect(f"{database_url}?pgbouncer=true")]
    for number in range(40):
        other = taken(database_url) if number % 3 else nullcontext()
        with other, transaction(engines[number % 2]) as conn:
            query = sa.text("SELECT CAST(:n AS int)")
            assert [conn.execute(query, {"n": number}).scalar() for _ in range(3)] == [number] * 3
            prepared = conn.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
            assert prepared.scalar() == 0
    for made in engines:
        made.dispose()


@pytest.mark.parametrize("ignores", [IGNORED])
def test_a_pooler_that_was_not_found_out_is_when_it_loses_a_statement(
    engine: sa.Engine, database_url: str
) -> None:
    """As where it tells the process of the session that it gives first."""
    with engine.connect() as conn:
        driver = conn.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.prepare_threshold = 0

    def use() -> None:
        with transaction(engine) as conn:
            conn.execute(sa.text("SELECT CAST(:n AS int)"), {"n": 1})

    use()
    with taken(database_url), pytest.raises(SessionLost, match="pgbouncer=true"):
        use()
    for _ in range(8):
        use()
    with taken(database_url):
        use()


@pytest.mark.parametrize("ignores", [IGNORED])
def test_what_a_pooler_refuses_is_told_with_its_words(database_url: str, tmp_path: Path) -> None:
    with pgbouncer(database_url, tmp_path / "second", ignores=REFUSED) as strict:
        made = connect(f"{strict}?options=endpoint%3Dx")
        with pytest.raises(Unavailable, match="unsupported startup parameter"), transaction(made):
            pass
        made.dispose()


def test_it_can_be_asked_whether_the_server_can_be_written_to(database_url: str) -> None:
    probe = connect_to_probe(database_url)
    for _ in range(3):
        with transaction(probe) as conn:
            require_writable(conn)
    probe.dispose()


def test_upgrades_through_it_work_also_at_once(postgres_url: str, tmp_path: Path) -> None:
    with empty_databases(postgres_url) as make, pgbouncer(make(), tmp_path / "second") as url:
        command = [sys.executable, "-c", UPGRADE, url, *SOURCES, "gitlab"]
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        told = [process.communicate(timeout=60) for process in running]
        assert [process.returncode for process in running] == [0, 0], told
        assert sorted(out.strip() for out, _ in told) == [head(), "None"]
        made = connect(url)
        assert check(made, [*SOURCES, "gitlab"]) == []
        assert upgrade(made, SOURCES).before == head()
        made.dispose()


def test_an_upgrade_through_it_goes_into_the_schema_that_the_url_names(
    postgres_url: str, tmp_path: Path
) -> None:
    with empty_databases(postgres_url) as make, pgbouncer(make(), tmp_path / "second") as url:
        with psycopg.connect(url, prepare_threshold=None) as conn:
            conn.execute("CREATE SCHEMA tenant")
        made = connect(f"{url}?schema=tenant")
        upgrade(made, SOURCES)
        with transaction(made) as conn2:
            found = conn2.exec_driver_sql(
                "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'lightfast%%'"
            )
            assert found.scalars().all() == ["tenant"]
        made.dispose()


def test_an_index_of_a_table_of_before_is_built_through_it_also_at_once(
    postgres_url: str, tmp_path: Path
) -> None:
    """`CONCURRENTLY` is no part of a transaction, and the lock of those who build is one's own."""
    with empty_databases(postgres_url) as make, pgbouncer(make(), tmp_path / "second") as url:
        made = connect(url)
        with transaction(made) as conn:
            migrations.run(conn, "0004")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: upgrade(made, SOURCES), range(2)))
        assert check(made, SOURCES) == []
        with transaction(made) as conn:
            found = conn.exec_driver_sql(
                "SELECT indisvalid FROM pg_index"
                " WHERE indexrelid = to_regclass('idx_deliveries_settled')"
            )
            assert found.scalars().all() == [True]
        made.dispose()
