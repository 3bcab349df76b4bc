"""The journal of imports: which archive came in, and whether all of it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ingest.store import legacy_aside
from ingest.store.legacy_aside import Aside
from ingest.store.rows import as_json

_BEGIN = sa.text("""
INSERT INTO lightfast_legacy_imports (archive, directory, in_place)
VALUES (:archive, :directory, :in_place)
ON CONFLICT (archive) DO UPDATE SET directory = excluded.directory
""")
_FINISH = sa.text("""
UPDATE lightfast_legacy_imports
SET finished_at = coalesce(finished_at, now()), counts = CAST(:counts AS jsonb) -> 0
WHERE archive = :archive
""")
_EXISTS = sa.text("SELECT to_regclass('lightfast_legacy_imports') IS NOT NULL")
_FIND = sa.text("""
SELECT archive, directory, in_place, started_at, finished_at FROM lightfast_legacy_imports
WHERE archive = :archive
""")


@dataclass(frozen=True, slots=True)
class Import:
    """An import; `archive` is the SHA-256 of the archive's manifest, in hex."""

    archive: str
    directory: str
    in_place: bool
    started_at: datetime
    finished_at: datetime | None


def start(conn: sa.Connection, archive: str, directory: str, *, in_place: bool) -> None:
    """Note that an archive begins to come in, or goes on."""
    conn.execute(_BEGIN, {"archive": archive, "directory": directory, "in_place": in_place})


def finish(conn: sa.Connection, archive: str, counts: dict[str, dict[str, int]]) -> None:
    """Note that all of it is in."""
    conn.execute(_FINISH, {"archive": archive, "counts": as_json([counts])})


def is_finished(conn: sa.Connection, archive: str) -> bool:
    """Whether all of an archive is in; also asked of a database that has not our schema yet."""
    if not conn.execute(_EXISTS).scalar_one():
        return False
    found = find(conn, archive)
    return found is not None and found.finished_at is not None


def unfinished(conn: sa.Connection) -> Aside | None:
    """What stands aside in this database while not all of it came in; None where nothing does."""
    found = legacy_aside.find(conn)
    return None if found is None or is_finished(conn, found.archive) else found


def find(conn: sa.Connection, archive: str) -> Import | None:
    """The import of an archive; None where it never began."""
    row = conn.execute(_FIND, {"archive": archive}).one_or_none()
    return None if row is None else Import(*row)
