"""Which rows of an archive must be refused, and which changed by some rules: out of it alone.

Apart from the program, of which it imports nothing: docs/legacy.md is said here once more, for an
import into an empty database. `differences(DIR, REPORT)` compares that with what a report says.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Said = tuple[str, str, str, str, str | None]
"""Table, id, what became of the row, the rule, and the field."""

RULES = frozenset(
    {
        "no-parent",
        "repository-id",
        "taken-here",
        "known-under-another-id",
        "no-document",
        "link-across-tenants",
        "link-without-repository",
        "unusable-chunking",
        "unreadable-time",
        "one-ingested",
        "no-repository",
        "several-repositories",
        "slug-repeated",
        "unknown-column",
    }
)
"""Those that are said here; a report may hold others beside, of which only `unfit` refuses."""
NUMBER = re.compile(r"[0-9]{1,19}")
TIMES = {
    "organizations": ("claimed_at", "created_at", "updated_at"),
    "workspaces": ("created_at", "updated_at"),
    "stores": ("created_at", "updated_at"),
    "repositories": ("connected_at", "created_at", "last_synced_at", "last_ingested_at"),
    "store_repositories": ("linked_at",),
    "documents": ("committed_at", "created_at", "updated_at"),
    "commits": ("processed_at",),
    "vector_entries": ("upserted_at",),
}
COLUMNS = {
    "organizations": "id clerk_org_slug github_org_id github_installation_id github_org_slug"
    " github_org_name github_org_avatar_url claimed_by",
    "workspaces": "id organization_id slug is_default settings",
    "stores": "id workspace_id slug index_name embedding_dim pinecone_metric pinecone_cloud"
    " pinecone_region chunk_max_tokens chunk_overlap embedding_model embedding_provider",
    "store_repositories": "id store_id github_repo_id repo_full_name",
    "documents": "id store_id path slug content_hash config_hash commit_sha frontmatter"
    " chunk_count",
    "commits": "id store_id before_sha after_sha delivery_id source status",
    "vector_entries": "id store_id doc_id chunk_index content_hash",
}
"""Beside the times. What else a repository has is kept below `legacy`, and is not named."""


@dataclass
class Judge:
    """Goes through an archive in the order of its tables; `said` is what must be said."""

    directory: Path
    said: set[Said] = field(default_factory=set)
    tenants: dict[str, str] = field(default_factory=dict)
    """The organization of each workspace, and of each store, that comes over."""
    repositories: dict[str, Row] = field(default_factory=dict)
    linked: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> set[Said]:
        organizations = {row["id"] for row in self._rows("organizations")}
        for row in self._rows("organizations"):
            self._columns("organizations", row)
        self._workspaces(organizations)
        self._stores()
        self._repositories(organizations)
        self._links()
        documents = self._documents()
        self._commits()
        self._vectors(documents)
        return self.said

    def _workspaces(self, organizations: set[str]) -> None:
        for row in self._rows("workspaces"):
            if row["organization_id"] not in organizations:
                self._refuse("workspaces", row, "no-parent", "organization_id")
                continue
            self.tenants[row["id"]] = row["organization_id"]
            self._columns("workspaces", row)

    def _stores(self) -> None:
        for row in self._rows("stores"):
            if row["workspace_id"] not in self.tenants:
                self._refuse("stores", row, "no-parent", "workspace_id")
                continue
            self.tenants[f"store {row['id']}"] = self.tenants[row["workspace_id"]]
            most, overlap = row["chunk_max_tokens"], row["chunk_overlap"]
            if most < 4 or not 0 <= overlap < most:  # tokens
                for name in ("chunk_max_tokens", "chunk_overlap"):
                    self._say("stores", row, "changed", "unusable-chunking", name)
            self._columns("stores", row)

    def _repositories(self, organizations: set[str]) -> None:
        for row in self._rows("repositories"):
            if row["organization_id"] not in organizations:
                self._refuse("repositories", row, "no-parent", "organization_id")
            elif not NUMBER.fullmatch(row["github_repo_id"]):
                self._refuse("repositories", row, "repository-id", "github_repo_id")
            else:
                self.repositories[row["github_repo_id"]] = row
                self._columns("repositories", row)

    def _links(self) -> None:
        seen: set[tuple[str, str]] = set()
        for row in self._rows("store_repositories"):
            tenant, number = self.tenants.get(f"store {row['store_id']}"), row["github_repo_id"]
            known = self.repositories.get(number)
            if tenant is None:
                self._refuse("store_repositories", row, "no-parent", "store_id")
            elif known is None and not NUMBER.fullmatch(number):
                self._refuse("store_repositories", row, "repository-id", "github_repo_id")
            elif known is not None and known["organization_id"] != tenant:
                self._refuse("store_repositories", row, "link-across-tenants", "github_repo_id")
            elif (row["store_id"], number) in seen:
                self._refuse("store_repositories", row, "taken-here", "id")
            else:
                if known is None:
                    said = ("guessed", "link-without-repository", "github_repo_id")
                    self._say("store_repositories", row, *said)
                seen.add((row["store_id"], number))
                told = known or {"github_repo_id": number, "document_count": 1}
                self.linked[row["store_id"]].append(told)
                self._columns("store_repositories", row)

    def _documents(self) -> set[str]:
        files: set[tuple[str, str | None, str]] = set()
        slugs: set[tuple[str, str]] = set()
        came: set[str] = set()
        for row in self._rows("documents"):
            store = row["store_id"]
            if f"store {store}" not in self.tenants:
                self._refuse("documents", row, "no-parent", "store_id")
                continue
            number, rule = self._owner(store)
            if rule is not None:
                self._say("documents", row, "guessed", rule, "repository")
            self._columns("documents", row)
            if (store, number, row["path"]) in files:
                self._refuse("documents", row, "known-under-another-id", "path")
                continue
            files.add((store, number, row["path"]))
            if (store, row["slug"]) in slugs:
                self._say("documents", row, "changed", "slug-repeated", "slug")
            slugs.add((store, row["slug"]))
            came.add(row["id"])
        return came

    def _owner(self, store: str) -> tuple[str | None, str | None]:
        linked = self.linked[store]
        if not linked:
            return None, "no-repository"
        if len(linked) == 1:
            return linked[0]["github_repo_id"], None
        brought = [
            one["github_repo_id"]
            for one in linked
            if one["document_count"] > 0 or one["last_ingested_at"] is not None
        ]
        return (brought[0], "one-ingested") if len(brought) == 1 else (None, "several-repositories")

    def _commits(self) -> None:
        keys: set[tuple[str, str]] = set()
        for row in self._rows("commits"):
            key = (row["store_id"], row["delivery_id"])
            if f"store {row['store_id']}" not in self.tenants:
                self._refuse("commits", row, "no-parent", "store_id")
            else:
                self._columns("commits", row)
                if row["delivery_id"] not in {"", "unknown"} and key in keys:
                    self._refuse("commits", row, "taken-here", "id")
                keys.add(key)

    def _vectors(self, documents: set[str]) -> None:
        for row in self._rows("vector_entries"):
            if row["doc_id"] not in documents:
                self._refuse("vector_entries", row, "no-document", "doc_id")
            elif f"store {row['store_id']}" not in self.tenants:
                self._refuse("vector_entries", row, "no-parent", "store_id")
            else:
                self._columns("vector_entries", row)

    # What is said of any row that comes over.

    def _columns(self, table: str, row: Row) -> None:
        for name in TIMES[table]:
            if row.get(name) is not None and not _can_be_read(row[name]):
                self._say(table, row, "changed", "unreadable-time", name)
        if table in COLUMNS:
            for name in row.keys() - {*COLUMNS[table].split(), *TIMES[table]}:
                if row[name] is not None:
                    self._say(table, row, "changed", "unknown-column", name)

    def _refuse(self, table: str, row: Row, rule: str, name: str) -> None:
        self._say(table, row, "refused", rule, name)

    def _say(self, table: str, row: Row, what: str, rule: str, name: str) -> None:
        self.said.add((table, row["id"], what, rule, name))

    def _rows(self, table: str) -> Iterator[Row]:
        path = self.directory / f"{table}.jsonl"
        for line in path.read_text("utf-8").split("\n")[:-1] if path.exists() else ():
            yield json.loads(line)


def _can_be_read(told: str) -> bool:
    try:
        return datetime.fromisoformat(told).year > 0
    except ValueError:
        return False


def differences(directory: Path, report: list[Row]) -> list[str]:
    """What a report says too much, or does not say, by the rules of RULES; and what it refuses by a
    rule that refuses nothing.
    """
    told = {
        (one["table"], one["id"], one["what"], one["rule"], one["field"])
        for one in report
        if one["rule"] in RULES
    }
    wanted = Judge(directory).run()
    strange = {
        one["rule"]
        for one in report
        if one["what"] == "refused" and one["rule"] not in RULES | {"unfit"}
    }
    return [
        *(f"{said} is not said" for said in sorted(wanted - told, key=str)),
        *(f"{said} is said" for said in sorted(told - wanted, key=str)),
        *(f"{rule} refuses a row" for rule in sorted(strange)),
    ]
