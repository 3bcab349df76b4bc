"""A consumer that knows the feed alone, and what the tables hold, to compare it with."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ingest.changes import ChangeBatch, Changes, DocumentChange
from ingest.store.engine import transaction

Shown = dict[str, tuple[str, str | None, str, tuple[str | None, ...]]]
"""By document id: content hash, configuration hash, `source_id`, and the chunks' texts in order."""

_DOCUMENTS = sa.text("""
SELECT d.id, d.content_hash, d.config_hash, d.source_id,
  ARRAY(SELECT text FROM lightfast_document_chunks c WHERE c.document_id = d.id ORDER BY position)
  AS texts
FROM lightfast_docs_documents d
WHERE CAST(:stores AS text[]) IS NULL OR d.store_id = ANY(CAST(:stores AS text[]))
""")


@dataclass
class Copy:
    """One document as the consumer has it: its row, and its chunks' places and texts by id."""

    row: tuple[str, str | None, str]
    chunks: dict[str, tuple[int, str | None]] = field(default_factory=dict)


@dataclass
class Follower:
    """Applies batches as docs/changes.md says: an embedder would embed where this keeps a text."""

    documents: dict[str, Copy] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)
    embedded: Counter[str] = field(default_factory=Counter)

    def apply(self, batch: ChangeBatch, texts: Mapping[str, str]) -> None:
        if batch.begins:
            self.unnamed = set(self.documents)
        for change in batch.changes:
            self._apply(change, texts, whole=batch.snapshot)
        if batch.snapshot:
            self.unnamed -= {change.document_id for change in batch.changes}
        if batch.ends:
            for id_ in self.unnamed:
                self.documents.pop(id_, None)
            self.unnamed = set()

    def _apply(self, change: DocumentChange, texts: Mapping[str, str], *, whole: bool) -> None:
        if change.op != "upserted":
            self.documents.pop(change.document_id, None)
            return
        row = (change.content_hash, change.config_hash, change.source_id)
        copy = self.documents.setdefault(change.document_id, Copy(row))
        copy.row = row
        if change.chunks is None:
            return
        now: dict[str, tuple[int, str | None]] = {}
        for one in change.chunks.new:
            had = copy.chunks.get(one.id)
            now[one.id] = (one.position, texts.get(one.id, had[1] if had else None))
            self.embedded[one.id] += 1
        for one in change.chunks.kept:
            now[one.id] = (one.position, copy.chunks.get(one.id, (0, None))[1])
        copy.chunks = now

    def shown(self) -> Shown:
        return {
            id_: (*copy.row, tuple(text for _, text in sorted(copy.chunks.values())))
            for id_, copy in self.documents.items()
        }


def follow(feed: Changes, follower: Follower, limit: int = 500) -> list[DocumentChange]:
    """Read until nothing comes, apply and acknowledge everything; what came."""
    came: list[DocumentChange] = []
    while batch := feed.read(limit):
        follower.apply(batch, feed.texts(batch.changes))
        feed.ack(batch)
        came += batch.changes
    return came


def tables(engine: sa.Engine, stores: Iterable[str] | None = None) -> Shown:
    """What the tables hold."""
    given = {"stores": None if stores is None else sorted(stores)}
    with transaction(engine) as conn:
        rows: list[Any] = [*conn.execute(_DOCUMENTS, given)]
    return {
        row.id: (row.content_hash, row.config_hash, row.source_id, tuple(row.texts)) for row in rows
    }


def chunk_id(text: str) -> str:
    """What docs/changes.md says of a chunk's id."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
