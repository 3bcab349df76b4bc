"""What a page is asked, what it gives, and how its query is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ingest.console.readings import Readings
from ingest.core.errors import BadInput
from ingest.core.spans import moment_of
from ingest.sources.registry import source_types
from ingest.wiring import Program

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ConsoleRequest:
    """A request of somebody who is signed in.

    path: the parts of the path by name. query: the fields of the query, or of the form that an
    action was sent with. visitor: what he is called in the log. ring: wakes the workers of a queue.
    """

    program: Program
    readings: Readings
    path: Mapping[str, str]
    query: Mapping[str, str]
    visitor: str
    ring: Callable[[str], object]

    def number(self, name: str) -> int:
        """The id in the path; 0, which nothing has, for what is none."""
        told = self.path[name]
        is_one = told.isascii() and told.isdigit() and len(told) <= 19
        return min(int(told), LARGEST_ID) if is_one else 0

    def before(self) -> int | None:
        """Where the page begins of a list of ids, the newest first."""
        told = self.query.get("before")
        if told is None:
            return None
        if not (told.isascii() and told.isdigit() and 0 < len(told) <= 18):
            raise BadInput("`before` is no position of this list; begin anew without it")
        return int(told)

    def time(self, name: str) -> datetime | None:
        """A point of time: a date, a time (UTC where no zone is given), or an age as 24h."""
        told = self.query.get(name)
        at = None if told is None else moment_of(told, datetime.now(UTC))
        if told is not None and at is None:
            raise BadInput(
                f"{told[:40]!r} is no time; write 2026-05-04, 2026-05-04T12:00Z, 24h or 7d"
            )
        return at

    def require_source(self, source_type: str) -> None:
        """Raise `BadInput` for a source that there is not."""
        if source_type not in source_types():
            raise BadInput(
                f"no source is called {source_type[:40]!r}; they are {', '.join(source_types())}"
            )

    def next_page(self, name: str, position: str | int) -> str:
        """The query that shows the page behind a position, with the same filters."""
        return urlencode({**self.query, name: position})


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """What a template is filled with."""

    template: str
    filled: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
