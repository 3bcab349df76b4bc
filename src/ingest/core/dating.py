"""When a document was created: what its source says, else when it was first heard of. Pure.

A word may come late or not have the time; whichever comes first, the end is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Dates:
    """`created_at` is the source's time, by the newest word that has one, whose rank is `rank`;
    `heard_at` the earliest time at which a delivery told of the object or a look-up saw it.
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

    The earliest `heard_at`; of the words that have a `created_at` that of the highest rank, and of
    one rank the last. `known` itself where nothing changes.
    """
    heard_at, created_at, rank = known.heard_at, known.created_at, known.rank
    for word in words:
        if word.heard_at is not None and (heard_at is None or word.heard_at < heard_at):
            heard_at = word.heard_at
        if word.created_at is not None and (rank is None or (word.rank or "") >= rank):
            created_at, rank = word.created_at, word.rank
    if (heard_at, created_at, rank) == (known.heard_at, known.created_at, known.rank):
        return known
    return Dates(heard_at, created_at, rank)
