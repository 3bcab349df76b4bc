"""`ingest docs related`: what a document points at and what points at it, as far as is asked."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, DocumentId
from ingest.cli.drawing import dot, label, svg, tree
from ingest.cli.graphs import shown
from ingest.cli.session import session
from ingest.core.errors import BadInput
from ingest.core.graph import Way
from ingest.flows import graph
from ingest.flows.graph import KINDS, Drawn
from ingest.store.engine import transaction


class Relationship(StrEnum):
    """The kinds of `flows.graph`."""

    MENTION = "mention"
    RESOLVES = "resolves"
    BLOCKED_BY = "blockedBy"
    DEPENDS_ON = "dependsOn"
    RELATED_TO = "relatedTo"
    DEPLOYMENT = "deployment"
    PARENT = "parent"


_COLUMNS = ("hops", "from", "says", "of", "evidence")


def related(  # noqa: PLR0913 - each option is one
    context: typer.Context,
    document_id: DocumentId,
    *,
    hops: Annotated[int, typer.Option(min=1, max=20, metavar="N", help="At most so far.")] = 1,
    out: Annotated[bool, typer.Option("--out", help="Only what it points at.")] = False,
    back: Annotated[bool, typer.Option("--in", help="Only what points at it.")] = False,
    kind: Annotated[
        list[Relationship] | None,
        typer.Option(help="Only of this kind; may be given again."),
    ] = None,
    as_tree: Annotated[bool, typer.Option("--tree", help="As a tree, from the document.")] = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="For Graphviz.")] = False,
    as_svg: Annotated[bool, typer.Option("--svg", help="As a picture.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a document points at and what points at it, with the words that say so."""
    if sum((as_tree, as_dot, as_svg, as_json)) > 1:
        raise BadInput("--tree, --dot, --svg and --json are four ways to print; give one")
    way: Way = "both" if out == back else "out" if out else "in"
    with transaction(session(context).engine, snapshot=True) as conn:
        found = graph.related(conn, document_id, hops=hops, way=way, kinds=[*(kind or KINDS)])
    if as_json:
        output.document(shown(found))
    elif as_tree or as_dot or as_svg:
        output.line(_drawn(document_id, found, as_dot=as_dot, as_svg=as_svg))
    else:
        output.rows([*_rows(found)], as_json=False, columns=_COLUMNS, empty="Nothing is related.")
    if found.graph.cut:
        output.note("There is more within reach: ask for fewer hops, or one --kind.")


def _drawn(document_id: str, found: Drawn, *, as_dot: bool, as_svg: bool) -> str:
    if as_dot:
        return dot(found.graph, found.nodes)
    if as_svg:
        return svg(found.graph, found.nodes)
    return "\n".join(tree(document_id, found.graph, found.nodes))


def _rows(found: Drawn) -> Iterator[dict[str, object]]:
    """The nearest first: how far the farther end is, and what the words are."""
    hops = found.graph.hops
    for edge in sorted(found.graph.edges, key=lambda e: max(hops[e.document], hops[e.target])):
        yield {
            "hops": max(hops[edge.document], hops[edge.target]),
            "from": label(found.nodes[edge.document]),
            "says": edge.kind,
            "of": label(found.nodes[edge.target]),
            "evidence": edge.evidence,
        }
