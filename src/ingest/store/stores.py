"""Stores and the workspaces and organizations above them: made when missing, listed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class NewStore:
    """A store to be, with the names of what is above it. Slugs are for people and addresses."""

    id: str
    slug: str
    index_name: str
    workspace_id: str
    workspace_slug: str
    organization_id: str
    organization_slug: str


# Two that create the same at once: the primary keys decide, and what was first stays.
_ORGANIZATION = sa.text("""
INSERT INTO lightfast_organizations (id, clerk_org_slug, claimed_by)
VALUES (:organization_id, :organization_slug, 'ingest') ON CONFLICT (id) DO NOTHING
""")
_WORKSPACE = sa.text("""
INSERT INTO lightfast_workspaces (id, organization_id, slug, is_default)
SELECT :workspace_id, o.id, :workspace_slug,
       NOT EXISTS (SELECT FROM lightfast_workspaces w WHERE w.organization_id = o.id)
FROM lightfast_organizations o WHERE o.id = :organization_id
ON CONFLICT (id) DO NOTHING
""")
_STORE = sa.text("""
INSERT INTO lightfast_stores (id, workspace_id, slug, index_name)
VALUES (:id, :workspace_id, :slug, :index_name) ON CONFLICT DO NOTHING
""")
_OWNER_OF_WORKSPACE = sa.text("""
SELECT organization_id FROM lightfast_workspaces WHERE id = :workspace_id
""")
_LOCK = sa.text("""
SELECT FROM lightfast_stores WHERE id = ANY(CAST(:ids AS varchar[]))
ORDER BY id FOR NO KEY UPDATE
""")
# Whoever changes what a store wants waits for those that write by it, and is waited for: what comes
# after him reads the row as he left it.
_WANTED = sa.text("""
SELECT id, embedding_model, embedding_dim, chunk_max_tokens, chunk_overlap, links_taken
FROM lightfast_stores WHERE id = ANY(CAST(:ids AS varchar[])) ORDER BY id FOR KEY SHARE
""")
_IDS = sa.text("SELECT id FROM lightfast_stores ORDER BY id")
_ALONE = sa.text("SELECT FROM lightfast_stores WHERE id = :id FOR UPDATE")
_CHANGE = sa.text("""
UPDATE lightfast_stores
SET embedding_model = :embedding_model, embedding_dim = :embedding_dim,
    chunk_max_tokens = :chunk_max_tokens, chunk_overlap = :chunk_overlap
WHERE id = :id
""")
_LIST = sa.text("""
SELECT s.id, s.workspace_id, w.organization_id, s.slug, s.index_name, s.embedding_model,
       s.embedding_dim, s.chunk_max_tokens, s.chunk_overlap, s.created_at,
       (SELECT count(*) FROM lightfast_store_sources l WHERE l.store_id = s.id) AS sources,
       (SELECT count(*) FROM lightfast_docs_documents d WHERE d.store_id = s.id) AS documents
FROM lightfast_stores s JOIN lightfast_workspaces w ON w.id = s.workspace_id
WHERE CAST(:id AS varchar) IS NULL OR s.id = :id
ORDER BY s.id
""")


def owner_of(conn: sa.Connection, workspace_id: str) -> str | None:
    """The organization of a workspace; None where there is no such workspace."""
    owner: str | None = conn.execute(_OWNER_OF_WORKSPACE, {"workspace_id": workspace_id}).scalar()
    return owner


def create(conn: sa.Connection, new: NewStore) -> bool:
    """Create what is missing of organization, workspace and store; whether the store is new.

    A store is not made where its slug is taken within the workspace.
    """
    above = {"organization_id": new.organization_id, "workspace_id": new.workspace_id}
    conn.execute(_ORGANIZATION, {**above, "organization_slug": new.organization_slug})
    conn.execute(_WORKSPACE, {**above, "workspace_slug": new.workspace_slug})
    own = {"id": new.id, "slug": new.slug, "index_name": new.index_name}
    return conn.execute(_STORE, {**own, "workspace_id": new.workspace_id}).rowcount == 1


def lock(conn: sa.Connection, ids: Collection[str]) -> None:
    """Let nobody else lock the stores until the commit (FOR NO KEY UPDATE, in the order of ids).

    Whoever only refers to them may go on: rows that are written in them wait for nothing.
    """
    conn.execute(_LOCK, {"ids": list(ids)})


def wanted(
    conn: sa.Connection, ids: Collection[str]
) -> dict[str, tuple[tuple[str, int, int, int], int]]:
    """Embedding model and dimension, chunk size and overlap (tokens) of stores, and how often a
    connection was taken off, by id.

    They stay so until the commit (FOR KEY SHARE): whoever changes them waits (`alone`).
    """
    rows = conn.execute(_WANTED, {"ids": sorted(ids)})
    return {row[0]: ((row[1], row[2], row[3], row[4]), row[5]) for row in rows}


def alone(conn: sa.Connection, store_id: str) -> None:
    """Wait for everybody who writes in a store, and let nobody begin to until the commit."""
    conn.execute(_ALONE, {"id": store_id})


def change(conn: sa.Connection, store_id: str, told: Mapping[str, str | int]) -> None:
    """Let a store want its documents cut and embedded so: all four, by the columns' names.

    The caller has it `alone`. What stands is made anew by a run (`reprocess_runs`).
    """
    conn.execute(_CHANGE, {**told, "id": store_id})


def ids(conn: sa.Connection) -> list[str]:
    """The ids of all stores, in order."""
    return list(conn.execute(_IDS).scalars())


def listing(conn: sa.Connection, store_id: str | None = None) -> list[dict[str, Any]]:
    """Stores with the numbers of their sources and documents, by id: all, or the one of that id."""
    return [dict(row) for row in conn.execute(_LIST, {"id": store_id}).mappings()]
