"""Which code made something of a provider's words. Performs no I/O.

Raised whenever the code makes something else of the same words: of two that read the same body, an
older worker never undoes what a newer one made, and a replay mends what an older one got wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

EXTRACTION = 6
"""Of finding references in texts: `core.references`, `core.links`, every source's mentions."""
CHUNKING = 2
"""Of the canonical text and of cutting it."""

_ADAPTER, _EXTRACTION = 1_000_000, 1_000


@dataclass(frozen=True, slots=True)
class MadeBy:
    """The three parts of a revision: adapter, extraction, chunking."""

    adapter: int
    extraction: int
    chunking: int

    @property
    def number(self) -> int:
        """The revision that they are."""
        return self.adapter * _ADAPTER + self.extraction * _EXTRACTION + self.chunking


def revision(adapter: int) -> int:
    """The revision of what a source's adapter (from 1) made, with all that came after it: one
    number, which grows whenever one of the three does.
    """
    return MadeBy(adapter, EXTRACTION, CHUNKING).number


def parts_of(number: int) -> MadeBy:
    """The parts that a revision is of."""
    adapter, rest = divmod(number, _ADAPTER)
    return MadeBy(adapter, *divmod(rest, _EXTRACTION))


def raised(number: int, *, extraction: bool = False, chunking: bool = False) -> int:
    """The revision of what an adapter made once, read or cut anew by the code of now."""
    made = parts_of(number)
    return MadeBy(
        made.adapter,
        max(made.extraction, EXTRACTION) if extraction else made.extraction,
        max(made.chunking, CHUNKING) if chunking else made.chunking,
    ).number
