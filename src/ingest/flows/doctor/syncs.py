"""Checks the syncs: whether each connection that can be listed is, and which run waits for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.flows.doctor.findings import Finding, failed, fine, note, span
from ingest.flows.syncs.hindrance import waits_for
from ingest.sources.listing import Listing
from ingest.sources.registry import all_sources
from ingest.store import connections, heartbeats, sync_runs, sync_schedules
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
        ids = [one.id for one in listed]
        runs = sync_runs.latest(conn, ids)
        every_s = sync_schedules.of_each(conn, ids)
        waits = {run["id"]: waits_for(conn, run["id"]) for run in runs if not _is_over(run)}
        now = heartbeats.now(conn)
    for one in listed:
        own = [run for run in runs if run["connection_id"] == one.id]
        yield _standing(one, own, waits, _late_s(one, every_s.get(one.id)), now)


def _listed(conn: sa.Connection) -> list[Connection]:
    """Active connections with a token, of sources that are listed."""
    able = connections.by_id(conn, [row["id"] for row in connections.listing(conn)]).values()
    return [one for one in able if one.is_active and one.has_token and _listing(one) is not None]


def _listing(connection: Connection) -> Listing | None:
    found = all_sources().get(connection.source_type)
    return found.listing if found is not None else None


def _late_s(connection: Connection, own_s: int | None) -> float:
    """How long after its last run a connection is late."""
    listing = _listing(connection)
    return LATE * (own_s or (listing.incremental_s if listing is not None else 0.0))


def _standing(
    connection: Connection,
    runs: Sequence[_Run],
    waits: Mapping[int, str | None],
    late_s: float,
    now: datetime,
) -> Finding:
    check = f"{connection.source_type} {connection.name!r}: sync"
    again = f"ingest sync {connection.id} --full --wait"
    if not runs:
        return note(check, "it was never listed: what was there before is missing", again)
    stopped = next((run for run in runs if run["state"] == STOPPED), None)
    if stopped is not None:
        remedy = f"ingest sync show {stopped['id']}; then: ingest sync --confirm {stopped['id']}"
        return failed(check, f"run {stopped['id']} waits for a person: {stopped['reason']}", remedy)
    newest = max(runs, key=lambda run: int(run["id"]))
    broken = _broken(runs, newest)
    if broken is not None:
        said = f"run {broken['id']} ({broken['kind']}) failed {span(_ago_s(broken, now))} ago"
        return failed(check, f"{said}: {broken['reason']}", f"mend what it names; then: {again}")
    return _in_time(check, newest, waits.get(newest["id"]), late_s, now)


def _broken(runs: Sequence[_Run], newest: _Run) -> _Run | None:
    """The run that failed last, and that no other has made good since: an incremental one that ends
    well after a full one says nothing of what only that lists.
    """
    whole = next((run for run in runs if run["kind"] != "incremental"), None)
    return next(
        (run for run in (newest, whole) if run is not None and run["state"] == FAILED), None
    )


def _is_over(run: _Run) -> bool:
    return run["state"] not in {RUNNING, WAITING}


def _ago_s(run: _Run, now: datetime) -> float:
    at: datetime = run["finished_at"] or run["requested_at"]
    return (now - at).total_seconds()


def _in_time(
    check: str, newest: _Run, hindrance: str | None, late_s: float, now: datetime
) -> Finding:
    ago_s = _ago_s(newest, now)
    is_late = ago_s > late_s
    since = span(ago_s)
    if _is_over(newest):
        said = f"run {newest['id']} ended {since} ago"
        return note(check, said, "is beat running?") if is_late else fine(check, said)
    what = "is on its way" if newest["state"] == RUNNING else "waits for its turn"
    said = f"run {newest['id']} ({newest['kind']}) {what} since {since}"
    if hindrance is None:
        return fine(check, said)
    return note(check, f"{said}; it waits for {hindrance}", f"ingest sync show {newest['id']}")
