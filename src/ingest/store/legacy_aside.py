"""Moves the tables of a legacy database out of the way, in it, and drops them when all is done.

What has a name of its own in a schema goes with its table: indexes, constraints, enums. A table of
ours remembers what was moved, in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql

from ingest.store.engine import session_of

ASIDE = "legacy_moved_aside"
"""The table that says what was moved; it has a row for each table and each enum."""
PREFIX = "legacy_"
_LONGEST = 63

_EXISTS = sa.text("SELECT to_regclass(:name) IS NOT NULL")
_MADE = f"""
CREATE TABLE {ASIDE} (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  logical TEXT,
  was TEXT NOT NULL,
  directory TEXT NOT NULL,
  archive TEXT NOT NULL,
  moved_at TIMESTAMPTZ NOT NULL DEFAULT now()
)
"""
_NOTE = sa.text(f"""
INSERT INTO {ASIDE} (name, kind, logical, was, directory, archive)
VALUES (:name, :kind, :logical, :was, :directory, :archive)
""")
_NOTED = sa.text(f"SELECT name, kind, logical, directory, archive FROM {ASIDE} ORDER BY name")
_CONSTRAINTS = sa.text("""
SELECT conname FROM pg_constraint
WHERE conrelid = to_regclass(:name) AND contype <> 'n' ORDER BY 1
""")
# What a constraint does not rename itself.
_INDEXES = sa.text("""
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass(:name)
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
ORDER BY 1
""")
_ENUMS = sa.text("""
SELECT DISTINCT t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
JOIN unnest(CAST(:names AS text[])) n ON a.attrelid = to_regclass(n)
WHERE t.typtype = 'e' AND NOT a.attisdropped ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Aside:
    """What was moved: by logical name the tables' names of now, and the enums'.

    directory: where the archive of their rows stands. archive: the SHA-256 of its manifest.
    """

    tables: Mapping[str, str]
    enums: tuple[str, ...]
    directory: str
    archive: str


def find(conn: sa.Connection) -> Aside | None:
    """What was moved aside in this database; None where nothing was."""
    if not conn.execute(_EXISTS, {"name": ASIDE}).scalar_one():
        return None
    rows = conn.execute(_NOTED).all()
    if not rows:
        return None
    tables = {row.logical: row.name for row in rows if row.kind == "table"}
    enums = tuple(row.name for row in rows if row.kind == "enum")
    return Aside(tables, enums, rows[0].directory, rows[0].archive)


def lock(conn: sa.Connection, names: Collection[str]) -> None:
    """Keep everybody else out of these tables until the commit."""
    tables = sql.SQL(", ").join(map(sql.Identifier, names))
    _run(conn, sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(tables))


def move(conn: sa.Connection, tables: Mapping[str, str], directory: str, archive: str) -> None:
    """Give tables, by logical name, and all that is theirs, other names, and note it.

    In the caller's transaction, which holds their locks.
    """
    conn.exec_driver_sql(_MADE)
    given = {"directory": directory, "archive": archive}
    enums = conn.execute(_ENUMS, {"names": list(tables.values())}).scalars().all()
    for logical, name in tables.items():
        for statement in _renames(conn, name):
            _run(conn, statement)
        told = {"name": aside(name), "kind": "table", "logical": logical, "was": name}
        conn.execute(_NOTE, {**told, **given})
    for name in enums:
        _run(conn, _renamed("TYPE", name))
        of_enum = {"name": aside(name), "kind": "enum", "logical": None, "was": name}
        conn.execute(_NOTE, {**of_enum, **given})


def _renames(conn: sa.Connection, table: str) -> Iterator[sql.Composable]:
    constraints = conn.execute(_CONSTRAINTS, {"name": table}).scalars().all()
    indexes = conn.execute(_INDEXES, {"name": table}).scalars().all()
    for name in constraints:
        yield sql.SQL("ALTER TABLE {} RENAME CONSTRAINT {} TO {}").format(
            sql.Identifier(table), sql.Identifier(name), sql.Identifier(aside(name))
        )
    for name in indexes:
        yield _renamed("INDEX", name)
    yield _renamed("TABLE", table)


def take_time(conn: sa.Connection) -> None:
    """Let this transaction's statements take as long as they take, and see every row."""
    conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
    conn.exec_driver_sql("SET LOCAL row_security = off")


def drop(conn: sa.Connection, found: Aside) -> None:
    """Drop what was moved, and the note of it. What somebody else hung on it is an error."""
    tables = sql.SQL(", ").join(map(sql.Identifier, found.tables.values()))
    _run(conn, sql.SQL("DROP TABLE {}").format(tables))
    for name in found.enums:
        _run(conn, sql.SQL("DROP TYPE {}").format(sql.Identifier(name)))
    conn.exec_driver_sql(f"DROP TABLE {ASIDE}")


def aside(name: str) -> str:
    """What something is called once it is moved; PostgreSQL's names have 63 bytes at most."""
    moved = PREFIX + name
    if len(moved.encode()) <= _LONGEST:
        return moved
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    cut = moved.encode()[: _LONGEST - len(digest) - 1].decode("utf-8", "ignore")
    return f"{cut}_{digest}"


def _renamed(kind: str, name: str) -> sql.Composable:
    return sql.SQL("ALTER {} {} RENAME TO {}").format(
        sql.SQL(kind), sql.Identifier(name), sql.Identifier(aside(name))
    )


def _run(conn: sa.Connection, statement: sql.Composable) -> None:
    conn.exec_driver_sql(statement.as_string(session_of(conn)))
