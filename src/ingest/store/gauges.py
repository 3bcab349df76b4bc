"""What whoever watches an installation wants to know of the database, in queries that stay cheap.

`read` costs a few milliseconds beside a short queue, `read_costly` looks at more rows and is to be
asked once a minute at most. Ages and times are the database's own. Both give samples by name: the
values of the labels, in the order that `web.database_metrics` names them, and the figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ingest.core.queues import FETCH_QUEUE, INGEST_QUEUE, SYNC_QUEUE
from ingest.store import change_consumers, lookup_counts, refusals
from ingest.store.heartbeats import RECEIVER
from ingest.store.reasons import PARKED, PAUSED

MOST_COUNTED = 100_000
"""Counting stops here: beyond it, the exact number tells nobody anything."""
NEWEST = 10_000
"""Among so many of the newest deliveries conflicts are looked for: no index has them."""
MINUTE_S, HOUR_S = 60.0, 3_600.0

Samples = Sequence[tuple[tuple[str, ...], float]]
Gauges = Mapping[str, Samples]

# By index, the longest due first: what is cut off at `most` is the newest. What waits for a look-up
# or a paused connection is no backlog of a worker's.
_DELIVERIES = """
SELECT CAST(source_type AS text) AS source, state, items,
       CAST(extract(epoch FROM now() - due_at) AS double precision) AS due_s, 0 AS failing
FROM (
  SELECT source_type, state, count(*) AS items, min(next_attempt_at) AS due_at
  FROM (
    SELECT source_type, next_attempt_at,
           CASE WHEN lease_until >= now() THEN 'claimed' WHEN next_attempt_at <= now() THEN 'due'
                WHEN last_error = :parked THEN 'looked_up' WHEN last_error = :paused THEN 'paused'
                ELSE 'waiting' END AS state
    FROM lightfast_webhook_deliveries WHERE status = 'pending'
    ORDER BY next_attempt_at, id LIMIT :most) d
  GROUP BY source_type, state) e
"""
# Of a connection that is paused, or told to wait, none may be claimed, however long it is due.
_HINDERED = """CASE WHEN NOT s.is_active THEN 'paused' WHEN w.claimed THEN 'claimed'
              WHEN c.held_until > now() OR (w.background AND c.rests_until > now()) THEN 'held'
              WHEN w.due_at <= now() THEN 'due' ELSE 'waiting' END"""
_OF_CONNECTIONS = f"""
SELECT source, state, count(*) AS items, max(due_s) AS due_s, sum(failing) AS failing FROM (
  SELECT CAST(s.source_type AS text) AS source, {_HINDERED} AS state, w.failing,
         CAST(extract(epoch FROM now() - w.due_at) AS double precision) AS due_s
  FROM work w JOIN lightfast_connected_sources s ON s.id = w.connection_id
  LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id) d
GROUP BY source, state
"""
_LOOK_UPS = f"""
WITH work AS (
  SELECT connection_id, background, next_attempt_at AS due_at,
         coalesce(lease_until >= now(), false) AS claimed,
         CAST(last_error IS NOT NULL AS integer) AS failing
  FROM lightfast_lookups LIMIT :most)
{_OF_CONNECTIONS}
"""
_PAGES = f"""
WITH work AS (
  SELECT r.connection_id, false AS background, p.next_attempt_at AS due_at,
         coalesce(p.lease_until >= now(), false) AS claimed,
         CAST(p.attempts > 1 AS integer) AS failing
  FROM lightfast_sync_parts p JOIN lightfast_sync_runs r ON r.id = p.run_id
  WHERE p.state = 'due' AND r.state = 'running' AND (p.resource <> 'end' OR NOT EXISTS (
    SELECT FROM lightfast_sync_parts o
    WHERE o.run_id = p.run_id AND o.resource <> 'end' AND o.state = 'due'))
  LIMIT :most)
{_OF_CONNECTIONS}
"""
_QUEUES: Mapping[str, str] = {
    INGEST_QUEUE: _DELIVERIES,
    FETCH_QUEUE: _LOOK_UPS,
    SYNC_QUEUE: _PAGES,
}

# By the name of the sample: labels first, the figure last. Each reads an index of few rows, or one
# row for each connection.
_CHEAP: Mapping[str, str] = {
    "heard_at": """
SELECT queue, extract(epoch FROM heard_at) FROM lightfast_bells WHERE heard_at IS NOT NULL
""",
    "ticked_at": """
SELECT extract(epoch FROM started_at) FROM lightfast_schedule_slots
WHERE schedule = 'sweep' ORDER BY slot DESC LIMIT 1
""",
    "receiver_at": """
SELECT extract(epoch FROM beat_at) FROM lightfast_heartbeats WHERE name = :receiver
""",
    "dead": """
SELECT CAST(source_type AS text), count(*) FROM (
  SELECT source_type FROM lightfast_webhook_deliveries WHERE status = 'dead' LIMIT :most) d
GROUP BY 1
""",
    "connections": """
SELECT CAST(s.source_type AS text),
       CASE WHEN s.config_status IN ('refused', 'disconnected') THEN s.config_status
            WHEN NOT s.is_active THEN 'paused' WHEN c.held_until > now() THEN 'held'
            ELSE 'active' END, count(*)
FROM lightfast_connected_sources s
LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id
GROUP BY 1, 2
""",
    "documents": """
SELECT CAST(source_type AS text), sum(document_count) FROM lightfast_connected_sources GROUP BY 1
""",
    "syncs": """
SELECT CAST(s.source_type AS text), r.state, count(*) FROM lightfast_sync_runs r
JOIN lightfast_connected_sources s ON s.id = r.connection_id
WHERE r.state IN ('waiting', 'running', 'stopped') GROUP BY 1, 2
""",
    # Of a connection without a run nothing is expected; one that was never synced counts from when
    # it was connected.
    "synced_at": """
SELECT CAST(s.source_type AS text),
       extract(epoch FROM min(coalesce(s.last_synced_at, s.connected_at)) AT TIME ZONE 'UTC')
FROM lightfast_connected_sources s
WHERE s.is_active AND EXISTS (SELECT FROM lightfast_sync_runs r WHERE r.connection_id = s.id)
GROUP BY 1
""",
}

# What ended of late, by the index that retention has; the dead are in another.
_ENDED = """
ended AS (
  SELECT source_type AS source, status,
         CAST(extract(epoch FROM settled_at - received_at) AS double precision) AS seconds
  FROM ((SELECT source_type, status, settled_at, received_at FROM lightfast_webhook_deliveries
         WHERE status IN ('processed', 'skipped', 'duplicate')
           AND settled_at > now() - make_interval(secs => :minute_s)
         ORDER BY settled_at DESC LIMIT :most)
        UNION ALL
        (SELECT source_type, status, settled_at, received_at FROM (
           SELECT source_type, status, settled_at, received_at FROM lightfast_webhook_deliveries
           WHERE status = 'dead' ORDER BY id DESC LIMIT :newest) n
         WHERE settled_at > now() - make_interval(secs => :minute_s))) d)
"""
_RUNS_ENDED = """
ended AS MATERIALIZED (
  SELECT r.id, r.state, CAST(s.source_type AS text) AS source FROM lightfast_sync_runs r
  JOIN lightfast_connected_sources s ON s.id = r.connection_id
  WHERE r.finished_at > now() - make_interval(secs => :hour_s) LIMIT :most)
"""
_COSTLY: Mapping[str, str] = {
    "settled": f"WITH {_ENDED} SELECT source, status, count(*) FROM ended GROUP BY 1, 2",
    "visible_s": f"""
WITH {_ENDED}
SELECT source, t.percentile, greatest(t.seconds, 0) FROM (
  SELECT source, percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds) AS found
  FROM ended WHERE status = 'processed' GROUP BY source) d
CROSS JOIN LATERAL unnest(ARRAY['50', '95', '99'], d.found) t(percentile, seconds)
""",
    "conflicting": """
SELECT CAST(source_type AS text), count(*) FROM (
  SELECT source_type, conflicting FROM lightfast_webhook_deliveries
  ORDER BY id DESC LIMIT :newest) d
WHERE conflicting GROUP BY 1
""",
    "syncs_ended": f"WITH {_RUNS_ENDED} SELECT source, state, count(*) FROM ended GROUP BY 1, 2",
    "synced": f"""
WITH {_RUNS_ENDED}
SELECT d.source, t.what, sum(t.objects) FROM ended d
JOIN lightfast_sync_parts p ON p.run_id = d.id
CROSS JOIN LATERAL (VALUES ('seen', p.seen), ('changed', p.changed), ('deleted', p.deleted),
                           ('failed', p.errors)) t(what, objects)
GROUP BY 1, 2
""",
    "size": "SELECT pg_database_size(current_database())",
}
_BINDS: Mapping[str, object] = {
    "most": MOST_COUNTED,
    "newest": NEWEST,
    "minute_s": MINUTE_S,
    "hour_s": HOUR_S,
    "parked": PARKED,
    "paused": PAUSED,
    "receiver": RECEIVER,
}


def read(conn: sa.Connection) -> Gauges:
    """How queues, connections, sync runs and consumers of the change feed stand.

    Deliveries, look-ups and pages are counted up to `MOST_COUNTED` each.
    """
    found = _all(conn, _CHEAP)
    consumers = change_consumers.show(conn)
    return {
        **found,
        **_work(conn),
        "behind": [((one.name,), one.behind) for one in consumers],
        "lag_s": [((one.name,), max(one.lag_s, 0.0)) for one in consumers],
        **_look_ups(conn),
        "refused_messages": [
            ((one.source_type, one.answer), one.seen) for one in refusals.counts(conn)
        ],
    }


def read_costly(conn: sa.Connection) -> Gauges:
    """What ended of late, and how large the database is; up to some 100 ms on a busy one."""
    return _all(conn, _COSTLY)


def _all(conn: sa.Connection, statements: Mapping[str, str]) -> dict[str, Samples]:
    return {name: list(_samples(_rows(conn, text))) for name, text in statements.items()}


def _samples(rows: Iterable[Any]) -> Iterator[tuple[tuple[str, ...], float]]:
    for row in rows:
        yield tuple(map(str, row[:-1])), float(row[-1])


def _rows(conn: sa.Connection, text: str) -> Iterable[Any]:
    statement = sa.text(text)
    return conn.execute(statement, {name: _BINDS[name] for name in statement.compile().params})


def _look_ups(conn: sa.Connection) -> dict[str, Samples]:
    """Times as a histogram: the last label is the longest of a class, which counts what is below it
    too; and their sums.
    """
    found = lookup_counts.read(conn)
    return {
        "look_up_times": [
            ((one.source_type, one.outcome, str(within_s)), many)
            for one in found
            for within_s, many in one.buckets
        ],
        "look_up_seconds": [((one.source_type, one.outcome), one.seconds) for one in found],
    }


def _work(conn: sa.Connection) -> dict[str, Samples]:
    """What is to be done, of all queues alike: by state, the longest due, and what failed."""
    items: list[tuple[tuple[str, ...], float]] = []
    due: list[tuple[tuple[str, ...], float]] = []
    failing: list[tuple[tuple[str, ...], float]] = []
    for queue, text in _QUEUES.items():
        failed: dict[str, float] = {}
        for source, state, count, due_s, failures in _rows(conn, text):
            items.append(((queue, source, state), float(count)))
            failed[source] = failed.get(source, 0.0) + float(failures)
            if state == "due":
                due.append(((queue, source), due_s))
        if queue != INGEST_QUEUE:
            failing += [((queue, source), figure) for source, figure in failed.items()]
    return {"items": items, "due_s": due, "failing": failing}
