"""What a database holds in the end, without our own clocks, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ingest.store.engine import transaction

Table = Mapping[tuple[Any, ...], Mapping[str, Any]]
Snapshot = Mapping[str, Table]

# Each with the columns that name a row first. `created_at` of a document is its source's.
_TABLES = {
    "documents": ("id", "SELECT to_jsonb(d) - 'updated_at' FROM lightfast_docs_documents d"),
    # A row that was only heard of, as somebody's parent, says nothing. A reading names its rank.
    "ledger": (
        "identity",
        "SELECT to_jsonb(l) - 'heard_at' #- '{reading,of}' FROM lightfast_document_ledger l"
        " WHERE rank IS NOT NULL OR patches IS NOT NULL OR NOT fed OR NOT visible",
    ),
    "withheld": (
        "document_id",
        "SELECT jsonb_build_object('document_id', document_id, 'document', document - 'updated_at',"
        " 'chunks', (SELECT jsonb_agg(c - 'updated_at' ORDER BY c) FROM"
        " jsonb_array_elements(chunks) c),"
        " 'refs', (SELECT jsonb_agg(r ORDER BY r) FROM jsonb_array_elements(refs) r))"
        " FROM lightfast_withheld_documents",
    ),
    "chunks": (
        "document_id position",
        "SELECT to_jsonb(c) - 'updated_at' FROM lightfast_document_chunks c",
    ),
    "references": (
        "document_id kind target_source target_key",
        "SELECT to_jsonb(r) FROM lightfast_document_references r",
    ),
    "aliases": ("document_id alias", "SELECT to_jsonb(a) FROM lightfast_document_aliases a"),
    "feeds": ("document_id connection_id", "SELECT to_jsonb(f) FROM lightfast_document_feeds f"),
    "events": (
        "store_id source_type event_key",
        "SELECT to_jsonb(e) - 'processed_at' - 'event_metadata' FROM lightfast_ingestion_events e",
    ),
    "counts": (
        "id",
        "SELECT jsonb_build_object('id', id, 'document_count', document_count)"
        " FROM lightfast_connected_sources",
    ),
}


def snapshot(engine: sa.Engine) -> Snapshot:
    """Every table that promise 4 speaks of, by the columns that name a row."""
    taken: dict[str, Table] = {}
    with transaction(engine, durable=False) as conn:
        for name, (key, query) in _TABLES.items():
            rows = conn.execute(sa.text(query)).scalars().all()
            taken[name] = {tuple(row[column] for column in key.split()): row for row in rows}
    return taken


def difference(one: Snapshot, other: Snapshot) -> str:
    """The rows and columns in which two snapshots differ, a line each; empty where they do not."""
    lines: list[str] = []
    for table in one:
        for key in sorted(one[table].keys() | other[table].keys(), key=str):
            first, second = one[table].get(key), other[table].get(key)
            if first is None or second is None:
                where = "second" if first is None else "first"
                lines.append(f"{table} {key}: only in the {where}: {_named(first or second)}")
                continue
            lines += [
                f"{table} {key} {_named(first)}: {column}: {first[column]!r} | {second[column]!r}"
                for column in first
                if first[column] != second[column]
            ]
    return "\n".join(lines)


def _named(row: Mapping[str, Any] | None) -> str:
    """What a person recognises a row by."""
    telling = ("store_id", "kind", "external_id", "source_id", "state", "target_key", "alias")
    return " ".join(str(row[name]) for name in telling if row and row.get(name) is not None)
