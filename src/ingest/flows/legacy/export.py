"""Exports a legacy database into an archive: all of it as it was at one moment, in flat memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from ingest.flows.legacy.finding import Chosen, choose
from ingest.flows.legacy.manifest import (
    ArchivedColumn,
    ArchivedDatabase,
    ArchivedTable,
    Manifest,
    file_of,
)
from ingest.flows.legacy.passing import Tell, counted
from ingest.flows.legacy.writing import ArchiveDraft, drafting
from ingest.store import legacy
from ingest.store.engine import transaction
from ingest.store.legacy import FoundDatabase, FoundTable


def export(
    engine: sa.Engine,
    directory: Path,
    *,
    program: str,
    replace: bool = False,
    tell: Tell = lambda _: None,
) -> Manifest:
    """Write the legacy tables of the database into a directory; what was written.

    program: our version. replace: whether an archive that stands there may go, once the new one is
    whole. Of a database that did not change, the files are the same each time. Nothing is changed
    in the database, and its tables are kept from being altered meanwhile.

    Raises `UnfitDatabase` for a database that is no legacy one, and what `drafting` raises.
    """
    with transaction(engine, snapshot=True) as conn:
        found = legacy.look(conn)
        chosen = choose(found)
        legacy.lock(conn, [table.name for table in chosen.values() if table is not None])
        with drafting(directory, replace=replace) as draft:
            told = _written(conn, draft, found, chosen, program=program, tell=tell)
            draft.finish(told)
    return told


def _written(
    conn: sa.Connection,
    draft: ArchiveDraft,
    found: FoundDatabase,
    chosen: Chosen,
    *,
    program: str,
    tell: Tell,
) -> Manifest:
    tables = {
        logical: None if table is None else _table(conn, draft, logical, table, tell)
        for logical, table in chosen.items()
    }
    return Manifest(
        program=program,
        taken_at=found.at,
        database=ArchivedDatabase(name=found.name, server=found.server),
        snapshot=found.snapshot,
        tables=tables,
        enums=legacy.enums(conn, [table.name for table in chosen.values() if table is not None]),
    )


def _table(
    conn: sa.Connection, draft: ArchiveDraft, logical: str, table: FoundTable, tell: Tell
) -> ArchivedTable:
    with closing(legacy.rows(conn, table.name)) as blocks:  # whatever ends it, before the rollback
        done = draft.write(logical, counted(blocks, logical, table.about, tell))
    return ArchivedTable(
        table=table.name,
        file=file_of(logical),
        rows=done.rows,
        bytes=done.bytes,
        sha256=done.sha256,
        columns=tuple(
            ArchivedColumn(name=c.name, type=c.type, nullable=c.nullable, default=c.default)
            for c in table.columns
        ),
        json_nulls=legacy.json_nulls(conn, table),
        indexes=legacy.indexes(conn, table.name),
        constraints=legacy.constraints(conn, table.name),
    )
