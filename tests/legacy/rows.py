"""Rows of a legacy database as its own code wrote them; whoever makes one says what is odd of it.

Apart from the program. Times and ids hang on what is given alone, so that two databases are equal.
"""

from __future__ import annotations

import hashlib
import json
import uuid
import zlib
from dataclasses import dataclass
from typing import TypeAlias

AT = "2024-05-06 07:08:09.123456"
"""When everything was made that is not told otherwise."""
ZEROS = "0" * 40


@dataclass(frozen=True, slots=True)
class Json:
    """A value of a `jsonb` column, by its text: its numbers and its own null are as written."""

    text: str


Cell: TypeAlias = str | int | bool | Json | None
Row: TypeAlias = dict[str, Cell]
Made: TypeAlias = tuple[str, Row]
"""A row, and the logical table that it is of."""


def json_of(value: object) -> Json:
    return Json(json.dumps(value))


def id_of(name: str) -> str:
    """A UUID that hangs on the name alone."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"legacy:{name}"))


def number_of(name: str) -> int:
    """A number of 31 bits that hangs on the name alone."""
    return zlib.crc32(name.encode()) >> 1


def sha_of(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def hash_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def organization(name: str, /, **given: Cell) -> Made:
    return "organizations", {
        "id": f"org_{name}",
        "clerk_org_slug": name,
        "github_org_id": number_of(name),
        "github_installation_id": number_of(f"{name} installed"),
        "github_org_slug": name,
        "github_org_name": name.title(),
        "github_org_avatar_url": f"https://avatars.example.com/{name}",
        "claimed_by": f"user_{name}",
        "claimed_at": AT,
        "created_at": AT,
        "updated_at": AT,
        **given,
    }


def workspace(name: str, /, **given: Cell) -> Made:
    return "workspaces", {
        "id": id_of(name),
        "organization_id": f"org_{name}",
        "slug": name,
        "is_default": True,
        "settings": json_of({"theme": "dark"}),
        "created_at": AT,
        "updated_at": AT,
        **given,
    }


def store(name: str, slug: str = "docs", /, **given: Cell) -> Made:
    """A store of the workspace of that name."""
    made = f"{id_of(name)}_{slug}"
    return "stores", {
        "id": made,
        "workspace_id": id_of(name),
        "slug": slug,
        "index_name": f"{name}-{slug}",
        "created_at": AT,
        "updated_at": AT,
        **given,
    }


def repository(name: str, repo: str, /, **given: Cell) -> Made:
    """A connected repository of the organization and the workspace of that name."""
    told = {
        "fullName": f"{name}/{repo}",
        "description": None,
        "language": "TypeScript",
        "private": False,
        "owner": name,
        "ownerAvatar": f"https://avatars.example.com/{name}",
        "stargazersCount": 7,
        "updatedAt": "2024-05-01T00:00:00Z",
    }
    return "repositories", {
        "id": id_of(f"{name}/{repo}"),
        "organization_id": f"org_{name}",
        "github_repo_id": str(number_of(f"{name}/{repo}")),
        "github_installation_id": str(number_of(f"{name} installed")),
        "permissions": json_of({"admin": True, "push": True, "pull": True}),
        "is_active": True,
        "connected_at": AT,
        "last_synced_at": AT,
        "config_status": "configured",
        "config_path": "lightfast.yml",
        "config_detected_at": AT,
        "workspace_id": id_of(name),
        "document_count": 1,
        "last_ingested_at": AT,
        "metadata": json_of(told),
        "created_at": AT,
        **given,
    }


def link(name: str, repo: str, slug: str = "docs", /, **given: Cell) -> Made:
    """The repository's link to a store of its workspace."""
    return "store_repositories", {
        "id": id_of(f"{name}/{repo} linked"),
        "store_id": f"{id_of(name)}_{slug}",
        "github_repo_id": str(number_of(f"{name}/{repo}")),
        "repo_full_name": f"{name}/{repo}",
        "linked_at": AT,
        **given,
    }


def document(name: str, path: str, slug: str = "docs", /, **given: Cell) -> Made:
    """A document of a store, with the id and the slug that the legacy code gave."""
    plain = path.rsplit(".", 1)[0]
    store_id = f"{id_of(name)}_{slug}"
    return "documents", {
        "id": f"{store_id}_{plain.replace('/', '_')}",
        "store_id": store_id,
        "path": path,
        "slug": plain,
        "content_hash": hash_of(path),
        "config_hash": hash_of("config"),
        "commit_sha": sha_of(path),
        "committed_at": AT,
        "frontmatter": json_of({"title": plain}),
        "chunk_count": 1,
        "created_at": AT,
        "updated_at": AT,
        **given,
    }


def commit(name: str, delivery: str, slug: str = "docs", /, **given: Cell) -> Made:
    store_id = f"{id_of(name)}_{slug}"
    return "commits", {
        "id": f"{store_id}_{delivery}",
        "store_id": store_id,
        "before_sha": sha_of(f"{delivery} before"),
        "after_sha": sha_of(f"{delivery} after"),
        "delivery_id": delivery,
        "source": "github-webhook",
        "status": "processed",
        "processed_at": AT,
        **given,
    }


def vector_entry(of: Made, index: int, /, **given: Cell) -> Made:
    """The entry of one chunk of a document."""
    _, row = of
    return "vector_entries", {
        "id": f"{row['id']}#{index}",
        "store_id": row["store_id"],
        "doc_id": row["id"],
        "chunk_index": index,
        "content_hash": row["content_hash"],
        "upserted_at": AT,
        **given,
    }


def above(name: str) -> list[Made]:
    """An organization, its workspace, and the store `docs` in it."""
    return [organization(name), workspace(name), store(name)]


def ordinary(name: str, repo: str = "site") -> list[Made]:
    """A store with one repository, connected and linked."""
    return [*above(name), repository(name, repo), link(name, repo)]
