"""An archive that is made by hand, of some lines of some tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.flows.legacy.manifest import (
    ArchivedColumn,
    ArchivedDatabase,
    ArchivedTable,
    Manifest,
    file_of,
)
from ingest.flows.legacy.writing import ArchiveDraft, drafting
from ingest.store.legacy_tables import LEGACY_TABLES

TEXT = "character varying(191)"
STORE = b'{"id": "s", "workspace_id": "w", "slug": "docs", "index_name": "i"}\n'
WORKSPACE = b'{"id": "w", "organization_id": "o", "slug": "main"}\n'
ORGANIZATION = b'{"id": "o", "clerk_org_slug": "o", "claimed_by": "u"}\n'
ABOVE = {"organizations": [ORGANIZATION], "workspaces": [WORKSPACE], "stores": [STORE]}


def document(document_id: str, frontmatter: str = "null", store_id: str = "s") -> bytes:
    """The line of a document, whose frontmatter is this JSON text."""
    told = f'"id": "{document_id}", "store_id": "{store_id}", "path": "a.md", "slug": "a"'
    rest = f'"content_hash": "", "commit_sha": "", "frontmatter": {frontmatter}'
    return f"{{{told}, {rest}}}\n".encode()


def make(directory: Path, lines: Mapping[str, Sequence[bytes]], *, replace: bool = False) -> None:
    """Write an archive of these lines; a table that is not among them is absent."""
    with drafting(directory, replace=replace) as draft:
        fill(draft, lines)


def fill(draft: ArchiveDraft, lines: Mapping[str, Sequence[bytes]]) -> None:
    """Write the lines of each table, and end the draft with their manifest."""
    draft.finish(manifest({name: write(draft, name, told) for name, told in lines.items()}))


def write(draft: ArchiveDraft, logical: str, lines: Sequence[bytes]) -> ArchivedTable:
    """Write the lines of one table, and what is said of it."""
    done = draft.write(logical, lines)
    more = ("frontmatter",) if logical == "documents" else ()
    columns = [
        ArchivedColumn(name=name, type="jsonb" if name in more else TEXT, nullable=name in more)
        for name in (*LEGACY_TABLES[logical].required, *more)
    ]
    return ArchivedTable(
        table=LEGACY_TABLES[logical].names[0],
        file=file_of(logical),
        rows=done.rows,
        bytes=done.bytes,
        sha256=done.sha256,
        columns=tuple(columns),
    )


def manifest(tables: Mapping[str, ArchivedTable], name: str = "legacy", **given: Any) -> Manifest:
    """A manifest that tells of these tables, and of no other."""
    return Manifest(
        program="0.0.0",
        taken_at=datetime(2026, 1, 2, tzinfo=UTC),
        database=ArchivedDatabase(name=name, server="17.0"),
        tables={logical: tables.get(logical) for logical in LEGACY_TABLES},
        **given,
    )
