"""The SQL of retention: what was kept long enough goes, in small steps, the oldest first.

Law: a delivery that is pending or dead is never among it. What an idempotent ingestion remembers
(events, facts, times that nobody signs, the ledger) is of other tables, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

STEP_ROWS, STEP_BYTES = 500, 32 * 2**20
"""Of one step; a body of 25 MiB is thirteen thousand rows for PostgreSQL."""
MOST_COUNTED = 100_000
"""Counting what is old stops here: it is looked at row by row."""

SETTLED = "status IN ('processed', 'skipped', 'duplicate')"
_OLD = "settled_at < now() - make_interval(days => :keep_days)"

# By the partial index on `settled_at`. It begins where the last step ended: the entries of deleted
# rows stay in an index as long as somebody's snapshot is older, and would be walked over again.
# Who replays a row at this moment holds it, so it is left to him. Of a step's rows as many go as
# fit in its bytes, and one at least; the size of a body is known without reading it.
_DELETE = sa.text(f"""
WITH step AS (
  SELECT id, settled_at, octet_length(body) AS size FROM lightfast_webhook_deliveries
  WHERE {SETTLED} AND {_OLD} AND (CAST(:after AS timestamptz) IS NULL OR settled_at >= :after)
  ORDER BY settled_at LIMIT :rows FOR UPDATE SKIP LOCKED
), fitting AS (
  SELECT id, settled_at FROM (
    SELECT id, settled_at, size,
           sum(size) OVER (ORDER BY settled_at, id ROWS UNBOUNDED PRECEDING) - size AS before
    FROM step) s
  WHERE before < :bytes
), deleted AS (
  DELETE FROM lightfast_webhook_deliveries d USING fitting f WHERE d.id = f.id
)
SELECT count(*), max(settled_at) FROM fitting
""")
# Nobody looks anything up for a source that is disconnected; one that is resumed reads all anew.
_DELETE_STATES = sa.text("""
DELETE FROM lightfast_lookup_states t WHERE (connection_id, object) IN (
  SELECT l.connection_id, l.object
  FROM lightfast_connected_sources s
  JOIN lightfast_lookup_states l ON l.connection_id = s.id
  WHERE s.config_status = 'disconnected' LIMIT :rows FOR UPDATE OF l SKIP LOCKED)
""")
_OLDEST = sa.text(f"""
SELECT CAST(extract(epoch FROM clock_timestamp() - settled_at) AS double precision)
FROM lightfast_webhook_deliveries
WHERE {SETTLED} AND settled_at IS NOT NULL ORDER BY settled_at LIMIT 1
""")
_DUE = sa.text(f"""
SELECT count(*), coalesce(sum(octet_length(body)), 0)
FROM (SELECT body FROM lightfast_webhook_deliveries
      WHERE {SETTLED} AND {_OLD} ORDER BY settled_at LIMIT :most) d
""")


@dataclass(frozen=True, slots=True)
class Due:
    """What is older than it has to be: rows, and the bytes of their bodies.

    `more` says that counting stopped at `MOST_COUNTED`.
    """

    deliveries: int
    body_bytes: int

    @property
    def more(self) -> bool:
        """Whether there may be more than was counted."""
        return self.deliveries >= MOST_COUNTED


def delete_settled(
    conn: sa.Connection,
    *,
    keep_days: int,
    after: datetime | None = None,
    rows: int = STEP_ROWS,
    size: int = STEP_BYTES,
) -> tuple[int, datetime | None]:
    """One step: delete the deliveries that were settled longest ago, over `keep_days` days.

    How many, and when the last of them was settled, which is `after` of the next step. At most
    `rows`, and as many as fit in `size` bytes of bodies (one at least). A row that somebody else
    has locked is left out.
    """
    given = {"keep_days": keep_days, "after": after, "rows": rows, "bytes": size}
    deleted, last = conn.execute(_DELETE, given).one()
    return deleted, last


def delete_states(conn: sa.Connection, *, rows: int = STEP_ROWS) -> int:
    """One step: delete what look-ups of disconnected sources left; how many there were."""
    return conn.execute(_DELETE_STATES, {"rows": rows}).rowcount


def oldest_settled_s(conn: sa.Connection) -> float | None:
    """How long ago the oldest settled delivery that is no dead one was settled; None for none."""
    seconds: float | None = conn.execute(_OLDEST).scalar()
    return seconds


def due(conn: sa.Connection, *, keep_days: int) -> Due:
    """What retention has before it; the bodies are not read."""
    return Due(*conn.execute(_DUE, {"keep_days": keep_days, "most": MOST_COUNTED}).one())
