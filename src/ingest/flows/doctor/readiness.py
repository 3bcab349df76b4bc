"""Says whether a receiver is ready: the database lets us in, can be written to, has our schema."""

from __future__ import annotations

import sqlalchemy as sa

from ingest.store import health, upgrade
from ingest.store.engine import ReadOnly, transaction


def is_ready(probe: sa.Engine) -> bool:
    """Whether the schema is current; raises `Unavailable` for a database that is away or read-only.

    The session of the last time may be one of a server that was demoted: then a new one is asked. A
    silent server costs the time-outs of one session and of one connect, `probe`'s own
    (`store.engine.connect_to_probe`, docs/decisions/0019). A newer schema that serves this program
    is current (0021).
    """
    try:
        return _ask(probe)
    except ReadOnly:
        probe.dispose()
        return _ask(probe)


def _ask(probe: sa.Engine) -> bool:
    with transaction(probe) as conn:
        health.require_writable(conn)
    return upgrade.is_current(probe)
