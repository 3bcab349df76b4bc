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
from ingest.sources.linear.demo.fake_graphql import (
    BadQuery,
    Field,
    affordable,
    answer,
    page,
    parse_operation,
)
from ingest.sources.linear.demo.fake_links import Links
from ingest.sources.linear.demo.fake_lists import Lists
from ingest.sources.linear.demo.fake_payloads import as_the_api_has_it
from ingest.sources.linear.demo.fake_schema import LISTS, OBJECTS
from ingest.sources.linear.demo.fake_webhooks import Forbidden, Hooks
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
    "issueRelation": "IssueRelation",
    "attachment": "Attachment",
}
_LINKED = ("relations", "inverseRelations", "attachments")
_LONG_AGO = "2020-01-01T00:00:00.000Z"
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
    OAuth app, if there is one. `hooks` are its webhooks. `lists.lost_rows_end_lists`: a cursor
    whose row is gone is not refused, and leads to an empty page. `hidden_teams` are closed to the
    token, with the issues in them and what is said about those.
    """

    token: str = TOKEN
    organization: dict[str, Any] = field(
        default_factory=lambda: {"id": "organization-1", "name": "Halcyon", "urlKey": "halcyon"}
    )
    viewer: dict[str, Any] = field(default_factory=lambda: {"id": "viewer-1", "name": "Vera"})
    objects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    most_per_page: int = 250
    hidden_teams: set[str] = field(default_factory=set)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    hooks: Hooks = field(default_factory=Hooks)
    links: Links = field(default_factory=Links)
    lists: Lists = field(init=False)
    _numbers: int = 0

    def __post_init__(self) -> None:
        """An organization has one team at least."""
        self.lists = Lists(self.objects, self._live, self._shows)
        self.put("team", id="team-1", key="ENG", name="Engineering", createdAt=_LONG_AGO)

    def put(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A new object (or another in the place of one) of a kind, by the root field's name."""
        if kind not in _KINDS:
            raise LookupError(f"Linear has no {kind}")
        made = {"archivedAt": None, **fields}
        self._forget(kind, fields["id"])
        self.objects.setdefault(kind, {})[fields["id"]] = made
        self.links.add(kind, made)
        self.lists.moved(kind)
        return made

    def learn(self, type_: str, data: Mapping[str, Any], url: str | None = None) -> None:
        """The object that a webhook tells of, as the API has it."""
        kind = f"{type_[0].lower()}{type_[1:]}"
        self.put(kind, **as_the_api_has_it(kind, data, url))

    def edit(self, kind: str, id_: str, at: datetime, **fields: Any) -> None:
        """Fields change, and `updatedAt` with them."""
        found = self.objects[kind][id_]
        self.links.remove(kind, found)
        found.update(fields, updatedAt=iso(at))
        self.links.add(kind, found)
        self.lists.moved(kind)

    def archive(self, kind: str, id_: str, at: datetime) -> None:
        """Done work is put away, and `updatedAt` does not move."""
        self.objects[kind][id_].update(archivedAt=iso(at))

    def trash(self, kind: str, id_: str, at: datetime) -> None:
        """Into the trash, where it stays readable; `updatedAt` does not move."""
        self.objects[kind][id_].update(trashed=True, archivedAt=iso(at))

    def restore(self, kind: str, id_: str, at: datetime) -> None:
        """Out of the trash again."""
        self.edit(kind, id_, at, trashed=None, archivedAt=None)

    def destroy(self, kind: str, id_: str) -> None:
        """Gone for good: the id leads nowhere."""
        self._forget(kind, id_)
        del self.objects[kind][id_]
        self.lists.moved(kind)

    def relate(self, issue: str, type_: str, related: str, at: datetime | None = None) -> str:
        """`issue` blocks, duplicates or is related to `related`; no issue's `updatedAt` moves."""
        ends = {"issue": {"id": issue}, "relatedIssue": {"id": related}}
        return self._link("issueRelation", at, type=type_, **ends)

    def attach(self, issue: str, url: str, title: str, at: datetime | None = None) -> str:
        """A link of an issue to something elsewhere; the issue's `updatedAt` does not move."""
        return self._link("attachment", at, url=url, title=title, issue={"id": issue})

    def detach(self, issue: str, url: str) -> None:
        """The link taken away."""
        for one in self.links.of("attachments", issue):
            if one["url"] == url:
                self.destroy("attachment", one["id"])

    def _link(self, kind: str, at: datetime | None, **fields: Any) -> str:
        self._numbers += 1
        id_, time = f"{kind}-{self._numbers}", iso(at) if at else _LONG_AGO
        self.put(kind, id=id_, createdAt=time, updatedAt=time, **fields)
        return id_

    def _forget(self, kind: str, id_: str) -> None:
        """The issues' lists without a link that goes, or is put anew."""
        former = self.objects.get(kind, {}).get(id_)
        if former is not None:
            self.links.remove(kind, former)

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
            root, fields = parse_operation(body["query"], body.get("variables") or {})
            points = affordable(fields, root)
            return self._answer(root, fields, points)
        except BadQuery as error:
            return _refused(400, str(error), error.code)
        except Forbidden as error:
            return Answer(200, {**_errors(str(error), "FORBIDDEN", "forbidden"), "data": None})

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

    def _answer(self, root: str, fields: list[Field], points: float) -> Answer:
        headers = {
            "x-complexity": str(points),
            "x-ratelimit-requests-limit": str(_LIMIT),
            "x-ratelimit-requests-remaining": str(_LIMIT - 1),
        }
        data: dict[str, Any] = {}
        for asked in fields:
            type_ = OBJECTS[root][asked.name]
            if type_.startswith("["):
                data[asked.name] = self._listed(asked, type_.strip("[]"))
                continue
            found = self._root(root, asked)
            if found is None:
                return Answer(200, _missing(asked.name), headers)
            data[asked.name] = answer(found, asked.below, type_, self.most_per_page)
        return Answer(200, {"data": data}, headers)

    def _listed(self, asked: Field, type_: str) -> dict[str, Any]:
        if asked.name == "webhooks":
            return page(self.hooks.listed(), asked, type_, self.most_per_page, goes_on=False)
        kind, most = LISTS[asked.name], self.most_per_page
        rows, goes_on = self.lists.rows(kind, type_, asked, most)
        whole = [self._shown(kind, row) for row in rows]
        return page(whole, asked, type_, most, goes_on=goes_on)

    def _root(self, root: str, asked: Field) -> dict[str, Any] | None:
        if root == "Mutation":
            return self.hooks.mutate(asked.name, asked.arguments)
        if asked.name == "viewer":
            return self.viewer
        if asked.name == "organization":
            return {**self.organization, "createdIssueCount": len(self.objects.get("issue", ()))}
        if asked.name == "webhook":
            return self.hooks.one(asked.arguments.get("id"))
        found = self.objects.get(asked.name, {}).get(str(asked.arguments.get("id")))
        if found is None or not self._shows(asked.name, found):
            return None
        return self._shown(asked.name, found)

    def _shown(self, kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
        whole = self._whole(kind, found, _DEPTH)
        return whole | self._links(found["id"]) if kind == "issue" else whole

    def _shows(self, kind: str, found: Mapping[str, Any]) -> bool:
        """Whether the token may see it."""
        if not self.hidden_teams:
            return True
        issue = self._live("issue", found.get("issue")) or {} if kind != "issue" else found
        team = found["id"] if kind == "team" else (issue.get("team") or {}).get("id")
        return team not in self.hidden_teams

    def _live(self, name: str, value: Any) -> Any:
        """An embedded object as it is now."""
        if not isinstance(value, dict):
            return value
        return {**value, **self.objects.get(name, {}).get(str(value.get("id")), {})}

    def _links(self, issue: str) -> dict[str, Any]:
        """What an issue has to do with others, by both ends, and its attachments."""
        ends = {"relations": "relatedIssue", "inverseRelations": "issue"}
        return {
            listed: [
                {**link, ends[listed]: self._embedded("issue", link[ends[listed]], 1)}
                if listed in ends
                else link
                for link in self.links.of(listed, issue)
            ]
            for listed in _LINKED
        }

    def _whole(self, kind: str, found: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """The object with what it embeds, each as it is now, as deep as anybody asks."""
        return {
            name: self._embedded(_OF.get(name, kind if name == "parent" else name), value, depth)
            for name, value in found.items()
        }

    def _embedded(self, kind: str, value: Any, depth: int) -> Any:
        if isinstance(value, list) and kind == "projects" and depth:
            return [self._embedded("project", one, depth - 1) for one in value]
        if not isinstance(value, dict) or depth == 0:
            return value
        live = self.objects.get(kind, {}).get(str(value.get("id")), {})
        return self._whole(kind, {**value, **live}, depth - 1)


_OF = {"parentDocument": "document"}
"""What stands in a field that is not called as its type is."""


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
