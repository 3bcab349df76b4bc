"""What the driver's errors mean: by SQLSTATE, one table. Everything else passes through.

`TransientError` where the same statement may succeed later, `BadRow` where a row's content is at
fault. Law: what the server, the session or our rights are to blame for is never a row's fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ingest.core.errors import Costly, IngestError, PermanentError, TransientError, Unavailable


class BadRow(PermanentError):
    """The database refuses a row for what it contains; alone in its batch it is settled as dead."""


class MissingRow(BadRow):
    """A row refers to one that was deleted meanwhile; read again, it will not."""


class SessionLost(Unavailable):
    """The session is of no more use, and thrown away; a new one may do what this one did not."""


class ReadOnly(SessionLost):
    """The server can be read and not written: a standby, or a primary that was demoted."""


class DiskFull(Unavailable):
    """The server's files cannot grow."""


class SettingRefused(psycopg.ProgrammingError):
    """The server does not take a setting that the URL asks for, when a transaction begins."""


Meaning = tuple[type[IngestError], str]

READ_ONLY = (
    "PostgreSQL can only be read ({}); let DATABASE_URL name every host with "
    "target_session_attrs=read-write, or make this server writable"
)
_AWAY: Meaning = (Unavailable, "PostgreSQL does not answer: {}")
_BROKEN: Meaning = (SessionLost, "PostgreSQL ended the session: {}")
_UNPREPARED: Meaning = (
    SessionLost,
    "a pooler lost a prepared statement ({}); let DATABASE_URL say pgbouncer=true",
)
_BEHIND: Meaning = (
    Unavailable,
    "the database's schema is not ours ({}); run `ingest db upgrade`",
)
_COSTLY: Meaning = (Costly, "PostgreSQL gave up a transaction for its cost: {}")
_ROW: Meaning = (BadRow, "the database refuses the row: {}")
_REFUSED: Meaning = (
    Unavailable,
    "PostgreSQL refuses a statement of ours ({}); `ingest doctor` says whether schema and version "
    "fit",
)
_FULL: Meaning = (
    DiskFull,
    "PostgreSQL's disk is full ({}); give it room; until then webhooks are answered 503",
)
_LATER: Meaning = (TransientError, "PostgreSQL gave up a transaction: {}")

MEANINGS: Mapping[str, Meaning] = {
    "08": _BROKEN,  # the connection; a pooler's own errors too
    # an upgrade changed a table below a prepared statement
    "0A000": (SessionLost, "PostgreSQL cannot go on in this session: {}"),
    "22": _ROW,
    "23": _ROW,
    "23503": (MissingRow, "a row that this one refers to is gone: {}"),
    "25006": (ReadOnly, READ_ONLY),
    "25P03": _COSTLY,  # idle in a transaction for too long
    "25P04": _COSTLY,  # a transaction that took too long
    "26000": _UNPREPARED,
    "28": (
        Unavailable,
        "PostgreSQL does not let us in ({}); set user and password of DATABASE_URL right",
    ),
    "3D000": (
        Unavailable,
        "the database is not there ({}); let DATABASE_URL name one that is",
    ),
    "3F000": (
        Unavailable,
        "no schema of the search path is there ({}); CREATE SCHEMA, then `ingest db upgrade`",
    ),
    "42501": (
        Unavailable,
        "PostgreSQL does not permit it ({}); let the user of DATABASE_URL own our tables, or "
        "GRANT it what is missing",
    ),
    "42703": _BEHIND,  # a column
    "42704": _BEHIND,  # a type, a setting or another object
    "42804": _BEHIND,  # a column of another type
    "42883": _BEHIND,  # a function
    "42P01": _BEHIND,  # a table
    "42P05": _UNPREPARED,
    "42P10": _BEHIND,  # a unique index that ON CONFLICT names
    "53100": _FULL,
    "53200": _COSTLY,
    "53400": _COSTLY,
    "54000": _ROW,  # an index entry that is too long
    "57014": _COSTLY,
    "57P": _BROKEN,  # shut down, crashed, starting, dropped, idle for too long
}
"""The longest key that an SQLSTATE begins with holds."""

_BY_KIND: tuple[tuple[type[psycopg.Error], Meaning], ...] = (
    (
        SettingRefused,
        (
            Unavailable,
            "PostgreSQL does not take what DATABASE_URL asks of it ({}); mend its options",
        ),
    ),
    (psycopg.DataError, _ROW),
    (psycopg.IntegrityError, _ROW),
    (psycopg.InterfaceError, _AWAY),
    (psycopg.ProgrammingError, _REFUSED),
)
"""What the table does not name; the first that fits holds."""


def meaning(cause: BaseException | None) -> Meaning | None:
    """What an error of the driver means: the class of ours, and a text with a place for the detail.

    By SQLSTATE, the longest beginning in `MEANINGS` first, else by the driver's class. None for
    what is none that we expect: that passes through as it is.
    """
    if not isinstance(cause, psycopg.Error):
        return None
    sqlstate = cause.sqlstate
    for length in (5, 3, 2) if sqlstate else ():
        if sqlstate is not None and sqlstate[:length] in MEANINGS:
            return MEANINGS[sqlstate[:length]]
    for kind, found in _BY_KIND:
        if isinstance(cause, kind):
            return found
    if isinstance(cause, psycopg.OperationalError | psycopg.InternalError):
        return _LATER if sqlstate else _AWAY
    return None


def ends_session(cause: BaseException | None) -> bool:
    """Whether the session is to be thrown away, and with it all that were made before."""
    found = meaning(cause)
    return found is not None and issubclass(found[0], SessionLost)


def is_unprepared(cause: BaseException | None) -> bool:
    """Whether a prepared statement was not where we had prepared it."""
    return meaning(cause) is _UNPREPARED


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns what the driver raises within the block into our errors; all else passes through.

    The message tells the error's first line alone, as the others may quote a row.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        found = meaning(cause)
        if found is None:
            raise
        kind, said = found
        raise kind(said.format(_detail(cause))) from error
    except sa.exc.TimeoutError as error:
        raise Unavailable("no free database connection; raise the pool or add a worker") from error


def _detail(cause: BaseException | None) -> str:
    """The first line alone: the others may quote a row."""
    lines = str(cause).splitlines()
    return lines[0][:300] if lines else "no detail"
