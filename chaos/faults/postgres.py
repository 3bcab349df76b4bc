"""What happens to the database."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from random import Random

import psycopg

from chaos.faults.fault import AT_ONCE
from chaos.site import Site
from ingest.embedded import processes

_HELD_S = (2.0, 6.0)
_LONG_S = (2.0, 18.0)
"""Beyond the lock time-out of the program's sessions now and then."""
_TABLES = (
    "lightfast_docs_documents",
    "lightfast_document_ledger",
    "lightfast_webhook_deliveries",
    "lightfast_lookups",
)
_MOST_SESSIONS = 200
_NAME = "chaos"
_AGAIN_S = 0.1
_END_OTHERS = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name <> '{_NAME}' AND backend_type = 'client backend'
"""  # noqa: S608 - of the constant above


@contextmanager
def restarted(site: Site, _chance: Random) -> Iterator[float]:
    """Immediate: no session is waited for, and what was committed is recovered."""
    pid = processes.read_pid(site.data / "postgres" / "postmaster.pid")
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
    yield AT_ONCE


@contextmanager
def disconnected(site: Site, _chance: Random) -> Iterator[float]:
    """All sessions are ended."""
    _tell(site, _END_OTHERS)
    yield AT_ONCE


@contextmanager
def rows_held(site: Site, chance: Random) -> Iterator[float]:
    """A session holds some of the rows that everybody wants."""
    query = "SELECT FROM lightfast_document_ledger ORDER BY heard_at DESC LIMIT 50 FOR UPDATE"
    with _holding(site, query):
        yield chance.uniform(*_LONG_S)


@contextmanager
def table_held(site: Site, chance: Random) -> Iterator[float]:
    """A session holds a table, as an ALTER TABLE does."""
    with _holding(site, f"LOCK TABLE {chance.choice(_TABLES)} IN ACCESS EXCLUSIVE MODE"):
        yield chance.uniform(*_LONG_S)


@contextmanager
def full(site: Site, chance: Random) -> Iterator[float]:
    """Strangers have all of the sessions, those too that others had."""
    with ExitStack() as held:
        _fill(site, held)
        _tell(site, _END_OTHERS)
        _fill(site, held)
        yield chance.uniform(*_HELD_S)


@contextmanager
def read_only(site: Site, chance: Random) -> Iterator[float]:
    """As a standby that was not promoted yet: every transaction is refused its writes."""
    _tell(site, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    try:
        yield chance.uniform(*_HELD_S)
    finally:
        _tell(site, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


def _fill(site: Site, held: ExitStack) -> None:
    """Take what there is."""
    with suppress(psycopg.OperationalError):
        for _ in range(_MOST_SESSIONS):
            held.enter_context(_session(site))


def _session(site: Site) -> psycopg.Connection:
    return psycopg.connect(
        site.database_url, autocommit=True, connect_timeout=5, application_name=_NAME
    )


@contextmanager
def _holding(site: Site, query: str) -> Iterator[None]:
    with suppress(psycopg.OperationalError), _session(site) as session:
        session.execute("BEGIN")
        session.execute("SET LOCAL lock_timeout = '5s'")
        with suppress(psycopg.errors.LockNotAvailable):
            session.execute(query.encode())
        yield
        return
    yield


def _tell(site: Site, *commands: str) -> None:
    """A server that is down just now is told when it is back."""
    for _ in range(50):
        site.tend()
        with suppress(psycopg.OperationalError), _session(site) as session:
            for command in commands:
                session.execute(command.encode())
            return
        time.sleep(_AGAIN_S)
