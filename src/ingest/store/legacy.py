"""Reads a legacy database: what tables of those names stand there, what they are like, their rows.

Changes nothing, and may be asked of any PostgreSQL that knows `to_jsonb`.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from psycopg import sql

from ingest.store import condition
from ingest.store.condition import UnfitDatabase
from ingest.store.engine import session_of
from ingest.store.legacy_tables import LEGACY_TABLES


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """A column: its type as `format_type` writes it, its default as SQL."""

    name: str
    type: str
    nullable: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table of a name that a legacy one may have. `about`: PostgreSQL's estimate of its rows, 0
    where it has none.
    """

    name: str
    columns: tuple[FoundColumn, ...]
    about: int


@dataclass(frozen=True, slots=True)
class FoundDatabase:
    """The database at one moment, `at`: its name, its server's version, its snapshot.

    schema_version: that of our own schema, where it stands there. tables: by their real names.
    """

    name: str
    server: str
    snapshot: str
    at: datetime
    schema_version: str | None
    tables: Mapping[str, FoundTable]


_SERVER = sa.text("""
SELECT current_database(), current_setting('server_version'), pg_encoding_to_char(encoding),
       CAST(txid_current_snapshot() AS text), transaction_timestamp()
FROM pg_database WHERE datname = current_database()
""")
# Names are looked up along the search path. A view of an old name is none of its tables.
_TABLES = sa.text("""
SELECT n, CAST(greatest(c.reltuples, 0) AS bigint) FROM unnest(CAST(:names AS text[])) n
JOIN pg_class c ON c.oid = to_regclass(n) AND c.relkind IN ('r', 'p')
""")
_COLUMNS = sa.text("""
SELECT n, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid)
FROM unnest(CAST(:names AS text[])) n
JOIN pg_attribute a ON a.attrelid = to_regclass(n) AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
ORDER BY n, a.attnum
""")
_ENUMS = sa.text("""
SELECT format_type(e.enumtypid, NULL), array_agg(e.enumlabel ORDER BY e.enumsortorder)
FROM pg_enum e
WHERE e.enumtypid IN (SELECT a.atttypid FROM pg_attribute a
                      JOIN unnest(CAST(:names AS text[])) n ON a.attrelid = to_regclass(n))
GROUP BY e.enumtypid
""")
_INDEXES = sa.text("""
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass(:name) ORDER BY 1
""")
_CONSTRAINTS = sa.text("""
SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = to_regclass(:name) AND contype <> 'n' ORDER BY 1
""")


def look(conn: sa.Connection) -> FoundDatabase:
    """What stands in the database under the names of legacy tables.

    Raises `UnfitDatabase` for one that does not say in which encoding its texts are.
    """
    name, server, encoding, snapshot, at = conn.execute(_SERVER).one()
    if encoding == "SQL_ASCII":
        raise UnfitDatabase(
            f"database {name} is encoded in SQL_ASCII, so that nobody knows what its texts are; "
            "copy it into one with ENCODING 'UTF8' first"
        )
    given = {"names": [name for table in LEGACY_TABLES.values() for name in table.names]}
    columns: dict[str, list[FoundColumn]] = {}
    for table, *rest in conn.execute(_COLUMNS, given):
        columns.setdefault(table, []).append(FoundColumn(*rest))
    tables = {
        table: FoundTable(table, tuple(columns.get(table, ())), about)
        for table, about in conn.execute(_TABLES, given)
    }
    return FoundDatabase(name, server, snapshot, at, condition.version(conn), tables)


def lock(conn: sa.Connection, names: Collection[str]) -> None:
    """Keep these tables from being changed in shape, renamed or dropped while they are read."""
    tables = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(tables)
    with session_of(conn).cursor() as cursor:
        cursor.execute(statement)


def enums(conn: sa.Connection, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The values of each enum that a column of these tables has, in order."""
    rows = conn.execute(_ENUMS, {"names": list(names)})
    return {name: tuple(values) for name, values in rows}


def indexes(conn: sa.Connection, name: str) -> tuple[str, ...]:
    """The indexes of a table, as SQL."""
    return tuple(conn.execute(_INDEXES, {"name": name}).scalars())


def constraints(conn: sa.Connection, name: str) -> tuple[str, ...]:
    """The constraints of a table, by name and as SQL."""
    return tuple(conn.execute(_CONSTRAINTS, {"name": name}).scalars())


def json_nulls(conn: sa.Connection, table: FoundTable) -> dict[str, int]:
    """How many rows hold JSON's own null in a JSON column; `rows` writes it as it writes NULL."""
    kinds = {c.name: c.type for c in table.columns if c.type in {"json", "jsonb"}}
    if not kinds:
        return {}
    counts = [
        sql.SQL("count(*) FILTER (WHERE {}({}) = 'null')").format(
            sql.SQL(f"{kind}_typeof"), sql.Identifier(name)
        )
        for name, kind in kinds.items()
    ]
    statement = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(counts), sql.Identifier(table.name)
    )
    with session_of(conn).cursor() as cursor:  # SQLAlchemy would read a % in a column's name
        row = cursor.execute(statement).fetchone() or ()
    return dict(zip(kinds, row, strict=True))


# A row is JSON of one line. Neither mark of this form of COPY can stand in it, for JSON escapes
# control characters: so nothing is quoted, and the lines come as they are.
_COPY = sql.SQL(r"""
COPY (SELECT CAST(to_jsonb(t) AS text) FROM {} t ORDER BY CAST(t.id AS text) COLLATE "C")
TO STDOUT (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02', ENCODING 'UTF8')
""")


def rows(conn: sa.Connection, name: str) -> Generator[bytes, None, None]:
    """The rows of a table in blocks of lines: JSON objects, in UTF-8, ascending by the bytes of id.

    A column's name is a key. Numbers have all their digits; a time without a zone is ISO text
    without one, to the microsecond, or `infinity`. Whoever does not come to the end closes it.
    """
    with (
        session_of(conn).cursor() as cursor,
        cursor.copy(_COPY.format(sql.Identifier(name))) as out,
    ):
        for block in out:
            yield bytes(block)
