"""The one place that connects to PostgreSQL, opens transactions and commits.

Every transaction runs in UTC and with time-outs. Driver errors leave here as our own (`failures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from ingest.store import address
from ingest.store.address import DatabaseAddress
from ingest.store.dialect import NAME, PostgresSession
from ingest.store.failures import (
    BadRow,
    DiskFull,
    MissingRow,
    ReadOnly,
    SessionLost,
    translated_errors,
)

__all__ = [
    "BadRow",
    "DiskFull",
    "MissingRow",
    "ReadOnly",
    "SessionLost",
    "connect",
    "connect_to_probe",
    "patient",
    "session_of",
    "transaction",
    "translated_errors",
]

LOCK_TIMEOUT_MS = 15_000
STATEMENT_TIMEOUT_MS = 60_000
ANSWERS_WITHIN_S = STATEMENT_TIMEOUT_MS / 1000 + 15
"""The server gives a statement up by itself; one that has not by then is not there."""
CONNECT_TIMEOUT_S, PROBE_CONNECT_TIMEOUT_S = 5, 2
"""For each host; libpq's least is 2."""
PROBE_ANSWERS_WITHIN_S = 2.5

_SETTINGS: Mapping[str, str] = {
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": "120000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "6000",
}
"""The last four are for the server: a host of ours that is gone is noticed by it as it is by us
(`_NOTICED`), so that what that had locked is free again after 11 s."""
_ALWAYS: Mapping[str, str] = {"timezone": "UTC"}
"""Columns without a zone hold UTC, whatever a URL says."""
_NOTICED: Mapping[str, str] = {
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "6000",
}
"""A host that is gone is noticed within 6 s where something was sent, 11 s where nothing was."""


def connect(url: str, *, pool_size: int = 5, application: str = "ingest") -> sa.Engine:
    """An engine for `postgresql://…`; nothing is contacted before the first transaction.

    Raises `BadSettings` for a URL that cannot be meant.
    """
    where = address.read(url)
    return sa.create_engine(
        f"{NAME}://",
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,  # an error would quote them: bodies, headers, sealed secrets
        connect_args=_arguments(where, application)
        | {"connect_timeout": where.parameters.get("connect_timeout", str(CONNECT_TIMEOUT_S))},
    )


def pool_of(engine: sa.Engine) -> dict[str, int]:
    """The connections of an engine of `connect`: `in_use`, `idle`, and the `limit` of both."""
    pool = engine.pool
    if not isinstance(pool, sa.QueuePool):
        return {}
    return {
        "in_use": pool.checkedout(),
        "idle": pool.checkedin(),
        "limit": 2 * pool.size(),  # `connect` allows as many beyond it
    }


def connect_to_probe(url: str, *, application: str = "ingest") -> sa.Engine:
    """An engine of one session for whoever asks how the server is: it waits for nobody, and not for
    a session of the others.
    """
    return sa.create_engine(
        f"{NAME}://",
        pool_size=1,
        max_overflow=0,
        pool_timeout=PROBE_ANSWERS_WITHIN_S,
        hide_parameters=True,  # as above
        connect_args=_arguments(address.read(url), application)
        | {
            "connect_timeout": str(PROBE_CONNECT_TIMEOUT_S),
            "answers_within_s": PROBE_ANSWERS_WITHIN_S,
        },
    )


def _arguments(where: DatabaseAddress, application: str) -> dict[str, Any]:
    """What a session is made with. What the URL says goes before what we should say."""
    return {
        **_NOTICED,
        "fallback_application_name": application,
        **where.parameters,
        "opening": _opening({**_SETTINGS, **where.settings, **_ALWAYS}),
        "answers_within_s": ANSWERS_WITHIN_S,
        "pooled": where.pooled,
    }


def _opening(settings: Mapping[str, str]) -> bytes:
    """`BEGIN` with settings, in one statement: each `SET` would be one more to answer, and takes no
    list of schemas as it stands.
    """
    return b"BEGIN; SELECT 1" + _configured(settings)


def _configured(settings: Mapping[str, str]) -> bytes:
    """What goes on after another column."""
    said = [sql.SQL("set_config({}, {}, true)").format(*setting) for setting in settings.items()]
    return b", " + sql.SQL(", ").join(said).as_bytes(None)


@dataclass(frozen=True, slots=True)
class _Opening:
    """How a transaction begins: as what, and what follows the settings of all.

    `is_patient`: what the server answers is not bounded in time.
    """

    begin: bytes = b"BEGIN"
    also: bytes = b""
    is_patient: bool = False

    def of(self, usual: bytes) -> bytes:
        """`usual`, which is what `_opening` made, as this."""
        return usual.replace(b"BEGIN", self.begin, 1) + self.also


_DURABLE = _Opening()
_RELAXED = _Opening(also=_configured({"synchronous_commit": "off"}))
# Rows that a policy hides are told as an error and not left out.
_SNAPSHOT = _Opening(
    b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    _configured(
        {
            "statement_timeout": "0",
            "row_security": "off",
            "idle_in_transaction_session_timeout": "0",
        }
    ),
    is_patient=True,
)


@contextmanager
def transaction(
    engine: sa.Engine,
    *,
    durable: bool = True,
    answers_within_s: float | None = None,
    snapshot: bool = False,
) -> Iterator[sa.Connection]:
    """One transaction, committed at the end and rolled back by any exception.

    `durable=False` is for what can be done again after a crash of the server (claims, marks):
    such a commit does not wait for the disk. `answers_within_s` is for whoever is waited for
    himself: a server that is silent for so long is taken to be gone. `snapshot` is for whoever
    reads much: all statements see the database as it was at the first one, none writes, and none
    is bounded in time.
    """
    opening = _SNAPSHOT if snapshot else _DURABLE if durable else _RELAXED
    with translated_errors(), ExitStack() as held:
        connection = _session(held, engine, answers_within_s)
        try:
            _begin(held, connection, opening)
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
            held.close()
            connection = _session(held, engine, answers_within_s)
            _begin(held, connection, opening)
        yield connection


def _session(held: ExitStack, engine: sa.Engine, answers_within_s: float | None) -> sa.Connection:
    connection = held.enter_context(engine.connect())
    if answers_within_s is not None:
        held.enter_context(session_of(connection).answering(answers_within_s))
    return connection


def _begin(held: ExitStack, connection: sa.Connection, opening: _Opening) -> None:
    """Begin a transaction. A session that lay idle is not asked whether it is still there: its
    `BEGIN` tells, and where it is not, nothing was done yet.
    """
    session = session_of(connection)
    usual = session.opening
    session.opening = opening.of(usual)
    try:
        held.enter_context(connection.begin())
    finally:
        session.opening = usual
    if opening.is_patient:
        held.enter_context(session.answering(None))


def patient(connection: sa.Connection) -> AbstractContextManager[None]:
    """Lift the limit of time on what the server answers, for migrations and other long work.

    It holds for the block of a `with`. TCP still notices a host that is gone.
    """
    return session_of(connection).answering(None)


def session_of(connection: sa.Connection) -> PostgresSession:
    """The driver's own connection, for what SQLAlchemy has no words for: COPY."""
    found = connection.connection.driver_connection
    if not isinstance(found, PostgresSession):
        raise TypeError("a connection of another engine than ours")
    return found
