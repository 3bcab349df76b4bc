"""What stands in the tables, row by row, so that two moments can be compared to the column.

`xmin` is the transaction that wrote a row last: a row that was written anew with the same values
differs in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ingest.core.ranks import was_seen
from ingest.store.engine import transaction

_KEYS: Mapping[str, tuple[str, ...]] = {
    "lightfast_docs_documents": ("id",),
    "lightfast_document_chunks": ("document_id", "position"),
    "lightfast_document_references": ("document_id", "kind", "target_source", "target_key"),
    "lightfast_ingestion_events": ("id",),
    "lightfast_store_sources": ("id",),
    "lightfast_document_ledger": ("identity",),
    "lightfast_document_aliases": ("document_id", "alias"),
    "lightfast_document_feeds": ("document_id", "connection_id"),
}
_OF_LOOKING = {"rank", "created_rank", "reading", "xmin"}
"""What a look-up that saw the same moves."""
_SHOWN = 3

Rows = Mapping[str, Mapping[str, Any]]


def read(engine: sa.Engine) -> dict[str, Rows]:
    """Every row of every table that processing writes, by its key."""
    with transaction(engine) as conn:
        return {table: _rows(conn, table, keys) for table, keys in _KEYS.items()}


def differences(before: Mapping[str, Rows], after: Mapping[str, Rows]) -> list[str]:
    """A line for each table that differs: how many rows, in which columns, and some keys."""
    return [line for table in before if (line := _difference(table, before[table], after[table]))]


def _difference(table: str, before: Rows, after: Rows) -> str:
    added, gone = after.keys() - before.keys(), before.keys() - after.keys()
    moved = [
        key
        for key in before.keys() & after.keys()
        if before[key] != after[key] and not _is_seen_again(before[key], after[key])
    ]
    if not added and not gone and not moved:
        return ""
    columns = sorted({c for key in moved for c in before[key] if before[key][c] != after[key][c]})
    some = sorted([*added, *gone, *moved])[:_SHOWN]
    return (
        f"{table}: {len(added)} rows more, {len(gone)} fewer, {len(moved)} written anew "
        f"({', '.join(columns)}), as {'; '.join(some)}"
    )


def _is_seen_again(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether nothing but a look-up's number moved: what a provider does not show yet is asked for
    again in its own time (`sources.later`), whatever is sent meanwhile.
    """
    moved = {column for column in before if before[column] != after[column]}
    return moved <= _OF_LOOKING and "rank" in after and was_seen(after["rank"])


def _rows(conn: sa.Connection, table: str, keys: tuple[str, ...]) -> Rows:
    query = sa.text(
        f"SELECT concat_ws(' ', {', '.join(keys)}) AS key, "  # noqa: S608 - our own names
        f"to_jsonb(t) || jsonb_build_object('xmin', CAST(t.xmin AS text)) AS row FROM {table} t"
    )
    return {row.key: row.row for row in conn.execute(query)}
