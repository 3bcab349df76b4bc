"""What a check-up reads: the server, the sealed secrets, what came in, and who has been heard.

Ages are in seconds and taken by the database's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.store.failures import READ_ONLY, ReadOnly

_SERVER = sa.text("SELECT current_setting('server_version'), clock_timestamp()")
_READ_ONLY = sa.text("""
SELECT pg_is_in_recovery(), CAST(current_setting('default_transaction_read_only') AS boolean),
       CAST(current_setting('transaction_read_only') AS boolean)
""")
_HERE_ALONE = sa.text("SET LOCAL temp_tablespaces = ''")
# Half a megabyte; each row is short enough to stand as it is.
_GROW = sa.text("""
CREATE TEMPORARY TABLE lightfast_room ON COMMIT DROP AS
SELECT repeat('room', 250) AS filled FROM generate_series(1, 500)
""")
# A handshake's token is shown once and then forgotten, so few rows have one.
_SEALED = sa.text("""
SELECT connection_id, kind, secret FROM lightfast_source_credentials
UNION ALL
SELECT connection_id, 'verification_token', token FROM lightfast_handshakes
WHERE token IS NOT NULL
UNION ALL
SELECT name, 'sink', secret FROM lightfast_change_sinks WHERE secret IS NOT NULL
ORDER BY 1, 2
""")
# One probe of the index for each connection: of ten million rows, all would take minutes. A range
# that begins and ends with it: of what is equal the newest might be looked for among all rows.
_RECEIVED = sa.text("""
SELECT s.id AS connection_id, CAST(s.source_type AS text) AS source_type, d.received_at AS last_at
FROM lightfast_connected_sources s CROSS JOIN LATERAL (
  SELECT received_at FROM lightfast_webhook_deliveries
  WHERE connection_id >= s.id AND connection_id <= s.id
  ORDER BY connection_id DESC, id DESC LIMIT 1) d
UNION ALL
SELECT NULL, CAST(source_type AS text), max(received_at)
FROM (SELECT source_type, received_at FROM lightfast_webhook_deliveries
      WHERE connection_id IS NULL ORDER BY connection_id DESC, id DESC LIMIT :newest) d
GROUP BY source_type
""")
# Facts outlive the deliveries that told them.
_HAVE_TOLD = sa.text("""
SELECT id FROM lightfast_connected_sources s
WHERE EXISTS (SELECT FROM lightfast_connection_facts f WHERE f.connection_id = s.id)
""")
_SKIPPED_FOR = sa.text("""
SELECT connection_id, count(*) AS deliveries FROM lightfast_webhook_deliveries
WHERE status = 'skipped' AND starts_with(reason, :reason) AND connection_id IS NOT NULL
GROUP BY connection_id
""")
_BELLS = sa.text("""
SELECT queue, CAST(extract(epoch FROM clock_timestamp() - heard_at) AS double precision),
       CASE WHEN rung_at > heard_at OR heard_at IS NULL
            THEN CAST(extract(epoch FROM clock_timestamp() - rung_at) AS double precision) END
FROM lightfast_bells
""")
_BEAT = sa.text("""
SELECT CAST(extract(epoch FROM clock_timestamp() - max(started_at)) AS double precision)
FROM lightfast_schedule_slots WHERE schedule = :schedule
""")
_OLDEST_DUE = sa.text("""
SELECT CAST(extract(epoch FROM clock_timestamp() - min(next_attempt_at)) AS double precision)
FROM lightfast_webhook_deliveries
WHERE status = 'pending' AND next_attempt_at <= now()
  AND (lease_until IS NULL OR lease_until < now())
""")
_DEAD = sa.text("""
SELECT count(*), count(*) FILTER (WHERE settled_at > now() - make_interval(secs => :recent_s))
FROM (SELECT settled_at FROM lightfast_webhook_deliveries
      WHERE status = 'dead' ORDER BY id DESC LIMIT :most) d
""")
_FAILING = sa.text("""
SELECT connection_id, count(*) AS look_ups, max(last_error) AS last_error,
       CAST(extract(epoch FROM clock_timestamp() - min(asked_at)) AS double precision) AS age_s
FROM lightfast_lookups WHERE last_error IS NOT NULL
GROUP BY connection_id ORDER BY connection_id
""")

SINK = "sink"
"""Whose secret it is that no connection has (`sealed`)."""
MOST_COUNTED = 100_000
"""Looking stops after so many rows: beyond it, the exact number tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Bell:
    """Of a queue: when a worker heard it last, and since when a ring waits to be heard."""

    heard_s: float | None = None
    unheard_s: float | None = None


@dataclass(frozen=True, slots=True)
class Failing:
    """A connection's look-ups that failed at least once, and how long the oldest is asked for."""

    connection_id: str
    look_ups: int
    last_error: str
    age_s: float


def server(conn: sa.Connection) -> tuple[str, datetime]:
    """PostgreSQL's version, and the time there."""
    version, now = conn.execute(_SERVER).one()
    return version, now


def require_writable(conn: sa.Connection) -> None:
    """Raise `ReadOnly` for a server that can be read and not written, and say what makes it so."""
    standby, default, now = conn.execute(_READ_ONLY).one()
    causes = (
        (standby, "it is a standby"),
        (default, "default_transaction_read_only is on"),
        (now, "the transaction is read-only"),
    )
    for holds, cause in causes:
        if holds:
            raise ReadOnly(READ_ONLY.format(cause))


def require_room(conn: sa.Connection) -> None:
    """Raise `DiskFull` for a server whose files cannot grow; a table is made that ends with the
    transaction.
    """
    conn.execute(_HERE_ALONE)
    conn.execute(_GROW)


def sealed(conn: sa.Connection) -> list[tuple[str, str, bytes]]:
    """(connection, kind, encrypted secret) of each secret that is stored, captured tokens too.

    Of a sink its name, and SINK as the kind.
    """
    return [(row[0], row[1], bytes(row[2])) for row in conn.execute(_SEALED)]


def received(conn: sa.Connection) -> dict[tuple[str, str | None], datetime]:
    """When the last delivery came that is kept, by (source type, connection); None is the app-wide
    route, of which the newest `MOST_COUNTED` alone are looked at.
    """
    rows = conn.execute(_RECEIVED, {"newest": MOST_COUNTED})
    return {(row.source_type, row.connection_id): row.last_at for row in rows}


def have_told(conn: sa.Connection) -> frozenset[str]:
    """The connections that ever told of anything, whether or not its delivery is still kept."""
    return frozenset(conn.execute(_HAVE_TOLD).scalars())


def skipped_for(conn: sa.Connection, reason: str) -> dict[str, int]:
    """How many deliveries of each connection were skipped for a reason that begins so."""
    rows = conn.execute(_SKIPPED_FOR, {"reason": reason})
    return {row.connection_id: row.deliveries for row in rows}


def bells(conn: sa.Connection) -> Mapping[str, Bell]:
    """The bells that were ever rung or heard, by queue."""
    return {queue: Bell(heard, unheard) for queue, heard, unheard in conn.execute(_BELLS)}


def beat_s(conn: sa.Connection, schedule: str) -> float | None:
    """How long ago the schedule last ticked; None where it never did, or a day ago."""
    seconds: float | None = conn.execute(_BEAT, {"schedule": schedule}).scalar_one()
    return seconds


def oldest_due_s(conn: sa.Connection) -> float | None:
    """How long the oldest delivery that is due waits to be claimed; None where none is due."""
    seconds: float | None = conn.execute(_OLDEST_DUE).scalar_one()
    return seconds


def dead(conn: sa.Connection, *, recent_s: float) -> tuple[int, int]:
    """How many deliveries are dead, and how many of them died in the last `recent_s` seconds.

    Counts the newest `MOST_COUNTED` at most.
    """
    every, lately = conn.execute(_DEAD, {"most": MOST_COUNTED, "recent_s": recent_s}).one()
    return every, lately


def failing(conn: sa.Connection) -> list[Failing]:
    """The look-ups that failed and are tried again, by connection."""
    return [Failing(*row) for row in conn.execute(_FAILING)]
