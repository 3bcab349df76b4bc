"""The seed's four tables, column by column as the seed writes them. Indexes may be added beside."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ingest.store.tables.base import (
    METADATA,
    YES,
    SourceType,
    flag,
    key,
    local_time,
    number,
    refers,
)

DOCUMENTS = sa.Table(
    "lightfast_docs_documents",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("store_id", key(), refers("stores.id"), nullable=False),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("source_id", key(255), nullable=False),
    sa.Column("source_metadata", JSONB(), nullable=False),
    sa.Column("parent_doc_id", key()),
    sa.Column("slug", key(256), nullable=False),
    sa.Column("content_hash", key(64), nullable=False),
    sa.Column("config_hash", key(64)),
    sa.Column("frontmatter", JSONB()),
    number("chunk_count", 0),
    sa.Column("relationships", JSONB()),
    local_time("created_at"),
    local_time("updated_at"),
    sa.Index("idx_docs_store", "store_id"),
    sa.Index("idx_docs_store_slug", "store_id", "slug"),
    sa.Index("idx_docs_source_type", "source_type"),
    sa.Index("idx_docs_source_id", "source_type", "source_id"),
    sa.Index("idx_docs_parent", "parent_doc_id"),
    sa.Index("uq_docs_store_slug", "store_id", "slug", unique=True),
    sa.Index("idx_docs_metadata_gin", "source_metadata", postgresql_using="gin"),
    sa.Index("idx_docs_relationships_gin", "relationships", postgresql_using="gin"),
    sa.Index("idx_docs_created", "store_id", "source_type", "created_at", "id"),
    sa.Index("idx_docs_updated", "store_id", "source_type", "updated_at", "id"),
    *(
        sa.Index(
            f"idx_docs_{name}",
            sa.text(f"left(source_metadata->>'{name}', 64)"),
            "source_type",
            "store_id",
            "created_at",
            "id",
            postgresql_where=sa.text(f"source_metadata->>'{name}' IS NOT NULL"),
        )
        for name in ("state", "status")
    ),
    sa.Index(
        "idx_docs_children",
        "parent_doc_id",
        "created_at",
        "id",
        postgresql_where=sa.text("parent_doc_id IS NOT NULL"),
    ),
)

CONNECTED_SOURCES = sa.Table(
    "lightfast_connected_sources",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("organization_id", key(), refers("organizations.id"), nullable=False),
    sa.Column("workspace_id", key(), refers("workspaces.id", on_delete="SET NULL")),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("display_name", key(255), nullable=False),
    sa.Column("source_metadata", JSONB(), nullable=False),
    flag("is_active", YES),
    sa.Column("config_status", key(16), server_default="pending"),
    number("document_count", 0),
    local_time("last_synced_at", default=None),
    local_time("last_ingested_at", default=None),
    local_time("connected_at"),
    local_time("created_at"),
    local_time("updated_at"),
    sa.Index("idx_sources_org", "organization_id"),
    sa.Index("idx_sources_workspace", "workspace_id"),
    sa.Index("idx_sources_type", "source_type"),
    sa.Index("idx_sources_org_type", "organization_id", "source_type"),
    sa.Index("idx_sources_org_active", "organization_id", "is_active"),
)

STORE_SOURCES = sa.Table(
    "lightfast_store_sources",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("store_id", key(), refers("stores.id"), nullable=False),
    sa.Column("source_id", key(), refers("connected_sources.id"), nullable=False),
    local_time("linked_at"),
    sa.Index("idx_store_sources_store", "store_id"),
    sa.Index("idx_store_sources_source", "source_id"),
    sa.Index("uq_store_sources_link", "store_id", "source_id", unique=True),
)

EVENTS = sa.Table(
    "lightfast_ingestion_events",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("store_id", key(), refers("stores.id"), nullable=False),
    sa.Column("source_type", SourceType(), nullable=False),
    sa.Column("event_key", key(255), nullable=False),
    sa.Column("event_metadata", JSONB(), nullable=False),
    sa.Column("status", key(16), nullable=False, server_default="processed"),
    local_time("processed_at"),
    sa.Index("idx_events_store", "store_id"),
    sa.Index("idx_events_type", "source_type"),
    sa.Index("idx_events_status", "status"),
    sa.Index("uq_event_key", "store_id", "source_type", "event_key", unique=True),
)
