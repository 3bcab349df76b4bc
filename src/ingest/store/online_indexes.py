"""Builds indexes of tables that may be huge, while others read and write them.

A migration runs in a transaction, whose `CREATE INDEX` keeps every writer out until it is done:
minutes, at ten million deliveries, in which a receiver answers 503. So those that a migration adds
to a table of before are built first, with CONCURRENTLY, which no transaction may hold; the
migration's own `CREATE INDEX IF NOT EXISTS` finds them, and builds only those of an empty table. A
column that such an index needs and the same migration adds (nullable, `IF NOT EXISTS`) comes first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg.errors
import sqlalchemy as sa
import structlog
from sqlalchemy.schema import CreateIndex

from ingest.core.errors import TransientError
from ingest.store.condition import UnfitDatabase
from ingest.store.dialect import PostgresSession
from ingest.store.engine import transaction
from ingest.store.failures import meaning
from ingest.store.tables import METADATA

log = structlog.get_logger(__name__)

ONLINE = (
    "idx_deliveries_settled",
    "idx_feeds_connection_document",
    "idx_references_bind_key",
    "idx_docs_created",
    "idx_docs_updated",
    "idx_docs_state",
    "idx_docs_status",
    "idx_ledger_kind",
    "idx_deliveries_duplicate",
    "idx_docs_children",
    "idx_references_pointing",
    "idx_deliveries_of_connection",
    "idx_deliveries_of_source",
)
"""By name; a test holds each migration to it."""
TURN_WITHIN_S, AGAIN_S = 600.0, 0.5

# Tried and never waited for: a session that waits in a statement has a snapshot, and CONCURRENTLY
# waits for all that are older than its own. Who has the lock sits in an open transaction, without.
_TURN = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('lightfast_online_indexes'))")
_STAY = sa.text("SET LOCAL idle_in_transaction_session_timeout = 0")
# The session that builds has no search path of ours, so names are looked up here.
_STANDING = sa.text("""
SELECT quote_ident(s.nspname) || '.' || quote_ident(t.relname) AS of_table,
       quote_ident(s.nspname) || '.' || quote_ident(:index) AS named, i.indisvalid AS valid
FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = :index
LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE t.oid = to_regclass(:table)
""")
_COLUMN = sa.text("""
SELECT EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = to_regclass(:table) AND attname = :column AND NOT attisdropped)
""")


def build(engine: sa.Engine) -> None:
    """Build those of `ONLINE` that are missing; one that a broken attempt left is made anew.

    Of several upgrades at once one builds, and the others wait for it. Takes as long as it takes:
    also for the transactions that are open when it begins. Raises `TransientError` where it has to
    be begun anew, `UnfitDatabase` where the tables are not ours to change.
    """
    indexes = {
        str(index.name): index
        for table in METADATA.tables.values()
        for index in table.indexes
        if index.name in ONLINE
    }
    with _turn(engine):
        for name in ONLINE:
            _build(engine, indexes[name])


def _build(engine: sa.Engine, index: sa.Index) -> None:
    table = index.table.name if index.table is not None else ""
    with transaction(engine) as conn:
        found = conn.execute(_STANDING, {"index": index.name, "table": table}).one_or_none()
    if found is None or found.valid:
        return
    log.info("index_building", index=index.name, table=table)
    _add_columns(engine, index, found.of_table)
    if found.valid is False:
        alone(engine, f"DROP INDEX CONCURRENTLY IF EXISTS {found.named}")
    told = str(CreateIndex(index).compile(dialect=engine.dialect))
    told = told.replace(f" ON {table} ", f" ON {found.of_table} ", 1)
    alone(engine, told.replace("CREATE INDEX ", "CREATE INDEX CONCURRENTLY ", 1))


def _add_columns(engine: sa.Engine, index: sa.Index, table: str) -> None:
    """Nullable and without a default, so that no row is looked at: a moment's lock, which is not
    waited for long.
    """
    for column in index.columns:
        if column.nullable and column.server_default is None:
            kind = column.type.compile(dialect=engine.dialect)
            named = f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column.name} {kind}"
            with transaction(engine) as conn:
                if not conn.execute(_COLUMN, {"table": table, "column": column.name}).scalar_one():
                    conn.exec_driver_sql(named)


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    """The lock of those who build, held by a transaction that does nothing else."""
    ends_at = time.monotonic() + TURN_WITHIN_S
    while True:
        with transaction(engine) as conn:
            conn.execute(_STAY)
            if conn.execute(_TURN).scalar_one():
                yield
                return
        if time.monotonic() > ends_at:
            raise TransientError("another upgrade is still building an index")
        time.sleep(AGAIN_S)


def alone(engine: sa.Engine, statement: str) -> None:
    """Run a statement that no transaction may hold, for as long as it takes."""
    connection = engine.raw_connection()
    try:
        session = connection.driver_connection
        if not isinstance(session, PostgresSession):
            raise TypeError("a connection of another engine than ours")
        with session.answering(None):
            session.execute(statement.encode(), prepare=False)
    except psycopg.errors.InsufficientPrivilege as error:
        said = str(error).splitlines()[0]
        raise UnfitDatabase(
            f"PostgreSQL refuses the upgrade: {said}; the database's user must own the tables"
        ) from error
    except psycopg.Error as error:
        kind, said = meaning(error) or (TransientError, "PostgreSQL did not build an index: {}")
        raise kind(said.format(str(error).splitlines()[0])) from error
    finally:
        connection.close()
