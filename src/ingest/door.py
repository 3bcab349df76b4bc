"""What `ingest.enqueue` calls: the way in for programs with a receiver of their own."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from ingest.bell.ring import ring
from ingest.bell.ringer import Ringer
from ingest.core.answers import Delivery
from ingest.core.errors import TooLate
from ingest.flows.receiving.intake import Intake
from ingest.flows.receiving.messages import from_call
from ingest.wiring import program


def enqueue(
    source_type: str, headers: Mapping[str, str], body: bytes, connection_id: str | None
) -> Delivery:
    """Verify and store one request, as `ingest.enqueue` says; raises what that raises.

    For this process's environment, `BadSettings` where that is wrong. Blocks until the commit;
    workers are woken by a thread, so no broker can hold it up.
    """
    incoming = from_call(source_type, headers, body, connection_id, now=datetime.now(UTC))
    try:
        return _intake(os.getpid()).take(incoming)
    except TooLate:
        return Delivery(None, "dropped")


@cache
def _intake(_pid: int) -> Intake:
    """A forked process makes its own: connections and threads do not survive a fork."""
    parts = program(application="ingest-enqueue")
    parts.require_broker()
    engine = parts.engine
    ringer = Ringer(lambda: ring(engine))
    atexit.register(ringer.close)
    return parts.intake(ringer.notify)
