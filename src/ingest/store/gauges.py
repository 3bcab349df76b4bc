"""What stands in the queue and when workers were last heard, in queries that stay cheap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.store import refusals
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


@dataclass(frozen=True, slots=True)
class Gauges:
    """Deliveries by status, what is to be looked up, connections whose token is refused, when each
    queue was last heard, in seconds since 1970, and the messages that were refused.
    """

    deliveries: Mapping[str, int]
    look_ups: int
    refused: int
    heard_at_s: Mapping[str, float]
    refused_messages: Sequence[Count] = ()


def read(conn: sa.Connection) -> Gauges:
    """The queue as it stands, for the metrics.

    Deliveries and look-ups are counted up to `MOST_COUNTED`, so that it stays cheap.
    """
    waiting = conn.execute(_WAITING, {"most": MOST_COUNTED}).one()
    heard = {row.queue: row.heard_at_s for row in conn.execute(_HEARD)}
    deliveries = {"pending": waiting.pending, "dead": waiting.dead}
    refused_messages = tuple(refusals.counts(conn))
    return Gauges(deliveries, waiting.look_ups, waiting.refused, heard, refused_messages)
