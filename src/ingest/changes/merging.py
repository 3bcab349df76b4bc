"""Makes changes of the rows of the outbox: one for each document of a transaction. Pure.

A statement tells of what it wrote alone; a document that is written anew has its row changed by
one, and its chunks by up to three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from ingest.changes.told import ChunkChanges, DocumentChange, Op, PlacedChunk
from ingest.store.outbox import OutboxRow, SnapshotDocument, fields_of


@dataclass(frozen=True, slots=True)
class _DocumentTold:
    """What one statement told of one document."""

    position: int
    row: OutboxRow
    place: int

    @property
    def document_id(self) -> str:
        return self.row.document_ids[self.place]


@dataclass(slots=True)
class _Stretch:
    """What a transaction told of a document while it was in sight, or that it went out of it."""

    last: _DocumentTold
    fresh: bool = False
    fields: int = 0
    chunks: str | None = None
    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def add(self, told: _DocumentTold) -> None:
        self.last = told
        row, place = told.row, told.place
        self.fresh |= row.said == "added"
        self.fields |= row.fields[place] if row.fields else 0
        if row.chunks is not None:
            self.chunks = row.chunks[place]
            self.added.update((row.added or ())[place].split())
            self.removed.update((row.removed or ())[place].split())


def merged(
    rows: Iterable[OutboxRow],
    *,
    after: int,
    through: int,
    stores: Collection[str] | None,
    source_types: Collection[str] | None,
) -> list[DocumentChange]:
    """What is told at the positions above `after` up to `through`, of these stores and sources.

    rows: in the order of their positions. Changes are in that order too: a document's is at the
    position of the last that its transaction told of it.
    """
    told = (
        one
        for row in rows
        for one in _each(row)
        if after < one.position <= through
        and (stores is None or row.store_ids[one.place] in stores)
        and (source_types is None or row.source_types[one.place] in source_types)
    )
    found: list[DocumentChange] = []
    for _, group in groupby(told, key=lambda one: one.row.transaction_id):
        found += sorted(_of_transaction(group), key=lambda change: change.position)
    return found


def as_standing(document: SnapshotDocument, position: int) -> DocumentChange:
    """A document of a snapshot: all of it is new."""
    return DocumentChange(
        position=position,
        op="upserted",
        document_id=document.id,
        store_id=document.store_id,
        source_type=document.source_type,
        source_id=document.source_id,
        content_hash=document.content_hash,
        config_hash=document.config_hash,
        updated_at=_aware(document.updated_at),
        chunks=ChunkChanges(new=tuple(_placed(document.chunks.split()))),
    )


def digest_of(chunk_id: str) -> str:
    """The digest of a chunk's text, which its id begins with."""
    return chunk_id.partition(".")[0]


def _each(row: OutboxRow) -> Iterator[_DocumentTold]:
    first = row.position - len(row.document_ids) + 1
    return (_DocumentTold(first + place, row, place) for place in range(len(row.document_ids)))


def _of_transaction(group: Iterable[_DocumentTold]) -> Iterator[DocumentChange]:
    stretches: dict[str, list[_Stretch]] = {}
    for told in group:
        known = stretches.setdefault(told.document_id, [])
        if told.row.said in _GONE:
            known[:] = [_Stretch(told)]
        else:
            if not known or known[-1].last.row.said in _GONE:
                known.append(_Stretch(told))
            known[-1].add(told)
    return (_change(one) for known in stretches.values() for one in known)


_GONE: dict[str, Op] = {"hidden": "hidden", "deleted": "deleted"}


def _change(stretch: _Stretch) -> DocumentChange:
    row, place = stretch.last.row, stretch.last.place
    gone = _GONE.get(row.said)
    return DocumentChange(
        position=stretch.last.position,
        op=gone or "upserted",
        document_id=row.document_ids[place],
        store_id=row.store_ids[place],
        source_type=row.source_types[place],
        source_id=row.source_ids[place],
        content_hash=row.content_hashes[place],
        config_hash=row.config_hashes[place],
        updated_at=_aware(row.updated_at[place]),
        changed=None if gone or stretch.fresh else fields_of(stretch.fields),
        chunks=None if gone else _chunks(stretch),
    )


def _chunks(stretch: _Stretch) -> ChunkChanges | None:
    if stretch.chunks is None:
        return ChunkChanges() if stretch.fresh else None
    now = _placed(stretch.chunks.split())
    had = set() if stretch.fresh else _had(stretch)
    return ChunkChanges(
        new=tuple(one for one in now if one.id not in had),
        kept=tuple(one for one in now if one.id in had),
        gone=tuple(sorted(had - {one.id for one in now})),
    )


def _had(stretch: _Stretch) -> set[str]:
    """The ids of the chunks before the transaction: what is there, without what it wrote, with what
    it took away.
    """
    count = Counter((stretch.chunks or "").split())
    count.subtract(stretch.added)
    count.update(stretch.removed)
    return {one.id for one in _placed([*count.elements()])}


def _placed(digests: Sequence[str]) -> list[PlacedChunk]:
    seen: Counter[str] = Counter()
    found = []
    for position, digest in enumerate(digests):
        seen[digest] += 1
        number = seen[digest]
        found.append(PlacedChunk(digest if number == 1 else f"{digest}.{number}", position))
    return found


def _aware(time: datetime) -> datetime:
    """The columns have no zone, and hold UTC."""
    return time.replace(tzinfo=UTC)
