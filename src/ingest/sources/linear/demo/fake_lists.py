"""Linear's root lists as the fake answers them: in order, filtered, a page at a time. No I/O.

Law: a filter that the schema does not have is refused. A cursor is the id of a row, and means the
place where that row stands now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ingest.core.times import parse_time
from ingest.sources.linear.demo.fake_graphql import BadQuery, Field
from ingest.sources.linear.demo.fake_schema import FILTERS

Object = dict[str, Any]
Live = Callable[[str, Any], Any]
"""An embedded object as it is now, by its field."""

Shows = Callable[[str, Object], bool]
"""Whether an object of a kind may be seen at all."""

_COMPARATORS = frozenset({"eq", "neq", "in", "nin", "gt", "gte", "lt", "lte"})
_ORDERS = frozenset({"createdAt", "updatedAt"})


@dataclass(slots=True)
class _Order:
    """The ids of a kind, newest first, and the place of each."""

    stamp: tuple[int, int]
    ids: list[str]
    places: dict[str, int]


@dataclass(slots=True)
class Lists:
    """The lists over `objects`; `moved` is told of a kind whose order may have changed."""

    objects: Mapping[str, Mapping[str, Object]]
    live: Live
    shows: Shows
    lost_rows_end_lists: bool = False
    _moves: dict[str, int] = field(default_factory=dict)
    _orders: dict[tuple[str, str], _Order] = field(default_factory=dict)

    def moved(self, kind: str) -> None:
        """An object was made, edited or destroyed."""
        self._moves[kind] = self._moves.get(kind, 0) + 1

    def rows(self, kind: str, type_: str, asked: Field, most: int) -> tuple[list[Object], bool]:
        """The rows of a page, and whether there are more; raises `BadQuery`."""
        arguments, objects = asked.arguments, self.objects.get(kind, {})
        narrowed = _checked(asked, f"{type_}Filter")
        order = self._order(kind, str(arguments.get("orderBy") or "createdAt"))
        shows_all, room = arguments.get("includeArchived") is True, min(asked.first, most)
        found: list[Object] = []
        for at in range(self._begin(order, arguments.get("after")), len(order.ids)):
            one = objects[order.ids[at]]
            is_shown = (shows_all or one.get("archivedAt") is None) and self.shows(kind, one)
            if is_shown and fits(narrowed, one, self.live):
                if len(found) == room:
                    return found, True
                found.append(one)
        return found, False

    def _begin(self, order: _Order, after: str | None) -> int:
        """Behind the row of the cursor. Where that is gone, Linear's words are not known: it may
        refuse the cursor, or compare with nothing and find no row.
        """
        if after is None:
            return 0
        place = order.places.get(after)
        if place is not None:
            return place + 1
        if self.lost_rows_end_lists:
            return len(order.ids)
        raise BadQuery("Could not find referenced cursor.", "INPUT_ERROR")

    def _order(self, kind: str, by: str) -> _Order:
        if by not in _ORDERS:
            raise BadQuery(f'Value "{by}" does not exist in "PaginationOrderBy" enum.')
        objects = self.objects.get(kind, {})
        stamp = (self._moves.get(kind, 0), len(objects))
        order = self._orders.get((kind, by))
        if order is None or order.stamp != stamp:
            ids = sorted(objects, key=lambda id_: (str(objects[id_].get(by)), id_), reverse=True)
            order = _Order(stamp, ids, {id_: place for place, id_ in enumerate(ids)})
            self._orders[kind, by] = order
        return order


def _checked(asked: Field, type_: str) -> Mapping[str, Any]:
    """The filter of a list; raises `BadQuery` for one that its type does not have."""
    told = asked.arguments.get("filter")
    if "filter" in asked.arguments:
        if type_ not in FILTERS:
            raise BadQuery(f'Unknown argument "filter" on field "Query.{asked.name}".')
        if asked.declared.get("filter") != type_:
            raise BadQuery(f'Variable "$filter" used in position expecting type "{type_}".')
    _check(told or {}, type_)
    return told or {}


def _check(told: Mapping[str, Any], type_: str) -> None:
    bare = type_.rstrip("?")
    for name, want in told.items():
        if name in ("and", "or"):
            for one in want:
                _check(one, bare)
        elif name == "null" and type_.endswith("?"):
            continue
        elif (below := FILTERS[bare].get(name)) is None:
            raise BadQuery(f'Field "{name}" is not defined by type "{bare}".')
        elif below.rstrip("?") in FILTERS:
            _check(want, below)
        elif unknown := want.keys() - _COMPARATORS - ({"null"} if below.endswith("?") else set()):
            raise BadQuery(f'Field "{min(unknown)}" is not defined by its comparator.')


def fits(told: Mapping[str, Any], of: Mapping[str, Any] | None, live: Live) -> bool:
    """Whether an object is what a filter asks for; None is what is not there."""
    return all(_fits(name, want, of, live) for name, want in told.items())


def _fits(name: str, want: Any, of: Mapping[str, Any] | None, live: Live) -> bool:
    if name == "and":
        return all(fits(one, of, live) for one in want)
    if name == "or":
        return any(fits(one, of, live) for one in want)
    if name == "null":
        return (of is None) is want
    if of is None:
        return False
    value = of.get(name)
    if isinstance(value, dict) or (value is None and not want.keys() & _COMPARATORS):
        return fits(want, live(name, value), live)
    return all(_compares(comparator, value, other) for comparator, other in want.items())


def _compares(comparator: str, value: Any, other: Any) -> bool:
    if comparator == "null":
        return (value is None) is other
    if comparator in ("in", "nin"):
        return (value in other) is (comparator == "in")
    if comparator in ("eq", "neq"):
        return (value == other) is (comparator == "eq")
    if value is None:
        return False
    one, another = _micros(value), _micros(other)
    return {
        "gt": one > another,
        "gte": one >= another,
        "lt": one < another,
        "lte": one <= another,
    }[comparator]


@lru_cache(maxsize=4096)
def _micros(told: str) -> float:
    try:
        return parse_time(told).timestamp()
    except ValueError:
        raise BadQuery("Argument Validation Error", "INVALID_INPUT") from None
