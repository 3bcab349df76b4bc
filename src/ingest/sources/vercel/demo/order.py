"""Deployments in the order in which they were made, so that many are paged through quickly."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

_Entry = tuple[int, int, str]


@dataclass(slots=True)
class Order:
    """Ids by their time in milliseconds; of one time by when they were put in."""

    _entries: list[_Entry] = field(default_factory=list)
    _known: dict[str, _Entry] = field(default_factory=dict)
    _count: int = 0

    def put(self, id_: str, at_ms: int) -> None:
        """A new one, or one whose time is another by now."""
        self.drop(id_)
        self._count += 1
        self._known[id_] = entry = (at_ms, self._count, id_)
        insort(self._entries, entry)

    def drop(self, id_: str) -> None:
        """Forget it, if it is known."""
        entry = self._known.pop(id_, None)
        if entry is not None:
            del self._entries[bisect_left(self._entries, entry)]

    def newest_first(self, until_ms: int | None = None) -> Iterator[str]:
        """Those of before that time, or all."""
        entries = self._entries
        end = len(entries) if until_ms is None else bisect_left(entries, (until_ms, 0, ""))
        return (entries[at][2] for at in range(end - 1, -1, -1))
