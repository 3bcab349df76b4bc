"""Linear's API for one connection: GraphQL, one object at a time, its lists read to the end.

Law: an object that is not found is gone only where its organization, and the team that it was in,
are proven readable. Documents: linear.app/developers/graphql and /rate-limiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.core.errors import PermanentError, Refused
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Refusal, quoted
from ingest.sources.contract import Access, Lookup, Payload, Sight
from ingest.sources.forms import ID, segment
from ingest.sources.http import Api
from ingest.sources.linear import queries
from ingest.sources.linear.answers import RULES, knows_token, taken
from ingest.sources.linear.queries import BY_KIND, Query
from ingest.sources.linear.tokens import PATH, RENEWAL, authorization, base_of_api
from ingest.sources.masking import Mask
from ingest.sources.renewing import tokens_of

_MOST_PAGES = 100
_MOST_TEAMS, _SHOWN = 5, 40


def connect(access: Access) -> LinearClient:
    """A client; the base URL may end in `/graphql` or not."""
    tokens = tokens_of(access, RENEWAL)
    headers = {"accept": "application/json"}
    if tokens is None:
        headers["authorization"] = authorization(access.token)
    api = Api(
        "Linear",
        base_of_api(access),
        access.now,
        headers,
        RULES,
        resolve=access.resolve,
        mask=access.mask,
        tokens=tokens,
        authorize=authorization,
    )
    return LinearClient(api, access.metadata)


@dataclass(frozen=True, slots=True)
class LinearClient:
    """Fulfils `contract.Client`."""

    api: Api
    metadata: Payload

    def fetch_one(self, lookup: Lookup) -> Sight:
        """The object with its lists whole; nothing where it is proven gone."""
        query = BY_KIND.get(lookup.identity.kind)
        if query is None:
            raise PermanentError(f"Linear has no look-up for {lookup.identity.kind}")
        id_ = segment(lookup.identity.id, f"the id of a Linear {lookup.identity.kind}", ID)
        found = self._ask(query.name, query.text, {"id": id_})(query.root)
        if not isinstance(found, dict):
            self._require_readable(lookup.identity, lookup.hint)
            return Sight(None)
        for listed in query.lists:
            found[listed] = {"nodes": self._whole(query, listed, id_, found)}
        return Sight(found)

    def check(self) -> str:
        """Who the token is, and that its organization is the connection's."""
        answer = self._ask("Viewer", queries.VIEWER, {})
        organization = answer("organization")
        home = str(self.metadata.get("linearOrganizationId") or "")
        _require(organization, home, self.api.mask)
        return f"{_name(organization)}, as {_name(answer('viewer'))}"

    def close(self) -> None:
        """Let go of open connections."""
        self.api.close()

    def _whole(self, query: Query, listed: str, id_: str, found: Mapping[str, Any]) -> list[JSON]:
        """All nodes of a list, of which the object came with the first page."""
        nodes: list[JSON] = []
        page = found.get(listed)
        for _ in range(_MOST_PAGES):
            if not isinstance(page, Mapping):
                return nodes
            told = page.get("nodes")
            nodes += told if isinstance(told, list) else []
            after = _next(page)
            if after is None:
                return nodes
            name, variables = query.more_name(listed), {"id": id_, "after": after}
            more = self._ask(name, query.more(listed), variables)(query.root)
            page = more.get(listed) if isinstance(more, Mapping) else None
        raise PermanentError(f"Linear's {query.root} has over {_MOST_PAGES} pages of {listed}")

    def _require_readable(self, identity: Identity, hint: Payload) -> None:
        """Raises `Refused` unless the organization can be read, and one of the object's teams where
        they are known: what is not found may be in a team that is closed to the token.
        """
        organization = self._ask("Organization", queries.ORGANIZATION, {})("organization")
        _require(organization, identity.scope, self.api.mask)
        teams = hint.get("teamIds")
        asked = [str(id_) for id_ in teams][:_MOST_TEAMS] if isinstance(teams, list) else []
        if asked and not any(ID.fits(id_) and self._team(id_) for id_ in asked):
            raise Refused(
                f"{identity.kind} {identity.id} is not found, and neither is its team "
                f"{asked[0][:_SHOWN]}: "
                "nothing proves that it is gone; give a token that may read the team"
            )

    def _team(self, id_: str) -> JSON:
        return self._ask("Team", queries.TEAM, {"id": id_})("team")

    def _ask(self, name: str, query: str, variables: Mapping[str, JSON]) -> _Answer:
        asked: dict[str, JSON] = {
            "operationName": name,
            "query": query,
            "variables": dict(variables),
        }
        try:
            response = self.api.post(PATH, json=asked, knows=knows_token)
        except Absent as absent:
            return _Answer({"data": {}}, Refusal(absent.status, {}, b"", self.api.now()))
        told = Refusal(
            response.status, response.headers, response.body, self.api.now(), self.api.mask
        )
        return _Answer(response.json(), told)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer, of which each root field is taken by its name."""

    body: JSON
    told: Refusal

    def __call__(self, root: str) -> JSON:
        return taken(self.body, root, self.told)


def _require(organization: JSON, home: str, mask: Mask) -> None:
    """Raises `Refused` unless it is the connection's own."""
    id_ = organization.get("id") if isinstance(organization, Mapping) else None
    if id_ is None:
        raise Refused("the organization cannot be read with this token; give one that may")
    if id_ != home:
        raise Refused(
            f"the token is for organization {quoted(str(id_), mask)}, the connection for {home}; "
            "give a token of that organization"
        )


def _next(page: Mapping[str, Any]) -> str | None:
    """Where the next page begins, None where there is none."""
    info = page.get("pageInfo")
    if not isinstance(info, Mapping) or info.get("hasNextPage") is not True:
        return None
    cursor = info.get("endCursor")
    if not isinstance(cursor, str) or not cursor:
        raise PermanentError("Linear tells of a further page and not where it begins")
    return cursor


def _name(of: JSON) -> str:
    return str(of.get("name") or of.get("id")) if isinstance(of, Mapping) else "nobody"
