"""Brings a database to the schema of this program, whatever it finds, and says how far one is.

Law: one upgrade at a time (each of its transactions takes the same advisory lock, as a session's
would be lost behind a pooler; the next one finds nothing to do), and a database that is not ours to
change is refused before anything is changed.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import psycopg.errors
import sqlalchemy as sa
import structlog

from ingest.core.errors import TransientError, Unavailable
from ingest.store import condition, online_indexes
from ingest.store.condition import UnfitDatabase
from ingest.store.engine import patient, translated_errors
from ingest.store.failures import ends_session

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What an upgrade did: from which version to which, and the source types it added.

    `adopted` says that the tables were there already, made from `schema.sql`.
    """

    before: str | None
    after: str
    added_source_types: tuple[str, ...]
    adopted: bool = False


PATIENT_S, AGAIN_S = 300.0, 0.5
# The wait for another upgrade may be long, and so may the migrations; but one that waits for a lock
# makes everybody behind it wait, so it waits for a moment, lets them pass, and is begun anew.
_WAIT_SHORT = sa.text("SET LOCAL lock_timeout = '2s'")
_WAIT_LONG = sa.text("SET LOCAL lock_timeout = '10min'")
_WORK_LONG = sa.text("SET LOCAL statement_timeout = 0")
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('lightfast_schema'))")


def upgrade(engine: sa.Engine, source_types: Collection[str]) -> Report:
    """Bring the database to this program's schema; running it again does no harm.

    Beside workers a migration may not get its locks, or they meet in a deadlock: it is begun anew
    then, for up to PATIENT_S.

    One that a newer program brought further, and that serves this one too, stays as it is. Raises
    `UnfitDatabase` for one that is not ours, too old or too new, having changed nothing.
    """
    ends_at = time.monotonic() + PATIENT_S
    while True:
        try:
            return _upgrade(engine, source_types)
        except TransientError as error:
            if isinstance(error, Unavailable) or time.monotonic() > ends_at:
                raise
            log.warning("upgrade_begun_anew", reason=str(error))
            time.sleep(AGAIN_S)


def _upgrade(engine: sa.Engine, source_types: Collection[str]) -> Report:
    from ingest.store import migrations  # noqa: PLC0415 - Alembic; a receiver only looks

    _build_indexes(engine)
    with _speaking(engine) as conn, patient(conn):
        with _alone(conn):
            found = condition.look(conn)
            condition.require_ours(found, _versions())
            ahead = condition.is_ahead(found.version, found.serves, _versions())
            adopted = found.version is None and bool(found.tables)
            if adopted:
                migrations.adopt(conn)
            elif not ahead:
                migrations.run(conn)
        with _alone(conn):  # a value may be used only after the commit that adds it
            added = add_source_types(conn, source_types)
    after = found.version if ahead and found.version is not None else head()
    return Report(found.version, after, added, adopted)


def _build_indexes(engine: sa.Engine) -> None:
    """What a migration would build under a lock is built before it, beside readers and writers."""
    with _speaking(engine) as conn:
        found = condition.look(conn)
        condition.require_ours(found, _versions())
    if found.version in _versions() and found.version != head():
        online_indexes.build(engine)


def check(engine: sa.Engine, source_types: Collection[str]) -> list[str]:
    """What is behind in the database, a line each with its remedy; empty where it is current.

    Changes nothing. That the database is not one of ours is such a line too.
    """
    with _speaking(engine) as conn:
        try:
            found = condition.look(conn)
            condition.require_ours(found, _versions())
        except UnfitDatabase as error:
            return [str(error)]
    if found.version is None:
        return ["the schema is not there (or was made by hand): run `ingest db upgrade`"]
    behind = []
    ahead = condition.is_ahead(found.version, found.serves, _versions())
    if found.version != head() and not ahead:
        behind.append(
            f"the schema stands at {found.version}, this program needs {head()}: "
            "run `ingest db upgrade`"
        )
    missing = [name for name in source_types if name not in found.source_types]
    if missing:
        behind.append(f"source types are missing ({', '.join(missing)}): run `ingest db upgrade`")
    return behind


def is_current(engine: sa.Engine) -> bool:
    """Whether the schema is that of this program, or a newer one that serves it: some small
    queries, for readiness probes.
    """
    with _speaking(engine) as conn:
        version = condition.version(conn)
        return version == head() or condition.is_ahead(version, condition.serves(conn), _versions())


def standing(engine: sa.Engine) -> str:
    """Where a schema that is not behind stands."""
    with _speaking(engine) as conn:
        version = condition.version(conn)
    return head() if version == head() else f"{version}, ahead of this program's {head()}"


@cache
def head() -> str:
    """The newest version that this program brings."""
    return max(_versions())


@cache
def _versions() -> frozenset[str]:
    """All versions, of four digits, in order; each migration's file begins with its own."""
    names = (file.name for file in (files("ingest_schema") / "migrations" / "versions").iterdir())
    return frozenset(name[:4] for name in names if name.endswith(".py"))


@contextmanager
def _speaking(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection; what the server refuses becomes our error."""
    with translated_errors():
        try:
            with engine.connect() as conn:
                yield conn
        except sa.exc.ProgrammingError as error:
            if ends_session(error.orig):
                raise
            detail = str(error.orig).splitlines()[0]
            remedies = (said for kind, said in _REMEDIES if isinstance(error.orig, kind))
            said = "; ".join((detail, *remedies))
            raise UnfitDatabase(f"PostgreSQL refuses the upgrade: {said}") from error


_REMEDIES = (
    (psycopg.errors.InsufficientPrivilege, "the database's user must own the tables"),
    (
        psycopg.errors.InvalidSchemaName,
        "CREATE SCHEMA for the one that DATABASE_URL names (schema=, or a search_path in options=)",
    ),
)


@contextmanager
def _alone(conn: sa.Connection) -> Iterator[None]:
    """A transaction under the upgrade's lock, which ends with it."""
    with conn.begin():
        conn.execute(_WAIT_LONG)
        conn.execute(_WORK_LONG)
        conn.execute(_LOCK)
        conn.execute(_WAIT_SHORT)
        yield


def add_source_types(conn: sa.Connection, source_types: Collection[str]) -> tuple[str, ...]:
    """Give the enum a value for each of these types that has none; which were added.

    They may be used after the commit.
    """
    present = condition.source_types(conn)
    missing = tuple(name for name in source_types if name not in present)
    for name in missing:
        quoted = name.replace("'", "''")
        conn.exec_driver_sql(f"ALTER TYPE source_type ADD VALUE IF NOT EXISTS '{quoted}'")
    return missing
