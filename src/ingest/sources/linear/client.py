"""Linear's API for one connection: GraphQL, one object at a time, its lists read to the end.

Law: an object that is not found is gone only where its organization, and the team that it was in,
are proven readable. Documents: linear.app/developers/graphql and /rate-limiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.core.errors import PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Payload, Sight
from ingest.sources.forms import ID, segment
from ingest.sources.http import Api
from ingest.sources.linear import queries
from ingest.sources.linear.descriptor import DESCRIPTOR
from ingest.sources.linear.graphql import Graph, graph_of, require
from ingest.sources.linear.list_pages import PageReader
from ingest.sources.linear.listing import UNLISTED, UNPROVEN
from ingest.sources.linear.nested import Calls, whole_list
from ingest.sources.linear.queries import BY_KIND, Query
from ingest.sources.listing import Page, PageRequest

_MOST_PAGES = 100
_MOST_TEAMS, _SHOWN = 5, 40


def connect(access: Access) -> LinearClient:
    """A client; the base URL may end in `/graphql` or not."""
    return LinearClient(graph_of(access), access.metadata)


@dataclass(frozen=True, slots=True)
class LinearClient:
    """Fulfils `contract.Client` and `listing.Lists`."""

    graph: Graph
    metadata: Payload

    def fetch_one(self, lookup: Lookup) -> Sight:
        """The object with its lists whole; nothing where it is proven gone."""
        query = BY_KIND.get(lookup.identity.kind)
        if query is None:
            raise PermanentError(f"Linear has no look-up for {lookup.identity.kind}")
        id_ = segment(lookup.identity.id, f"the id of a Linear {lookup.identity.kind}", ID)
        found = self._asked(query, id_)
        if not isinstance(found, dict):
            return self._missing(lookup)
        for listed in query.lists:
            if isinstance(found.get(listed), Mapping):  # null is what may not be read
                found[listed] = {"nodes": self._whole(query, listed, id_, found)}
        return Sight(found)

    def _asked(self, query: Query, id_: str) -> JSON:
        """The object; of a connection that is narrowed to some teams, with those that it is in."""
        wanted = DESCRIPTOR.connection_filter(self.metadata)
        if wanted is None or not query.is_placed:
            return self.graph.ask(query.name, query.text, {"id": id_})(query.root)
        variables: dict[str, JSON] = {"id": id_, "teams": {"id": {"in": [*sorted(wanted)]}}}
        return self.graph.ask(query.name, query.placed, variables)(query.root)

    def list_page(self, request: PageRequest) -> Page:
        """One page of a list; raises what `fetch_one` raises."""
        return PageReader(self.graph, request.connection or self.metadata).page(request)

    def check(self) -> str:
        """Who the token is, and that its organization is the connection's."""
        answer = self.graph.ask("Viewer", queries.VIEWER, {})
        organization = answer("organization")
        home = str(self.metadata.get("linearOrganizationId") or "")
        require(organization, home, self.api.mask)
        return f"{_name(organization)}, as {_name(answer('viewer'))}"

    @property
    def api(self) -> Api:
        """Its way to Linear."""
        return self.graph.api

    def close(self) -> None:
        """Let go of open connections."""
        self.api.close()

    def _whole(self, query: Query, listed: str, id_: str, found: Mapping[str, Any]) -> list[JSON]:
        """All nodes of a list, of which the object came with the first page."""
        nodes = whole_list(self.graph, query, listed, found, Calls(_MOST_PAGES - 1), id_=id_)
        if nodes is None:
            raise PermanentError(f"Linear's {query.root} has over {_MOST_PAGES} pages of {listed}")
        return nodes

    def _missing(self, lookup: Lookup) -> Sight:
        """Nothing, where the organization can be read, and one of the object's teams where they are
        known: what is not found may be in a team that is closed to the token, or deleted whole.

        Else `Refused`; but of what a listing did not name nothing is said then, for it may be one
        team of many, and the others go on.
        """
        identity, hint = lookup.identity, lookup.hint
        organization = self.graph.ask("Organization", queries.ORGANIZATION, {})("organization")
        require(organization, identity.scope, self.api.mask)
        teams = hint.get("teamIds")
        asked = [str(id_) for id_ in teams][:_MOST_TEAMS] if isinstance(teams, list) else []
        if not asked or any(ID.fits(id_) and self._team(id_) for id_ in asked):
            return Sight(None)
        if hint.get(UNLISTED) is True:
            unproven: dict[str, JSON] = {"id": identity.id, UNPROVEN: True}
            return Sight(unproven, remark="its team is closed to the token, so it stays as it is")
        raise Refused(
            f"{identity.kind} {identity.id} is not found, and neither is its team "
            f"{asked[0][:_SHOWN]}: "
            "nothing proves that it is gone; give a token that may read the team"
        )

    def _team(self, id_: str) -> JSON:
        return self.graph.ask("Team", queries.TEAM, {"id": id_})("team")


def _name(of: JSON) -> str:
    return str(of.get("name") or of.get("id")) if isinstance(of, Mapping) else "nobody"
