"""Says which connections are due for a run, and has it wait for its turn.

Law: what is due follows from the rows alone, so a tick that was missed is made up by the next one,
and two beats ask for a run once: the connection is locked, and read again, before its run is asked
for. A run that failed, or that somebody cancelled, is followed by the next one at its regular time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from ingest.core.queues import PLAN_EVERY_S, SYNC_QUEUE
from ingest.flows.syncs.request import Kind, request_sync
from ingest.sources.listing import Listing
from ingest.sources.registry import all_sources
from ingest.store import connections, heartbeats, schedule, sync_plans
from ingest.store.engine import transaction
from ingest.store.sync_plans import SyncHistory
from ingest.store.sync_runs import CANCELLED

log = structlog.get_logger(__name__)

Ring = Callable[[str], object]
"""Wakes a worker of the named queue (`bell.ring`); never raises for a broker that is away."""

ASKED_BY = "the schedule"
MOST_PLANNED = 200
"""Runs that one tick asks for; the others are due at the next one still."""
DAY_S = 86_400
NIGHT_FROM_S, NIGHT_TO_S = 1 * 3_600, 6 * 3_600
"""Of a day in UTC: when full runs begin, where they are so many whole days apart."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plan_syncs(engine: sa.Engine, ring: Ring) -> int:
    """Ask for the runs that are due; how many. None where this tick was another beat's.

    A tick is PLAN_EVERY_S long. `ring` is called after the commit. Raises `TransientError` where
    the database is away: then the tick is nobody's yet.
    """
    with transaction(engine) as conn:
        if not schedule.take_slot(conn, "plan", every_s=PLAN_EVERY_S):
            return 0
        planned = plan_due(conn)
    if planned:
        log.info("syncs_planned", runs=planned)
        ring(SYNC_QUEUE)
    return planned


def plan_due(conn: sa.Connection) -> int:
    """Ask for the runs that are due, whosever tick it is; how many."""
    listings = {name: s.listing for name, s in all_sources().items() if s.listing is not None}
    now = heartbeats.now(conn)
    found = _due(sync_plans.histories(conn, listings), listings, now)[:MOST_PLANNED]
    if not found:
        return 0
    locked = sync_plans.lock(conn, [connection_id for connection_id, _ in found])
    still = _due(sync_plans.histories(conn, listings, locked), listings, now)
    read = connections.by_id(conn, [connection_id for connection_id, _ in still])
    for connection_id, kind in still:
        request_sync(conn, read[connection_id], kind=kind, asked_by=ASKED_BY)
    return len(still)


def _due(
    histories: Sequence[SyncHistory], listings: Mapping[str, Listing], now: datetime
) -> list[tuple[str, Kind]]:
    judged = [(one, due_kind(one, listings[one.source_type], now)) for one in histories]
    return [(one.connection_id, kind) for one, kind in judged if kind is not None]


def due_kind(history: SyncHistory, listing: Listing, now: datetime) -> Kind | None:
    """The run that a connection is due for by now, and None for none. Pure.

    full: its moment (`last_moment`) has come since it was connected and since its last run that
    lists all was asked for, begun and ended: the moment that passes beneath such a run is that
    run's. incremental: so long after its last run of any kind was asked for, or begun. It goes on
    from what was complete once: a connection of which nothing was, or whose first whole run was
    cancelled half way, waits for its full run. A schedule of 0 seconds or less is never.
    """
    full_s = listing.full_s if history.full_s is None else history.full_s
    moment = last_moment(history.connection_id, full_s, now)
    whole_at = max(filter(None, (history.connected_at, history.whole_at)))
    if moment is not None and whole_at < moment:
        return "full"
    every_s = listing.incremental_s if history.incremental_s is None else history.incremental_s
    if every_s <= 0 or not _goes_on(history, listing):
        return None
    since = history.asked_at
    is_due = since is None or now - since >= timedelta(seconds=every_s)
    return "incremental" if is_due else None


def _goes_on(history: SyncHistory, listing: Listing) -> bool:
    """Whether an incremental run would begin where others ended. A list that failed is tried again
    with the others; one that a new version brings is listed whole.
    """
    if history.whole_state != CANCELLED:
        return bool(history.listed)
    return {*history.listed} >= {resource.name for resource in listing.resources}


def last_moment(connection_id: str, full_s: float, now: datetime) -> datetime | None:
    """The last moment, now or before, at which the connection's full run is to begin; None: never.

    Its own, by a hash of its id, so that runs are spread: where `full_s` is a number of whole days,
    within the night (01:00 to 06:00 UTC) of one of them; else anywhere in the period.
    """
    if full_s <= 0:
        return None
    days, rest_s = divmod(full_s, DAY_S)
    drawn = hashlib.sha256(connection_id.encode()).digest()
    share = int.from_bytes(drawn[:8], "big") / 2**64
    offset_s = share * full_s
    if not rest_s:
        day = int.from_bytes(drawn[8:16], "big") % int(days)
        offset_s = day * DAY_S + NIGHT_FROM_S + share * (NIGHT_TO_S - NIGHT_FROM_S)
    periods = ((now - _EPOCH).total_seconds() - offset_s) // full_s
    return _EPOCH + timedelta(seconds=periods * full_s + offset_s)
