"""Checks the sinks of the change feed: whether each is pushed to, and what hinders it."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ingest.flows.doctor.findings import Finding, failed, fine, note, span
from ingest.flows.doctor.queue import STUCK_S
from ingest.store import change_sinks
from ingest.store.change_sinks import SinkShown
from ingest.store.engine import transaction

_RESUME = "see to it; then, or at once: ingest changes sink resume {name}"
_NOBODY = "start a syncer and a beat of this version"


def look_at_sinks(engine: sa.Engine) -> Iterator[Finding]:
    """Each sink, where there are any. Raises `TransientError` where the database is away."""
    with transaction(engine) as conn:
        found = change_sinks.show(conn)
    yield from map(_sink, found)


def _sink(one: SinkShown) -> Finding:
    check, remedy = f"sink {one.name}", _RESUME.format(name=one.name)
    if one.paused:
        why = f": {one.problem}" if one.problem else ""
        return note(check, f"is paused{why}", remedy)
    if one.attempts:
        said = f"failed {one.attempts} times in a row: {one.problem}"
        return failed(check, said, remedy)
    if one.due_s > STUCK_S and not one.is_pushed:
        return failed(check, f"nobody has pushed to it for {span(one.due_s)}", _NOBODY)
    if (rotating := one.options.get("rotating_since")) is not None:
        said = f"signs with two secrets since {rotating}"
        return note(check, said, f"ingest changes sink rotate {one.name} --end")
    since = one.fell_behind_at
    began = f"; fell behind at {since:%Y-%m-%d %H:%M}Z, and got a snapshot" if since else ""
    return fine(check, f"has taken {one.delivered} changes ({one.kind} {one.target}){began}")
