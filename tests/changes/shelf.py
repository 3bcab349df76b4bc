"""Documents that are written as the store writes them, or by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.store import documents
from ingest.store.engine import transaction
from tests.changes.model import chunk_id


@dataclass(frozen=True)
class Table:
    """One database, whose documents are written straight through the store."""

    engine: sa.Engine
    store: str

    def put(self, id_: str, *texts: str, conn: sa.Connection | None = None, **row: Any) -> None:
        """Write a document with these chunks: a new one, or another version of it."""
        if conn is None:
            with transaction(self.engine) as own:
                self.put(id_, *texts, conn=own, **row)
            return
        told = self._row(id_, texts) | row
        chunks = _chunks(id_, texts)
        if id_ in documents.hashes(conn, [id_]):
            documents.update(conn, [told])
            documents.replace_chunks(conn, [told], chunks)
        else:
            documents.insert(conn, [told])
            documents.insert_chunks(conn, chunks)

    def delete(self, *ids: str) -> None:
        with transaction(self.engine) as conn:
            documents.delete(conn, ids)

    def run(self, statement: str, **given: Any) -> None:
        with transaction(self.engine) as conn:
            conn.execute(sa.text(statement), given)

    def _row(self, id_: str, texts: Sequence[str]) -> dict[str, Any]:
        return {
            "id": id_,
            "store_id": self.store,
            "source_type": "github",
            "source_id": id_,
            "source_metadata": {"type": "github"},
            "parent_doc_id": None,
            "slug": id_,
            "content_hash": chunk_id(json.dumps(texts)),
            "config_hash": None,
            "frontmatter": None,
            "chunk_count": len(texts),
            "relationships": None,
            "created_at": None,
        }


def _chunks(id_: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"document_id": id_, "position": position, "start": 10 * position, "text": text}
        for position, text in enumerate(texts)
    ]
