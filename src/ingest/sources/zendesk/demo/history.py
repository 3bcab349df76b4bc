"""What an account of the fake shows of its past: which object moved when, for its exports.

Law: what moves again stands at its new place alone. A page costs what is on it, and not what is
before it, so that an account of a hundred thousand objects is walked in the time of its pages.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class History:
    """The moves of one kind of object, in their order. `now` is the provider's clock."""

    now: Callable[[], datetime]
    _ids: list[int] = field(default_factory=list)
    _times: list[int] = field(default_factory=list)
    _last: dict[int, int] = field(default_factory=dict)

    def moved(self, id_: int) -> None:
        """The object moved now; a clock that goes back moves nothing back."""
        self._last[id_] = len(self._ids)
        self._ids.append(id_)
        self._times.append(self._at())

    def filled(self, ids: range, at: datetime) -> None:
        """Objects that nobody has seen yet, all at once, and no earlier than what moved last."""
        self._times.extend([self._not_before(int(at.timestamp()))] * len(ids))
        self._ids.extend(ids)

    def time_of(self, place: int) -> int:
        """Unix seconds of a move."""
        return self._times[place]

    def first_at(self, start: int) -> int:
        """The place of the first move at or after a time."""
        return bisect_left(self._times, start)

    def end_at(self, until: float) -> int:
        """The place behind the last move at or before a time."""
        return bisect_right(self._times, until)

    def from_(self, place: int, end: int) -> Iterator[tuple[int, int]]:
        """The moves that still hold from a place on, as (place, id)."""
        for at in range(place, end):
            id_ = self._ids[at]
            if self._last.get(id_, at) == at:
                yield at, id_

    def _at(self) -> int:
        return self._not_before(int(self.now().timestamp()))

    def _not_before(self, at: int) -> int:
        return max(at, self._times[-1]) if self._times else at


class Lazy(MutableMapping[int, T], Generic[T]):
    """Objects by their ids, of which many are made only when somebody asks, and never kept."""

    def __init__(self) -> None:
        self._made: dict[int, T] = {}
        self._fills: list[tuple[range, Callable[[int], T]]] = []
        self._gone: set[int] = set()

    def fill(self, ids: range, make: Callable[[int], T]) -> None:
        """Objects of these ids, each as `make` has it until somebody changes it."""
        self._fills.append((ids, make))

    def __getitem__(self, id_: int) -> T:
        if id_ in self._made:
            return self._made[id_]
        if id_ not in self._gone:
            for ids, make in self._fills:
                if id_ in ids:
                    return make(id_)
        raise KeyError(id_)

    def __setitem__(self, id_: int, value: T) -> None:
        self._made[id_] = value
        self._gone.discard(id_)

    def __delitem__(self, id_: int) -> None:
        if id_ not in self:
            raise KeyError(id_)
        self._made.pop(id_, None)
        self._gone.add(id_)

    def __iter__(self) -> Iterator[int]:
        yield from self._made
        for ids, _ in self._fills:
            yield from (id_ for id_ in ids if id_ not in self._made and id_ not in self._gone)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, id_: object) -> bool:
        if id_ in self._made:
            return True
        return id_ not in self._gone and any(id_ in ids for ids, _ in self._fills)


def cursor_of(*parts: int | str) -> str:
    """A cursor as nobody reads it: base64 of its parts."""
    return b64encode("|".join(map(str, parts)).encode()).decode()


def parts_of(cursor: str, count: int) -> tuple[str, ...] | None:
    """The parts of a cursor; None where it is none of ours."""
    try:
        parts = tuple(b64decode(cursor, validate=True).decode().split("|"))
    except ValueError:
        return None
    return parts if len(parts) == count else None
