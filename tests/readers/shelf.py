"""Documents with chunks and references, written by plain SQL: what the views are read over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.canonical import content_hash
from ingest.core.chunks import ChunkConfig, split
from ingest.store.engine import transaction
from tests.factories import make_store

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
_DOCUMENT = sa.text("""
INSERT INTO lightfast_docs_documents
  (id, store_id, source_type, source_id, source_metadata, parent_doc_id, slug, content_hash,
   chunk_count, created_at)
VALUES (:id, :store, 'linear', :id, '{"url": "https://linear.example/x"}', :parent, :id, :hash,
        :count, :created AT TIME ZONE 'UTC')
""")
_CHUNK = sa.text("""
INSERT INTO lightfast_document_chunks (document_id, position, start, text)
VALUES (:id, :position, :start, :text)
""")
_REFER = sa.text("""
INSERT INTO lightfast_document_references
  (document_id, kind, target_source, target_key, origin, evidence, store_id, target_document_id)
VALUES (:id, 'mention', 'linear', :key, 'text', :words, :store, :target)
""")


@dataclass
class Shelf:
    """Two stores, in one transaction."""

    conn: sa.Connection
    store: str
    other: str

    def put(
        self,
        id_: str,
        text: str = "A title\n\nand a body",
        *,
        config: ChunkConfig | None = None,
        parent: str | None = None,
        created: datetime = NOON,
        store: str | None = None,
    ) -> None:
        """A document with this canonical text, cut into chunks."""
        chunks = split(text, config or ChunkConfig())
        given = {
            "id": id_,
            "store": store or self.store,
            "parent": parent,
            "hash": content_hash(text),
            "count": len(chunks),
            "created": created,
        }
        self.conn.execute(_DOCUMENT, given)
        told = [
            {"id": id_, "position": c.position, "start": c.start, "text": c.text} for c in chunks
        ]
        if told:
            self.conn.execute(_CHUNK, told)

    def refer(self, id_: str, target: str | None, words: str, store: str | None = None) -> None:
        """A mention, in these words."""
        given = {"id": id_, "key": words, "words": words, "target": target}
        self.conn.execute(_REFER, {**given, "store": store or self.store})

    def rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        return [dict(row) for row in self.conn.execute(sa.text(query), given).mappings()]


@pytest.fixture
def shelf(engine: sa.Engine) -> Iterator[Shelf]:
    store, other = make_store(engine), make_store(engine)
    with transaction(engine) as conn:
        yield Shelf(conn, store, other)
