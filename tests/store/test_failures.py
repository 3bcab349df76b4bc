"""What an error of PostgreSQL is about: a row, the schema, our rights, the session, the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
import pytest
import sqlalchemy as sa

from ingest.core.errors import Costly, IngestError, TransientError, Unavailable
from ingest.store.engine import connect, transaction
from ingest.store.failures import (
    BadRow,
    DiskFull,
    MissingRow,
    ReadOnly,
    SessionLost,
    ends_session,
    meaning,
    translated_errors,
)

_TABLE: list[tuple[str, type[IngestError], str]] = [
    ("08006", SessionLost, "ended the session"),
    ("08P01", SessionLost, "ended the session"),
    ("0A000", SessionLost, "cannot go on in this session"),
    ("22001", BadRow, "refuses the row"),
    ("22P05", BadRow, "refuses the row"),
    ("23502", BadRow, "refuses the row"),
    ("23503", MissingRow, "is gone"),
    ("25006", ReadOnly, "target_session_attrs=read-write"),
    ("25P03", Costly, "for its cost"),
    ("26000", SessionLost, "pgbouncer=true"),
    ("28P01", Unavailable, "does not let us in"),
    ("3D000", Unavailable, "the database is not there"),
    ("3F000", Unavailable, "CREATE SCHEMA"),
    ("40001", TransientError, "gave up a transaction"),
    ("40P01", TransientError, "gave up a transaction"),
    ("42501", Unavailable, "GRANT"),
    ("42601", Unavailable, "refuses a statement of ours"),
    ("42703", Unavailable, "ingest db upgrade"),
    ("42704", Unavailable, "ingest db upgrade"),
    ("42804", Unavailable, "ingest db upgrade"),
    ("42883", Unavailable, "ingest db upgrade"),
    ("42P01", Unavailable, "ingest db upgrade"),
    ("42P05", SessionLost, "pgbouncer=true"),
    ("42P10", Unavailable, "ingest db upgrade"),
    ("53100", DiskFull, "disk is full"),
    ("53200", Costly, "for its cost"),
    ("53300", TransientError, "gave up a transaction"),
    ("54000", BadRow, "refuses the row"),
    ("55P03", TransientError, "gave up a transaction"),
    ("57014", Costly, "for its cost"),
    ("57P01", SessionLost, "ended the session"),
    ("57P02", SessionLost, "ended the session"),
    ("57P03", SessionLost, "ended the session"),
    ("57P04", SessionLost, "ended the session"),
    ("57P05", SessionLost, "ended the session"),
]
SCHEMA_IS_BEHIND = {"42P01", "42703", "42704", "42804", "42883", "42P10"}


@pytest.mark.parametrize(("sqlstate", "kind", "said"), _TABLE)
def test_each_sqlstate_says_what_it_is_with_a_remedy(
    sqlstate: str, kind: type[IngestError], said: str
) -> None:
    cause = psycopg.errors.lookup(sqlstate)("detail\nDETAIL: row")
    with pytest.raises(kind) as caught, translated_errors():
        raise sa.exc.DBAPIError("SELECT", {}, cause)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert "row)" not in str(caught.value)
    assert ("schema is not ours" in str(caught.value)) is (sqlstate in SCHEMA_IS_BEHIND)


def test_no_fault_of_a_server_is_a_rows() -> None:
    """Whatever PostgreSQL may answer: only data, constraints and sizes end a delivery."""
    known = [one for one in vars(psycopg.errors).values() if isinstance(one, type)]
    states = {one.sqlstate for one in known if issubclass(one, psycopg.Error) and one.sqlstate}
    assert len(states) > 200
    rows = {
        state
        for state in states
        if (found := meaning(psycopg.errors.lookup(state)())) and issubclass(found[0], BadRow)
    }
    assert {state[:2] for state in rows - {"54000"}} == {"22", "23"}


def test_what_ends_a_session_and_what_does_not() -> None:
    assert {s for s, *_ in _TABLE if ends_session(psycopg.errors.lookup(s)())} == {
        s for s, kind, _ in _TABLE if issubclass(kind, SessionLost)
    }
    assert not ends_session(psycopg.OperationalError("no SQLSTATE: the driver knows by itself"))
    assert not ends_session(ValueError())


@pytest.mark.integration
def test_a_right_that_is_missing_is_no_fault_of_the_schema(
    engine: sa.Engine, database_url: str
) -> None:
    with (
        plain_user(engine, database_url) as plain,
        pytest.raises(Unavailable, match=r"permission denied for table lightfast_bells.*GRANT"),
        transaction(plain) as conn,
    ):
        conn.exec_driver_sql("INSERT INTO lightfast_bells (queue) VALUES ('x')")


@pytest.mark.integration
def test_a_lock_that_is_not_given_is_no_fault_of_the_schema(engine: sa.Engine) -> None:
    with transaction(engine) as holder:
        holder.exec_driver_sql("LOCK TABLE lightfast_bells")
        with pytest.raises(TransientError, match="could not obtain lock"), transaction(engine) as c:
            c.exec_driver_sql("LOCK TABLE lightfast_bells NOWAIT")


@contextmanager
def plain_user(engine: sa.Engine, database_url: str) -> Iterator[sa.Engine]:
    """Connections of a user who owns nothing."""
    url = sa.make_url(database_url)
    name = f"plain_{url.database}"
    with transaction(engine) as conn:
        conn.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
    there = url.set(username=name, password="plain")
    made = connect(there.render_as_string(hide_password=False))
    try:
        yield made
    finally:
        made.dispose()
        with transaction(engine) as conn:
            conn.exec_driver_sql(f"DROP ROLE {name}")
