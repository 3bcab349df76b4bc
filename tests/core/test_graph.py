"""Walking a graph of documents: what is within reach, and a shortest way."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.graph import Edge, Neighbours, around, path, steps

NAMES = "abcdefgh"
EDGES = st.lists(
    st.builds(lambda a, b: Edge(a, b, "mention", "", ""), *[st.sampled_from(NAMES)] * 2),
    max_size=20,
)


def _neighbours(edges: Sequence[Edge]) -> Neighbours:
    return lambda near: ([e for e in edges if {e.document, e.target} & {*near}], False)


def _far(start: str, edges: Sequence[Edge]) -> dict[str, int]:
    """By breadth-first search, the plain way."""
    found, line = {start: 0}, deque([start])
    while line:
        near = line.popleft()
        for edge in edges:
            for a, b in ((edge.document, edge.target), (edge.target, edge.document)):
                if a == near and b not in found:
                    found[b] = found[near] + 1
                    line.append(b)
    return found


@given(EDGES, st.integers(1, 6))
def test_around_is_all_within_so_many_hops(edges: list[Edge], hops: int) -> None:
    found = around("a", _neighbours(edges), hops=hops, most=100)
    far = {document: at for document, at in _far("a", edges).items() if at <= hops}
    assert found.hops == far
    assert {*found.edges} <= {*edges}
    within = {d for d, at in far.items() if at < hops}
    assert {e for e in edges if {e.document, e.target} & within} <= {*found.edges}
    assert not found.cut


@given(EDGES, st.sampled_from(NAMES), st.integers(1, 8))
def test_a_way_is_a_shortest_one_or_there_is_none(edges: list[Edge], end: str, hops: int) -> None:
    found, cut = path("a", end, _neighbours(edges), hops=hops, most=100)
    shortest = _far("a", edges).get(end)
    assert not cut
    if shortest is None or shortest > hops:
        assert found is None
        return
    assert found is not None
    assert len(found) == shortest
    assert steps("a", found)[-1] == end
    assert {*found} <= {*edges}


def test_what_is_left_out_is_told() -> None:
    star = [Edge("a", f"leaf-{at}", "mention", "text", "") for at in range(9)]
    found = around("a", _neighbours(star), hops=1, most=4)
    assert (len(found.hops), len(found.edges), found.cut) == (4, 3, True)
    hub = around("a", lambda _: (star[:2], True), hops=1, most=100)
    assert (len(hub.hops), hub.cut) == (3, True)
    chain = [Edge(f"n{at}", f"n{at + 1}", "mention", "text", "") for at in range(9)]
    assert path("n0", "n9", _neighbours(chain), hops=20, most=5) == (None, True)
