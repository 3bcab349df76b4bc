"""How documents hang together: what is within so many hops of one, and a way between two.

Law: nothing of another store is seen, and no hop costs more than one statement.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import BadInput, NotFound
from ingest.core.graph import PARENT, Neighbours, Walked, Way, around, path, steps
from ingest.store import graph, reading

KINDS = ("mention", "resolves", "blockedBy", "dependsOn", "relatedTo", "deployment", PARENT)
MOST_DOCUMENTS = 2_000
"""As many as anybody looks at, of one graph."""
MOST_WALKED = 20_000
"""Documents on the search for a way."""
MOST_EDGES = 200
"""Of one document and sort: who is pointed at by thousands is a hub, and no way."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph with what there is to say of its documents, by id."""

    graph: Walked
    nodes: dict[str, dict[str, Any]]


def related(
    conn: sa.Connection, document_id: str, *, hops: int, way: Way, kinds: Collection[str] = KINDS
) -> Drawn:
    """What is within so many hops of a document; raises `NotFound` where that is not there."""
    store_id = _store(conn, document_id)
    at = _edges(conn, store_id, way, kinds)
    found = around(document_id, at, hops=hops, most=MOST_DOCUMENTS)
    return Drawn(found, graph.nodes(conn, store_id, found.hops))


def way_between(conn: sa.Connection, first: str, second: str, *, hops: int) -> Drawn:
    """A shortest way between two documents of one store, its edges in order; without documents
    where there is none.

    Raises `NotFound` where one is not there, `BadInput` where they are of two stores.
    """
    store_id, other = _store(conn, first), _store(conn, second)
    if store_id != other:
        raise BadInput(
            f"{first} is of store {store_id} and {second} of store {other}: no relationship leaves "
            "a store; give two documents of one"
        )
    at = _edges(conn, store_id, "both", KINDS)
    found, cut = path(first, second, at, hops=hops, most=MOST_WALKED)
    if found is None:
        return Drawn(Walked(cut=cut), {})
    hops_to = {document: at for at, document in enumerate(steps(first, found))}
    return Drawn(Walked(hops_to, found, cut), graph.nodes(conn, store_id, hops_to))


def _edges(conn: sa.Connection, store_id: str, way: Way, kinds: Collection[str]) -> Neighbours:
    return partial(
        graph.edges,
        conn,
        store_id,
        kinds=kinds,
        out=way != "in",
        back=way != "out",
        most=MOST_EDGES,
    )


def _store(conn: sa.Connection, document_id: str) -> str:
    found = reading.store_of(conn, document_id)
    if found is None:
        raise NotFound(
            f"there is no document {document_id}; `ingest docs find KEY` looks for one by its key"
        )
    return found
