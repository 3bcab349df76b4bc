"""Who owns documents: organizations, workspaces, stores. The seed refers to them.

They are the console's tables; its columns of one provider on organizations may be null here.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ingest.store.tables.base import METADATA, NO, NOW, flag, key, local_time, number, refers

ORGANIZATIONS = sa.Table(
    "lightfast_organizations",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("clerk_org_slug", key(255), nullable=False),
    sa.Column("github_org_id", sa.Integer()),
    sa.Column("github_installation_id", sa.Integer()),
    sa.Column("github_org_slug", key(255)),
    sa.Column("github_org_name", key(255)),
    sa.Column("github_org_avatar_url", sa.Text()),
    sa.Column("claimed_by", key(), nullable=False),
    local_time("claimed_at"),
    local_time("created_at"),
    local_time("updated_at"),
    sa.UniqueConstraint("github_org_id", name="lightfast_organizations_github_org_id_unique"),
    sa.Index("org_github_slug_idx", "github_org_slug"),
    sa.Index("org_installation_idx", "github_installation_id"),
    sa.Index("org_clerk_slug_idx", "clerk_org_slug"),
)

WORKSPACES = sa.Table(
    "lightfast_workspaces",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("organization_id", key(), refers("organizations.id"), nullable=False),
    sa.Column("slug", key(), nullable=False),
    flag("is_default", NO),
    sa.Column("settings", JSONB()),
    local_time("created_at"),
    local_time("updated_at"),
    sa.Index("workspace_org_id_idx", "organization_id"),
    sa.Index("workspace_org_default_idx", "organization_id", "is_default"),
    sa.Index("workspace_org_slug_idx", "organization_id", "slug"),
)

STORES = sa.Table(
    "lightfast_stores",
    METADATA,
    sa.Column("id", key(), primary_key=True),
    sa.Column("workspace_id", key(), refers("workspaces.id"), nullable=False),
    sa.Column("slug", key(), nullable=False),
    sa.Column("index_name", key(), nullable=False),
    number("embedding_dim", 1536),
    sa.Column("pinecone_metric", key(20), nullable=False, server_default="cosine"),
    sa.Column("pinecone_cloud", key(20), nullable=False, server_default="aws"),
    sa.Column("pinecone_region", key(50), nullable=False, server_default="us-west-2"),
    number("chunk_max_tokens", 512),
    number("chunk_overlap", 50),
    sa.Column("embedding_model", key(100), nullable=False, server_default="char-hash-1536"),
    sa.Column("embedding_provider", key(50), nullable=False, server_default="charHash"),
    local_time("created_at", default=NOW),
    local_time("updated_at", default=NOW),
    number("links_taken", 0),
    sa.Index("idx_stores_ws", "workspace_id"),
    sa.Index("uq_ws_slug", "workspace_id", "slug", unique=True),
)
