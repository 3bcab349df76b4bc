"""What came out of a legacy database; `schema.sql` says what each table is for."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ingest.store.tables.base import METADATA, NOW, SourceType, key, local_time, refers, zoned_time

IMPORTS = sa.Table(
    "lightfast_legacy_imports",
    METADATA,
    sa.Column("archive", key(64), primary_key=True),
    sa.Column("directory", sa.Text(), nullable=False),
    sa.Column("in_place", sa.Boolean(), nullable=False),
    zoned_time("started_at"),
    zoned_time("finished_at", default=None),
    sa.Column("counts", JSONB()),
)

ORPHANS = sa.Table(
    "lightfast_orphan_documents",
    METADATA,
    sa.Column("document_id", key(), refers("document_ledger.document_id"), primary_key=True),
    sa.Column("store_id", key(), refers("stores.id"), nullable=False),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("kind", key(64), nullable=False),
    sa.Column("external_id", sa.Text(), nullable=False),
    sa.Index("idx_orphans_thing", "store_id", "source_type", "kind", "external_id"),
)

VECTOR_ENTRIES = sa.Table(
    "lightfast_legacy_vector_entries",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("store_id", key(), refers("stores.id"), nullable=False),
    sa.Column("doc_id", key(), refers("document_ledger.document_id"), nullable=False),
    sa.Column("chunk_index", sa.Integer(), nullable=False),
    sa.Column("content_hash", key(64), nullable=False),
    local_time("upserted_at", default=NOW),
    sa.Index("idx_legacy_vectors_document", "doc_id"),
    sa.Index("idx_legacy_vectors_store", "store_id"),
)
