"""How SQLAlchemy speaks to PostgreSQL for us: in sessions that are ours for one transaction each.

Between us and the server may stand a pooler that gives each transaction another session. So what a
session is to be (UTC, time-outs, search path) is said with each `BEGIN`, in its round trip; nothing
is prepared where the session that answers is not the one that was opened; nothing else is kept.
Law: nobody waits for ever. TCP notices a host that is gone, the server bounds what it works on, and
here ends the wait for a peer that takes everything and answers nothing.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg.errors
from psycopg.rows import TupleRow
from psycopg.types.array import ListBinaryDumper
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import (
    PGDialect_psycopg,
    PGExecutionContext_psycopg,
)

from ingest.store.failures import SettingRefused, ends_session, is_unprepared

NAME = "postgresql+ingest"
PREPARED_AFTER = 5
"""Uses of a statement before it is prepared; psycopg's own figure."""
GREETING_S = 5.0
"""What costs the server nothing (`BEGIN`) is answered within this time, or by nobody."""
_REFUSED = (
    psycopg.DataError,
    psycopg.ProgrammingError,
    psycopg.errors.CantChangeRuntimeParam,
)
"""What begins a transaction has no row in it, and no table."""
QUEUED_S = 15.0
"""The same through a pooler, where it queues for a session."""
BINARY: Mapping[str, bool] = {"binary": True}
"""Execution options of a statement that reads bytes: as text each is two characters, which the
server writes and we read. Types that the driver does not know, as our enums, are cast to text."""


class BytesArray(list[bytes]):
    """Bytes that a statement takes as `bytea[]`, sent as they are. In the text that the driver
    makes of other lists each is two characters, quoted: of bodies that was most of their cost.
    """


class PostgresSession(psycopg.Connection[TupleRow]):
    """A connection that ends where nothing is heard for `answers_within_s`; None is for ever.

    `opening` begins a transaction, which is answered within `greets_within_s`.
    """

    opening: bytes = b"BEGIN"
    greets_within_s: float = QUEUED_S
    answers_within_s: float | None = None

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """What the driver waits with, for whatever it sends."""
        return super().wait(self._hearing(gen), *args, **kwargs)

    def open_transaction(self) -> None:
        """Begin a transaction with all that it needs, in one round trip."""
        try:
            with self.answering(self.greets_within_s):
                self.execute(self.opening, prepare=False)
        except _REFUSED as error:
            raise SettingRefused(str(error)) from error

    def is_the_servers(self) -> bool:
        """Whether who let us in is who answers; a pooler names a process that there is not."""
        with self.answering(self.greets_within_s):
            row = self.execute("SELECT pg_backend_pid()").fetchone()
        return row == (self.info.backend_pid,)

    @contextmanager
    def answering(self, within_s: float | None) -> Iterator[None]:
        """What is done in here is answered within this time, or the one that held before if less;
        None lifts any."""
        before = self.answers_within_s
        if within_s is None or before is None:
            self.answers_within_s = within_s
        else:
            self.answers_within_s = min(within_s, before)
        try:
            yield
        finally:
            self.answers_within_s = before

    def _hearing(self, waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The driver's own steps, which it is woken for also when nothing came."""
        heard_at = time.monotonic()
        try:
            wanted = next(waiting)
            while True:
                ready = yield wanted
                if ready:
                    heard_at = time.monotonic()
                elif self._is_silent(time.monotonic() - heard_at):
                    self.pgconn.finish()
                    raise psycopg.OperationalError(
                        f"nothing was heard for {self.answers_within_s:g} s, and the session ended"
                    )
                wanted = waiting.send(ready)
        except StopIteration as done:
            return done.value

    def _is_silent(self, silent_s: float) -> bool:
        return self.answers_within_s is not None and silent_s > self.answers_within_s


class ExecutionContext(PGExecutionContext_psycopg):
    """SQLAlchemy's, with cursors that read what a statement of `BINARY` tells in binary."""

    def create_default_cursor(self) -> Any:
        """A cursor for one statement."""
        return self._dbapi_connection.cursor(binary=self.execution_options.get("binary", False))


class Dialect(PGDialect_psycopg):
    """SQLAlchemy's, with our sessions, how they begin, and when they are thrown away."""

    execution_ctx_cls = ExecutionContext
    supports_statement_cache = True
    prepares = True

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """A new session. It is asked who it is: through a pooler that is not who let us in.

        Beside libpq's parameters: `opening`, `answers_within_s`, and `pooled` where that is known.
        """
        ours = {name: cparams.pop(name) for name in ("opening", "answers_within_s", "pooled")}
        session = PostgresSession.connect(
            *cargs, autocommit=True, prepare_threshold=None, **cparams
        )
        session.adapters.register_dumper(BytesArray, ListBinaryDumper)
        session.opening, session.answers_within_s = ours["opening"], ours["answers_within_s"]
        if ours["pooled"] or not self.prepares:
            return session
        try:
            if session.is_the_servers():
                session.prepare_threshold, session.greets_within_s = PREPARED_AFTER, GREETING_S
        except psycopg.Error:
            session.close()
            raise
        return session

    def do_begin(self, dbapi_connection: Any) -> None:
        """Our sessions begin a transaction themselves, as the driver's own way takes one more."""
        dbapi_connection.open_transaction()

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Whether the session, and all that were made before, are thrown away."""
        if is_unprepared(e):
            self.prepares = False
        gone = super().is_disconnect(e, connection, cursor)  # type: ignore[no-untyped-call] # theirs
        return ends_session(e) or bool(gone)


registry.register(NAME.replace("+", "."), __name__, "Dialect")
