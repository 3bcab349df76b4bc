"""What a document is by the code, the configuration and the owners of today. Pure.

Out of its text, and of what that was read with (`core.reading`); what the ledger knows of it stays:
nobody has said anything new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.core.canonical import title_and_body
from ingest.core.changes import Upsert
from ingest.core.chunks import Chunk
from ingest.core.folding import Decision, LedgerRow
from ingest.core.identity import Identity
from ingest.core.reading import KeptReading, reading_of
from ingest.core.revisions import CHUNKING, parts_of, raised
from ingest.flows.documents.called import Move, naming_of
from ingest.flows.documents.draft import Draft, draft
from ingest.flows.documents.plan import Entry, differs
from ingest.flows.documents.pointing import pointing
from ingest.flows.documents.render import Rendered, Renders, StoreConfig, config_hash_of
from ingest.flows.documents.shown import stated
from ingest.flows.reprocess.asked import CHUNKS, REFERENCES, ReprocessRequest
from ingest.flows.reprocess.stored import Unmade, text_of
from ingest.sources.registry import all_sources
from ingest.store.documents import Stored


@dataclass(frozen=True, slots=True)
class StandingDocument:
    """A document as it stands, in sight or withheld; `stored` has its pointers and names."""

    row: LedgerRow
    stored: Stored
    chunks: Sequence[Chunk]
    store: StoreConfig


@dataclass(frozen=True, slots=True)
class Remade:
    """A document made anew.

    rechunked, reread: whether chunks or configuration, and references, are others by that; where
    neither is, only the revision of what it was made by is written. lacks: what of it was asked for
    and cannot be made.
    """

    standing: StandingDocument
    entry: Entry
    wish: Wish
    rendered: Rendered | None = None
    rechunked: bool = False
    reread: bool = False
    lacks: Unmade | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What of one document is made: references, and chunks where the configuration differs."""

    chunks: bool
    references: bool
    cuts: bool


def remake(
    standing: StandingDocument, asked: ReprocessRequest, renders: Renders
) -> Remade | Unmade | None:
    """The document as it should stand; None where it does.

    Costly: it is to be called with no transaction open.

    The entry is for `write`, under the lock of the ledger's row; its chunks are in `renders`.
    """
    row, stored = standing.row, standing.stored
    found = all_sources().get(row.source_type)
    if found is None:
        return Unmade("gone")
    reading = reading_of(row.reading, row.rank)
    overlap = found.chunk_overlaps.get(row.kind)
    wish = _wish(standing, asked, reading, overlap if reading is None else reading.chunk_overlap)
    lacks = Unmade("older") if REFERENCES in asked.what and reading is None else None
    if not wish.references and not wish.cuts:
        return lacks or _marked(standing, wish)
    text = text_of(stored, standing.chunks)
    if isinstance(text, Unmade):
        return text
    upsert = _upsert(standing, text, reading or KeptReading(chunk_overlap=overlap))
    _note_name(upsert, reading, renders)
    rendered = renders.render(upsert, standing.store)
    if rendered.said.content_hash != stored.content_hash:
        return Unmade("damaged")
    made = made_of(standing, rendered, wish, renders)
    return lacks if made is None else replace(made, lacks=lacks)


def _wish(
    standing: StandingDocument,
    asked: ReprocessRequest,
    reading: KeptReading | None,
    overlap: int | None,
) -> Wish:
    row, stored = standing.row, standing.stored
    wants_chunks = CHUNKS in asked.what
    is_other = stored.config_hash != config_hash_of(standing.store, overlap)
    is_older = parts_of(row.revision).chunking < CHUNKING
    references = REFERENCES in asked.what and reading is not None
    return Wish(wants_chunks, references, wants_chunks and (is_other or is_older))


def _upsert(standing: StandingDocument, text: str, reading: KeptReading) -> Upsert:
    """The object as it was said, as far as its references and chunks hang on it."""
    row, stored = standing.row, standing.stored
    title, body = title_and_body(text)
    told = (stored.relationships or {}).get("temporal")
    shown = told if isinstance(told, Mapping) else {}
    temporal = {name: str(value) for name, value in stated(stored.pointers, shown).items()}
    return Upsert(
        identity=Identity(row.source_type, row.scope, row.kind, row.external_id),
        version=0,
        source_id=stored.source_id,
        title=title,
        body=body,
        metadata=stored.source_metadata,
        frontmatter=stored.frontmatter,
        references=reading.references,
        links=reading.links,
        branch=reading.branch,
        temporal=temporal,
        home=reading.home,
        home_scope=reading.home_scope,
        chunk_overlap=reading.chunk_overlap,
        title_is_made_up=reading.title_is_made_up,
    )


def _note_name(upsert: Upsert, reading: KeptReading | None, renders: Renders) -> None:
    """What its words call by the name of then is written by the name of now."""
    naming = naming_of(upsert.identity.source_type)
    called = naming.within(upsert.metadata) if naming is not None else None
    if called is None or reading is None or reading.called in {None, called.name}:
        return
    renders.note_name(upsert, Move(str(reading.called), called.name, frozenset()))


def made_of(
    standing: StandingDocument, rendered: Rendered, wish: Wish, renders: Renders
) -> Remade | None:
    """The document out of what is rendered, beside it as it stands; None where nothing differs."""
    stored = standing.stored
    if wish.cuts:
        pieces = renders.cut(rendered.said.upsert, standing.store)
        if rendered.config_hash == stored.config_hash and [*pieces.chunks] != [*standing.chunks]:
            stored = replace(stored, config_hash=None)  # other code cuts it otherwise
    made = _draft(standing, stored, rendered, wish)
    compared = stored if wish.references else replace(stored, pointers=())
    points = pointing([(made, compared)])
    rechunked = wish.cuts and made.row["config_hash"] != stored.config_hash
    reread = bool(points.gone or points.put) or (made.row["relationships"] != stored.relationships)
    if not rechunked and not reread and not differs(made, compared):
        return _marked(standing, wish)
    entry = Entry(standing.row, _after(standing, wish), _same(standing, wish), compared, made)
    return Remade(standing, entry, wish, rendered, rechunked, reread)


def _draft(standing: StandingDocument, stored: Stored, rendered: Rendered, wish: Wish) -> Draft:
    """Its row; what is not asked for stays as it stands."""
    made = draft(
        rendered,
        stored.source_metadata,
        standing.row,
        stored.parent_doc_id,
        store=standing.store,
        stored=stored,
    )
    kept: dict[str, Any] = {"frontmatter": stored.frontmatter, "created_at": stored.created_at}
    if not wish.cuts:
        kept["config_hash"] = stored.config_hash
    if not wish.references:
        kept["relationships"] = stored.relationships
    references = made.references if wish.references else ()
    return replace(made, row={**made.row, **kept}, references=references)


def _marked(standing: StandingDocument, wish: Wish) -> Remade | None:
    """Only what it was made by is another than it says; None where that is not so either."""
    after = _after(standing, wish)
    if after == standing.row:
        return None
    return Remade(standing, Entry(standing.row, after, _same(standing, wish), None, None), wish)


def _after(standing: StandingDocument, wish: Wish) -> LedgerRow:
    row = standing.row
    made_by = raised(row.revision, extraction=wish.references, chunking=wish.chunks)
    return row if made_by == row.revision else replace(row, revision=made_by)


def _same(standing: StandingDocument, wish: Wish) -> Decision:
    """Nothing was said: the ledger's row stays, but for what it was made by."""
    return Decision(
        row=_after(standing, wish),
        whole=None,
        metadata=None,
        deleted=False,
        aliases=frozenset(),
        lost_alias=None,
        feeds=(),
    )
