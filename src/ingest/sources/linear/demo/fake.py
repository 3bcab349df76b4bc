"""Linear's API as the demo and the tests play it: GraphQL over objects that can be made and edited.

The shapes are those of Linear's public schema. An entity that is not there answers 200 with
`errors` and `data: null`, a limit is a 400, a wrong token a 401. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.core.times import iso, to_micros
from ingest.sources.linear.demo.fake_graphql import MOST_COST, BadQuery, Field, answer, cost, parse
from ingest.sources.linear.demo.fake_payloads import as_the_api_has_it
from ingest.testing.fake_tokens import FakeTokens
from ingest.testing.fakes import Answer, Asked

TOKEN = "lin_api_of_the_fake"  # noqa: S105 - it opens nothing but the fake
_KINDS: Mapping[str, str] = {
    "issue": "Issue",
    "comment": "Comment",
    "project": "Project",
    "projectUpdate": "ProjectUpdate",
    "document": "Document",
    "initiative": "Initiative",
    "initiativeUpdate": "InitiativeUpdate",
    "team": "Team",
}
_LIMIT, _LIMIT_COMPLEXITY = 2500, 3_000_000
_DEPTH = 3


def make() -> Linear:
    """An organization with nothing in it."""
    return Linear()


@dataclass(slots=True)
class Linear:
    """Fulfils `demo.fake.Provider`.

    Objects are kept as the API answers them, by kind and id; what an object embeds (`team`,
    `issue`, `project`) is given by `{"id": …}` where it is an object of its own, and answered as
    that is now. `most_per_page` is how many nodes a page has at most. `tokens` are those of an
    OAuth app, if there is one.
    """

    token: str = TOKEN
    organization: dict[str, Any] = field(
        default_factory=lambda: {"id": "organization-1", "name": "Halcyon", "urlKey": "halcyon"}
    )
    viewer: dict[str, Any] = field(default_factory=lambda: {"id": "viewer-1", "name": "Vera"})
    objects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    relations: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    most_per_page: int = 250
    tokens: FakeTokens = field(default_factory=FakeTokens)

    def put(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A new object (or another in the place of one) of a kind, by the root field's name."""
        if kind not in _KINDS:
            raise LookupError(f"Linear has no {kind}")
        made = {"archivedAt": None, **fields}
        self.objects.setdefault(kind, {})[fields["id"]] = made
        return made

    def learn(self, type_: str, data: Mapping[str, Any], url: str | None = None) -> None:
        """The object that a webhook tells of, as the API has it."""
        kind = f"{type_[0].lower()}{type_[1:]}"
        self.put(kind, **as_the_api_has_it(kind, data, url))

    def edit(self, kind: str, id_: str, at: datetime, **fields: Any) -> None:
        """Fields change, and `updatedAt` with them."""
        self.objects[kind][id_].update(fields, updatedAt=iso(at))

    def trash(self, kind: str, id_: str, at: datetime) -> None:
        """Into the trash, where it stays readable; `updatedAt` does not move."""
        self.objects[kind][id_].update(trashed=True, archivedAt=iso(at))

    def restore(self, kind: str, id_: str, at: datetime) -> None:
        """Out of the trash again."""
        self.edit(kind, id_, at, trashed=None, archivedAt=None)

    def destroy(self, kind: str, id_: str) -> None:
        """Gone for good: the id leads nowhere."""
        del self.objects[kind][id_]

    def relate(self, issue: str, type_: str, related: str) -> None:
        """`issue` blocks, duplicates or is related to `related`; no `updatedAt` moves."""
        id_ = f"relation-{len(self.relations) + 1}"
        one, other = {"id": issue}, {"id": related}
        self.relations.append({"id": id_, "type": type_, "issue": one, "relatedIssue": other})

    def attach(self, issue: str, url: str, title: str) -> None:
        """A link of an issue to something elsewhere."""
        id_ = f"attachment-{len(self.attachments) + 1}"
        self.attachments.append({"id": id_, "url": url, "title": title, "issue": {"id": issue}})

    def detach(self, issue: str, url: str) -> None:
        """The link taken away."""
        self.attachments = [
            a for a in self.attachments if (a["issue"]["id"], a["url"]) != (issue, url)
        ]

    def answer(self, asked: Asked) -> Answer:
        """The two paths; anything else is not there."""
        if (asked.method, asked.path) == ("POST", "/oauth/token"):
            return self.tokens.sell(asked.form())
        if (asked.method, asked.path) != ("POST", "/graphql"):
            return Answer(404, {"error": "Not found"})
        authorization = asked.headers.get("authorization", "")
        known = authorization == self._authorization() or self.tokens.lets_in(authorization)
        if not known:
            return _refused(401, "Authentication required, not authenticated", "AUTHENTICATION")
        body = asked.body
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return _refused(400, "POST body missing, invalid Content-Type, or not JSON", "BAD")
        try:
            fields = parse(body["query"], body.get("variables") or {})
            points = cost(fields)
            if points > MOST_COST:
                return _refused(400, "Query too complex", "GRAPHQL_VALIDATION_FAILED")
            return self._answer(fields, points)
        except BadQuery as error:
            return _refused(400, str(error), "GRAPHQL_VALIDATION_FAILED")

    def limited(
        self, now: datetime, requests_s: float, complexity_s: float | None = None
    ) -> Answer:
        """A 400 that says: wait; the limits are whole again after so many seconds each.

        Without `complexity_s` that limit is not used up.
        """
        now_ms = to_micros(now) // 1000
        headers = {
            "x-ratelimit-requests-limit": str(_LIMIT),
            "x-ratelimit-requests-remaining": "0",
            "x-ratelimit-requests-reset": str(now_ms + int(requests_s * 1000)),
            "x-ratelimit-complexity-limit": str(_LIMIT_COMPLEXITY),
            "x-ratelimit-complexity-remaining": "9000" if complexity_s is None else "0",
            "x-ratelimit-complexity-reset": str(now_ms + int((complexity_s or 3600) * 1000)),
        }
        return Answer(400, _errors("Rate limit exceeded", "RATELIMITED", "ratelimited"), headers)

    def _authorization(self) -> str:
        return self.token if self.token.startswith("lin_api_") else f"Bearer {self.token}"

    def _answer(self, fields: list[Field], points: float) -> Answer:
        headers = {
            "x-complexity": str(points),
            "x-ratelimit-requests-limit": str(_LIMIT),
            "x-ratelimit-requests-remaining": str(_LIMIT - 1),
        }
        data: dict[str, Any] = {}
        for asked in fields:
            found = self._root(asked)
            if found is None:
                return Answer(200, _missing(asked.name), headers)
            kind = {"organization": "Organization", "viewer": "User"}.get(asked.name)
            data[asked.name] = answer(
                found, asked.below, kind or _KINDS[asked.name], self.most_per_page
            )
        return Answer(200, {"data": data}, headers)

    def _root(self, asked: Field) -> dict[str, Any] | None:
        if asked.name in ("organization", "viewer"):
            return self.organization if asked.name == "organization" else self.viewer
        found = self.objects.get(asked.name, {}).get(str(asked.arguments.get("id")))
        if found is None:
            return None
        whole = self._whole(asked.name, found, _DEPTH)
        return whole | self._links(found["id"]) if asked.name == "issue" else whole

    def _links(self, issue: str) -> dict[str, Any]:
        """What an issue has to do with others, by both ends, and its attachments."""
        ends = {
            "relations": ("issue", "relatedIssue"),
            "inverseRelations": ("relatedIssue", "issue"),
        }
        links: dict[str, Any] = {
            name: [
                {**relation, other: self._embedded("issue", relation[other], 1)}
                for relation in self.relations
                if relation[own]["id"] == issue
            ]
            for name, (own, other) in ends.items()
        }
        return {**links, "attachments": [a for a in self.attachments if a["issue"]["id"] == issue]}

    def _whole(self, kind: str, found: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """The object with what it embeds, each as it is now, as deep as anybody asks."""
        return {
            name: self._embedded(kind if name == "parent" else name, value, depth)
            for name, value in found.items()
        }

    def _embedded(self, kind: str, value: Any, depth: int) -> Any:
        if not isinstance(value, dict) or depth == 0:
            return value
        live = self.objects.get(kind, {}).get(str(value.get("id")), {})
        return self._whole(kind, {**value, **live}, depth - 1)


def _missing(root: str) -> dict[str, Any]:
    """Linear names the type, and the path of the root field."""
    kind = _KINDS.get(root, root)
    told = _errors(f"Entity not found: {kind}", "INPUT_ERROR", "invalid input", [root])
    told["errors"][0]["extensions"]["userPresentableMessage"] = f"Could not find {kind}."
    return {**told, "data": None}


def _refused(status: int, message: str, code: str) -> Answer:
    codes = {"AUTHENTICATION": ("AUTHENTICATION_ERROR", "authentication error")}
    word, type_ = codes.get(code, (code, "graphql error"))
    return Answer(status, _errors(message, word, type_))


def _errors(message: str, code: str, type_: str, path: list[str] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {
        "message": message,
        "extensions": {"code": code, "type": type_, "userError": True},
    }
    return {"errors": [error | ({"path": path} if path else {})]}
