"""Databases that tests use one after another: a copy costs four times what emptying one does.

Law: a test finds what it would find in a new copy. One in which a test changed more than rows (a
trigger, a column, a setting) is dropped, and so is one that cannot be emptied.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

# All that a test may have changed beside rows.
_SHAPE = """
SELECT md5(string_agg(told, ',' ORDER BY told)) FROM (
  SELECT format('%s %s %s %s', oid, relname, relkind, reloptions) AS told FROM pg_class
  WHERE relnamespace = 'public'::regnamespace
  UNION ALL
  SELECT format('%s %s %s %s %s', attrelid, attnum, attname, atttypid, attnotnull) FROM pg_attribute
  WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
  UNION ALL
  SELECT format('%s %s', oid, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL
  SELECT format('%s %s', oid, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL
  SELECT format('%s %s', oid, conname) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
  UNION ALL
  SELECT format('%s %s', enumtypid, enumlabel) FROM pg_enum
  UNION ALL
  SELECT format('%s %s', setrole, setconfig) FROM pg_db_role_setting
  WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL
  SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_'
  UNION ALL
  SELECT format('%s %s', datallowconn, datconnlimit) FROM pg_database
  WHERE datname = current_database()
) shape
"""
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
_COUNTED = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND reltuples > 0
"""
_SIZES = "SELECT pg_relation_size(format('%%I', n)::regclass) FROM unnest(%s::text[]) n"
_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
_ALONE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


_SMALL = 2**20
"""Bytes of all tables that have rows, up to which deleting is the shorter way."""


@dataclass
class Spares:
    """Databases with the template's schema and no rows."""

    server_url: str
    template: str
    _clean: list[str] = field(default_factory=list)
    _shapes: dict[str, str] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def take(self) -> str:
        """The name of one, for one test."""
        if self._clean:
            return self._clean.pop()
        name = f"{self.template}_{next(self._numbers)}"
        self._administer(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(self.template)
            )
        )
        with psycopg.connect(self._on(name)) as conn:
            self._shapes[name] = _shape(conn)
        return name

    def give_back(self, name: str) -> None:
        """Empty it, whoever is still connected; drop it where it is not what it was."""
        try:
            with psycopg.connect(self._on(name), autocommit=True) as conn:
                conn.execute(_ALONE)
                is_fit = _shape(conn) == self._shapes[name]
                if is_fit:
                    _empty(conn)
        except psycopg.Error:
            is_fit = False
        if is_fit:
            self._clean.append(name)
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        self._administer(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def close(self) -> None:
        for name in self._clean:
            self.drop(name)

    def _on(self, name: str) -> str:
        return urlsplit(self.server_url)._replace(path=f"/{name}").geturl()

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement)


def _shape(conn: psycopg.Connection[tuple[str]]) -> str:
    found = conn.execute(_SHAPE).fetchone()
    assert found is not None
    return found[0]


def _empty(conn: psycopg.Connection[tuple[str]]) -> None:
    """Every table that has rows or was counted, and every sequence that was drawn from.

    Few rows go one by one: TRUNCATE makes new files for a table, its indexes, and for all that
    refer to it. It alone forgets what ANALYZE or autovacuum has counted. Neither triggers nor
    foreign keys are asked.
    """
    tables = [name for (name,) in conn.execute(_TABLES)]
    asked = sql.SQL(", ").join(
        sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(name)) for name in tables
    )
    filled = conn.execute(sql.SQL("SELECT ") + asked).fetchone() or ()
    used = {name for name, has_rows in zip(tables, filled, strict=True) if has_rows}
    counted = {name for (name,) in conn.execute(_COUNTED)}
    sizes = conn.execute(_SIZES, [list(used)]).fetchall()
    small = used - counted if sum(int(size) for (size,) in sizes) <= _SMALL else set()
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        for name in small:
            conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        if large := (used | counted) - small:
            named = sql.SQL(", ").join(map(sql.Identifier, large))
            conn.execute(sql.SQL("TRUNCATE {} CASCADE").format(named))
    for (name,) in conn.execute(_SEQUENCES).fetchall():
        conn.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(name)))
