"""Checks the syncs: whether each connection that can be listed is, and which run waits for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.flows.doctor.findings import Finding, failed, fine, note, span
from ingest.sources.listing import Listing
from ingest.sources.registry import all_sources
from ingest.store import connections, heartbeats, sync_runs
from ingest.store.connections import Connection
from ingest.store.engine import transaction
from ingest.store.sync_runs import FAILED, RUNNING, STOPPED, WAITING

LATE = 4.0
"""Intervals without a run that ended well, before that is worth a word."""

_Run = Mapping[str, Any]


def look_at_syncs(engine: sa.Engine) -> Iterator[Finding]:
    """A finding for each connection that is active and can be listed.

    Raises `TransientError` where the database is away.
    """
    with transaction(engine) as conn:
        listed = _listed(conn)
        runs = sync_runs.latest(conn, [one.id for one in listed])
        now = heartbeats.now(conn)
    for one in listed:
        own = [run for run in runs if run["connection_id"] == one.id]
        yield _standing(one, own, now)


def _listed(conn: sa.Connection) -> list[Connection]:
    """Active connections with a token, of sources that are listed."""
    able = connections.by_id(conn, [row["id"] for row in connections.listing(conn)]).values()
    return [one for one in able if one.is_active and one.has_token and _listing(one) is not None]


def _listing(connection: Connection) -> Listing | None:
    found = all_sources().get(connection.source_type)
    return found.listing if found is not None else None


def _standing(connection: Connection, runs: Sequence[_Run], now: datetime) -> Finding:
    check = f"{connection.source_type} {connection.name!r}: sync"
    again = f"ingest sync {connection.id} --full --wait"
    if not runs:
        return note(check, "it was never listed: what was there before is missing", again)
    stopped = next((run for run in runs if run["state"] == STOPPED), None)
    if stopped is not None:
        remedy = f"ingest sync show {stopped['id']}; then: ingest sync --confirm {stopped['id']}"
        return failed(check, f"run {stopped['id']} waits for a person: {stopped['reason']}", remedy)
    newest = max(runs, key=lambda run: int(run["id"]))
    ago_s = (now - (newest["finished_at"] or newest["requested_at"])).total_seconds()
    if newest["state"] == FAILED:
        said = f"run {newest['id']} failed {span(ago_s)} ago: {newest['reason']}"
        return failed(check, said, f"mend what it names; then: {again}")
    listing = _listing(connection)
    late = listing is not None and ago_s > LATE * listing.incremental_s
    return _in_time(check, newest, ago_s, late=late)


def _in_time(check: str, newest: _Run, ago_s: float, *, late: bool) -> Finding:
    if newest["state"] == RUNNING:
        return fine(check, f"run {newest['id']} ({newest['kind']}) is on its way")
    waits = newest["state"] == WAITING
    said = f"run {newest['id']} {'waits for its turn since' if waits else 'ended'} {span(ago_s)}"
    said = said if waits else f"{said} ago"
    return note(check, said, "are beat and a syncer running?") if late else fine(check, said)
