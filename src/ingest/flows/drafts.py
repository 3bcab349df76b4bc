"""From a whole object to the rows that stand for it: text, hashes, chunks, references. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from functools import lru_cache
from typing import Any

from ingest.core.canonical import canonical_text, config_hash, content_hash
from ingest.core.changes import Upsert
from ingest.core.chunks import Chunk, ChunkConfig, split
from ingest.core.folding import LedgerRow
from ingest.core.frontmatter import parse_frontmatter
from ingest.core.references import Context, Reference, extract, keep_owned, relationships
from ingest.core.values import JSON
from ingest.sources.registry import syntaxes


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """What of a store bears on its documents: embedding, chunking, and the prefixes it owns."""

    id: str
    embedding_model: str
    embedding_dim: int
    chunk_max_tokens: int
    chunk_overlap: int
    owned: Mapping[str, Collection[str]]

    @property
    def embedding(self) -> tuple[str, int, int, int]:
        """What the config hash is made of, in its order."""
        return (
            self.embedding_model,
            self.embedding_dim,
            self.chunk_max_tokens,
            self.chunk_overlap,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as it shall stand, but for its chunks, which are cut only where they changed."""

    upsert: Upsert
    store: StoreConfig
    text: str
    row: dict[str, Any]
    references: tuple[Reference, ...]


def draft(
    upsert: Upsert,
    metadata: Mapping[str, JSON],
    ledger: LedgerRow,
    parent_doc_id: str | None,
    store: StoreConfig,
) -> Draft:
    """The document's row, its references and the text that it is cut from.

    The title of a child is made up of its parent's key, so it is not asked what it mentions; and
    nothing refers to itself.
    """
    text = canonical_text(upsert.title, upsert.body)
    context = Context(ledger.source_type, upsert.home)
    own_words = text if upsert.parent is None else upsert.body
    found = extract(own_words, context, syntaxes())
    stated = (*upsert.references, *_linked(upsert.links, context))
    others = [r for r in (*stated, *found) if (r.source, r.key) != _own_key(upsert)]
    references = _strongest(keep_owned(others, store.owned))
    row = {
        "id": ledger.document_id,
        "store_id": store.id,
        "source_type": ledger.source_type,
        "source_id": upsert.source_id,
        "source_metadata": metadata,
        "parent_doc_id": parent_doc_id,
        "slug": ledger.slug,
        "content_hash": content_hash(text),
        "config_hash": _config_hash(store.embedding, upsert.chunk_overlap),
        "frontmatter": upsert.frontmatter or parse_frontmatter(upsert.body)[0],
        "chunk_count": 0,
        "relationships": relationships(references, upsert.temporal),
        "created_at": _naive(upsert),
    }
    return Draft(upsert, store, text, row, references)


def chunks(made: Draft) -> list[Chunk]:
    """The text cut as its store wants it."""
    overlap = made.upsert.chunk_overlap
    config = ChunkConfig(
        max_tokens=made.store.chunk_max_tokens,
        overlap=made.store.chunk_overlap if overlap is None else overlap,
    )
    return split(made.text, config)


def _own_key(upsert: Upsert) -> tuple[str, str]:
    return upsert.identity.source_type, upsert.source_id


def _linked(links: Collection[str], context: Context) -> list[Reference]:
    """What a provider's field links to: the field states it, whatever the URL looks like."""
    return [
        replace(reference, origin="field")
        for link in links
        for reference in extract(link, context, syntaxes())
    ]


def _strongest(references: Collection[Reference]) -> tuple[Reference, ...]:
    """One reference for each (kind, target); provider fields come first and win."""
    kept: dict[tuple[str, str, str], Reference] = {}
    for reference in references:
        kept.setdefault((reference.kind, reference.source, reference.key), reference)
    return tuple(kept[key] for key in sorted(kept))


@lru_cache(maxsize=1024)
def _config_hash(store_values: tuple[str, int, int, int], overlap: int | None) -> str:
    model, dim, max_tokens, store_overlap = store_values
    if overlap is None:
        return config_hash(model, dim, max_tokens, store_overlap)
    return config_hash(model, dim, max_tokens, store_overlap, sourceChunkOverlap=overlap)


def _naive(upsert: Upsert) -> str | None:
    """The source's creation time as the seed's zoneless column holds it, in UTC."""
    if upsert.created_at is None:
        return None
    zoneless = upsert.created_at.astimezone(UTC).replace(tzinfo=None)
    return zoneless.isoformat(timespec="microseconds")
