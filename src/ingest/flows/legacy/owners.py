"""Organizations, workspaces and stores, as they stand in both schemas. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ingest.core.chunks import ChunkConfig
from ingest.flows.legacy.columns import flag, name_unknown, needed, number, text, time
from ingest.flows.legacy.lines import Row, Value
from ingest.flows.legacy.reporting import Notes

ORGANIZATION = (
    "id",
    "clerk_org_slug",
    "github_org_id",
    "github_installation_id",
    "github_org_slug",
    "github_org_name",
    "github_org_avatar_url",
    "claimed_by",
    "claimed_at",
    "created_at",
    "updated_at",
)
WORKSPACE = (
    "id",
    "organization_id",
    "slug",
    "is_default",
    "settings",
    "created_at",
    "updated_at",
)
_STORE_TEXTS: Mapping[str, str] = {
    "pinecone_metric": "cosine",
    "pinecone_cloud": "aws",
    "pinecone_region": "us-west-2",
    "embedding_model": "char-hash-1536",
    "embedding_provider": "charHash",
}
_STORE_NUMBERS: Mapping[str, int] = {
    "embedding_dim": 1536,
    "chunk_max_tokens": 512,
    "chunk_overlap": 50,
}
_SIZES = ("chunk_max_tokens", "chunk_overlap")
STORE = (
    "id",
    "workspace_id",
    "slug",
    "index_name",
    *_STORE_TEXTS,
    *_STORE_NUMBERS,
    "created_at",
    "updated_at",
)
SLUG_CHARS = 191
_UNKNOWN = "unknown"


def organization(row: Row, notes: Notes, taken_at: str) -> dict[str, Value]:
    """Our row of a legacy organization. `taken_at` stands in for times that nobody can read."""
    name_unknown(row, ORGANIZATION, notes)
    made: dict[str, Value] = {name: row.get(name) for name in ORGANIZATION}
    made["clerk_org_slug"] = needed(row, "clerk_org_slug", notes, notes.id)
    made["claimed_by"] = needed(row, "claimed_by", notes, _UNKNOWN)
    made["created_at"] = time(row, "created_at", notes, ("claimed_at", "updated_at"), taken_at)
    made["claimed_at"] = time(row, "claimed_at", notes, ("created_at", "updated_at"), taken_at)
    made["updated_at"] = time(row, "updated_at", notes, ("created_at",), taken_at)
    return made


def workspace(row: Row, notes: Notes, taken_at: str) -> dict[str, Value]:
    """Our row of a legacy workspace."""
    name_unknown(row, WORKSPACE, notes)
    made: dict[str, Value] = {name: row.get(name) for name in WORKSPACE}
    made["is_default"] = flag(row, "is_default", otherwise=False)
    return made | _times(row, notes, taken_at)


def store(row: Row, notes: Notes, taken_at: str) -> dict[str, Value]:
    """Our row of a legacy store. What an older generation did not have is the column's default."""
    name_unknown(row, STORE, notes)
    made: dict[str, Value] = {name: row.get(name) for name in STORE}
    made |= {name: text(row, name) or default for name, default in _STORE_TEXTS.items()}
    made |= {name: number(row, name, default) for name, default in _STORE_NUMBERS.items()}
    return made | _chunking(row, notes) | _times(row, notes, taken_at)


def _chunking(row: Row, notes: Notes) -> dict[str, Value]:
    """Sizes by which a text can be cut; raised or lowered by nobody, they are the defaults."""
    most, overlap = (number(row, name, _STORE_NUMBERS[name]) for name in _SIZES)
    try:
        ChunkConfig(most, overlap)
    except ValueError:
        for name in _SIZES:
            notes.changed("unusable-chunking", name, row.get(name), _STORE_NUMBERS[name])
        return {name: _STORE_NUMBERS[name] for name in _SIZES}
    return {}


def _times(row: Row, notes: Notes, taken_at: str) -> dict[str, Value]:
    created_at = time(row, "created_at", notes, ("updated_at",), taken_at)
    return {
        "created_at": created_at,
        "updated_at": time(row, "updated_at", notes, ("created_at",), taken_at),
    }


def own_slug(slug: Value, id_: str) -> str:
    """The slug of a store whose own is another one's in the same workspace; of its id alone."""
    end = f"-{hashlib.sha256(id_.encode()).hexdigest()[:8]}"
    return f"{slug}"[: SLUG_CHARS - len(end)] + end
