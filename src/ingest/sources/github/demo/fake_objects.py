"""The objects of a repository, by kind and key, in the orders in which GitHub lists them.

A crowd of them is told by a function, one at a time, so that a hundred thousand cost no memory to
speak of. Orders are kept as objects come, change and go: no page sorts anything.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Told = dict[str, Any]
Row = tuple[str, int]
"""The time by which it is ordered, and the key, which decides between equals."""
ORDERS = {"created": ("created_at", "submitted_at"), "updated": ("updated_at", "submitted_at")}
_NUMBER_AT_END = re.compile(r"/(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Crowd:
    """Objects that are made when somebody looks: `tell` makes that of a key."""

    keys: range
    tell: Callable[[int], Told]


@dataclass(frozen=True, slots=True)
class _Known:
    rows: Mapping[str, Row]
    group: str


@dataclass(slots=True)
class Shelf:
    """The objects of one kind. `rows` are all of them, in each order; `below` those of a group: the
    reviews of a pull request, the replies to a comment.
    """

    made: dict[int, Told] = field(default_factory=dict)
    crowds: list[Crowd] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=lambda: {order: [] for order in ORDERS})
    below: dict[str, list[Row]] = field(default_factory=dict)
    _known: dict[int, _Known] = field(default_factory=dict)

    def told(self, key: int) -> Told | None:
        if key not in self._known:
            return None
        if key in self.made:
            return self.made[key]
        return next(crowd.tell(key) for crowd in self.crowds if key in crowd.keys)

    def put(self, key: int, told: Told) -> None:
        self.made[key] = told
        self._forget(key)
        self._learn(key, told)
        for order, row in self._known[key].rows.items():
            insort(self.rows[order], row)
        insort(self.below.setdefault(self._known[key].group, []), self._known[key].rows["created"])

    def populate(self, crowd: Crowd) -> None:
        self.crowds.append(crowd)
        for key in crowd.keys:
            self._learn(key, crowd.tell(key))
            for order, row in self._known[key].rows.items():
                self.rows[order].append(row)
            group = self.below.setdefault(self._known[key].group, [])
            group.append(self._known[key].rows["created"])
        for rows in (*self.rows.values(), *self.below.values()):
            rows.sort()

    def remove(self, key: int) -> None:
        self.made.pop(key, None)
        self._forget(key)

    def __iter__(self) -> Iterator[int]:
        """The keys, as they are at the beginning."""
        yield from [*self._known]

    def __len__(self) -> int:
        return len(self._known)

    def _learn(self, key: int, told: Told) -> None:
        rows = {
            order: (next((str(told[name]) for name in names if told.get(name)), ""), key)
            for order, names in ORDERS.items()
        }
        self._known[key] = _Known(rows, _group(told))

    def _forget(self, key: int) -> None:
        known = self._known.pop(key, None)
        if known is None:
            return
        for order, row in known.rows.items():
            _take(self.rows[order], row)
        _take(self.below[known.group], known.rows["created"])


def _take(rows: list[Row], row: Row) -> None:
    del rows[bisect_left(rows, row)]


def _group(told: Told) -> str:
    """What an object is listed below; the empty text for most."""
    pull = _NUMBER_AT_END.search(str(told.get("pull_request_url") or ""))
    if pull is not None:
        return pull[1]
    if told.get("parent_id"):
        return f"reply to {told['parent_id']}"
    return str(told.get("number") or "")


class Objects(MutableMapping[tuple[str, str], Told]):
    """All objects of a repository, by (kind, key)."""

    def __init__(self) -> None:
        self.shelves: dict[str, Shelf] = {}

    def shelf(self, kind: str) -> Shelf:
        return self.shelves.setdefault(kind, Shelf())

    def populate(self, kind: str, crowd: Crowd) -> None:
        self.shelf(kind).populate(crowd)

    def __getitem__(self, name: tuple[str, str]) -> Told:
        kind, key = name
        told = self.shelf(kind).told(int(key)) if key.isdigit() else None
        if told is None:
            raise KeyError(name)
        return told

    def __setitem__(self, name: tuple[str, str], told: Told) -> None:
        self.shelf(name[0]).put(int(name[1]), told)

    def __delitem__(self, name: tuple[str, str]) -> None:
        self[name]
        self.shelf(name[0]).remove(int(name[1]))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for kind, shelf in self.shelves.items():
            yield from ((kind, str(key)) for key in shelf)

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self.shelves.values())
