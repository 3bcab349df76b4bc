"""What a session is told, what it bears, and when it is thrown away."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy as sa

from ingest.core.errors import Unavailable
from ingest.flows.doctor.readiness import is_ready
from ingest.flows.receiving.arrivals import insert_into
from ingest.sources.registry import all_sources
from ingest.store import health
from ingest.store.deliveries import Arrival
from ingest.store.dialect import BINARY, BytesArray
from ingest.store.engine import ReadOnly, SessionLost, connect, connect_to_probe, transaction
from ingest.store.upgrade import check, upgrade
from tests.black_hole import proxied
from tests.databases import empty_databases
from tests.store.test_failures import plain_user

pytestmark = pytest.mark.integration

SOURCES = tuple(all_sources())
_SHOWN = "SELECT current_setting('{}')"
_WRITE = sa.text("INSERT INTO lightfast_bells (queue) VALUES (:queue)")
_OURS = sa.text("""
SELECT nspname, count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE relkind = 'r' AND relname LIKE 'lightfast%' GROUP BY 1
""")


def shown(engine: sa.Engine, name: str) -> str:
    with transaction(engine) as conn:
        return str(conn.exec_driver_sql(_SHOWN.format(name)).scalar())


def set_here(database_url: str, setting: str) -> None:
    """A setting that new sessions of the test's database begin with."""
    with psycopg.connect(database_url, autocommit=True, options="") as conn:
        conn.execute("SET default_transaction_read_only = off")
        conn.execute(f"ALTER DATABASE {database_url.rsplit('/', 1)[1]} SET {setting}".encode())


def arrival(number: int) -> Arrival:
    return Arrival(
        source_type="github",
        connection_id=None,
        delivery_key=f"key-{number}",
        body_hash=number.to_bytes(32),
        headers="{}",
        body=b"{}",
        received_at=datetime.now(UTC),
    )


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[sa.Engine]:
    """Sessions of a database whose own zone is another one."""
    set_here(database_url, "timezone = 'America/New_York'")
    made = connect(database_url)
    yield made
    made.dispose()


def test_every_transaction_runs_in_utc_whatever_the_servers_zone(elsewhere: sa.Engine) -> None:
    """Bug: through a pooler times were written in the server's zone, hours off, without a word."""
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), transaction(elsewhere):
            raise ZeroDivisionError
        with transaction(elsewhere) as conn:
            zone, here = conn.exec_driver_sql(
                "SELECT current_setting('timezone'), CAST(now() AS timestamp)"
            ).one()
        assert zone == "UTC"
        assert abs((datetime.now(UTC).replace(tzinfo=None) - here).total_seconds()) < 60


def test_a_zone_of_the_environment_or_the_url_changes_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "America/New_York")
    made = connect(f"{database_url}?options=-ctimezone%3DAsia/Tokyo")
    assert shown(made, "timezone") == "UTC"
    made.dispose()


def test_every_transaction_has_its_time_outs_and_the_urls_own_go_before(database_url: str) -> None:
    made = connect(f"{database_url}?options=-cstatement_timeout%3D7s%20-cwork_mem%3D5MB")
    for _ in range(2):
        told = {
            name: shown(made, name) for name in ("lock_timeout", "statement_timeout", "work_mem")
        }
        assert told == {"lock_timeout": "15s", "statement_timeout": "7s", "work_mem": "5MB"}
    made.dispose()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("no_such_thing%3D1", "no_such_thing"),
        ("statement_timeout%3Dsoon", "invalid value"),
        ("shared_buffers%3D1MB", "cannot be changed"),
        ("log_statement%3Dall", "permission denied"),
    ],
)
def test_a_setting_that_the_server_does_not_take_is_nobody_elses_fault(
    engine: sa.Engine, database_url: str, setting: str, said: str
) -> None:
    """Neither a row's, which would be dead of it, nor the schema's."""
    url = f"{database_url}?options=-c{setting}"
    with plain_user(engine, url) as made:
        for _ in range(2):
            with pytest.raises(Unavailable, match="mend its options") as caught, transaction(made):
                pass
            assert said in str(caught.value)


@pytest.mark.parametrize("query", ["schema=Tenant", "options=-csearch_path%3D%22Tenant%22"])
def test_an_upgrade_goes_into_the_schema_that_the_url_names(postgres_url: str, query: str) -> None:
    """Bug: the URL's options were dropped, and 26 tables stood in `public`."""
    with empty_databases(postgres_url) as make:
        url = make()
        made = connect(f"{url}?{query}")
        with pytest.raises(Exception, match="CREATE SCHEMA"):
            upgrade(made, SOURCES)
        with psycopg.connect(url) as conn:
            conn.execute('CREATE SCHEMA "Tenant"')
        upgrade(made, SOURCES)
        assert check(made, SOURCES) == []
        with transaction(made) as conn2:
            assert [name for name, _ in conn2.execute(_OURS)] == ["Tenant"]
        made.dispose()


def test_keepalives_and_time_outs_reach_the_socket_and_the_urls_own_win(database_url: str) -> None:
    """Bug: a host that vanished was waited for for 945 s."""
    made = connect(f"{database_url}?keepalives_idle=77&connect_timeout=9", application="name")
    with made.connect() as conn:
        found = conn.connection.driver_connection
        assert isinstance(found, psycopg.Connection)
        told = found.info.get_parameters()
        expected = {
            "connect_timeout": "9",
            "keepalives": "1",
            "keepalives_idle": "77",
            "keepalives_interval": "2",
            "keepalives_count": "3",
            "tcp_user_timeout": "6000",
            "fallback_application_name": "name",
        }
        assert expected.items() <= told.items()
        with socket.socket(fileno=socket.dup(found.fileno())) as wire:
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 6000
    assert shown(made, "application_name") == "name"
    made.dispose()


def test_a_session_that_became_read_only_is_thrown_away(
    engine: sa.Engine, database_url: str
) -> None:
    """Bug: 2,800 deliveries in 90 s were answered 503 while new sessions could write."""
    set_here(database_url, "default_transaction_read_only = on")
    with transaction(engine) as conn:
        assert conn.exec_driver_sql("SELECT 1").scalar() == 1
    set_here(database_url, "default_transaction_read_only = off")
    with pytest.raises(ReadOnly, match="target_session_attrs"), transaction(engine) as conn:
        conn.execute(_WRITE, {"queue": "a"})
    with transaction(engine) as conn:
        conn.execute(_WRITE, {"queue": "a"})


def test_all_its_sessions_are_thrown_away_at_once(engine: sa.Engine, database_url: str) -> None:
    set_here(database_url, "default_transaction_read_only = on")
    opened = [engine.connect() for _ in range(5)]
    for conn in opened:
        conn.exec_driver_sql("SELECT 1")
        conn.close()
    set_here(database_url, "default_transaction_read_only = off")
    time.sleep(0.01)
    failed = 0
    for number in range(6):
        try:
            with transaction(engine) as conn:
                conn.execute(_WRITE, {"queue": str(number)})
        except ReadOnly:
            failed += 1
    assert failed == 1


def end_sessions(database_url: str, _: sa.Engine) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        ({}, ["on", "1min", "read committed", "off"]),
        ({"durable": False}, ["off", "1min", "read committed", "off"]),
        ({"snapshot": True}, ["on", "0", "repeatable read", "on"]),
    ],
)
def test_a_session_that_ended_while_it_lay_idle_is_noticed_by_its_begin(
    engine: sa.Engine, database_url: str, asked: dict[str, bool], settings: list[str]
) -> None:
    """Nobody pings: whoever comes next has a transaction, with all that he asked for, and no error.

    Of the session that it began in before, nothing is left over for the next one.
    """
    names = (
        "synchronous_commit",
        "statement_timeout",
        "transaction_isolation",
        "transaction_read_only",
    )
    set_here(database_url, "synchronous_commit = on")  # the server of tests has it off
    told = sa.text("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
    for _ in range(2):
        end_sessions(database_url, engine)
        with transaction(engine, **asked) as conn:
            assert [*conn.execute(told).one()] == settings
        with transaction(engine) as conn:
            assert [*conn.execute(told).one()] == ["on", "1min", "read committed", "off"]


def demote_and_promote(database_url: str, engine: sa.Engine) -> None:
    engine.dispose()
    set_here(database_url, "default_transaction_read_only = on")
    with transaction(engine) as conn:
        conn.exec_driver_sql("SELECT 1")
    set_here(database_url, "default_transaction_read_only = off")


@pytest.mark.parametrize("happens", [end_sessions, demote_and_promote])
def test_a_delivery_is_stored_at_once_over_a_new_session(
    engine: sa.Engine, database_url: str, happens: Callable[[str, sa.Engine], None]
) -> None:
    insert = insert_into(engine)
    insert([arrival(1)])
    happens(database_url, engine)
    ((_, accepted),) = insert([arrival(2)])
    assert accepted


def test_a_session_that_is_ended_in_a_transaction_is_lost_and_no_fault_of_a_row(
    engine: sa.Engine, database_url: str
) -> None:
    def work() -> None:
        with transaction(engine) as conn:
            end_sessions(database_url, engine)
            conn.execute(_WRITE, {"queue": "a"})

    with pytest.raises(SessionLost, match="terminating"):
        work()


def test_readiness_asks_whether_the_server_can_be_written_to(
    engine: sa.Engine, database_url: str
) -> None:
    upgrade(engine, SOURCES)
    probe = connect_to_probe(database_url)
    assert is_ready(probe)
    set_here(database_url, "default_transaction_read_only = on")
    assert is_ready(probe), "what was opened before may write"
    probe.dispose()
    with pytest.raises(ReadOnly, match="default_transaction_read_only is on"):
        is_ready(probe)
    with transaction(probe) as conn:
        assert health.server(conn)
    set_here(database_url, "default_transaction_read_only = off")
    assert is_ready(probe), "a session of the former time is not believed"
    probe.dispose()


def test_an_exhausted_pool_hinders_no_probe(engine: sa.Engine, database_url: str) -> None:
    upgrade(engine, SOURCES)
    probe = connect_to_probe(database_url)
    held = [engine.connect() for _ in range(10)]
    began = time.monotonic()
    assert is_ready(probe)
    assert time.monotonic() - began < 5
    for conn in held:
        conn.close()
    probe.dispose()


def test_a_silent_server_costs_a_probe_less_than_five_seconds(database_url: str) -> None:
    with proxied(database_url) as proxy:
        probe = connect_to_probe(proxy.url)
        is_ready(probe)
        proxy.passing.clear()
        for kept in (True, False):
            began = time.monotonic()
            with pytest.raises(Unavailable, match="does not answer"):
                is_ready(probe)
            assert time.monotonic() - began < 5.5, kept
        proxy.passing.set()
        is_ready(probe)
        probe.dispose()


def test_what_vanishes_in_a_transaction_is_given_up_in_the_time_that_was_said(
    database_url: str,
) -> None:
    with proxied(database_url) as proxy:
        made = connect(proxy.url)

        def work() -> None:
            with transaction(made, answers_within_s=1) as conn:
                conn.execute(_WRITE, {"queue": "a"})
                proxy.passing.clear()
                conn.execute(_WRITE, {"queue": "b"})

        began = time.monotonic()
        with pytest.raises(Unavailable, match="nothing was heard for 1 s"):
            work()
        assert time.monotonic() - began < 3
        proxy.passing.set()
        with transaction(made) as conn:
            conn.execute(_WRITE, {"queue": "a"})
        made.dispose()


def test_an_idle_session_that_is_gone_is_found_out_before_it_is_used(database_url: str) -> None:
    with proxied(database_url) as proxy:
        made = connect(f"{proxy.url}?connect_timeout=2")
        shown(made, "timezone")
        proxy.passing.clear()
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"), transaction(made):
            pass
        assert time.monotonic() - began < 9
        made.dispose()


def test_a_long_statement_is_no_silence_where_it_may_take_long(engine: sa.Engine) -> None:
    with transaction(engine, answers_within_s=1) as conn:
        began = time.monotonic()
        rows = conn.exec_driver_sql("SELECT pg_sleep(0.4) FROM generate_series(1, 2)").all()
    assert (len(rows), time.monotonic() - began > 0.8) == (2, True)


def test_statements_are_prepared_where_the_session_is_our_own(engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        for _ in range(8):
            conn.execute(sa.text("SELECT 1"))
        prepared = conn.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
    assert prepared


@pytest.mark.parametrize("count", [1, 3])
def test_an_array_of_bytes_and_what_is_read_in_binary_are_what_they_were(
    engine: sa.Engine, count: int
) -> None:
    """Quotes, backslashes, NULs and nothing at all; twenty times, as statements get prepared."""
    said = BytesArray([b"", b'{"a": "\\\\u0000"}', bytes(range(256))][:count] * 2)
    query = sa.text("SELECT one, CAST('github' AS text) FROM unnest(CAST(:said AS bytea[])) one")
    with transaction(engine) as conn:
        for _ in range(20):
            for options in (BINARY, {}):
                found = conn.execute(query, {"said": said}, execution_options=options).all()
                assert [*found] == [(one, "github") for one in said]
        assert conn.execute(query, {"said": BytesArray()}).all() == []
