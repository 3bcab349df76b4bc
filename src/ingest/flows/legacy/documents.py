"""A legacy document becomes a file of ours: what is said of it, and the columns it keeps. Pure.

Law: id, slug, hashes and times are the legacy row's. Its place in the order of changes is the
lowest there is, so that whatever a provider shows of the file takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.core.changes import Upsert
from ingest.core.folding import NOBODY, LedgerRow, Statement
from ingest.core.identity import Identity, document_id, document_slug
from ingest.core.ranks import IMPORTED, rank
from ingest.core.slugs import bounded_key
from ingest.core.values import JSON
from ingest.flows.legacy.columns import name_unknown, number, readable, text, time
from ingest.flows.legacy.lines import Row, Value
from ingest.flows.legacy.ownership import Owner
from ingest.flows.legacy.reporting import Notes
from ingest.flows.legacy.repositories import SOURCE
from ingest.sources.github.files import file_identity

COLUMNS = frozenset(
    {
        "id",
        "store_id",
        "path",
        "slug",
        "content_hash",
        "config_hash",
        "commit_sha",
        "committed_at",
        "frontmatter",
        "chunk_count",
        "created_at",
        "updated_at",
    }
)
NO_SCOPE = ""
"""Of an orphan: nobody knows the repository."""
_LOWEST = 0


@dataclass(frozen=True, slots=True)
class LegacyDocument:
    """A document that came out of an archive.

    kept: the columns that its row keeps as they were, by name.
    """

    id: str
    store_id: str
    slug: str
    statement: Statement
    kept: Mapping[str, Value]

    @property
    def identity(self) -> Identity:
        """The file."""
        return self.statement.change.identity

    @property
    def key(self) -> str:
        """The ledger's identity of it."""
        return document_id(self.identity, self.store_id)

    @property
    def is_orphan(self) -> bool:
        """Whether nobody knows its repository."""
        return self.identity.scope == NO_SCOPE

    @property
    def own_slug(self) -> str:
        """The slug that is computed of what it is."""
        return document_slug(self.identity, self.store_id)

    def heard_of(self, slug: str) -> LedgerRow:
        """The ledger's row before anything is said of it: its id and slug are the legacy ones."""
        return LedgerRow(
            identity=self.key,
            document_id=self.id,
            store_id=self.store_id,
            source_type=self.identity.source_type,
            scope=self.identity.scope,
            kind=self.identity.kind,
            external_id=self.identity.id,
            slug=slug,
        )


def document(row: Row, owner: Owner, notes: Notes, taken_at: str) -> LegacyDocument:
    """What an archive's row says of a file of its store."""
    path = text(row, "path") or ""
    found = owner.repository
    name_unknown(row, COLUMNS, notes)
    if owner.rule is not None:
        known = found.name if found is not None else None
        notes.guessed(owner.rule, "repository", [*owner.candidates] or None, known)
    source_id = bounded_key(path)
    if source_id != path:
        notes.changed("path-too-long", "path", path, source_id)
    kept = _kept(row, notes, taken_at)
    created_at = _aware(str(kept["created_at"]))
    upsert = Upsert(
        identity=file_identity(found.number if found is not None else NO_SCOPE, path),
        version=0,
        source_id=source_id,
        title="",
        body="",
        metadata=_metadata(row, path, owner, notes, taken_at),
        created_at=created_at,
        aliases=_aliases(path, owner),
        priority=_LOWEST,
        title_is_made_up=True,
    )
    statement = Statement(
        upsert,
        rank(upsert),
        found.connection_id if found is not None else NOBODY,
        made=IMPORTED,
        heard_at=created_at,
    )
    slug = text(row, "slug") or ""
    return LegacyDocument(notes.id, text(row, "store_id") or "", slug, statement, kept)


def _kept(row: Row, notes: Notes, taken_at: str) -> dict[str, Value]:
    created_at = time(row, "created_at", notes, ("committed_at", "updated_at"), taken_at)
    return {
        "content_hash": text(row, "content_hash") or "",
        "config_hash": text(row, "config_hash"),
        "frontmatter": row.get("frontmatter"),
        "chunk_count": number(row, "chunk_count", 0),
        "created_at": created_at,
        "updated_at": time(row, "updated_at", notes, ("created_at", "committed_at"), created_at),
    }


def _metadata(row: Row, path: str, owner: Owner, notes: Notes, taken_at: str) -> dict[str, JSON]:
    """The seed's `GitHubDocMetadata`; which branch it was nobody noted. A repository that nobody
    knows has the empty name, by which nothing is called.
    """
    found = owner.repository
    committed_at = time(row, "committed_at", notes, ("updated_at", "created_at"), taken_at)
    return {
        "type": SOURCE,
        "path": path,
        "commitSha": text(row, "commit_sha") or "",
        "committedAt": f"{committed_at}Z",
        "repoFullName": (found.name if found is not None else None) or "",
    }


def _aliases(path: str, owner: Owner) -> tuple[str, ...]:
    """Files are found by `owner/repo:path` too."""
    name = owner.repository.name if owner.repository is not None else None
    return () if name is None else (bounded_key(f"{name}:{path}"),)


def _aware(told: str) -> datetime | None:
    found = readable(told)
    return None if found is None else found.replace(tzinfo=UTC)
