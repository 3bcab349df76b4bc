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
from ingest.store import queue_admin, reprocessing

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
    if reprocessing.under_way(conn, before, within_s=LONG_S):
        return Replayed(cursor, {}, waits=True)
    counts: dict[str, Counter[str]] = {}
    for source_type, status, count in reprocessing.became(conn, before):
        outcome = "waiting" if status == "pending" else status
        counts.setdefault(source_type, Counter())[outcome] += count
        counts[source_type]["replayed"] += count
    last = cursor.get("last") or reprocessing.last_delivery(conn)
    after = cursor.get("after_delivery", 0)
    ids = reprocessing.next_deliveries(conn, asked.within, after=after, last=last, limit=limit)
    if ids:
        queue_admin.replay(conn, ids)
        after = ids[-1]
    told: dict[str, JSON] = {"last": last, "after_delivery": after, "under_way": [*ids]}
    return Replayed({**cursor, **told}, counts, ends=not ids, rings=bool(ids))
