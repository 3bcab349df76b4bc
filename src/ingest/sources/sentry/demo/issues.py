"""The issues of the fake: those that somebody put there, and any number that are drawn when asked.

Law: a drawn issue is kept only once it is changed, and a list is put in order once for each change,
so that hundreds of thousands of them cost neither memory nor time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.core.times import parse_time, to_micros

MOST_ACTIVITIES = 100


@dataclass(slots=True)
class Kept:
    """An issue with all that belongs to it; `tags` are the values of each key, newest first."""

    issue: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As a list tells it."""
        told = {**self.issue, "count": str(self.issue.get("count", "0"))}
        return {**told, "numComments": len(self.notes)}

    def whole(self) -> dict[str, Any]:
        """As the API tells it: with the keys of its tags and what was done to it."""
        keys = [
            {"key": key, "name": key.title(), "totalValues": len(values)}
            for key, values in sorted(self.tags.items())
        ]
        return {
            **self.row(),
            "tags": keys,
            "activity": list(reversed(self.notes[-MOST_ACTIVITIES:])),
            "pluginIssues": [],
            "seenBy": [],
        }


@dataclass(frozen=True, slots=True)
class Drawn:
    """So many issues of a project with ids from `first` on, each drawn by its number.

    times: when the one of a number was seen first and last, in milliseconds since 1970.
    """

    first: int
    count: int
    project: str
    draw: Callable[[int], Kept]
    times: Callable[[int], tuple[int, int]]

    def number(self, id_: str) -> int | None:
        number = int(id_) - self.first if id_.isdigit() else -1
        return number if 0 <= number < self.count else None


@dataclass(frozen=True, slots=True)
class Ordered:
    """One issue in a list: what it is sorted by, and when it was last seen, in milliseconds.

    project: its id; empty where nobody said so, and then it is of any.
    """

    score_ms: int
    id: str
    last_ms: int
    project: str


@dataclass(slots=True)
class Issues(MutableMapping[str, Kept]):
    """Issues by id. To take one by `[]` is to change it; `peek` only looks."""

    _kept: dict[str, Kept] = field(default_factory=dict)
    _drawn: list[Drawn] = field(default_factory=list)
    _gone: set[str] = field(default_factory=set)
    _orders: dict[str, list[Ordered]] = field(default_factory=dict)

    def add(self, drawn: Drawn) -> None:
        """Further issues, of which none is made yet."""
        self._drawn.append(drawn)
        self.moved()

    def peek(self, id_: str) -> Kept | None:
        """The issue, None where there is none."""
        kept = self._kept.get(id_)
        return kept if kept is not None else self._draw(id_)

    @property
    def kept(self) -> int:
        """How many take room: those that were put there, and those of the drawn that changed."""
        return len(self._kept)

    def moved(self) -> None:
        """An issue came, went, or was seen at another time."""
        self._orders.clear()

    def ordered(self, sort: str) -> list[Ordered]:
        """All of them, by their last (`date`) or their first event, the newest first."""
        if sort not in self._orders:
            found = [_ordered(sort, *told) for told in self._told()]
            self._orders[sort] = sorted(found, key=lambda one: (-one.score_ms, one.id))
        return self._orders[sort]

    def at(self, sort: str, score_ms: int) -> int:
        """The place in a list of the first one that is no newer than this."""
        return bisect_left(self.ordered(sort), -score_ms, key=lambda one: -one.score_ms)

    def _told(self) -> Iterator[tuple[str, str, tuple[int, int]]]:
        """Id, project, first and last time of each."""
        for id_, kept in self._kept.items():
            project = str((kept.issue.get("project") or {}).get("id") or "")
            yield id_, project, (_ms(kept.issue, "firstSeen"), _ms(kept.issue, "lastSeen"))
        for drawn in self._drawn:
            for number in range(drawn.count):
                id_ = str(drawn.first + number)
                if id_ not in self._kept and id_ not in self._gone:
                    yield id_, drawn.project, drawn.times(number)

    def _draw(self, id_: str) -> Kept | None:
        if id_ not in self._gone:
            for drawn in self._drawn:
                number = drawn.number(id_)
                if number is not None:
                    return drawn.draw(number)
        return None

    def __getitem__(self, id_: str) -> Kept:
        kept = self.peek(id_)
        if kept is None:
            raise KeyError(id_)
        self._kept[id_] = kept
        return kept

    def __setitem__(self, id_: str, kept: Kept) -> None:
        self._kept[id_] = kept
        self._gone.discard(id_)
        self.moved()

    def __delitem__(self, id_: str) -> None:
        if self.peek(id_) is None:
            raise KeyError(id_)
        self._kept.pop(id_, None)
        self._gone.add(id_)
        self.moved()

    def __iter__(self) -> Iterator[str]:
        return iter([id_ for id_, _, _ in self._told()])

    def __len__(self) -> int:
        return sum(1 for _ in self._told())


def _ordered(sort: str, id_: str, project: str, times: tuple[int, int]) -> Ordered:
    first_ms, last_ms = times
    return Ordered(last_ms if sort == "date" else first_ms, id_, last_ms, project)


def _ms(issue: Mapping[str, Any], name: str) -> int:
    told = issue.get(name) or issue.get("lastSeen") or issue.get("firstSeen")
    return to_ms(parse_time(str(told))) if told else 0


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return to_micros(at) // 1_000
