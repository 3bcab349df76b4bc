"""The DDL of a legacy database, of either generation, written out from what is known of it.

Apart from the program: nothing of it is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Generation = Literal["lightfast", "lf"]
"""`lightfast` is the newest: what the second migration made of `lf`, and the ones after it."""

ORDER = (
    "organizations",
    "workspaces",
    "stores",
    "repositories",
    "store_repositories",
    "documents",
    "commits",
    "vector_entries",
)
"""The logical tables; what one refers to stands before it."""

NAMES: Mapping[Generation, Mapping[str, str]] = {
    "lightfast": {
        "organizations": "lightfast_organizations",
        "workspaces": "lightfast_workspaces",
        "stores": "lightfast_stores",
        "repositories": "lightfast_connected_repository",
        "store_repositories": "lightfast_store_repositories",
        "documents": "lightfast_docs_documents",
        "commits": "lightfast_ingestion_commits",
        "vector_entries": "lightfast_vector_entries",
    },
    "lf": {
        "organizations": "lightfast_deus_organizations",
        "workspaces": "lightfast_workspaces",
        "stores": "lf_stores",
        "repositories": "lightfast_deus_connected_repository",
        "store_repositories": "lightfast_store_repositories",
        "documents": "lf_docs_documents",
        "commits": "lf_ingestion_commits",
        "vector_entries": "lf_vector_entries",
    },
}

OF_BEFORE: Mapping[str, str] = {
    "documents": "title varchar(255), description text,",
    "repositories": "is_enabled boolean NOT NULL DEFAULT true,",
}
"""Columns that the newest generation has no more."""


def ddl(generation: Generation = "lightfast") -> str:
    """The statements that make the tables, with the names of their indexes and constraints."""
    names: dict[str, str] = {**NAMES[generation]}
    for logical in ("documents", "repositories"):
        names[f"{logical}_before"] = OF_BEFORE[logical] if generation == "lf" else ""
    return _DDL.format_map(names)


_DDL = """
CREATE TYPE config_status AS ENUM ('configured','unconfigured','ingesting','error','pending');

CREATE TABLE {organizations} (
  id varchar(191) PRIMARY KEY,
  clerk_org_slug varchar(255) NOT NULL,
  github_org_id integer NOT NULL CONSTRAINT lightfast_organizations_github_org_id_unique UNIQUE,
  github_installation_id integer NOT NULL,
  github_org_slug varchar(255) NOT NULL, github_org_name varchar(255) NOT NULL,
  github_org_avatar_url text,
  claimed_by varchar(191) NOT NULL, claimed_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX org_github_slug_idx ON {organizations}(github_org_slug);
CREATE INDEX org_installation_idx ON {organizations}(github_installation_id);
CREATE INDEX org_clerk_slug_idx ON {organizations}(clerk_org_slug);

CREATE TABLE {workspaces} (
  id varchar(191) PRIMARY KEY,
  organization_id varchar(191) NOT NULL REFERENCES {organizations}(id) ON DELETE CASCADE,
  slug varchar(191) NOT NULL, is_default boolean NOT NULL DEFAULT false, settings jsonb,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX workspace_org_id_idx ON {workspaces}(organization_id);
CREATE INDEX workspace_org_default_idx ON {workspaces}(organization_id, is_default);
CREATE INDEX workspace_org_slug_idx ON {workspaces}(organization_id, slug);

CREATE TABLE {stores} (
  id varchar(191) PRIMARY KEY,
  workspace_id varchar(191) NOT NULL REFERENCES {workspaces}(id) ON DELETE CASCADE,
  slug varchar(191) NOT NULL, index_name varchar(191) NOT NULL,
  embedding_dim integer NOT NULL DEFAULT 1536,
  pinecone_metric varchar(20) NOT NULL DEFAULT 'cosine',
  pinecone_cloud varchar(20) NOT NULL DEFAULT 'aws',
  pinecone_region varchar(50) NOT NULL DEFAULT 'us-west-2',
  chunk_max_tokens integer NOT NULL DEFAULT 512, chunk_overlap integer NOT NULL DEFAULT 50,
  embedding_model varchar(100) NOT NULL DEFAULT 'char-hash-1536',
  embedding_provider varchar(50) NOT NULL DEFAULT 'charHash',
  created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE INDEX idx_stores_ws ON {stores}(workspace_id);
CREATE UNIQUE INDEX uq_ws_slug ON {stores}(workspace_id, slug);

CREATE TABLE {documents} (
  id varchar(191) PRIMARY KEY,
  store_id varchar(191) NOT NULL REFERENCES {stores}(id) ON DELETE CASCADE,
  path varchar(512) NOT NULL, slug varchar(256) NOT NULL, {documents_before}
  content_hash varchar(64) NOT NULL, config_hash varchar(64),
  commit_sha varchar(64) NOT NULL, committed_at timestamp NOT NULL DEFAULT now(),
  frontmatter jsonb, chunk_count integer NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE INDEX idx_docs_store ON {documents}(store_id);
CREATE INDEX idx_docs_store_slug ON {documents}(store_id, slug);
CREATE UNIQUE INDEX uq_docs_store_path ON {documents}(store_id, path);

CREATE TABLE {commits} (
  id varchar(191) PRIMARY KEY,
  store_id varchar(191) NOT NULL REFERENCES {stores}(id) ON DELETE CASCADE,
  before_sha varchar(64) NOT NULL, after_sha varchar(64) NOT NULL,
  delivery_id varchar(191) NOT NULL,
  source varchar(32) NOT NULL DEFAULT 'github-webhook',
  status varchar(16) NOT NULL DEFAULT 'processed',
  processed_at timestamp NOT NULL DEFAULT now());
CREATE INDEX idx_commits_store ON {commits}(store_id);
CREATE INDEX idx_commits_source ON {commits}(source);
CREATE UNIQUE INDEX uq_commit_after ON {commits}(store_id, after_sha);
CREATE UNIQUE INDEX uq_commit_delivery ON {commits}(store_id, delivery_id);

CREATE TABLE {store_repositories} (
  id varchar(191) PRIMARY KEY,
  store_id varchar(191) NOT NULL REFERENCES {stores}(id) ON DELETE CASCADE,
  github_repo_id varchar(191) NOT NULL, repo_full_name varchar(512) NOT NULL,
  linked_at timestamp NOT NULL DEFAULT now());
CREATE INDEX idx_store_repo_store ON {store_repositories}(store_id);
CREATE UNIQUE INDEX uq_store_repo_repo ON {store_repositories}(github_repo_id);

CREATE TABLE {repositories} (
  id varchar(191) PRIMARY KEY,
  organization_id varchar(191) NOT NULL REFERENCES {organizations}(id) ON DELETE CASCADE,
  github_repo_id varchar(191) NOT NULL UNIQUE, github_installation_id varchar(191) NOT NULL,
  permissions jsonb, {repositories_before}
  is_active boolean NOT NULL DEFAULT true,
  connected_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, last_synced_at timestamp,
  config_status config_status NOT NULL DEFAULT 'pending', config_path varchar(255),
  config_detected_at timestamp,
  workspace_id varchar(191) REFERENCES {workspaces}(id) ON DELETE SET NULL,
  document_count integer NOT NULL DEFAULT 0, last_ingested_at timestamp,
  metadata jsonb, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX org_id_idx ON {repositories}(organization_id);
CREATE INDEX org_active_idx ON {repositories}(organization_id, is_active);
CREATE INDEX workspace_active_idx ON {repositories}(workspace_id, is_active);
CREATE INDEX installation_idx ON {repositories}(github_installation_id);

CREATE TABLE {vector_entries} (
  id varchar(191) PRIMARY KEY,
  store_id varchar(191) NOT NULL REFERENCES {stores}(id) ON DELETE CASCADE,
  doc_id varchar(191) NOT NULL REFERENCES {documents}(id) ON DELETE CASCADE,
  chunk_index integer NOT NULL, content_hash varchar(64) NOT NULL,
  upserted_at timestamp NOT NULL DEFAULT now());
CREATE INDEX idx_vec_store_doc ON {vector_entries}(store_id, doc_id);
CREATE UNIQUE INDEX uq_vec_unique
  ON {vector_entries}(store_id, doc_id, chunk_index, content_hash);
"""
