"""One connection's way to Linear: GraphQL, and what every answer has to prove.

Law: what an answer holds counts only where its organization is the connection's own.
Documents: linear.app/developers/graphql and /rate-limiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.core.errors import BadPayload, PermanentError, Refused
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.answers import Absent, Refusal, quoted
from ingest.sources.http import Api
from ingest.sources.linear.answers import RULES, Problem, knows_token, problems, taken
from ingest.sources.linear.tokens import PATH, RENEWAL, authorization, base_of_api
from ingest.sources.masking import Mask
from ingest.sources.renewing import tokens_of


def graph_of(access: Access) -> Graph:
    """The way of one connection; the base URL may end in `/graphql` or not."""
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
    return Graph(api)


@dataclass(frozen=True, slots=True)
class Graph:
    """Asks one operation after the other. Blocking; used by several threads at a time."""

    api: Api

    def ask(self, name: str, query: str, variables: Mapping[str, JSON]) -> Reply:
        """The answer to the operation of that name; raises what `Api.post` raises, but `Absent`."""
        asked: dict[str, JSON] = {
            "operationName": name,
            "query": query,
            "variables": dict(variables),
        }
        try:
            response = self.api.post(PATH, json=asked, knows=knows_token)
        except Absent as absent:
            return Reply({"data": {}}, Refusal(absent.status, {}, b"", self.api.now()))
        told = Refusal(
            response.status, response.headers, response.body, self.api.now(), self.api.mask
        )
        return Reply(response.json(), told)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, of which each root field is taken by its name."""

    body: JSON
    told: Refusal

    def __call__(self, root: str) -> JSON:
        """What stands there, None where nothing does; raises by the meaning of the errors."""
        return taken(self.body, root, self.told)

    @property
    def problems(self) -> list[Problem]:
        """The errors that it tells beside its data."""
        return problems(self.body)


def require(organization: JSON, home: str, mask: Mask) -> None:
    """Raises `Refused` unless it is the connection's own."""
    id_ = organization.get("id") if isinstance(organization, Mapping) else None
    if id_ is None:
        raise Refused("the organization cannot be read with this token; give one that may")
    if id_ != home:
        raise Refused(
            f"the token is for organization {quoted(str(id_), mask)}, the connection for {home}; "
            "give a token of that organization"
        )


def next_page(page: Mapping[str, Any], *, path: str = "") -> str | None:
    """Where the next page begins, None where there is none.

    path: of a list that has to say whether it goes on: then it raises `BadPayload` where it does
        not.
    """
    info = page.get("pageInfo")
    goes_on = info.get("hasNextPage") if isinstance(info, Mapping) else None
    if path and not isinstance(goes_on, bool):
        raise BadPayload(f"{path}.pageInfo.hasNextPage", "neither true nor false")
    if not isinstance(info, Mapping) or goes_on is not True:
        return None
    cursor = info.get("endCursor")
    if not isinstance(cursor, str) or not cursor:
        raise PermanentError("Linear tells of a further page and not where it begins")
    return cursor
