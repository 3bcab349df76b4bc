"""Where a listing of issues stands between two pages, and what it remembers of the rows it saw.

Law: what was written by another version, or is junk, is read as a beginning. Performs no I/O.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.core.canonical import digest
from ingest.core.values import JSON
from ingest.sources.forms import ID
from ingest.sources.sentry.payloads import counted, word
from ingest.sources.wire import items, mapping, nonblank

MOST_PRINTS = 20_000
"""Rows that are remembered from one sweep to the next: the first ones, which began last."""
_PRINT_CHARS = 8

# What a row of the list tells of an issue and a document holds; not what an event moves.
_TOLD = (
    "annotations",
    "issueCategory",
    "issueType",
    "numComments",
    "permalink",
    "platform",
    "priority",
    "sentryAppIssues",
    "shortId",
    "status",
    "statusDetails",
    "substatus",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing stands.

    project: the id of the listed project. left: ids that the provider's page named and that are
    still to be read. after: the provider's cursor of its next page, where `more` says that there is
    one; None for the first. named: rows so far. hits: how many there are, about. begun_again: how
    often a cursor was not understood, and the list began anew. prints: of the rows, joined.
    """

    project: str
    left: tuple[str, ...] = ()
    after: str | None = None
    more: bool = True
    named: int = 0
    hits: int | None = None
    begun_again: int = 0
    prints: str = ""

    def json(self) -> dict[str, JSON]:
        """As a page's cursor."""
        told: dict[str, JSON] = {
            "project": self.project,
            "left": [*self.left],
            "after": self.after,
            "more": self.more,
            "named": self.named,
            "hits": self.hits,
            "begunAgain": self.begun_again,
            "prints": self.prints,
        }
        return {name: value for name, value in told.items() if value not in (None, "", [])}

    @property
    def is_end(self) -> bool:
        return not (self.left or self.more)

    def without_first(self) -> Place:
        """The first of `left` is read."""
        return replace(self, left=self.left[1:])

    def anew(self) -> Place:
        """From the first page, as its cursor is not understood; what was named may come again."""
        return Place(self.project, begun_again=self.begun_again + 1)


def place_of(cursor: JSON) -> Place | None:
    """The place that a cursor names; None for the beginning."""
    told = mapping(cursor)
    project, after = nonblank(told, "project"), nonblank(told, "after")
    ids = items(told, "left")
    left = tuple(id_ for id_ in ids if ID.fits(id_))
    if project is None or len(left) != len(ids):
        return None
    return Place(
        project,
        left,
        after,
        told.get("more") is True,
        counted(told.get("named")) or 0,
        counted(told.get("hits")),
        counted(told.get("begunAgain")) or 0,
        nonblank(told, "prints") or "",
    )


def print_of(row: Mapping[str, JSON]) -> str:
    """A few characters that are others where the issue, or what the row tells of it, is another.

    48 bits of a digest: that a change is not seen by them happens once in 280 million million.
    """
    told: dict[str, JSON] = {name: row.get(name) for name in _TOLD}
    assigned, project = mapping(row, "assignedTo"), mapping(row, "project")
    told |= {"id": word(row.get("id")), "project": word(project.get("id"))}
    told |= {"assigned": [word(assigned.get("id")), nonblank(assigned, "name")]}
    return urlsafe_b64encode(bytes.fromhex(digest(told)[:12])).decode()


def known_prints(kept: JSON) -> frozenset[str] | None:
    """Those that the last listing left; None where there was none."""
    told = mapping(kept).get("prints")
    if not isinstance(told, str):
        return None
    return frozenset(told[at : at + _PRINT_CHARS] for at in range(0, len(told), _PRINT_CHARS))


def compared(place: Place, rows: Sequence[Mapping[str, JSON]], kept: JSON) -> Place:
    """Left to be read are the rows that the last sweep did not see so; the first one reads none.

    rows: those that `place` names as left, in their order; they are the last of its `named`. What
    lies beyond the rows that are remembered is left to full runs.
    """
    room = max(0, MOST_PRINTS - (place.named - len(rows)))
    known = known_prints(kept)
    prints = [print_of(row) for row in rows[:room]]
    moved = [
        id_
        for id_, told in zip(place.left, prints, strict=False)
        if known is not None and told not in known
    ]
    return replace(place, left=tuple(moved), prints=place.prints + "".join(prints))
