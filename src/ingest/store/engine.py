"""The one place that connects to PostgreSQL, opens transactions and commits.

Every session runs in UTC and with time-outs. Driver errors leave here as our own: `TransientError`
where the same statement may succeed later, `BadRow` where a row's content is at fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ingest.core.errors import BadSettings, Costly, PermanentError, TransientError, Unavailable

LOCK_TIMEOUT_MS = 15_000
STATEMENT_TIMEOUT_MS = 60_000


class BadRow(PermanentError):
    """The database refuses a row for what it contains; alone in its batch it is settled as dead."""


class MissingRow(BadRow):
    """A row refers to one that was deleted meanwhile; read again, it will not."""


_ROW_ERRORS = (
    psycopg.errors.DataError,
    psycopg.errors.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
)
_COST_ERRORS = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.OutOfMemory,
    psycopg.errors.ConfigurationLimitExceeded,
)


def connect(url: str, *, pool_size: int = 5, application: str = "ingest") -> sa.Engine:
    """An engine for `postgresql://…`; nothing is contacted before the first transaction."""
    try:
        parsed = sa.make_url(url)
    except (SQLAlchemyError, ValueError):  # what they say may quote the password
        raise BadSettings(
            "DATABASE_URL is not a database URL; write postgresql://user:password@host/name"
        ) from None
    if parsed.get_backend_name() != "postgresql":
        raise BadSettings(
            f"DATABASE_URL names {parsed.get_backend_name()}; only postgresql://… is supported"
        )
    if "@" in (parsed.host or ""):  # a name's server would be asked for it, and errors tell it
        raise BadSettings(
            "DATABASE_URL has an @ in the name of its host; where it is the password's, write %40"
        )
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # an error would quote them: bodies, headers, sealed secrets
        connect_args={
            "connect_timeout": 10,
            "application_name": application,
            "options": (
                f"-c timezone=UTC -c lock_timeout={LOCK_TIMEOUT_MS}"
                f" -c statement_timeout={STATEMENT_TIMEOUT_MS}"
                " -c idle_in_transaction_session_timeout=120000"
            ),
        },
    )


@contextmanager
def transaction(engine: sa.Engine, *, durable: bool = True) -> Iterator[sa.Connection]:
    """One transaction, committed at the end and rolled back by any exception.

    `durable=False` is for what can be done again after a crash of the server (claims, marks):
    such a commit does not wait for the disk.
    """
    with translated_errors(), engine.begin() as connection:
        if not durable:
            connection.execute(_RELAXED)
        yield connection


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns what the driver raises into our errors; everything else passes through."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        detail = str(cause).splitlines()[0][:300] if cause is not None else "no detail"
        if isinstance(cause, psycopg.errors.ForeignKeyViolation):
            raise MissingRow(f"a row that this one refers to is gone: {detail}") from error
        if isinstance(cause, _ROW_ERRORS):
            raise BadRow(f"the database refuses the row: {detail}") from error
        if isinstance(cause, _COST_ERRORS):
            raise Costly(f"PostgreSQL gave up a transaction for its cost: {detail}") from error
        lost = isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None
        if lost or isinstance(cause, psycopg.InterfaceError):
            raise Unavailable(f"PostgreSQL does not answer: {detail}") from error
        if isinstance(cause, psycopg.ProgrammingError):
            raise Unavailable(
                f"the database's schema is not ours ({detail}); run `ingest db upgrade`"
            ) from error
        if isinstance(cause, psycopg.OperationalError | psycopg.InternalError):
            raise TransientError(f"PostgreSQL gave up a transaction: {detail}") from error
        raise
    except sa.exc.TimeoutError as error:
        raise Unavailable("no free database connection; raise the pool or add a worker") from error


_RELAXED = sa.text("SET LOCAL synchronous_commit = off")
