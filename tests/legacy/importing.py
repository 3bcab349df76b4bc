"""Imports in this process: an archive of some rows comes into a test's database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.import_archive import Imported, Wishes, import_archive
from ingest.flows.legacy.reporting import RowFinding
from tests.legacy import database
from tests.legacy.archiving import archive
from tests.legacy.rows import Made


@dataclass
class Report:
    """What an import came to, and what it said of rows."""

    done: Imported
    findings: list[RowFinding] = field(default_factory=list)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [one.as_json() for one in self.findings]

    @property
    def tables(self) -> dict[str, dict[str, int]]:
        return self.done.tally.as_json()

    def said(self, table: str, id_: str) -> set[tuple[str, str]]:
        """(what, rule) of everything that is said of a row."""
        return {
            (one.what, one.rule) for one in self.findings if (one.table, one.id) == (table, id_)
        }


def bring(engine: sa.Engine, directory: Path, *, is_dry: bool = False) -> Report:
    findings: list[RowFinding] = []
    wishes = Wishes(findings.append)
    done = import_archive(engine, Archive.open(directory), wishes, is_dry=is_dry)
    return Report(done, findings)


def archive_of(url: str, directory: Path, rows: Iterable[Made], *, altered: str = "") -> Path:
    """An archive of a legacy database with these rows alone, made in the empty database `url`.

    altered: what was done to its tables by hand, as SQL.
    """
    with psycopg.connect(url) as conn:
        database.make_tables(conn)
        conn.execute(altered.encode())
        database.insert(conn, rows)
    built = database.Built(url, "lightfast", {})
    return archive(built, directory)
