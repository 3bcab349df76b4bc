"""Checks the disks: whether PostgreSQL has room to grow, and the data directory of one machine."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ingest.core.errors import TransientError
from ingest.flows.doctor.findings import Finding, failed, fine, note
from ingest.store import health
from ingest.store.engine import DiskFull, transaction

FULL_BYTES, NEARLY_FULL_BYTES = 64 * 2**20, 2**30
_DATABASE = (
    "give the server's disk room (df -h on it; remove what is none of ours, or enlarge it); "
    "`ingest db size` says which tables are large"
)
_HERE = "remove what is none of ours, or enlarge the disk; INGEST_DATA_DIR names another place"


def look_at_room(engine: sa.Engine) -> Iterator[Finding]:
    """Whether the database's files can grow: some are written, and rolled back.

    Nothing is found where that is not permitted, or the database is away.
    """
    try:
        with transaction(engine, durable=False) as conn:
            health.require_room(conn)
    except DiskFull as error:
        yield failed("disk", str(error), _DATABASE)
    except TransientError:
        return
    else:
        yield fine("disk", "PostgreSQL's files can grow")


def look_at_data_dir(directory: str, free_bytes: int) -> Finding:
    """The disk below the services of one machine."""
    said = f"{free_bytes / 2**20:,.0f} MiB are free for the data in {directory}"
    if free_bytes < FULL_BYTES:
        return failed("data directory", f"{said}: PostgreSQL ends where it cannot write", _HERE)
    if free_bytes < NEARLY_FULL_BYTES:
        return note("data directory", said, _HERE)
    return fine("data directory", said)
