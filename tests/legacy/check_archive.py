"""`python -m tests.legacy.check_archive DATABASE_URL DIR`: is an archive what the database holds?

Written apart from the program, of which it imports nothing: it reads each column as text, where the
export lets PostgreSQL write JSON. Row by row, and in flat memory. Prints each difference; exit 1 if
there is any.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

AT_MOST = 50
"""Differences of a table that are told."""
_COLUMNS = """
SELECT column_name::text, udt_name::text, is_nullable = 'YES', character_maximum_length
FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = %s ORDER BY ordinal_position
"""
_LIKE = "^(lf_|lightfast_(organizations|workspaces|stores|deus_|connected_repository|"
_LIKE += "store_repositories|docs_documents|ingestion_commits|vector_entries))"
_STANDING = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
_STANDING += " AND tablename ~ %s"


def check(url: str, directory: Path) -> list[str]:
    """Every difference between a legacy database and an archive of it; empty where there is none.

    Whoever asks sees to it that the database did not change since.
    """
    told = json.loads((directory / "manifest.json").read_text("utf-8"))
    found: list[str] = []
    with psycopg.connect(url) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        conn.execute("SET LOCAL TIME ZONE 'UTC'")
        standing = {name for (name,) in conn.execute(_STANDING, [_LIKE])}
        archived = {table["table"] for table in told["tables"].values() if table}
        if standing != archived:
            found.append(f"tables: {sorted(standing)}, archived {sorted(archived)}")
        for logical, table in told["tables"].items():
            if table:
                differences = _table(conn, directory, table)
                found += (f"{logical}: {said}" for said in islice(differences, AT_MOST))
    return found


def _table(conn: psycopg.Connection, directory: Path, table: dict[str, Any]) -> Iterator[str]:
    path = directory / table["file"]
    yield from _file(path, table)
    columns = conn.execute(_COLUMNS, [table["table"]]).fetchall()
    yield from _columns(columns, table["columns"])
    nulls: dict[str, int] = {}
    with path.open("rb") as file:
        pairs = zip_longest(_rows(conn, table["table"], columns), file)
        for number, (row, line) in enumerate(pairs, 1):
            if row is None or line is None:
                yield f"row {number} is in one of the two alone"
                continue
            archived = json.loads(line, parse_float=Decimal, parse_int=Decimal)
            if list(archived) != sorted(archived, key=lambda name: (len(name.encode()), name)):
                yield f"line {number}: the columns are not in the order that jsonb has"
            yield from _row(number, row, archived, columns, nulls)
    if nulls != {name: times for name, times in table["jsonNulls"].items() if times}:
        yield f"JSON nulls: {nulls}, told {table['jsonNulls']}"


def _file(path: Path, table: dict[str, Any]) -> Iterator[str]:
    digest, rows = hashlib.sha256(), 0
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            rows += 1
    if digest.hexdigest() != table["sha256"]:
        yield "another hash than told"
    if (rows, path.stat().st_size) != (table["rows"], table["bytes"]):
        yield f"{rows} rows and {path.stat().st_size} bytes, told {table['rows']}, {table['bytes']}"


def _columns(columns: list[tuple[Any, ...]], told: list[dict[str, Any]]) -> Iterator[str]:
    here = [(name, nullable) for name, _, nullable, _ in columns]
    there = [(column["name"], column["nullable"]) for column in told]
    if here != there:
        yield f"columns {here}, told {there}"
    for (name, kind, _, length), column in zip(columns, told, strict=False):
        meant = f"character varying({length})" if length else _TYPES.get(kind, kind)
        if column["type"] != meant:
            yield f"{name} is {meant}, told {column['type']}"


_TYPES = {
    "int4": "integer",
    "int8": "bigint",
    "bool": "boolean",
    "timestamp": "timestamp without time zone",
}


def _rows(
    conn: psycopg.Connection, name: str, columns: list[tuple[Any, ...]]
) -> Iterator[tuple[str | None, ...]]:
    """Each row as the texts of its columns, by the bytes of its id."""
    texts = sql.SQL(", ").join(
        sql.SQL("{}::text").format(sql.Identifier(column)) for column, *_ in columns
    )
    statement = sql.SQL('SELECT {} FROM {} ORDER BY id COLLATE "C"').format(
        texts, sql.Identifier(name)
    )
    with conn.cursor(f"rows of {name}") as cursor:
        cursor.execute(statement)
        yield from cursor


def _row(
    number: int,
    row: tuple[str | None, ...],
    archived: dict[str, Any],
    columns: list[tuple[Any, ...]],
    nulls: dict[str, int],
) -> Iterator[str]:
    if set(archived) != {name for name, *_ in columns}:
        yield f"line {number} has the columns {sorted(archived)}"
        return
    for (name, kind, *_), text in zip(columns, row, strict=True):
        value = archived[name]
        if kind == "jsonb" and text == "null":
            nulls[name] = nulls.get(name, 0) + 1
        if not _is_same(kind, text, value):
            yield f"line {number}, {name}: {str(text)[:80]!r} in the database, {str(value)[:80]!r}"


def _is_same(kind: str, text: str | None, value: Any) -> bool:
    if text is None or value is None:
        return value is None and (text is None or (kind == "jsonb" and text == "null"))
    if kind == "jsonb":
        there = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        return repr(there) == repr(value)  # of Decimals: every digit, and zeros at the end
    if kind == "bool":
        return value is (text == "true")
    if kind in {"int4", "int8"}:
        return isinstance(value, Decimal) and str(value) == text
    if kind == "timestamp":
        return isinstance(value, str) and value.replace("T", " ", 1) == text
    return isinstance(value, str) and value == text


if __name__ == "__main__":
    differences = check(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.writelines(f"{said}\n" for said in differences)
    sys.exit(bool(differences))
