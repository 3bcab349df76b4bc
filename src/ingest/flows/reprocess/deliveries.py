"""A step over raw deliveries: some settled ones are made pending again, and waited for.

The queue is their way, as that of all others: claimed, read by the adapter of today, settled. No
more of them wait there at a time than a claim takes, so that what comes in meanwhile is behind few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.core.values import JSON
from ingest.flows.reprocess.asked import ReprocessRequest
from ingest.sources.registry import all_sources
from ingest.store import queue_admin, reprocess_deliveries, reprocessing
from ingest.store.reprocess_deliveries import Which
from ingest.store.reprocessing import Within

STEP_DELIVERIES = 200
LONG_S = 30.0
"""What is due no sooner waits for a look-up or a paused connection, and is not waited for."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a step came to: where the next one begins, what became of those of the step before.

    waits: those are under way still, so that nothing was done. rings: some are pending now.
    """

    cursor: Mapping[str, JSON]
    counts: Mapping[str, Counter[str]]
    ends: bool = False
    waits: bool = False
    rings: bool = False


def which(conn: sa.Connection, within: Within) -> Which:
    """Which deliveries a run replays.

    Those of sources that are installed: of another one they would end dead. Of a store or a
    connection those of its connections' own routes, and of the app-wide route those that were told
    to one of them or name what it stands for.
    """
    narrowed = within.connection is not None or within.store is not None
    of = reprocessing.connections_of(conn, within) if narrowed else None
    sources = [name for name in all_sources() if within.source in {None, name}]
    return Which(sources, of, within.since, within.until)


def replay_some(
    conn: sa.Connection,
    asked: ReprocessRequest,
    cursor: Mapping[str, Any],
    *,
    limit: int = STEP_DELIVERIES,
) -> Replayed:
    """Make the next settled deliveries pending once more, unless the last ones still are.

    In the caller's transaction, which notes the cursor. What comes in after the run began is none
    of it: it is read by the code of today anyhow.
    """
    before: Sequence[int] = cursor.get("under_way", ())
    if reprocess_deliveries.under_way(conn, before, within_s=LONG_S):
        return Replayed(cursor, {}, waits=True)
    counts: dict[str, Counter[str]] = {}
    for source_type, status, count in reprocess_deliveries.became(conn, before):
        outcome = "waiting" if status == "pending" else status
        counts.setdefault(source_type, Counter())[outcome] += count
        counts[source_type]["replayed"] += count
    last = cursor.get("last") or reprocess_deliveries.last_delivery(conn)
    following = reprocess_deliveries.next_deliveries(
        conn,
        which(conn, asked.within),
        after=cursor.get("after_delivery", 0),
        last=last,
        limit=limit,
    )
    ids = [*following.ids]
    if ids:
        queue_admin.replay(conn, ids)
    told: dict[str, JSON] = {"last": last, "after_delivery": following.until, "under_way": [*ids]}
    ends = following.ends and not ids
    return Replayed({**cursor, **told}, counts, ends=ends, rings=bool(ids))
