"""The lists within an object of Linear's, read to their end: labels, relations, attachments, teams.

Law: a list is whole, or the object is not told; what is left to ask is never cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.core.errors import BadPayload, TransientError
from ingest.core.values import JSON
from ingest.sources.linear.graphql import Graph, next_page
from ingest.sources.linear.queries import Query
from ingest.sources.wire import at


@dataclass(slots=True)
class Calls:
    """How many more requests may be made."""

    left: int

    def take(self) -> bool:
        """Whether there is one more, which is taken."""
        self.left -= 1
        return self.left >= 0


class Vanished(TransientError):
    """An object was not there any more when its list was read on."""


def is_open(query: Query, found: Mapping[str, Any]) -> bool:
    """Whether a list within the object goes on after what came with it."""
    return any(at(found, listed, "pageInfo", "hasNextPage") is True for listed in query.lists)


def flat(query: Query, found: Mapping[str, Any]) -> dict[str, JSON]:
    """An object whose lists came whole, each as its bare nodes; null is what may not be read."""
    told = (listed for listed in query.lists if isinstance(found.get(listed), Mapping))
    return {**found, **{listed: {"nodes": _nodes(found[listed])} for listed in told}}


def whole_list(
    graph: Graph, query: Query, listed: str, found: Mapping[str, Any], calls: Calls, *, id_: str
) -> list[JSON] | None:
    """All nodes of a list, of which the object came with the first page; None where the calls did
    not suffice. Raises `Vanished`, and what `next_page` raises.
    """
    nodes: list[JSON] = []
    page = found.get(listed)
    while isinstance(page, Mapping):
        nodes += _nodes(page)
        after = next_page(page)
        if after is None:
            break
        if not calls.take():
            return None
        name, variables = query.more_name(listed), {"id": id_, "after": after}
        page = _more(query, listed, graph.ask(name, query.more(listed), variables)(query.root))
    return nodes


def completed(
    graph: Graph, query: Query, found: Mapping[str, Any], calls: Calls, *, id_: str
) -> dict[str, JSON] | None:
    """The object with all its lists whole; None where the calls did not suffice."""
    whole: dict[str, JSON] = dict(found)
    for listed in query.lists:
        if not isinstance(found.get(listed), Mapping):
            continue
        nodes = whole_list(graph, query, listed, found, calls, id_=id_)
        if nodes is None:
            return None
        whole[listed] = {"nodes": nodes}
    return whole


def _more(query: Query, listed: str, found: JSON) -> Mapping[str, Any]:
    """The next page; raises where there is none, for what came before it is not the whole."""
    if found is None:
        raise Vanished(f"a Linear {query.root} went away while its {listed} were read")
    page = found.get(listed) if isinstance(found, Mapping) else None
    if not isinstance(page, Mapping):
        raise BadPayload(f"{query.root}.{listed}", "no list")
    return page


def _nodes(page: Any) -> list[JSON]:
    told = page.get("nodes") if isinstance(page, Mapping) else None
    return list(told) if isinstance(told, list) else []
