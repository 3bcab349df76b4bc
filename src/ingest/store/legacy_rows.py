"""The SQL of rows that come out of an archive: what stands of them, what stands in their way.

Rows travel as the JSON text of an array, with every digit of their numbers, and become records of
the very table: PostgreSQL reads the types. Tables and columns are names of ours, never told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from ingest.core.values import JSON
from ingest.store.tables import METADATA

_RECORDS = "jsonb_populate_recordset(CAST(NULL AS {table}), CAST(%(rows)s AS jsonb)) AS r"
_INSERT = f"INSERT INTO {{table}} ({{columns}}) SELECT {{columns}} FROM {_RECORDS}"
_STANDING = f"""
SELECT r.id, (
  SELECT jsonb_object_agg(n.key, n.value)
  FROM jsonb_each(to_jsonb(t)) n JOIN jsonb_each(to_jsonb(r)) o USING (key)
  WHERE n.key = ANY(%(columns)s) AND n.value IS DISTINCT FROM o.value)
FROM {_RECORDS} JOIN {{table}} t ON t.id = r.id
"""
_RIVALS = f"""
SELECT r.id, t.id FROM {_RECORDS} JOIN {{table}} t USING ({{columns}}) WHERE t.id <> r.id
"""
_PRESENT = "SELECT id FROM {table} WHERE id = ANY(%(ids)s)"


def insert(conn: sa.Connection, table: str, rows: str, columns: Sequence[str]) -> None:
    """Write these rows, each with these columns; none of them may be there."""
    _execute(conn, _INSERT, table, columns, {"rows": rows})


def standing(
    conn: sa.Connection, table: str, rows: str, columns: Sequence[str]
) -> dict[str, Mapping[str, JSON]]:
    """Those that are there already, by id: of each the columns that stand otherwise, as they do."""
    given = {"rows": rows, "columns": list(columns)}
    found = _execute(conn, _STANDING, table, columns, given)
    return {id_: differing or {} for id_, differing in found}


def rivals(conn: sa.Connection, table: str, rows: str, unique: Sequence[str]) -> dict[str, str]:
    """By id, the id of another row that has the same in the columns that are `unique` together."""
    return dict(_execute(conn, _RIVALS, table, unique, {"rows": rows}))


def present(conn: sa.Connection, table: str, ids: Collection[str]) -> frozenset[str]:
    """Those of these ids that are there."""
    if not ids:
        return frozenset()
    return frozenset(id_ for (id_,) in _execute(conn, _PRESENT, table, (), {"ids": list(ids)}))


def _execute(
    conn: sa.Connection, text: str, table: str, columns: Sequence[str], given: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    if table not in METADATA.tables:
        raise LookupError(f"no table {table!r}")
    statement = sql.SQL(text).format(
        table=sql.Identifier(table), columns=sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    result = conn.exec_driver_sql(statement.as_string(None), dict(given))
    return [tuple(row) for row in result] if result.returns_rows else []
