"""The tables of a legacy database: what each is called, how its shape is told, what it refers to.

Data alone. The names are those of its migrations: the first made `lf_*` and `lightfast_deus_*`, the
second renamed all to `lightfast_*`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LegacyTable:
    """One table of a legacy database, whatever it is called there.

    names: what it may be called, newest first.
    required: the columns without which its rows mean nothing; further ones come and go between
        generations, and are kept as they are.
    refers: its column → (logical table, column) of what that names, in the legacy foreign keys.
    shared: the table stands in our schema too, under the newest name and with these columns.
    told_by: the columns by which the table is told from another one, of our schema, that took over
        its name; empty where none did.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    refers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    shared: bool = False
    told_by: tuple[str, ...] = ()

    def is_legacy(self, columns: Collection[str]) -> bool:
        """Whether a table of one of the names, with these columns, is the legacy one."""
        return set(self.required) <= set(columns) and not self.is_ours(columns)

    def is_ours(self, columns: Collection[str]) -> bool:
        """Whether it is the one of our schema that took over the name; a shared one never is."""
        return not set(self.told_by) <= set(columns)


ORGANIZATIONS, WORKSPACES, STORES = "organizations", "workspaces", "stores"
REPOSITORIES, STORE_REPOSITORIES = "repositories", "store_repositories"
DOCUMENTS, COMMITS, VECTOR_ENTRIES = "documents", "commits", "vector_entries"
_OF_STORE = {"store_id": (STORES, "id")}

LEGACY_TABLES: Mapping[str, LegacyTable] = {
    ORGANIZATIONS: LegacyTable(
        names=("lightfast_organizations", "lightfast_deus_organizations"),
        required=("id", "clerk_org_slug", "claimed_by"),
        shared=True,
    ),
    WORKSPACES: LegacyTable(
        names=("lightfast_workspaces", "lightfast_deus_workspaces", "lf_workspaces"),
        required=("id", "organization_id", "slug"),
        refers={"organization_id": (ORGANIZATIONS, "id")},
        shared=True,
    ),
    STORES: LegacyTable(
        names=("lightfast_stores", "lf_stores"),
        required=("id", "workspace_id", "slug", "index_name"),
        refers={"workspace_id": (WORKSPACES, "id")},
        shared=True,
    ),
    REPOSITORIES: LegacyTable(
        names=("lightfast_connected_repository", "lightfast_deus_connected_repository"),
        required=("id", "organization_id", "github_repo_id", "github_installation_id"),
        refers={
            "organization_id": (ORGANIZATIONS, "id"),
            "workspace_id": (WORKSPACES, "id"),
        },
    ),
    STORE_REPOSITORIES: LegacyTable(
        names=(
            "lightfast_store_repositories",
            "lightfast_deus_store_repositories",
            "lf_store_repositories",
        ),
        required=("id", "store_id", "github_repo_id", "repo_full_name"),
        refers=_OF_STORE,
    ),
    DOCUMENTS: LegacyTable(
        names=("lightfast_docs_documents", "lf_docs_documents"),
        required=("id", "store_id", "path", "slug", "content_hash", "commit_sha"),
        refers=_OF_STORE,
        told_by=("path",),
    ),
    COMMITS: LegacyTable(
        names=("lightfast_ingestion_commits", "lf_ingestion_commits"),
        required=("id", "store_id", "before_sha", "after_sha", "delivery_id"),
        refers=_OF_STORE,
    ),
    VECTOR_ENTRIES: LegacyTable(
        names=("lightfast_vector_entries", "lf_vector_entries"),
        required=("id", "store_id", "doc_id", "chunk_index", "content_hash"),
        refers={**_OF_STORE, "doc_id": (DOCUMENTS, "id")},
    ),
}
"""By what each is called here, its logical name; what a table refers to stands before it."""
