"""Brings commits in as events, and what is known of vectors beside."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from ingest.flows.legacy import commits
from ingest.flows.legacy.columns import name_unknown, number, text, time
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.plain_rows import MadeRow, RowKind, notes_of, say, taken, write
from ingest.flows.legacy.target import ImportTarget
from ingest.store import legacy_documents
from ingest.store.legacy_tables import COMMITS, VECTOR_ENTRIES

EVENT = RowKind(
    COMMITS, "lightfast_ingestion_events", {("store_id", "source_type", "event_key"): taken}
)
_OF_VECTOR = ("id", "store_id", "doc_id", "chunk_index", "content_hash", "upserted_at")
VECTOR = RowKind(VECTOR_ENTRIES, "lightfast_legacy_vector_entries")


def bring_commits(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of events; those of no store are refused."""

    def run() -> tuple[list[MadeRow], list[MadeRow]]:
        with target.reading() as conn:
            there = target.stores_of(conn, {text(row, "store_id") or "" for row in batch})
            made: list[MadeRow] = []
            for row in batch:
                notes, store_id = notes_of(COMMITS, row), text(row, "store_id") or ""
                if store_id not in there:
                    notes.refused("no-parent", "store_id", store_id)
                    made.append(MadeRow(notes, None))
                    continue
                linked = target.brought.linked.get(store_id, ())
                made.append(MadeRow(notes, commits.event(row, linked, notes, target.taken_at)))
            return made, write(conn, target, EVENT, made)

    say(target, EVENT, *target.attempt(run))


def bring_vectors(target: ImportTarget, batch: Sequence[Row]) -> None:
    """Write a batch of what was put into a vector index; of documents that are here alone."""

    def run() -> tuple[list[MadeRow], list[MadeRow]]:
        with target.reading() as conn:
            documents = _documents(conn, target, {text(row, "doc_id") or "" for row in batch})
            stores = target.stores_of(conn, {text(row, "store_id") or "" for row in batch})
            made = [_vector(target, row, documents, stores) for row in batch]
            return made, write(conn, target, VECTOR, made)

    say(target, VECTOR, *target.attempt(run))


def _documents(conn: sa.Connection | None, target: ImportTarget, ids: set[str]) -> frozenset[str]:
    """The documents that are here, or would be after a dry run."""
    there: set[str] = set()
    if target.is_dry:
        there.update(id_ for id_ in ids if id_ in target.brought.documents)
    if conn is not None:
        there.update(one.document_id for one in legacy_documents.known(conn, [], ids))
    return frozenset(there)


def _vector(
    target: ImportTarget, row: Row, documents: Collection[str], stores: Collection[str]
) -> MadeRow:
    notes = notes_of(VECTOR_ENTRIES, row)
    doc_id, store_id = text(row, "doc_id"), text(row, "store_id")
    if doc_id not in documents:
        notes.refused("no-document", "doc_id", doc_id)
        return MadeRow(notes, None)
    if store_id not in stores:
        notes.refused("no-parent", "store_id", store_id)
        return MadeRow(notes, None)
    name_unknown(row, _OF_VECTOR, notes)
    return MadeRow(
        notes,
        {
            "id": notes.id,
            "store_id": store_id,
            "doc_id": doc_id,
            "chunk_index": number(row, "chunk_index", 0),
            "content_hash": text(row, "content_hash") or "",
            "upserted_at": time(row, "upserted_at", notes, (), target.taken_at),
        },
    )
