"""Laws of what would be stored: PostgreSQL takes it, JSON can say it, the chunks are the text."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

import orjson

from fuzz.target import hold
from ingest.core.bounds import MAX_CHUNKS, MAX_REFERENCES
from ingest.core.canonical import canonical_text, title_and_body
from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.chunks import Chunk, join
from ingest.core.evidence import EVIDENCE_CHARS
from ingest.core.folding import Statement
from ingest.core.ranks import content
from ingest.core.references import Reference, relationships
from ingest.core.tokens import count
from ingest.flows.documents.render import Rendered, Renders, StoreConfig

LONGEST_KEY = 255
"""Of the columns that keys stand in."""


def writable(value: Any, what: str) -> None:
    """JSON says it, and no text in it holds what PostgreSQL refuses."""
    try:
        raw = orjson.dumps(value, default=_plain)
    except TypeError as error:
        hold(False, f"{what} cannot be written as JSON: {error}")
        return
    if b"\\u0000" in raw:
        hold(not _holds_nul(orjson.loads(raw)), f"{what} holds U+0000")


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value)
    raise TypeError(type(value).__name__)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(one) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(map(_holds_nul, value))


def stated(statements: Iterable[Statement], store: StoreConfig) -> None:
    """What a connection says can be stored, and rendered where it is whole."""
    renders = Renders()
    for statement in statements:
        change = statement.change
        writable(content(change), "a change")
        writable([statement.rank, statement.made, *statement.cuts], "a rank")
        writable([change.identity.scope, change.identity.kind, change.identity.id], "an identity")
        if isinstance(change, Upsert | Delete):
            for alias in change.aliases:
                hold(len(alias) > 0, "an alias is empty")
        if statement.again is not None:
            asked((statement.again,))
        if isinstance(change, Upsert):
            hold(len(change.source_id) > 0, "a document has no key")
            rendered(change, store, renders)


def asked(refreshes: Iterable[Refresh]) -> None:
    """A look-up can be stored."""
    for one in refreshes:
        writable([one.identity.scope, one.identity.kind, one.identity.id, one.hint], "a look-up")


def rendered(upsert: Upsert, store: StoreConfig, renders: Renders) -> None:
    """The text is canonical, its chunks are the text, and its references are bounded."""
    made = renders.render(upsert, store)
    pieces = renders.cut(upsert, store)
    text = made.said.text
    title, body = title_and_body(text)
    hold(canonical_text(title, body) == text, "a canonical text is none")
    writable([text, made.said.frontmatter, made.config_hash, upsert.metadata], "a document")
    _referring(made)
    chunked(text, pieces.chunks, store.chunk_max_tokens, is_whole=not pieces.cuts)


def _referring(made: Rendered) -> None:
    hold(len(made.references) <= MAX_REFERENCES, "there are too many references")
    referred(made.references)
    told = relationships((one.kind, one.source, one.key) for one in made.references)
    writable(told, "relationships")


def referred(references: Collection[Reference]) -> None:
    """References can be stored, and are proven briefly."""
    for one in references:
        hold(bool(one.key), "a reference has no key")
        hold(len(one.evidence) <= EVIDENCE_CHARS, f"evidence of {len(one.evidence)} characters")
    told = [{**one._asdict(), "thing": one.thing and asdict(one.thing)} for one in references]
    writable(told, "references")


def chunked(text: str, chunks: Iterable[Chunk], most: int, *, is_whole: bool) -> None:
    """Chunks are numbered, none is too large, and put together they are the text."""
    every = list(chunks)
    hold(len(every) <= MAX_CHUNKS or not is_whole, "there are too many chunks")
    hold([one.position for one in every] == list(range(len(every))), "chunks are misnumbered")
    if is_whole:
        hold(join(every) == (text if text.strip() else ""), "the chunks are not the text")
    for one in every if is_whole else every[:-1]:
        tokens = count(one.text)
        hold(tokens is None or tokens <= most, f"a chunk of {tokens} tokens, where {most} may be")
