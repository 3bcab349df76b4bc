"""The views for whoever only reads, as SQLAlchemy Core knows them: names and columns.

`schema.sql` says what each gives. They are no tables: `METADATA` does not hold them, so that a
database is told to be ours by its tables alone.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ingest.store.tables.base import SourceType, key

VIEWS = sa.MetaData()


def _local(name: str) -> sa.Column[Any]:
    """As the seed's tables have it: without a zone, in UTC."""
    return sa.Column(name, sa.TIMESTAMP())


def _zoned(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True))


def _id(name: str, length: int = 191) -> sa.Column[Any]:
    return sa.Column(name, key(length))


def _source(before: str = "") -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column(f"{before}source_type", SourceType()), _id(f"{before}source_id", 255)


DOCUMENT_TEXT = sa.Table(
    "lightfast_reader_document_text",
    VIEWS,
    _id("document_id"),
    _id("store_id"),
    *_source(),
    sa.Column("title", sa.Text()),
    sa.Column("body", sa.Text()),
    sa.Column("text", sa.Text()),
    sa.Column("is_whole", sa.Boolean()),
    _id("content_hash", 64),
    _local("updated_at"),
)
CHUNKS = sa.Table(
    "lightfast_reader_chunks",
    VIEWS,
    _id("document_id"),
    _id("store_id"),
    *_source(),
    sa.Column("position", sa.Integer()),
    sa.Column("start", sa.Integer()),
    sa.Column("text", sa.Text()),
    _zoned("updated_at"),
    _id("content_hash", 64),
    _id("config_hash", 64),
    _local("document_updated_at"),
)
THREADS = sa.Table(
    "lightfast_reader_threads",
    VIEWS,
    _id("thread_id"),
    _id("store_id"),
    sa.Column("position", sa.Integer()),
    sa.Column("depth", sa.Integer()),
    _id("document_id"),
    _id("parent_doc_id"),
    *_source(),
    sa.Column("source_metadata", JSONB()),
    _local("created_at"),
    _local("updated_at"),
    sa.Column("is_root", sa.Boolean()),
)
BACKLINKS = sa.Table(
    "lightfast_reader_backlinks",
    VIEWS,
    _id("store_id"),
    _id("document_id"),
    _id("kind", 16),
    _id("origin", 16),
    sa.Column("evidence", sa.Text()),
    _id("target_key", 255),
    _id("from_document_id"),
    *_source("from_"),
    sa.Column("from_url", sa.Text()),
    _local("from_created_at"),
)
CHANGED = sa.Table(
    "lightfast_reader_changed",
    VIEWS,
    _id("store_id"),
    _local("updated_at"),
    _id("document_id"),
    sa.Column("source_type", SourceType()),
    _id("kind", 64),
    _id("source_id", 255),
    _id("slug", 256),
    _id("parent_doc_id"),
    _id("content_hash", 64),
    _id("config_hash", 64),
    sa.Column("chunk_count", sa.Integer()),
    _local("created_at"),
)
DELIVERIES = sa.Table(
    "lightfast_reader_deliveries",
    VIEWS,
    sa.Column("id", sa.BigInteger()),
    _id("organization_id"),
    _id("connection_id"),
    sa.Column("source_type", SourceType()),
    _id("delivery_key", 255),
    sa.Column("headers", JSONB()),
    sa.Column("body_hash", sa.Text()),
    sa.Column("body_bytes", sa.Integer()),
    _id("status", 16),
    sa.Column("reason", sa.Text()),
    sa.Column("attempts", sa.Integer()),
    sa.Column("last_error", sa.Text()),
    sa.Column("conflicting", sa.Boolean()),
    _zoned("received_at"),
    _zoned("next_attempt_at"),
    _zoned("settled_at"),
)
