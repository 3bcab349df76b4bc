"""When a document was created: the earliest that its source says, else when it was first heard of.

A word may come late, not have the time, or know no more than that the thing was there by then (an
event of a deployment tells its own time). So the earliest time counts, whichever word has it and
whichever comes first. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ingest.core.lean import lean


@lean
class Dates:
    """`created_at` is the earliest of the source's times, `rank` that of the word which says it.
    `heard_at` is the earliest time at which a delivery told of the object or a look-up saw it.
    """

    heard_at: datetime | None = None
    created_at: datetime | None = None
    rank: str | None = None

    @property
    def shown(self) -> datetime | None:
        """What the document has."""
        return self.created_at or self.heard_at


def dated(known: Dates, words: Iterable[Dates]) -> Dates:
    """The dates after these words about the document, known words or stale ones.

    The earliest `heard_at`, and the earliest `created_at`; of equal ones that of the highest rank.
    A word that is told once more (of the known rank) says what it says now: it is read better.
    `known` itself where nothing changes.
    """
    heard_at, created_at, rank = known.heard_at, known.created_at, known.rank
    for word in words:
        if word.heard_at is not None and (heard_at is None or word.heard_at < heard_at):
            heard_at = word.heard_at
        if word.created_at is not None and _tells_more(word, created_at, rank):
            created_at, rank = word.created_at, word.rank
    if (heard_at, created_at, rank) == (known.heard_at, known.created_at, known.rank):
        return known
    return Dates(heard_at, created_at, rank)


def _tells_more(word: Dates, created_at: datetime | None, rank: str | None) -> bool:
    if word.created_at is None or created_at is None or word.rank == rank:
        return word.created_at is not None
    if word.created_at == created_at:
        return (word.rank or "") > (rank or "")
    return word.created_at < created_at
