"""A page of one of Linear's lists: its rows whole, the lists within them read to their end.

Law: an object is listed whole or not at all; a page asks for no more than it may, and what is left
to ask stands in its cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.core.changes import Refresh
from ingest.core.errors import PermanentError
from ingest.core.times import iso
from ingest.sources.contract import Payload
from ingest.sources.linear.descriptor import DESCRIPTOR
from ingest.sources.linear.graphql import Graph
from ingest.sources.linear.list_rows import Row, RowReader, Rows
from ingest.sources.linear.nested import Calls, Vanished, completed, flat, is_open
from ingest.sources.linear.positions import Position
from ingest.sources.linear.rosters import BY_RESOURCE, DEEP, ISSUES, Around, Roster
from ingest.sources.linear.shapes import Place
from ingest.sources.listing import Listed, Page, PageRequest

_FEWEST = 4
"""Requests that an object may take with others before it is looked up by itself."""


@dataclass(slots=True)
class _Whole:
    """Objects with their lists whole; ids of those left to read, and of those that a page cannot
    read: each is looked up by itself, where it ends alone.
    """

    rows: list[Row] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    endless: list[str] = field(default_factory=list)
    gap: str | None = None


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads the lists of one connection; `metadata` is the connection's."""

    graph: Graph
    metadata: Payload

    def page(self, request: PageRequest) -> Page:
        """One page of a resource; see `listing.Lists`."""
        roster = BY_RESOURCE.get(request.resource)
        if roster is None:
            raise PermanentError(f"Linear has no list of {request.resource[:40]}")
        if roster.ends and request.since is None:
            return Page()  # the list of issues tells them whole
        around = Around(DESCRIPTOR.connection_filter(self.metadata), request.since)
        position, calls = Position.of(request.cursor), Calls(max(request.most_calls, _FEWEST))
        if position.rest:
            return self._rest(roster, position, around, calls)
        found = self._reader.rows(roster, position, around, calls)
        if roster.ends:
            return self._linked(roster, found, around, calls)
        opened = [row["id"] for row in found.rows if is_open(roster.query, row)]
        told = [flat(roster.query, row) for row in found.rows if not is_open(roster.query, row)]
        whole = self._deep(roster, opened, around, calls)
        page = self._page(roster, found.position, told, whole, gap=found.gap)
        return replace(page, expected=roster.expected(around, found.organization))

    def _rest(self, roster: Roster, position: Position, around: Around, calls: Calls) -> Page:
        """What a page before left to read; the first of it ends here, so that there is an end."""
        objects = ISSUES if roster.ends else roster
        whole = self._deep(objects, position.rest, around, calls)
        if whole.left[:1] == [*position.rest[:1]]:
            whole.endless.append(whole.left.pop(0))
        return self._page(objects, replace(position, rest=()), (), whole)

    def _linked(self, roster: Roster, found: Rows, around: Around, calls: Calls) -> Page:
        """The issues that relations or attachments are of. What takes no filter is newest first, so
        that it ends where it is older than was asked for.
        """
        since = iso(around.since) if around.since and not roster.filter else ""
        times = [str(row.get(roster.order)) for row in found.rows]
        is_over = bool(times) and times[-1] < since and times == sorted(times, reverse=True)
        new = [row for row, time in zip(found.rows, times, strict=True) if time >= since]
        ids = dict.fromkeys(id_ for row in new for id_ in _ends(roster, row))
        whole = self._deep(ISSUES, [*ids], around, calls)
        position = replace(found.position, after=None, done=True) if is_over else found.position
        return self._page(ISSUES, position, (), whole, gap=found.gap)

    def _page(
        self,
        roster: Roster,
        position: Position,
        told: Sequence[Row],
        whole: _Whole,
        *,
        gap: str | None = None,
    ) -> Page:
        place = Place(self._home)
        return Page(
            listed=tuple(
                Listed(place.identity(roster.kind, row["id"]), row) for row in (*told, *whole.rows)
            ),
            wanted=tuple(Refresh(place.identity(roster.kind, id_)) for id_ in whole.endless),
            cursor=replace(position, rest=tuple(whole.left)).cursor(),
            gap=gap or whole.gap,
        )

    @property
    def _home(self) -> str:
        return str(self.metadata.get("linearOrganizationId") or "")

    @property
    def _reader(self) -> RowReader:
        return RowReader(self.graph, self._home)

    def _deep(self, roster: Roster, ids: Sequence[str], around: Around, calls: Calls) -> _Whole:
        """The objects with these ids, each asked for anew with longer pages, to their end."""
        whole, pending = _Whole(), [*ids]
        while pending and calls.take():
            batch, pending = pending[:DEEP], pending[DEEP:]
            found = self._together(roster, batch, around)
            if found is None:
                whole.endless += batch
                continue
            whole.gap = whole.gap or found.gap
            pending = [*_cut_off(found, batch), *pending]
            for row in found.rows:
                self._complete(roster, row, calls, whole)
        whole.left += pending
        return whole

    def _together(self, roster: Roster, batch: Sequence[str], around: Around) -> Rows | None:
        """What is there of a batch; None where Linear does not answer for all of them at once."""
        try:
            found = self._reader.by_ids(roster, batch, around)
        except PermanentError:
            return None
        return found if found.rows or found.position.done else None

    def _complete(self, roster: Roster, row: Row, calls: Calls, whole: _Whole) -> None:
        """The lists of one object, read on: then it is whole, left, or looked up by itself."""
        try:
            found = completed(self.graph, roster.query, row, calls, id_=row["id"])
        except (PermanentError, Vanished):
            whole.endless.append(row["id"])
            return
        if found is None:
            whole.left.append(row["id"])
        else:
            whole.rows.append(found)


def _cut_off(found: Rows, batch: Sequence[str]) -> list[str]:
    """Of a page that ended before its ids did, those that are left."""
    if found.position.done:
        return []
    shown = {row["id"] for row in found.rows}
    return [id_ for id_ in batch if id_ not in shown]


def _ends(roster: Roster, row: Mapping[str, Any]) -> Iterator[str]:
    for end in roster.ends:
        issue = row.get(end)
        if isinstance(issue, Mapping) and isinstance(issue.get("id"), str):
            yield issue["id"]
