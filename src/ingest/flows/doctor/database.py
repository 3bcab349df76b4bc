"""Checks the database: reachable, writable, new enough, with our schema, and a clock like ours;
and whether a legacy one is half on its way over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import sqlalchemy as sa

from ingest.core.errors import IngestError, TransientError
from ingest.flows.doctor.findings import Finding, failed, fine, note, unreachable
from ingest.flows.doctor.legacy import look_at_legacy
from ingest.sources.registry import source_types
from ingest.store import health, upgrade
from ingest.store.engine import ReadOnly, transaction

CLOCKS_APART_S = 30.0
"""Providers' times are believed for minutes; what is off by this much will soon be off by more."""
CLOCKS_NOTED_S = 2.0
_WRITABLE = "promote it, ALTER SYSTEM RESET default_transaction_read_only, or name the primary"
_UPGRADE = "ingest db upgrade"
_ANOTHER = f"let DATABASE_URL name a database that fits, then: {_UPGRADE}"


def look_at_database(
    engine: sa.Engine, probe: sa.Engine, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """The database's checks; where one failed but that of the clock, nothing in it can be read.

    `probe` is asked first, which waits for nobody (`store.engine.connect_to_probe`). `now` is this
    machine's clock, in UTC.
    """
    try:
        with transaction(probe) as conn:
            health.require_writable(conn)
        with transaction(engine) as conn:
            before = now()
            version, there = health.server(conn)
            after = now()
        behind = upgrade.check(engine, source_types())
    except ReadOnly as error:
        yield failed("database", str(error), _WRITABLE)
        return
    except TransientError as error:
        remedy = "start PostgreSQL, or let DATABASE_URL name the one that runs"
        yield unreachable("database", str(error), remedy)
        return
    except IngestError as error:
        yield failed("database", str(error), _UPGRADE)
        return
    yield fine("database", f"PostgreSQL {version.split()[0]} answers, and can be written to")
    yield _clocks((there - before - (after - before) / 2).total_seconds())
    if not behind:
        yield fine("schema", f"current ({upgrade.standing(engine)})")
    for line in behind:
        said = line.removesuffix(f": run `{_UPGRADE}`")
        yield failed("schema", said, _UPGRADE if said != line else _ANOTHER)
    yield from look_at_legacy(engine)


def _clocks(apart_s: float) -> Finding:
    ahead = "ahead of" if apart_s > 0 else "behind"
    said = f"the database's clock is {abs(apart_s):.1f} s {ahead} this machine's"
    if abs(apart_s) > CLOCKS_APART_S:
        return failed("clock", said, "timedatectl set-ntp true (on the machine that is wrong)")
    return note("clock", said) if abs(apart_s) > CLOCKS_NOTED_S else fine("clock", said)
