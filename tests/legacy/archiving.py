"""Archives of legacy databases for tests, made apart from the program's export."""

from __future__ import annotations

from pathlib import Path

import psycopg

from ingest.flows.legacy.manifest import ArchivedColumn, ArchivedTable, file_of
from ingest.flows.legacy.writing import drafting
from tests.legacy import small_archives
from tests.legacy.database import Built

_ROWS = 'SELECT to_jsonb(t)::text FROM {} t ORDER BY id COLLATE "C"'
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def archive(built: Built, directory: Path) -> Path:
    """An archive of all tables of the database."""
    with psycopg.connect(built.url) as conn, drafting(directory, replace=True) as draft:
        tables: dict[str, ArchivedTable] = {}
        for logical, name in built.names.items():
            rows = conn.execute(_ROWS.format(name).encode())
            done = draft.write(logical, (f"{text}\n".encode() for (text,) in rows))
            columns = [
                ArchivedColumn(name=column, type=type_, nullable=nullable)
                for column, type_, nullable in conn.execute(_COLUMNS, [name])
            ]
            tables[logical] = ArchivedTable(
                table=name,
                file=file_of(logical),
                rows=done.rows,
                bytes=done.bytes,
                sha256=done.sha256,
                columns=tuple(columns),
            )
        draft.finish(small_archives.manifest(tables, conn.info.dbname))
    return directory
