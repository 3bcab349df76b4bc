"""A page of one of Linear's lists: its rows whole, the lists within them read to their end.

Law: an answer that is not all there is is an error or a gap, never a short list. A page that Linear
cannot answer is asked for with fewer rows, and one whose cursor leads nowhere from the time of the
last row, before anything is given up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.core.changes import Refresh
from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.linear.answers import Problem
from ingest.sources.linear.descriptor import DESCRIPTOR
from ingest.sources.linear.graphql import Graph, Reply, next_page, require
from ingest.sources.linear.nested import Calls, Vanished, completed, flat, is_open
from ingest.sources.linear.positions import Position
from ingest.sources.linear.rosters import BY_RESOURCE, DEEP, ISSUES, Around, Roster
from ingest.sources.linear.shapes import Place
from ingest.sources.listing import MOST_CALLS, Listed, Page, PageRequest

_SHARES = (1, 5, 1_000)
"""By what a page's rows are divided where it cannot be answered: all, a fifth, a single one."""
_ROW = 3
"""The path of what stands within a row is longer: `["issues", "nodes", 4, "assignee"]`."""

_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a page, where they leave the listing, and why they are not all there is.

    organization: what it says of itself.
    """

    rows: tuple[_Row, ...]
    position: Position
    gap: str | None = None
    organization: JSON = None


@dataclass(frozen=True, slots=True)
class _Whole:
    """Objects with their lists whole; ids of those left to read, and of those that a page cannot
    read: each is looked up by itself, where it ends alone.
    """

    rows: tuple[_Row, ...] = ()
    left: tuple[str, ...] = ()
    endless: tuple[str, ...] = ()
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
        position, calls = Position.of(request.cursor), Calls(MOST_CALLS)
        if position.rest:
            return self._rest(roster, position, around, calls)
        found = self._rows(roster, position, around, calls)
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
        if whole.left[:1] == position.rest[:1]:
            endless = (*whole.endless, *whole.left[:1])
            whole = replace(whole, left=whole.left[1:], endless=endless)
        return self._page(objects, replace(position, rest=()), (), whole)

    def _linked(self, roster: Roster, found: _Rows, around: Around, calls: Calls) -> Page:
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
        told: Sequence[_Row],
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
            cursor=replace(position, rest=whole.left).cursor(),
            gap=gap or whole.gap,
        )

    @property
    def _home(self) -> str:
        return str(self.metadata.get("linearOrganizationId") or "")

    # Rows.

    def _rows(self, roster: Roster, position: Position, around: Around, calls: Calls) -> _Rows:
        """The next rows. A page that was promised and holds nothing counts as one that fails: for a
        cursor whose row is gone that may be all that Linear says.
        """
        problem: PermanentError | None = None
        place: Position | None = position
        while place is not None:
            found = self._sized(roster, place, around, calls)
            instead = place.lost()
            if isinstance(found, PermanentError):
                problem = problem or found
            elif found.rows or instead is None:
                return found
            place = instead if place is position else None
        raise problem or PermanentError(f"Linear's {roster.root} cannot be read on")

    def _sized(
        self, roster: Roster, place: Position, around: Around, calls: Calls
    ) -> _Rows | PermanentError:
        """The rows at a place, of as many as Linear can answer with; the first error where none
        can be had.
        """
        problem: PermanentError | None = None
        for share in _SHARES:
            calls.take()
            variables: dict[str, JSON] = {
                "first": max(1, roster.first // share),
                "after": place.after,
                "teams": dict(around.team),
            }
            if roster.filter:
                variables["filter"] = dict(roster.narrowed(around, place.before))
            try:
                return self._asked(roster, (roster.name, roster.text), variables, place)
            except PermanentError as error:
                problem = problem or error
        return problem or PermanentError(f"Linear's {roster.root} cannot be read")

    def _asked(
        self,
        roster: Roster,
        query: tuple[str, str],
        variables: Mapping[str, JSON],
        place: Position,
    ) -> _Rows:
        reply = self.graph.ask(*query, variables)
        page = reply(roster.root)
        organization = reply("organization")
        if page is not None or place.after is None:
            require(organization, self._home, self.graph.api.mask)
        if not isinstance(page, Mapping):
            raise BadPayload(roster.root, "no list")
        self._require_team(reply)
        nodes = page.get("nodes")
        if not isinstance(nodes, list):
            raise BadPayload(f"{roster.root}.nodes", "no list")
        rows = tuple(_identified(roster, nodes))
        after = next_page(page, path=roster.root)
        gap = self._gap(roster, nodes, reply.problems)
        return _Rows(rows, place.behind(rows, after), gap, organization)

    def _require_team(self, reply: Reply) -> None:
        """Raises `Refused` where the token sees none of the connection's teams: then an empty list
        says nothing. An organization has a team at least.
        """
        teams = reply("teams")
        nodes = teams.get("nodes") if isinstance(teams, Mapping) else None
        if not isinstance(nodes, list):
            raise BadPayload("teams.nodes", "no list")
        if not nodes:
            raise Refused(
                "none of the connection's teams can be read with this token, so nothing in them is "
                "seen; give a token that may read them"
            )

    def _gap(self, roster: Roster, nodes: list[Any], told: Sequence[Problem]) -> str | None:
        """Why rows may be missing: one is null, or an error is not of something within a row."""
        if None in nodes:
            return f"Linear shows {nodes.count(None)} of its {roster.root} as nothing"
        beyond = [one for one in told if len(one.path) <= _ROW or one.path[0] != roster.root]
        if not beyond:
            return None
        said = self.graph.api.mask(beyond[0].message)[:100]
        return f"Linear answers only a part of its {roster.root}: {said}"

    # The lists within rows.

    def _deep(self, roster: Roster, ids: Sequence[str], around: Around, calls: Calls) -> _Whole:
        """The objects with these ids, each asked for anew with longer pages, to their end."""
        rows: list[_Row] = []
        left: list[str] = []
        endless: list[str] = []
        gap: str | None = None
        pending = [*ids]
        while pending and calls.take():
            batch, pending = pending[:DEEP], pending[DEEP:]
            try:
                found = self._by_ids(roster, batch, around)
            except PermanentError:
                endless += batch
                continue
            gap = gap or found.gap
            shown = {row["id"] for row in found.rows}
            if shown and not found.position.done:  # a page of fewer than were asked for
                pending = [*(id_ for id_ in batch if id_ not in shown), *pending]
            for row in found.rows:
                try:
                    whole = completed(self.graph, roster.query, row, calls, id_=row["id"])
                except (PermanentError, Vanished):
                    endless.append(row["id"])
                    continue
                if whole is None:
                    left.append(row["id"])
                else:
                    rows.append(whole)
        return _Whole(tuple(rows), (*left, *pending), tuple(endless), gap)

    def _by_ids(self, roster: Roster, ids: Sequence[str], around: Around) -> _Rows:
        """In the order of the ids, so that what is left begins with the one that was first."""
        narrowed = roster.narrowed(Around(around.teams))
        variables: dict[str, JSON] = {
            "first": len(ids),
            "after": None,
            "teams": dict(around.team),
            "filter": {**narrowed, "id": {"in": [*ids]}},
        }
        query = (roster.deep_name, roster.deep_text)
        found = self._asked(roster, query, variables, Position())
        places = {id_: place for place, id_ in enumerate(ids)}
        return replace(
            found, rows=tuple(sorted(found.rows, key=lambda row: places.get(row["id"], len(ids))))
        )


def _identified(roster: Roster, nodes: Sequence[Any]) -> Iterator[_Row]:
    """The rows that are there; raises `BadPayload` for one that is no object with an id."""
    for place, node in enumerate(nodes):
        if node is None:
            continue
        if not isinstance(node, dict) or not isinstance(node.get("id"), str) or not node["id"]:
            raise BadPayload(f"{roster.root}.nodes[{place}].id", "missing")
        yield node


def _ends(roster: Roster, row: Mapping[str, Any]) -> Iterator[str]:
    for end in roster.ends:
        issue = row.get(end)
        if isinstance(issue, Mapping) and isinstance(issue.get("id"), str):
            yield issue["id"]
