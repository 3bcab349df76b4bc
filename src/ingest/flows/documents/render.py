"""Renders whole objects before a transaction needs it: text, hashes, references, chunks. Pure.

Law: rendering is dear, so it happens while no transaction is open, once for each object and store.
A transaction that finds something not rendered notes it down and is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from ingest.core.bounds import MARK, MAX_CHUNKS, MAX_REFERENCES
from ingest.core.canonical import canonical_text, config_hash, content_hash, title_and_body
from ingest.core.changes import Upsert
from ingest.core.chunks import Chunk, ChunkConfig, split
from ingest.core.errors import Raced
from ingest.core.evidence import EVIDENCE_CHARS
from ingest.core.frontmatter import parse_frontmatter
from ingest.core.references import (
    Context,
    Reference,
    as_said,
    brought_by,
    distinct,
    extract,
    keep_owned,
    strongest,
)
from ingest.core.values import JSON
from ingest.flows.documents.called import Move, under, written_under
from ingest.flows.documents.keys import is_own, own_keys
from ingest.sources.hosts import host_of
from ingest.sources.registry import deploying, folded, says, syntaxes

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """What of a store bears on its documents: embedding, chunking, and the prefixes it owns.

    Chunk sizes are in cl100k tokens. `owned` are the prefixes of keys that its connections own, by
    source type: a bare key counts as a reference only where its prefix is among them. `pages` are
    what the URLs of their pages are known by where the provider's own host does not say it.
    `links_taken`: how often a connection had been taken off it when this was read.
    """

    id: str
    embedding_model: str
    embedding_dim: int
    chunk_max_tokens: int
    chunk_overlap: int
    owned: Mapping[str, Collection[str]]
    pages: Mapping[str, Collection[str]] = field(default_factory=dict)
    links_taken: int = 0

    @property
    def embedding(self) -> tuple[str, int, int, int]:
        """What the config hash is made of, in its order: model, dimension, tokens, overlap."""
        return (
            self.embedding_model,
            self.embedding_dim,
            self.chunk_max_tokens,
            self.chunk_overlap,
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What an object says, whichever store it stands in; not all that it names need count there.

    `text` is canonical: title, two line feeds, body, NFC, LF. `content_hash` is its SHA-256, hex.
    """

    upsert: Upsert
    text: str
    content_hash: str
    frontmatter: Mapping[str, JSON] | None
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an object says in one store.

    `references` are those that count there, bounded. `cuts` are what exceeded a bound, as a person
    reads it.
    """

    said: Said
    config_hash: str
    references: Sequence[Reference]
    cuts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pieces:
    """An object's text, cut as a store wants it."""

    upsert: Upsert
    chunks: Sequence[Chunk]
    cuts: tuple[str, ...] = ()


class Renders:
    """The renderings of a batch: made outside of its transaction, and only taken inside.

    An object is known by its identity in Python (`id`), so the very `Upsert` has to be given again,
    not an equal one. For one thread at a time.
    """

    def __init__(self) -> None:
        self._said: dict[int, Said] = {}
        self._rendered: dict[tuple[int, str], Rendered] = {}
        self._pieces: dict[tuple[int, ChunkConfig], Pieces] = {}
        self._called: dict[tuple[int, Move], tuple[Upsert, Upsert]] = {}
        self._moves: dict[int, Move] = {}
        self._lacking: list[Callable[[], object]] = []

    def called(self, upsert: Upsert, move: Move) -> Upsert:
        """The object as its keys are under another name; of one object always the same one."""
        _, made = _once(self._called, (id(upsert), move), lambda: (upsert, under(upsert, move)))
        self._moves[id(made)] = move
        return made

    def note_name(self, upsert: Upsert, move: Move) -> None:
        """Let it be read as what was told under the name `before`, and stands under `after`."""
        self._moves[id(upsert)] = move

    def told_name(self, upsert: Upsert) -> str | None:
        """What its own words call its space, where it is written by another name."""
        move = self._moves.get(id(upsert))
        return move.before if move is not None else None

    def render(self, upsert: Upsert, store: StoreConfig) -> Rendered:
        """What the object says in the store; made once. Costly: not in a transaction."""
        said = _once(self._said, id(upsert), lambda: _say(upsert, self._moves.get(id(upsert))))
        key = id(upsert), store.id
        return _once(self._rendered, key, lambda: _render(said, store))

    def cut(self, upsert: Upsert, store: StoreConfig) -> Pieces:
        """The object's text, cut as the store wants it; made once. Costly: not in a transaction."""
        said = self.render(upsert, store).said
        config = _chunking(upsert, store)
        return _once(self._pieces, (id(upsert), config), lambda: _cut(said, config))

    def rendered(self, upsert: Upsert, store: StoreConfig) -> Rendered | None:
        """What was rendered; None where nothing was, which is noted for `catch_up`."""
        found = self._rendered.get((id(upsert), store.id))
        if found is None:
            self._lacking.append(lambda: self.render(upsert, store))
        return found

    def pieces(self, upsert: Upsert, store: StoreConfig) -> Pieces | None:
        """What was cut; None where nothing was, which is noted for `catch_up`."""
        found = self._pieces.get((id(upsert), _chunking(upsert, store)))
        if found is None:
            self._lacking.append(lambda: self.cut(upsert, store))
        return found

    def cuts(self, upsert: Upsert, store: StoreConfig) -> tuple[str, ...]:
        """What exceeded a bound in the store, of what was rendered."""
        rendered = self._rendered.get((id(upsert), store.id))
        pieces = self._pieces.get((id(upsert), _chunking(upsert, store)))
        return (*(rendered.cuts if rendered else ()), *(pieces.cuts if pieces else ()))

    def rows(self, upsert: Upsert, store: StoreConfig) -> int:
        """How many rows of references and chunks it is, as far as it is rendered."""
        rendered = self._rendered.get((id(upsert), store.id))
        pieces = self._pieces.get((id(upsert), _chunking(upsert, store)))
        return len(rendered.references if rendered else ()) + len(pieces.chunks if pieces else ())

    def require(self) -> None:
        """Raise `Raced` where something was lacking: to be called in the transaction."""
        if self._lacking:
            raise Raced("a document changed between the look ahead and the transaction")

    def catch_up(self) -> None:
        """Make what a transaction lacked: to be called outside of one."""
        while self._lacking:
            self._lacking.pop()()


def _once(made: dict[K, T], key: K, make: Callable[[], T]) -> T:
    found = made.get(key)
    if found is None:
        found = made[key] = make()
    return found


def _say(upsert: Upsert, move: Move | None = None) -> Said:
    """What an object says, whichever store it stands in.

    A title that is made up says nothing: only the body is searched for mentions then, as it is
    stored, so that it is read the same again. What a document calls itself is no reference.
    `move`: it is written by another name than its words know.
    """
    text = canonical_text(upsert.title, upsert.body)
    page = upsert.metadata.get("url")
    host = host_of(page) if isinstance(page, str) else None
    source_type = upsert.identity.source_type
    context = Context(source_type, upsert.home, host=host, scope=upsert.home_scope)
    words = title_and_body(text)[1] if upsert.title_is_made_up else text
    found = as_said(extract(words, context, syntaxes()), says(upsert.identity))
    brought = brought_by(upsert.temporal, deploying())
    linked, branched = _linked(upsert.links, context), _branched(upsert.branch, context)
    stated = (*upsert.references, *linked, *branched, *brought)
    own = own_keys(upsert)
    others = tuple(r for r in (*stated, *found) if not is_own(r, upsert.identity, own))
    if move is not None:
        others = written_under(others, upsert, move)
    frontmatter = upsert.frontmatter or parse_frontmatter(upsert.body)[0]
    return Said(upsert, text, content_hash(text), frontmatter, others)


def _linked(links: Collection[str], context: Context) -> list[Reference]:
    """What a provider's field links to: the field states it, whatever the URL looks like."""
    return [
        reference._replace(origin="field")
        for link in links
        for reference in extract(link, context, syntaxes())
    ]


def _branched(branch: str | None, context: Context) -> list[Reference]:
    """What the name of a branch names: read as in the line that git writes of a merge, by which
    each source has its own rule.
    """
    if branch is None:
        return []
    found = extract(f"Merge branch '{branch}'", context, syntaxes())
    proof = branch[:EVIDENCE_CHARS]
    return [one._replace(origin="field", evidence=proof) for one in found if one.kind == "mention"]


def _render(said: Said, store: StoreConfig) -> Rendered:
    upsert = said.upsert
    every = distinct(keep_owned(said.references, store.owned, store.pages), folded)
    references = strongest(every, MAX_REFERENCES)
    more = len(every) - len(references)
    return Rendered(
        said,
        config_hash_of(store, upsert.chunk_overlap),
        references,
        (f"{more:,} of {len(every):,} references",) if more else (),
    )


def _chunking(upsert: Upsert, store: StoreConfig) -> ChunkConfig:
    """What a source asks for is bounded by half a chunk: of small ones little is left to repeat."""
    size, overlap = store.chunk_max_tokens, upsert.chunk_overlap
    return ChunkConfig(
        max_tokens=size,
        overlap=store.chunk_overlap if overlap is None else min(overlap, size // 2),
    )


def _cut(said: Said, config: ChunkConfig) -> Pieces:
    """The chunks, up to so many; the last one then says that there is more."""
    chunks = split(said.text, config, most=MAX_CHUNKS + 1)
    if len(chunks) <= MAX_CHUNKS:
        return Pieces(said.upsert, chunks)
    kept = chunks[: MAX_CHUNKS - 1]
    end = kept[-1].start + len(kept[-1].text)
    more = f"[{MARK} cut here: {len(said.text) - end:,} more characters]"
    kept.append(Chunk(len(kept), more, end))  # behind what is kept, so that joined it is read whole
    return Pieces(said.upsert, kept, (f"the chunks after {MAX_CHUNKS:,}",))


def config_hash_of(store: StoreConfig, overlap: int | None) -> str:
    """The configuration hash of a document in a store, with the overlap that its source asks for.

    Tokens; None: the store's own.
    """
    return _config_hash(store.embedding, overlap)


@lru_cache(maxsize=1024)
def _config_hash(store_values: tuple[str, int, int, int], overlap: int | None) -> str:
    model, dim, max_tokens, store_overlap = store_values
    if overlap is None:
        return config_hash(model, dim, max_tokens, store_overlap)
    return config_hash(model, dim, max_tokens, store_overlap, sourceChunkOverlap=overlap)
