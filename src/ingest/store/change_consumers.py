"""The SQL of those who read the outbox by name: where each stands, and who reads for it just now.

Law: one reader at a time for each name, under a lease. A position moves by him alone who holds it,
and by what he says he is done with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

_COLUMNS = "name, stores, source_types, position, snapshot, page, snapshots"
_CREATE = sa.text("""
INSERT INTO lightfast_change_consumers (name, stores, source_types, position, snapshot)
VALUES (:name, :stores, :source_types, :position, :snapshot) ON CONFLICT DO NOTHING
""")
_TAKE = sa.text(f"""
UPDATE lightfast_change_consumers
SET lease_token = CAST(:token AS uuid), seen_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => :lease_s)
WHERE name = :name
  AND (lease_token IS NULL OR lease_token = CAST(:token AS uuid)
       OR lease_until < clock_timestamp())
RETURNING {_COLUMNS}
""")
_FIND = sa.text(f"SELECT {_COLUMNS} FROM lightfast_change_consumers WHERE name = :name")
_BEGIN = sa.text("""
UPDATE lightfast_change_consumers SET position = :position, page = ARRAY['', '']
WHERE name = :name
""")
_ACK = sa.text("""
UPDATE lightfast_change_consumers
SET position = greatest(position, :position), snapshot = :snapshot, page = :page,
    seen_at = clock_timestamp()
WHERE name = :name AND lease_token = CAST(:token AS uuid) AND snapshots = :snapshots
""")
_RESTART = sa.text("""
UPDATE lightfast_change_consumers
SET snapshot = true, page = NULL, snapshots = snapshots + 1,
    fell_behind_at = CASE WHEN :fell_behind THEN clock_timestamp() ELSE fell_behind_at END
WHERE name = :name
""")
_SEEK = sa.text("""
UPDATE lightfast_change_consumers
SET snapshot = false, page = NULL, snapshots = snapshots + 1, position = :position
WHERE name = :name
""")
_RELEASE = sa.text("""
UPDATE lightfast_change_consumers SET lease_token = NULL, lease_until = NULL
WHERE name = :name AND lease_token = CAST(:token AS uuid)
""")
_REMOVE = sa.text("DELETE FROM lightfast_change_consumers WHERE name = :name")
# What has no position yet is counted with the rest: nobody has it.
_SHOW = sa.text("""
SELECT c.name, c.stores, c.source_types, c.position, c.snapshot, c.created_at, c.seen_at,
       c.fell_behind_at, greatest(coalesce(h.last, 0) - c.position, 0) + f.documents AS behind,
       coalesce(CAST(extract(epoch FROM clock_timestamp() - coalesce(
         (SELECT o.written_at FROM lightfast_document_outbox o WHERE o.position > c.position
          ORDER BY o.position LIMIT 1), f.written_at)) AS double precision), 0) AS lag_s,
       c.position < coalesce(h.pruned, 0) AND NOT c.snapshot AS fell_behind,
       coalesce(c.lease_until > clock_timestamp(), false) AS is_read
FROM lightfast_change_consumers c LEFT JOIN lightfast_outbox_head h ON true
CROSS JOIN (SELECT coalesce(sum(documents), 0) AS documents, min(written_at) AS written_at
            FROM (SELECT documents, written_at FROM lightfast_document_outbox
                  WHERE position IS NULL LIMIT 1000) n) f
ORDER BY c.name
""")


@dataclass(frozen=True, slots=True)
class ChangeConsumer:
    """Where a consumer stands.

    stores, source_types: what it wants, sorted; None is all. position: up to here it is done.
    snapshot: it is given what stands, before what is told from `position` on; page: where the last
    page that it is done with ended, as (store id, slug). snapshots: how often it began anew.
    """

    name: str
    stores: tuple[str, ...] | None
    source_types: tuple[str, ...] | None
    position: int
    snapshot: bool
    page: tuple[str, str] | None
    snapshots: int


@dataclass(frozen=True, slots=True)
class ConsumerShown:
    """A consumer as people see it: how many positions it is behind, and the age of the first.

    is_read: somebody reads for it just now. fell_behind: what it needs next is deleted.
    """

    name: str
    stores: Sequence[str] | None
    source_types: Sequence[str] | None
    position: int
    snapshot: bool
    created_at: datetime
    seen_at: datetime | None
    fell_behind_at: datetime | None
    behind: int
    lag_s: float
    fell_behind: bool
    is_read: bool


def create(conn: sa.Connection, first: ChangeConsumer) -> None:
    """Write a consumer down that is new; one that is there stays as it is."""
    given = {
        "name": first.name,
        "stores": _listed(first.stores),
        "source_types": _listed(first.source_types),
        "position": first.position,
        "snapshot": first.snapshot,
    }
    conn.execute(_CREATE, given)


def take(conn: sa.Connection, name: str, *, token: str, lease_s: float) -> ChangeConsumer | None:
    """Read for a consumer from now on, or go on; None where another does, or there is none."""
    given = {"name": name, "token": token, "lease_s": lease_s}
    row = conn.execute(_TAKE, given).mappings().one_or_none()
    return None if row is None else _consumer(row)


def find(conn: sa.Connection, name: str) -> ChangeConsumer | None:
    """A consumer as it stands; None where there is none. Locks nothing."""
    row = conn.execute(_FIND, {"name": name}).mappings().one_or_none()
    return None if row is None else _consumer(row)


def note_start(conn: sa.Connection, name: str, position: int) -> None:
    """Note what was told before the first page of a snapshot is read: that is where it begins,
    however often the page is read.
    """
    conn.execute(_BEGIN, {"name": name, "position": position})


def ack(conn: sa.Connection, to: ChangeConsumer, *, token: str) -> bool:
    """Let a consumer stand there from now on; False where it is somebody else's by now, or has
    begun anew. A position only grows.
    """
    given = {
        "name": to.name,
        "token": token,
        "position": to.position,
        "snapshot": to.snapshot,
        "page": _listed(to.page),
        "snapshots": to.snapshots,
    }
    return conn.execute(_ACK, given).rowcount == 1


def restart(conn: sa.Connection, name: str, *, fell_behind: bool = False) -> None:
    """Let a consumer begin with a snapshot."""
    conn.execute(_RESTART, {"name": name, "fell_behind": fell_behind})


def seek(conn: sa.Connection, name: str, position: int) -> None:
    """Let a consumer go on behind that position, forward or back."""
    conn.execute(_SEEK, {"name": name, "position": position})


def release(conn: sa.Connection, name: str, *, token: str) -> None:
    """Let the next reader begin at once."""
    conn.execute(_RELEASE, {"name": name, "token": token})


def remove(conn: sa.Connection, name: str) -> bool:
    """Forget a consumer; whether there was one."""
    return conn.execute(_REMOVE, {"name": name}).rowcount == 1


def show(conn: sa.Connection) -> list[ConsumerShown]:
    """Every consumer by name, with how far it is behind."""
    return [ConsumerShown(**row) for row in conn.execute(_SHOW).mappings()]


def _consumer(row: sa.RowMapping) -> ChangeConsumer:
    page = row["page"]
    return ChangeConsumer(
        name=row["name"],
        stores=_as_tuple(row["stores"]),
        source_types=_as_tuple(row["source_types"]),
        position=row["position"],
        snapshot=row["snapshot"],
        page=None if page is None else (page[0], page[1]),
        snapshots=row["snapshots"],
    )


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _as_tuple(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
