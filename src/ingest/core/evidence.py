"""The words that a reference is proven with: cut out of the text as they are, never composed.

Performs no I/O.
"""

from __future__ import annotations

EVIDENCE_CHARS = 80
"""Evidence is at most this long."""

_BEFORE_CHARS = 30


def surroundings(text: str, start: int) -> str:
    """The words around a mention at `start`, in its line: some before it and what follows.

    At most EVIDENCE_CHARS characters, as they stand in the text.
    """
    low = max(0, start - _BEFORE_CHARS)
    begin = text.rfind("\n", low, start) + 1
    if begin == 0 and low > 0:
        begin = text.find(" ", low, start) + 1 or start
    end = text.find("\n", start, begin + EVIDENCE_CHARS)
    if end < 0:
        end = begin + EVIDENCE_CHARS
    return text[begin:end].strip()


def from_keyword(text: str, keyword: int, start: int, end: int) -> str:
    """What stands from a keyword to the end of what it speaks of; of a long list the last part."""
    begin = max(keyword, start - EVIDENCE_CHARS // 2)
    if begin > keyword:
        begin = text.find(" ", begin, start) + 1 or begin
    return text[begin : min(end, begin + EVIDENCE_CHARS)]
