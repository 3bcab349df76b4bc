"""A graph of documents as text: a tree, Graphviz's DOT, and a picture in SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from ingest.core.graph import Edge, Walked

Node = Mapping[str, Any]

_WIDE, _HIGH, _APART_X, _APART_Y, _MARGIN = 190, 40, 330, 64, 24
_LABEL_CHARS = 26
_STYLE = (
    "text{font:12px sans-serif;fill:#1b1f24}rect{fill:#f6f8fa;stroke:#57606a}"
    "line{stroke:#57606a;marker-end:url(#to)}.k{font-size:10px;fill:#57606a}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22}.k{fill:#9da7b1}}"
)


def label(node: Node) -> str:
    """What people call a document: its source, its kind and its key."""
    kind = f" {node['kind']}" if node.get("kind") else ""
    return f"{node['source_type']}{kind} {node['source_id']}"


def tree(start: str, graph: Walked, nodes: Mapping[str, Node]) -> list[str]:
    """A line a document below the one by which it was first reached, with the edge to it."""
    below = dict[str, list[tuple[str, Edge]]]()
    came = {start}
    for document in sorted(graph.hops, key=lambda one: graph.hops[one]):
        for edge in graph.edges:
            far = edge.beyond(document)
            if document in edge[:2] and far not in came and graph.hops[far] > graph.hops[document]:
                came.add(far)
                below.setdefault(document, []).append((far, edge))
    return [label(nodes[start]), *_branches(start, "", below, nodes)]


def _branches(
    document: str,
    indent: str,
    below: Mapping[str, list[tuple[str, Edge]]],
    nodes: Mapping[str, Node],
) -> Iterator[str]:
    several = below.get(document, [])
    for at, (far, edge) in enumerate(several, start=1):
        corner, further = ("└─ ", "   ") if at == len(several) else ("├─ ", "│  ")
        yield f"{indent}{corner}{_said(edge, document)} {label(nodes[far])}"
        yield from _branches(far, indent + further, below, nodes)


def _said(edge: Edge, near: str) -> str:
    return f"{edge.kind} →" if edge.document == near else f"← {edge.kind}"


def dot(graph: Walked, nodes: Mapping[str, Node]) -> str:
    """The graph for Graphviz."""
    lines = ["digraph documents {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f"  {_quoted(d)} [label={_quoted(label(nodes[d]))}];" for d in graph.hops]
    lines += [
        f"  {_quoted(e.document)} -> {_quoted(e.target)} [label={_quoted(e.kind)}];"
        for e in graph.edges
    ]
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def svg(graph: Walked, nodes: Mapping[str, Node]) -> str:
    """The graph as a picture: a column a hop, an arrow an edge, its words on hovering."""
    places = dict(_places(graph))
    wide = max((x for x, _ in places.values()), default=0) + _WIDE + _MARGIN
    high = max((y for _, y in places.values()), default=0) + _HIGH + _MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" aria-label="{len(places)} documents"><style>{_STYLE}</style>'
        '<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>'
    )
    edges = [_arrow(e, places) for e in graph.edges]
    boxes = [_box(nodes[d], *place) for d, place in places.items()]
    return "\n".join([head, *edges, *boxes, "</svg>"])


def _places(graph: Walked) -> Iterator[tuple[str, tuple[int, int]]]:
    in_order = sorted(graph.hops, key=lambda one: graph.hops[one])
    for hop, documents in groupby(in_order, key=lambda one: graph.hops[one]):
        for row, document in enumerate(documents):
            yield document, (_MARGIN + hop * _APART_X, _MARGIN + row * _APART_Y)


def _box(node: Node, x: int, y: int) -> str:
    key = str(node["source_id"])
    shown = key if len(key) <= _LABEL_CHARS else f"{key[: _LABEL_CHARS - 1]}…"
    kind = f"{node['source_type']} {node.get('kind') or ''}".strip()
    return (
        f'<g><title>{escape(label(node))}</title><rect x="{x}" y="{y}" width="{_WIDE}" '
        f'height="{_HIGH}" rx="6"/><text x="{x + 10}" y="{y + 17}">{escape(shown)}</text>'
        f'<text class="k" x="{x + 10}" y="{y + 32}">{escape(kind)}</text></g>'
    )


def _arrow(edge: Edge, places: Mapping[str, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = places[edge.document], places[edge.target]
    start = x1 + _WIDE if x1 < x2 else x1
    end = x2 if x1 < x2 else x2 + _WIDE
    y1, y2 = y1 + _HIGH // 2, y2 + _HIGH // 2
    return (
        f'<g><title>{escape(edge.evidence or edge.kind)}</title><line x1="{start}" y1="{y1}" '
        f'x2="{end}" y2="{y2}"/><text class="k" x="{(start + end) // 2}" '
        f'y="{(y1 + y2) // 2 - 4}" text-anchor="middle">{escape(edge.kind)}</text></g>'
    )
