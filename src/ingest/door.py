"""The door for a receiver of one's own: `ingest.enqueue` for this process and its environment."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from ingest.core.answers import Delivery
from ingest.flows.inbox import Inbox, from_call
from ingest.flows.receive import insert_into
from ingest.flows.ringer import Ringer
from ingest.flows.wake import ring
from ingest.wiring import program
from ingest.worker import publish


def enqueue(
    source_type: str, headers: Mapping[str, str], body: bytes, connection_id: str | None
) -> Delivery:
    """Verify and store one request; workers are rung by a thread, so no broker can hold it up."""
    incoming = from_call(source_type, headers, body, connection_id, now=datetime.now(UTC))
    return _inbox(os.getpid()).take(incoming)


@cache
def _inbox(_pid: int) -> Inbox:
    """A forked process makes its own: connections and threads do not survive a fork."""
    parts = program(application="ingest-enqueue")
    parts.require_broker()
    engine = parts.engine
    ringer = Ringer(lambda: ring(engine, publish))
    atexit.register(ringer.close)
    return Inbox(parts.keyring, insert_into(engine), ringer.notify, parts.settings.max_body_bytes)
