"""Where a listing of deployments stands, and what it leaves for the next one, as plain JSON.

Law: what cannot be read, as a later or an earlier version wrote it, is a beginning. Bounded,
however many deployments there are. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ingest.core.canonical import digest
from ingest.core.values import JSON
from ingest.sources.vercel.payloads import Seen
from ingest.sources.wire import items, mapping, nonblank

MOST_MARKS = 1_000
"""Deployments that were looked up and need not be again; older ones are, by every full listing."""
MOST_UNFINISHED = 100
"""Deployments that the next listing looks up, wherever they stand; the newest of them."""
_MARK = 12


def mark_of(of: Seen) -> str:
    """Of what a list says of a deployment: while that is the same, so is what it leaves out."""
    return digest(of.model_dump())[:_MARK]


@dataclass(frozen=True, slots=True)
class Left:
    """What a complete listing leaves for the next.

    marks: of what was looked up, by the program that `made_by` names.
    unfinished: ids of deployments that go on changing, while their time of creation stays.
    """

    made_by: str = ""
    marks: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    def told(self) -> JSON:
        """As JSON."""
        return {
            "madeBy": self.made_by,
            "marks": "".join(self.marks),
            "unfinished": [*self.unfinished],
        }


def left(told: JSON, made_by: str) -> Left | None:
    """What the last listing left; None where there was none. Other programs' marks do not count."""
    if not isinstance(told, dict):
        return None
    marks = _marks(told) if told.get("madeBy") == made_by else ()
    return Left(made_by, marks, _texts(items(told, "unfinished")))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing stands.

    until: milliseconds; the next page is of what was made before. None: the first page.
    at: the list that answered. listed: there is no more of it.
    look: ids still to be looked up, each with its mark.
    met: marks of what was looked up or is known, newest first. unfinished: as in `Left`.
    due: ids that the last listing left unfinished and that this one has not met yet.
    """

    until: int | None = None
    at: str | None = None
    listed: bool = False
    look: Mapping[str, str] = field(default_factory=dict)
    met: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    due: tuple[str, ...] = ()

    def told(self) -> JSON:
        """As JSON."""
        return {
            "until": self.until,
            "at": self.at,
            "listed": self.listed,
            "look": dict(self.look),
            "met": "".join(self.met),
            "unfinished": [*self.unfinished],
            "due": [*self.due],
        }


def place(told: JSON) -> Place | None:
    """The place that a page left; None where it is none."""
    if not isinstance(told, dict):
        return None
    until = told.get("until")
    if not (until is None or (isinstance(until, int) and not isinstance(until, bool))):
        return None
    return Place(
        until=until,
        at=nonblank(told, "at"),
        listed=told.get("listed") is True,
        look={id_: str(mark) for id_, mark in mapping(told, "look").items()},
        met=_marks(told, "met"),
        unfinished=_texts(items(told, "unfinished")),
        due=_texts(items(told, "due")),
    )


def first(told: Iterable[str], most: int) -> tuple[str, ...]:
    """The first of them, each once."""
    return tuple(dict.fromkeys(told))[:most]


def _marks(told: JSON, name: str = "marks") -> tuple[str, ...]:
    whole = nonblank(told, name) or ""
    return tuple(whole[at : at + _MARK] for at in range(0, len(whole), _MARK))


def _texts(told: Iterable[JSON]) -> tuple[str, ...]:
    return tuple(one for one in told if isinstance(one, str))
