"""The change feed for Python: what becomes of documents, in order and without a gap.

    from ingest import changes

    engine = changes.connect("postgresql://…")
    with changes.Changes(engine, "embedder", stores=["docs"]) as feed:
        while True:
            batch = feed.read(limit=500, wait_s=30)
            texts = feed.texts(batch.changes)
            …                              # apply it: the same batch may come twice
            feed.ack(batch)

`feed` says how it is read, `told` what is told; docs/changes.md what a consumer may rely on.
"""

from ingest.changes.feed import ALL, Changes
from ingest.changes.told import ChangeBatch, ChunkChanges, DocumentChange, Op, PlacedChunk
from ingest.core.errors import FellBehind, LeaseLost
from ingest.store.engine import connect

__all__ = [
    "ALL",
    "ChangeBatch",
    "Changes",
    "ChunkChanges",
    "DocumentChange",
    "FellBehind",
    "LeaseLost",
    "Op",
    "PlacedChunk",
    "connect",
]
