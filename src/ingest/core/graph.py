"""Documents as a graph: what hangs together, and how. Pure.

Law: an edge goes from the document that says so to the one that it means; a child's goes to its
parent. What is walked is bounded, and what was left out is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Way = Literal["out", "in", "both"]
"""Along the edges, against them, or either."""

PARENT = "parent"
"""The kind of the edge from a child to its parent."""


class Edge(NamedTuple):
    """`document` says that it `kind` the `target`; evidence: the words, empty of a parent's."""

    document: str
    target: str
    kind: str
    origin: str
    evidence: str

    def beyond(self, near: str) -> str:
        """The document at the other end than `near`."""
        return self.target if self.document == near else self.document


@dataclass(frozen=True, slots=True)
class Walked:
    """What was walked to. hops: of each document how far it is; cut: there is more within reach."""

    hops: Mapping[str, int] = field(default_factory=dict)
    edges: Sequence[Edge] = ()
    cut: bool = False


Neighbours = Callable[[Sequence[str]], tuple[Sequence[Edge], bool]]
"""The edges at these documents, and whether there are more than are told."""


def around(start: str, neighbours: Neighbours, *, hops: int, most: int) -> Walked:
    """Everything within so many hops, the nearest first, at most so many documents."""
    found, edges, cut = {start: 0}, dict[Edge, None](), False
    ring: list[str] = [start]
    for hop in range(1, hops + 1):
        if not ring:
            break
        told, more = neighbours(ring)
        edges |= dict.fromkeys(told)
        reached = [d for d in _ends(told) if d not in found]
        ring = reached[: most - len(found)]
        cut = cut or more or len(ring) < len(reached)
        found |= dict.fromkeys(ring, hop)
    return Walked(found, [e for e in edges if {e.document, e.target} <= found.keys()], cut)


def path(
    start: str, end: str, neighbours: Neighbours, *, hops: int, most: int
) -> tuple[list[Edge] | None, bool]:
    """The edges of a shortest way from one to the other, whichever way they point; None where there
    is none within so many hops. And whether something was left out on the way.

    Walks from both ends, the smaller ring first, over at most so many documents.
    """
    sides: tuple[_Side, _Side] = _Side.at(start), _Side.at(end)
    cut = False
    for _ in range(hops):
        if start == end or sides[0].came_by.keys() & sides[1].came_by.keys():
            break
        side = min(sides, key=lambda one: len(one.ring))
        if not side.ring or sum(len(one.came_by) for one in sides) >= most:
            break
        told, more = neighbours(side.ring)
        cut = cut or more
        side.grow(told)
    met = sorted(sides[0].came_by.keys() & sides[1].came_by.keys())
    if not met:
        return None, cut or sum(len(one.came_by) for one in sides) >= most
    nearest = min(met, key=lambda one: len(sides[0].back(one)) + len(sides[1].back(one)))
    return [*reversed(sides[0].back(nearest)), *sides[1].back(nearest)], cut


def steps(first: str, edges: Iterable[Edge]) -> list[str]:
    """The documents of a way in order, from its first."""
    found = [first]
    for edge in edges:
        found.append(edge.beyond(found[-1]))
    return found


@dataclass(slots=True)
class _Side:
    """What one end has reached: of each document where from, and by which edge."""

    came_by: dict[str, tuple[str, Edge] | None]
    ring: list[str]

    @classmethod
    def at(cls, document: str) -> _Side:
        return cls({document: None}, [document])

    def grow(self, told: Iterable[Edge]) -> None:
        """One hop further."""
        from_where, reached = {*self.ring}, dict[str, tuple[str, Edge]]()
        for edge in told:
            for near in (edge.document, edge.target):
                far = edge.beyond(near)
                if near in from_where and far not in self.came_by:
                    reached.setdefault(far, (near, edge))
        self.came_by |= reached
        self.ring = [*reached]

    def back(self, document: str) -> list[Edge]:
        """The edges from there to where this side began."""
        edges = []
        while (step := self.came_by[document]) is not None:
            document, edge = step
            edges.append(edge)
        return edges


def _ends(edges: Iterable[Edge]) -> list[str]:
    return [*dict.fromkeys(end for edge in edges for end in (edge.target, edge.document))]
