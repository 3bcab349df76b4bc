"""Checks retention: whether what was kept long enough is being deleted."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ingest.core.queues import RETAIN_EVERY_S
from ingest.flows.doctor.findings import Finding, fine, note, span
from ingest.flows.doctor.queue import STUCK_S
from ingest.store import health, retention
from ingest.store.engine import transaction

LAGS_S = 86_400.0
"""Over the time for which deliveries are kept: by so much it is worth a word."""
_BEAT = "restart beat and every worker with this version"


def look_at_retention(engine: sa.Engine, keep_days: int) -> Iterator[Finding]:
    """Whether a settled delivery is a day or more over its time; nothing where no beat is heard.

    Raises `TransientError` where the database is away.
    """
    with transaction(engine) as conn:
        beat_s = health.beat_s(conn, "sweep")
        tick_s = health.beat_s(conn, "retain")
        oldest_s = retention.oldest_settled_s(conn)
    if beat_s is not None and beat_s <= STUCK_S:
        yield _retention(keep_days, oldest_s, tick_s)


def _retention(keep_days: int, oldest_s: float | None, tick_s: float | None) -> Finding:
    check, kept = "retention", f"settled deliveries are kept for {keep_days} days"
    if oldest_s is None:
        return fine(check, f"{kept}; there is none")
    said = f"{kept}; the oldest was settled {span(oldest_s)} ago"
    if oldest_s < keep_days * 86_400.0 + LAGS_S:
        return fine(check, said)
    if tick_s is None or tick_s > STUCK_S:
        return note(check, f"{said}, and nothing is deleted", _BEAT)
    every = f"{RETAIN_EVERY_S:.0f} s"
    return note(check, f"{said}; a little is deleted every {every}", "ingest db size")
