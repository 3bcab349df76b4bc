"""Rows of one of Linear's lists: asked for at a place, proven, and never fewer than there are.

Law: an answer that is not all there is is an error or a gap, never a short list. A page that Linear
cannot answer is asked for with fewer rows, and one whose cursor leads nowhere from the time of the
last row, before anything is given up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.linear.answers import Problem
from ingest.sources.linear.graphql import Graph, Reply, next_page, require
from ingest.sources.linear.nested import Calls
from ingest.sources.linear.positions import Position
from ingest.sources.linear.rosters import Around, Roster

_SHARES = (1, 5, 1_000)
"""By what a page's rows are divided where it cannot be answered: all, a fifth, a single one."""
_ROW = 3
"""The path of what stands within a row is longer: `["issues", "nodes", 4, "assignee"]`."""

Row = dict[str, Any]
"""An object as it is listed, with an id."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a page, where they leave the listing, and why they are not all there is.

    organization: what it says of itself.
    """

    rows: tuple[Row, ...]
    position: Position
    gap: str | None = None
    organization: JSON = None


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows of the organization `home`."""

    graph: Graph
    home: str

    def rows(self, roster: Roster, position: Position, around: Around, calls: Calls) -> Rows:
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
    ) -> Rows | PermanentError:
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
                return self._asked(roster, (roster.name, roster.text_for(around)), variables, place)
            except PermanentError as error:
                problem = problem or error
        return problem or PermanentError(f"Linear's {roster.root} cannot be read")

    def _asked(
        self,
        roster: Roster,
        query: tuple[str, str],
        variables: Mapping[str, JSON],
        place: Position,
    ) -> Rows:
        reply = self.graph.ask(*query, variables)
        page = reply(roster.root)
        organization = reply("organization")
        if page is not None or place.after is None:
            require(organization, self.home, self.graph.api.mask)
        if not isinstance(page, Mapping):
            raise BadPayload(roster.root, "no list")
        self._require_team(reply)
        nodes = page.get("nodes")
        if not isinstance(nodes, list):
            raise BadPayload(f"{roster.root}.nodes", "no list")
        rows = tuple(_identified(roster, nodes))
        after = next_page(page, path=roster.root)
        gap = self._gap(roster, nodes, reply.problems)
        return Rows(rows, place.behind(rows, after), gap, organization)

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

    def by_ids(self, roster: Roster, ids: Sequence[str], around: Around) -> Rows:
        """In the order of the ids, so that what is left begins with the one that was first."""
        narrowed = roster.narrowed(Around(around.teams))
        variables: dict[str, JSON] = {
            "first": len(ids),
            "after": None,
            "teams": dict(around.team),
            "filter": {**narrowed, "id": {"in": [*ids]}},
        }
        query = (roster.deep_name, roster.deep_text_for(around))
        found = self._asked(roster, query, variables, Position())
        places = {id_: place for place, id_ in enumerate(ids)}
        return replace(
            found, rows=tuple(sorted(found.rows, key=lambda row: places.get(row["id"], len(ids))))
        )


def _identified(roster: Roster, nodes: Sequence[Any]) -> Iterator[Row]:
    """The rows that are there; raises `BadPayload` for one that is no object with an id."""
    for place, node in enumerate(nodes):
        if node is None:
            continue
        if not isinstance(node, dict) or not isinstance(node.get("id"), str) or not node["id"]:
            raise BadPayload(f"{roster.root}.nodes[{place}].id", "missing")
        yield node
