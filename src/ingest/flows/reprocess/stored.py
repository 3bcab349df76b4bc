"""The text of a document, put together again out of its chunks. Pure.

Law: what comes out has the document's content hash; anything else is no text, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.core.bounds import MARK, MAX_CHUNKS
from ingest.core.canonical import canonical_text, content_hash
from ingest.core.chunks import Chunk, join
from ingest.store.documents import Stored

Reason = Literal["nothing", "cut", "damaged", "older", "gone"]

REASONS: dict[Reason, str] = {
    "nothing": "no text is stored to make it of",
    "cut": f"its text is longer than its {MAX_CHUNKS:,} chunks",
    "damaged": "its chunks are not the text that its content hash is of",
    "older": "an older version stored it, and not with what its text is read",
    "gone": "its source is not installed",
}
"""Why a document is left as it is, as a person reads it."""

_NO_TEXT = canonical_text("", "")


@dataclass(frozen=True, slots=True)
class Unmade:
    """A document that cannot be made of what is stored, and why."""

    reason: Reason


def text_of(stored: Stored, chunks: Sequence[Chunk]) -> str | Unmade:
    """The canonical text of a document, by all of its chunks in their order."""
    if not chunks:
        empty = content_hash(_NO_TEXT) == stored.content_hash
        return _NO_TEXT if empty else Unmade("nothing")
    if len(chunks) >= MAX_CHUNKS and chunks[-1].text.startswith(f"[{MARK} cut here: "):
        return Unmade("cut")
    text = join(list(chunks))
    return text if content_hash(text) == stored.content_hash else Unmade("damaged")
