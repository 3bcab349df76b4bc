"""By which keys documents are found, and what points at them; `schema.sql` says what for."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ingest.store.tables.base import METADATA, SourceType, key, refers


def _serial() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


ALIASES = sa.Table(
    "lightfast_document_aliases",
    METADATA,
    sa.Column("document_id", key(), refers("document_ledger.document_id"), primary_key=True),
    sa.Column("alias", key(255), primary_key=True),
    sa.Column("store_id", key(), nullable=False),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Index("idx_aliases_key", "store_id", "source_type", "alias"),
)

FOLDED_KEYS = sa.Table(
    "lightfast_folded_keys",
    METADATA,
    sa.Column("document_id", key(), refers("document_ledger.document_id"), primary_key=True),
    sa.Column("key", key(255), primary_key=True),
    sa.Column("store_id", key(), nullable=False),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("former", sa.Boolean(), nullable=False),
    sa.Index("idx_folded_keys", "store_id", "source_type", "key"),
)

REFERENCES = sa.Table(
    "lightfast_document_references",
    METADATA,
    sa.Column("document_id", key(), refers("docs_documents.id"), primary_key=True),
    sa.Column("kind", key(16), primary_key=True),
    sa.Column("target_source", SourceType(), primary_key=True),
    sa.Column("target_key", key(255), primary_key=True),
    sa.Column("origin", key(16), nullable=False),
    sa.Column("evidence", sa.Text(), nullable=False),
    sa.Column("store_id", key(), nullable=False),
    sa.Column("target_document_id", key(), refers("docs_documents.id", on_delete="SET NULL")),
    sa.Column("bind_key", key(255)),
    sa.Index("idx_references_key", "store_id", "target_source", "target_key"),
    sa.Index(
        "idx_references_bind_key",
        "store_id",
        "target_source",
        "bind_key",
        postgresql_where=sa.text("bind_key IS NOT NULL"),
    ),
    sa.Index(
        "idx_references_pointing",
        "target_document_id",
        "document_id",
        postgresql_where=sa.text("target_document_id IS NOT NULL"),
    ),
)

PENDING_BINDINGS = sa.Table(
    "lightfast_pending_bindings",
    METADATA,
    _serial(),
    sa.Column("keys", JSONB(), nullable=False),
)

BINDING_NOTES = sa.Table(
    "lightfast_binding_notes",
    METADATA,
    _serial(),
    sa.Column("note", JSONB(), nullable=False),
)

SPACE_NAMES = sa.Table(
    "lightfast_space_names",
    METADATA,
    sa.Column("store_id", key(), refers("stores.id"), primary_key=True),
    sa.Column("source_type", SourceType(), primary_key=True),
    sa.Column("scope", sa.Text(), primary_key=True),
    sa.Column("space", sa.Text(), primary_key=True),
    sa.Column("name", key(255), primary_key=True),
    sa.Column("before", key(255), primary_key=True),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.Column("sure_at", sa.BigInteger(), nullable=False),
)
