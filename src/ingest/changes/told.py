"""What a consumer is told: a document's change, its chunks, and a batch of changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ingest.store.change_consumers import ChangeConsumer

Op = Literal["upserted", "hidden", "deleted"]
"""`upserted`: it is new, it is another, or it is back in sight. `hidden`: it is out of sight for as
long as what it belongs to is not there. `deleted`: it is no more."""


@dataclass(frozen=True, slots=True)
class PlacedChunk:
    """A chunk of a document: an id that stays while the text does, and its place among the chunks.

    The id is 32 hex digits of the SHA-256 of the text; of equal chunks of one document the second
    has `.2` behind it. It names a chunk within its document.
    """

    id: str
    position: int


@dataclass(frozen=True, slots=True)
class ChunkChanges:
    """A document's chunks: `new` and `kept` are all it has now; `gone` are ids that it had."""

    new: tuple[PlacedChunk, ...] = ()
    kept: tuple[PlacedChunk, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """What became of one document by one transaction.

    position: its place in the feed; per document they grow in the order of what happened. A
        snapshot's changes have that of its beginning.
    updated_at: of the row, aware, in UTC; also of one that is gone.
    changed: the columns that are others; None where it came into sight, so that all is new.
    chunks: None where they are what they were, and of what is out of sight.
    """

    position: int
    op: Op
    document_id: str
    store_id: str
    source_type: str
    source_id: str
    content_hash: str
    config_hash: str | None
    updated_at: datetime
    changed: tuple[str, ...] | None = None
    chunks: ChunkChanges | None = None

    def as_json(self) -> dict[str, Any]:
        """The change as plain JSON; the names are public (docs/changes.md)."""
        return {
            "position": self.position,
            "op": self.op,
            "document_id": self.document_id,
            "store_id": self.store_id,
            "source_type": self.source_type,
            "source_id": self.source_id,
            "content_hash": self.content_hash,
            "config_hash": self.config_hash,
            "updated_at": self.updated_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "changed": None if self.changed is None else list(self.changed),
            "chunks": None if self.chunks is None else _as_json(self.chunks),
        }


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """Changes in order, to be applied and then acknowledged as a whole. False where there are none.

    position: the last one that it covers, those left out by the consumer's filter too.
    snapshot: a page of what stands, each document with all of its chunks as new. begins: the first
        page: what the consumer has from before may be gone by now, and is to be forgotten as far as
        no page names it until the one that `ends`. A page may be empty.
    after: where the consumer stands once this is acknowledged.
    """

    changes: tuple[DocumentChange, ...]
    position: int
    after: ChangeConsumer
    snapshot: bool = False
    begins: bool = False
    ends: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to apply, or to acknowledge."""
        return bool(self.changes) or self.snapshot


def _as_json(chunks: ChunkChanges) -> Mapping[str, Any]:
    return {
        "new": [{"id": one.id, "position": one.position} for one in chunks.new],
        "kept": [{"id": one.id, "position": one.position} for one in chunks.kept],
        "gone": list(chunks.gone),
    }
