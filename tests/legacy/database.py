"""A legacy database for tests: its tables, an ordinary mass of rows, and everything that is odd.

`build(url)` makes all three in an empty database. Apart from the program.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tests.legacy.ddl import NAMES, ORDER, Generation, ddl
from tests.legacy.mass import MASS
from tests.legacy.oddities import ODDITIES
from tests.legacy.rows import Json, Made

STORES = 10
"""Stores of the mass, each of a workspace and an organization of its own, with one repository."""
CHUNKS = 3
"""Vector entries of a document of the mass."""
DOCUMENTS_A_COMMIT = 20


@dataclass(frozen=True, slots=True)
class Built:
    """A legacy database: its URL, what its tables are called, and how many rows each holds."""

    url: str
    generation: Generation
    rows: Mapping[str, int]

    @property
    def names(self) -> Mapping[str, str]:
        """What each logical table is called."""
        return NAMES[self.generation]


def build(
    url: str,
    *,
    generation: Generation = "lightfast",
    documents: int = 0,
    oddities: Collection[str] = tuple(ODDITIES),
) -> Built:
    """Make a legacy database in an empty one.

    documents: how many of the ordinary kind, each with CHUNKS vector entries; 200,000 take seconds.
    oddities: those of `ODDITIES` to put beside them.
    """
    with psycopg.connect(url) as conn:
        make_tables(conn, generation)
        rows = Counter(fill(conn, documents, generation))
    with psycopg.connect(url) as conn:
        for name in oddities:
            rows += insert(conn, ODDITIES[name](), generation)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("ANALYZE")
    return Built(url, generation, {logical: rows[logical] for logical in ORDER})


def make_tables(conn: psycopg.Connection, generation: Generation = "lightfast") -> None:
    """The empty tables."""
    conn.execute(ddl(generation).encode())


def insert(
    conn: psycopg.Connection, rows: Iterable[Made], generation: Generation = "lightfast"
) -> Counter[str]:
    """Insert rows as they are; how many came into each logical table."""
    counted: Counter[str] = Counter()
    for logical, row in rows:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(NAMES[generation][logical]),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        )
        cells = [cell.text if isinstance(cell, Json) else cell for cell in row.values()]
        conn.execute(statement, cells)
        counted[logical] += 1
    return counted


def _trust(conn: psycopg.Connection) -> None:
    """References are not looked up until the transaction ends: the mass has none that is wrong."""
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege), conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")


def fill(
    conn: psycopg.Connection, documents: int, generation: Generation = "lightfast"
) -> dict[str, int]:
    """The ordinary mass: rows as the legacy code wrote them, the same each time.

    How many came into each logical table.
    """
    if not documents:
        return {}
    _trust(conn)
    indexes = _without_indexes(conn, generation)
    given = {"documents": documents, "stores": STORES, "chunks": CHUNKS, "of": DOCUMENTS_A_COMMIT}
    counted = {
        logical: conn.execute(statement.format_map(NAMES[generation]).encode(), given).rowcount
        for logical, statement in MASS.items()
    }
    for statement in indexes:  # a tree that is built at once costs less than one that grows
        conn.execute(statement.encode())
    return counted


def _without_indexes(conn: psycopg.Connection, generation: Generation) -> list[str]:
    """Drop the indexes that no constraint needs; the statements that make them again."""
    names = [*NAMES[generation].values()]
    found = conn.execute(_INDEXES, [names]).fetchall()
    for name, _ in found:
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [statement for _, statement in found]


_INDEXES = """
SELECT c.relname::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(SELECT to_regclass(n)::oid FROM unnest(%s::text[]) n)
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
"""
