"""What stands in the queue and when workers were last heard, in queries that stay cheap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from ingest.store import change_consumers, refusals, sync_parts
from ingest.store.refusals import Count

MOST_COUNTED = 100_000
"""Counting stops here: beyond it, the exact number tells nobody anything."""

# Both statuses have a partial index; neither count reads more than `most` entries of it.
_WAITING = sa.text("""
SELECT (SELECT count(*) FROM (SELECT FROM lightfast_webhook_deliveries
                              WHERE status = 'pending' LIMIT :most) p) AS pending,
       (SELECT count(*) FROM (SELECT FROM lightfast_webhook_deliveries
                              WHERE status = 'dead' LIMIT :most) d) AS dead,
       (SELECT count(*) FROM (SELECT FROM lightfast_lookups LIMIT :most) l) AS look_ups,
       (SELECT count(*) FROM lightfast_connected_sources
        WHERE config_status = 'refused') AS refused
""")
_HEARD = sa.text("""
SELECT queue, CAST(extract(epoch FROM heard_at) AS double precision) AS heard_at_s
FROM lightfast_bells WHERE heard_at IS NOT NULL ORDER BY queue
""")


# Each state has a partial index. Of a connection without a run nothing is expected; one that was
# never synced counts from when it was connected.
_SYNCS = sa.text("""
SELECT (SELECT count(*) FROM lightfast_sync_runs WHERE state = 'waiting') AS waiting,
       (SELECT count(*) FROM lightfast_sync_runs WHERE state = 'running') AS running,
       (SELECT count(*) FROM lightfast_sync_runs WHERE state = 'stopped') AS stopped
""")
_SYNCED = sa.text("""
SELECT CAST(s.source_type AS text) AS source_type, CAST(extract(epoch FROM
         min(coalesce(s.last_synced_at, s.connected_at)) AT TIME ZONE 'UTC') AS double precision)
         AS synced_at_s
FROM lightfast_connected_sources s
WHERE s.is_active AND EXISTS (SELECT FROM lightfast_sync_runs r WHERE r.connection_id = s.id)
GROUP BY 1 ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Gauges:
    """Deliveries by status, what is to be looked up, connections whose token is refused, when each
    queue was last heard, in seconds since 1970, and the messages that were refused.

    syncs: sync runs that have not ended, by state. page_due_s: for how long the oldest page is due,
    0 where none is. synced_at_s: of the active connections of each source, when the one that waits
    longest was last synced (or connected), in seconds since 1970. behind: positions that each
    consumer of the change feed still has before it.
    """

    deliveries: Mapping[str, int]
    look_ups: int
    refused: int
    heard_at_s: Mapping[str, float]
    refused_messages: Sequence[Count] = ()
    syncs: Mapping[str, int] = field(default_factory=dict)
    page_due_s: float = 0.0
    synced_at_s: Mapping[str, float] = field(default_factory=dict)
    behind: Mapping[str, int] = field(default_factory=dict)


def read(conn: sa.Connection) -> Gauges:
    """The queue and the sync runs as they stand, for the metrics.

    Deliveries and look-ups are counted up to `MOST_COUNTED`, so that it stays cheap.
    """
    waiting = conn.execute(_WAITING, {"most": MOST_COUNTED}).one()
    heard = {row.queue: row.heard_at_s for row in conn.execute(_HEARD)}
    deliveries = {"pending": waiting.pending, "dead": waiting.dead}
    next_page_s = sync_parts.next_due_s(conn)
    return Gauges(
        deliveries,
        waiting.look_ups,
        waiting.refused,
        heard,
        tuple(refusals.counts(conn)),
        syncs=dict(conn.execute(_SYNCS).mappings().one()),
        page_due_s=max(-next_page_s, 0.0) if next_page_s is not None else 0.0,
        synced_at_s={row.source_type: row.synced_at_s for row in conn.execute(_SYNCED)},
        behind={one.name: one.behind for one in change_consumers.show(conn)},
    )
