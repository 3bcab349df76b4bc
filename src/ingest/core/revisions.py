"""Which code made something of a provider's words. Performs no I/O.

Raised whenever the code makes something else of the same words: of two that read the same body, an
older worker never undoes what a newer one made, and a replay mends what an older one got wrong.
"""

from __future__ import annotations

EXTRACTION = 3
"""Of finding references in texts: `core.references`, `core.links`, every source's mentions."""
CHUNKING = 1
"""Of the canonical text and of cutting it."""


def revision(adapter: int) -> int:
    """The revision of what a source's adapter (from 1) made, with all that came after it: one
    number, which grows whenever one of the three does.
    """
    return adapter * 1_000_000 + EXTRACTION * 1_000 + CHUNKING
