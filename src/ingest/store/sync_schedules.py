"""How often a connection is synced, where it is not as its source has it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

_OVERRIDE = sa.text("""
INSERT INTO lightfast_sync_schedules AS s (connection_id, incremental_s, full_s)
VALUES (:connection_id, nullif(:every_s, 0), nullif(:full_every_s, 0))
ON CONFLICT (connection_id) DO UPDATE
  SET incremental_s = CASE WHEN CAST(:every_s AS integer) IS NULL THEN s.incremental_s
                           ELSE nullif(:every_s, 0) END,
      full_s = CASE WHEN CAST(:full_every_s AS integer) IS NULL THEN s.full_s
                    ELSE nullif(:full_every_s, 0) END
""")
_OF_EACH = sa.text("""
SELECT connection_id, incremental_s FROM lightfast_sync_schedules
WHERE connection_id = ANY(CAST(:ids AS varchar[]))
""")
_READ = sa.text("""
SELECT incremental_s AS every_s, full_s AS full_every_s FROM lightfast_sync_schedules
WHERE connection_id = :connection_id
""")


def override(
    conn: sa.Connection,
    connection_id: str,
    *,
    every_s: int | None = None,
    full_every_s: int | None = None,
) -> None:
    """Sync a connection so often, in seconds; 0 for as often as its source has it, None as before.

    every_s: between two incremental runs; full_every_s: between two that list all.
    """
    given = {"connection_id": connection_id, "every_s": every_s, "full_every_s": full_every_s}
    conn.execute(_OVERRIDE, given)


def of_each(conn: sa.Connection, ids: Collection[str]) -> dict[str, int | None]:
    """Seconds between two incremental runs of these connections, by id, where one has its own."""
    return {row[0]: row[1] for row in conn.execute(_OF_EACH, {"ids": list(ids)})}


def read(conn: sa.Connection, connection_id: str) -> dict[str, Any]:
    """`every_s` and `full_every_s` of a connection, None for as its source has it."""
    found = conn.execute(_READ, {"connection_id": connection_id}).mappings().first()
    return dict(found) if found is not None else {"every_s": None, "full_every_s": None}
