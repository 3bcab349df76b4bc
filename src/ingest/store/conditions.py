"""How providers treat connections: refused, or asked to wait for a while."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from ingest.store.connections import DISCONNECTED

# A connection that a person paused or disconnected stays so.
_PAUSE = sa.text("""
UPDATE lightfast_connected_sources
SET is_active = false, config_status = 'refused', updated_at = CURRENT_TIMESTAMP
WHERE id = :connection_id AND is_active
""")
# Statements after it see what those did who held the connection before.
_LOCK = sa.text("""
SELECT FROM lightfast_connected_sources WHERE id = :connection_id FOR NO KEY UPDATE
""")
# The seed lets the status be null.
_PAUSED = sa.text("""
SELECT id FROM lightfast_connected_sources
WHERE id = ANY(:ids) AND NOT is_active AND config_status IS DISTINCT FROM :disconnected
ORDER BY id FOR SHARE
""")
_TOKEN = sa.text("""
SELECT coalesce(max(id), 0) FROM lightfast_source_credentials
WHERE connection_id = :connection_id AND kind = 'api_token'
""")
_FLAG = sa.text("""
INSERT INTO lightfast_connection_conditions (connection_id, problem, problem_at)
SELECT id, :problem, now() FROM lightfast_connected_sources WHERE id = :connection_id
ON CONFLICT (connection_id) DO UPDATE
  SET problem = excluded.problem, problem_at = excluded.problem_at
""")
_UNFLAG = sa.text("""
UPDATE lightfast_connection_conditions SET problem = NULL, problem_at = NULL
WHERE connection_id = :connection_id AND problem = :problem
""")
_HOLD = sa.text("""
INSERT INTO lightfast_connection_conditions AS c (connection_id, held_until)
SELECT id, now() + make_interval(secs => :seconds) FROM lightfast_connected_sources
WHERE id = :connection_id
ON CONFLICT (connection_id) DO UPDATE
  SET held_until = greatest(c.held_until, excluded.held_until)
""")
_REST = sa.text("""
INSERT INTO lightfast_connection_conditions AS c (connection_id, rests_until)
SELECT id, now() + make_interval(secs => :seconds) FROM lightfast_connected_sources
WHERE id = :connection_id
ON CONFLICT (connection_id) DO UPDATE
  SET rests_until = greatest(c.rests_until, excluded.rests_until)
""")
_CLEAR = sa.text("DELETE FROM lightfast_connection_conditions WHERE connection_id = :connection_id")
# What hinders the whole connection stands before what is flagged: of flags the newest one, and such
# as are of one object last. Refused signatures, which strangers can cause, hinder nothing.
_READ = sa.text("""
SELECT coalesce(c.problem, f.said) AS problem,
       CASE WHEN c.problem IS NULL THEN f.flagged_at ELSE c.problem_at END AS problem_at,
       CASE WHEN c.held_until > now() THEN c.held_until END AS held_until
FROM lightfast_connected_sources s
LEFT JOIN lightfast_connection_conditions c ON c.connection_id = s.id
LEFT JOIN LATERAL (
  SELECT concat_ws(': ', nullif(subject, ''), said) AS said, flagged_at
  FROM lightfast_connection_flags
  WHERE connection_id = s.id AND said IS NOT NULL AND flag <> 'unverified'
  ORDER BY subject <> '', flagged_at DESC LIMIT 1
) f ON true
WHERE s.id = :connection_id AND (c.connection_id IS NOT NULL OR f.said IS NOT NULL)
""")


def lock(conn: sa.Connection, connection_id: str) -> None:
    """Let nobody else judge or repair the connection until the commit (FOR NO KEY UPDATE).

    Whoever refers to it (a feed, a delivery) is not held up.
    """
    conn.execute(_LOCK, {"connection_id": connection_id})


def paused(conn: sa.Connection, ids: Collection[str]) -> frozenset[str]:
    """Those of the connections that are paused, by a person or by us, and stay so until the commit.

    Locked FOR SHARE in the order of ids: who resumes one waits for us, and then finds what we put
    off.
    """
    if not ids:
        return frozenset()
    given = {"ids": list(ids), "disconnected": DISCONNECTED}
    return frozenset(conn.execute(_PAUSED, given).scalars())


def refuse(
    conn: sa.Connection, connection_id: str, problem: str, *, token_id: int | None = None
) -> None:
    """Flag and pause the connection, with what the provider said.

    `token_id` is the token that was refused (0: there was none): one that was replaced meanwhile
    says nothing of the new one, and nothing is done. The connection is locked first, so that a
    repair comes before or after it, never in between. What a person paused stays paused.
    """
    lock(conn, connection_id)
    current = conn.execute(_TOKEN, {"connection_id": connection_id}).scalar_one()
    if token_id is not None and token_id != current:
        return
    conn.execute(_PAUSE, {"connection_id": connection_id})
    flag(conn, connection_id, problem)


def flag(conn: sa.Connection, connection_id: str, problem: str) -> None:
    """Show people what is wrong with the connection; it goes on as far as it can.

    It takes the place of what was shown. Nothing is written for a connection that is not there.
    """
    conn.execute(_FLAG, {"connection_id": connection_id, "problem": problem})


def unflag(conn: sa.Connection, connection_id: str, problem: str) -> None:
    """Take back exactly this problem; where another one is shown by now, that stays."""
    conn.execute(_UNFLAG, {"connection_id": connection_id, "problem": problem})


def rate_limit(conn: sa.Connection, connection_id: str, seconds: float) -> None:
    """Leave the connection's provider alone for so long; a longer wait stays."""
    conn.execute(_HOLD, {"connection_id": connection_id, "seconds": seconds})


def rest(conn: sa.Connection, connection_id: str, seconds: float) -> None:
    """Make none of its look-ups that nobody waits for, for so long; the others go on."""
    conn.execute(_REST, {"connection_id": connection_id, "seconds": seconds})


def clear(conn: sa.Connection, connection_id: str) -> None:
    """Nothing is wrong any more, as far as we know."""
    conn.execute(_CLEAR, {"connection_id": connection_id})


def read(conn: sa.Connection, connection_id: str) -> dict[str, Any]:
    """What people are shown of the connection: `problem`, `problem_at`, `held_until`.

    `held_until` is None once it has passed. Empty where nothing was ever noted.
    """
    row = conn.execute(_READ, {"connection_id": connection_id}).mappings().one_or_none()
    return dict(row) if row is not None else {}
