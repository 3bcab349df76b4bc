"""Checks the change feed: how far each consumer is behind, and who fell out of it."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ingest.flows.doctor.findings import Finding, fine, note, span
from ingest.store import change_consumers, change_sinks
from ingest.store.change_consumers import ConsumerShown
from ingest.store.engine import transaction

SLOW_S = 3_600.0
"""Behind by so much it is worth a word: what is told is kept for days."""


def look_at_changes(engine: sa.Engine) -> Iterator[Finding]:
    """A finding for each consumer that is no sink. Raises `TransientError` where the database is
    away.
    """
    with transaction(engine) as conn:
        pushed = {one.name for one in change_sinks.show(conn)}
        found = [one for one in change_consumers.show(conn) if one.name not in pushed]
    if not found:
        yield fine("change feed", "nobody reads it by name")
    for one in found:
        yield _consumer(one)


def _consumer(one: ConsumerShown) -> Finding:
    check = "change feed"
    remedy = f"start its reader, or: ingest changes forget {one.name}"
    if one.fell_behind:
        said = f"consumer {one.name} fell behind what is kept; it begins with a snapshot"
        return note(check, said, remedy)
    stage = " (in its snapshot)" if one.snapshot else ""
    said = f"consumer {one.name} is {one.behind} positions behind{stage}"
    if one.behind and one.lag_s > SLOW_S:
        return note(check, f"{said}, for {span(one.lag_s)}", remedy)
    return fine(check, said)
