"""The rows of one database, kept under names and put back: a copy of it costs ten times as much.

Law: what is put back is what was kept, sequences included. Schemas are not: who changes one needs
a database of his own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"
_DIGEST = sql.SQL("(SELECT coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t)")
_WRITTEN = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Of each table the rows that it had, their digest, and where each sequence was."""

    copies: Mapping[str, bytes]
    digests: Mapping[str, int]
    numbers: Mapping[str, str | None]


@dataclass
class RowSets:
    """Of the database that the connection is to; nobody else is in it when rows are put back."""

    conn: psycopg.Connection[Any]
    _kept: dict[str, _Rows] = field(default_factory=dict)
    _is: tuple[str, str] = ("", "")

    def keep(self, name: str) -> None:
        """Keep what is there now."""
        with self.conn.transaction():
            digests = self._digests()
            copies = {table: self._read(table) for table in digests}
            self._kept[name] = _Rows(copies, digests, self._numbers())
        self._is = (name, self._written())

    def put_back(self, name: str) -> None:
        """Have it as it was kept; where nobody wrote since, that is what it is."""
        if self._is == (name, self._written()):
            return
        kept = self._kept[name]
        with self.conn.transaction():
            self.conn.execute("SET LOCAL session_replication_role = replica")
            for table, digest in self._digests().items():
                if digest != kept.digests[table]:
                    self._replace(table, kept.copies[table])
            for sequence, last in self._numbers().items():
                if last != kept.numbers[sequence]:
                    self._restart(sequence, kept.numbers[sequence])
        self._is = (name, self._written())

    def _replace(self, table: str, rows: bytes) -> None:
        self.conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        copying = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
        with self.conn.cursor().copy(copying) as copy:
            copy.write(rows)

    def _read(self, table: str) -> bytes:
        copying = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
        with self.conn.cursor().copy(copying) as copy:
            return b"".join(copy)

    def _digests(self) -> Mapping[str, int]:
        """Of each table the sum of its rows' hashes, 0 where it has none."""
        names = [name for (name,) in self.conn.execute(_TABLES).fetchall()]
        each = sql.SQL(", ").join(_DIGEST.format(sql.Identifier(name)) for name in names)
        found = self.conn.execute(sql.SQL("SELECT {}").format(each)).fetchone()
        return dict(zip(names, found or (), strict=True))

    def _numbers(self) -> Mapping[str, str | None]:
        return dict(self.conn.execute(_SEQUENCES).fetchall())

    def _restart(self, sequence: str, last: str | None) -> None:
        self.conn.execute("SELECT setval(%s, %s, %s)", (sequence, last or 1, last is not None))

    def _written(self) -> str:
        """Whoever writes takes a number, and the server's next one tells whether anybody did."""
        found = self.conn.execute(_WRITTEN).fetchone()
        return str(found)
