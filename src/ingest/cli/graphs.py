"""`ingest graph`: how documents hang together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson
from ingest.cli.drawing import label
from ingest.cli.session import session
from ingest.core.graph import Edge
from ingest.flows.graph import Drawn, way_between
from ingest.store.engine import transaction

app = typer.Typer(help="How documents hang together.", no_args_is_help=True)

Hops = Annotated[int, typer.Option(min=1, max=20, metavar="N", help="At most so many steps.")]
_COLUMNS = ("from", "says", "of", "evidence")


@app.command()
def path(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A document's id.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another's, of the same store.")],
    *,
    hops: Hops = 8,
    as_json: AsJson = False,
) -> None:
    """Show a shortest way between two documents, with its words; exit 1 where there is none."""
    with transaction(session(context).engine, snapshot=True) as conn:
        found = way_between(conn, first, second, hops=hops)
    if as_json:
        output.document(shown(found))
    elif found.nodes:
        output.rows([*_steps(found)], as_json=False, columns=_COLUMNS, empty="They are one.")
    if not found.nodes:
        output.note(_nothing(found, hops))
        raise typer.Exit(1)


def _nothing(found: Drawn, hops: int) -> str:
    if found.graph.cut:
        return f"no way of {hops} steps was found, and not all was walked: too much hangs on them"
    return f"nothing ties them together within {hops} steps; raise --hops to look further"


def _steps(found: Drawn) -> Iterator[dict[str, str]]:
    for edge in found.graph.edges:
        yield {
            "from": label(found.nodes[edge.document]),
            "says": edge.kind,
            "of": label(found.nodes[edge.target]),
            "evidence": edge.evidence,
        }


def shown(found: Drawn) -> dict[str, Any]:
    """A graph as JSON: its documents, the nearest first, and its edges."""
    return {
        "documents": [{**found.nodes[d], "hops": hops} for d, hops in found.graph.hops.items()],
        "edges": [_edge(edge) for edge in found.graph.edges],
        "cut": found.graph.cut,
    }


def _edge(edge: Edge) -> dict[str, str]:
    return edge._asdict()
