"""Where a listing of Linear's stands: what the cursor of a page holds. Performs no I/O.

Law: a cursor leads on, whatever became of the row that it names. Linear's own cursors are ids of
rows; where one is refused, or leads to nothing though more was promised, the list goes on from the
time of the last row, or begins anew where it cannot be narrowed by that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.core.values import JSON
from ingest.sources.wire import text

MOST_ANEW = 20
"""How often one listing may lose its place before that is an error."""


@dataclass(frozen=True, slots=True)
class Position:
    """after: Linear's cursor. before: only rows created then or earlier.

    last: the time of creation of the last row, as Linear writes it, where rows came newest first.
    anew: how often the place was lost. rest: issues whose long lists are still to be read.
    done: the list itself is at its end, and only `rest` is left.
    """

    after: str | None = None
    before: str | None = None
    last: str | None = None
    anew: int = 0
    rest: tuple[str, ...] = ()
    done: bool = False

    @classmethod
    def of(cls, cursor: JSON) -> Position:
        """What a page before left; the beginning for what cannot be read."""
        if not isinstance(cursor, Mapping):
            return cls()
        anew, rest = cursor.get("anew"), cursor.get("rest")
        return cls(
            after=text(cursor, "after"),
            before=text(cursor, "before"),
            last=text(cursor, "last"),
            anew=anew if isinstance(anew, int) else 0,
            rest=tuple(map(str, rest)) if isinstance(rest, list) else (),
            done=cursor.get("done") is True,
        )

    def cursor(self) -> JSON:
        """As `of` reads it; None at the end of all."""
        if self.done and not self.rest:
            return None
        told: dict[str, JSON] = {
            "after": self.after,
            "before": self.before,
            "last": self.last,
            "anew": self.anew,
            "rest": [*self.rest],
            "done": self.done,
        }
        return {name: value for name, value in told.items() if value}

    def lost(self) -> Position | None:
        """The place to go on from without Linear's cursor; None where there is no other."""
        if self.after is None or self.anew >= MOST_ANEW:
            return None
        return Position(before=self.last, last=self.last, anew=self.anew + 1)

    def behind(self, rows: Sequence[Mapping[str, Any]], after: str | None) -> Position:
        """The place behind these rows; at the end where Linear names no next page."""
        times = [str(row.get("createdAt")) for row in rows]
        earlier = [*([self.last] if self.last else ()), *times]
        begins = self.after is None or self.last is not None
        sorted_ = begins and earlier == sorted(earlier, reverse=True)
        last = earlier[-1] if sorted_ and earlier else None
        return replace(self, after=after, last=last, rest=(), done=after is None)
