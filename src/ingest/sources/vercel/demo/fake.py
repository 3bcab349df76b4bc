"""Vercel's API, as the demo and the tests play it: teams, projects, deployments, build logs.

Law: what belongs to a team is not found without its id, and errors are in Vercel's own words.
Documents: vercel.com/docs/rest-api; the shapes are those of npm `@vercel/sdk`. What a deployment
has beside what was told of it is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import Any

from ingest.sources.vercel.demo.hooks import Hooks, refused
from ingest.sources.vercel.demo.order import Order
from ingest.testing.fakes import Answer, Asked

LARGEST_PAGE = 100
_USUAL_PAGE = 20
_RATE = {"x-ratelimit-limit": "500", "x-ratelimit-remaining": "499", "x-ratelimit-reset": "0"}
_ONLY_ONE = ("id", "gitSource", "errorStep", "team", "project", "deletedAt", "undeletedAt")
"""Fields that a deployment has where it is asked for alone; a list has other names, or none."""
_STATES = frozenset({"BUILDING", "ERROR", "INITIALIZING", "QUEUED", "READY", "CANCELED", "BLOCKED"})
"""Those that a list can be asked for."""
_TIMES = {"BUILDING": "buildingAt", "READY": "ready", "CANCELED": "canceledAt"}

Fields = dict[str, Any]


def _error(status: int, code: str, message: str, **more: Any) -> Answer:
    answer = refused(status, code, message, **more)
    return Answer(answer.status, answer.body, _RATE)


def rate_limited(reset_at_s: int, *, in_body: bool = False) -> Answer:
    """429 as Vercel says it: until when stands in a header and in the body, or there alone."""
    limit = {"total": 500, "remaining": 0, "reset": reset_at_s}
    headers = {} if in_body else {"x-ratelimit-reset": str(reset_at_s)}
    body = {"error": {"code": "rate_limited", "message": "Too many requests", "limit": limit}}
    return Answer(429, body, headers)


@dataclass(slots=True)
class Vercel:
    """The objects that there are; a `team` of None is the token's own account.

    page_size: the most that a page holds, whatever `limit` is asked for.
    environments: names of custom environments by their ids, of whichever project.
    lists_deleted: a list has what was deleted and can be restored, with the marks of that.
    until_includes: a page has what was made at the very `until`, too.
    """

    token: str = "vcp_token_of_the_fake_api"  # noqa: S105 - opens nothing
    page_size: int = LARGEST_PAGE
    lists_deleted: bool = False
    until_includes: bool = False
    teams: dict[str, str] = field(default_factory=dict)
    projects: dict[str, Fields] = field(default_factory=dict)
    deployments: dict[str, Fields] = field(default_factory=dict)
    logs: dict[str, list[Fields]] = field(default_factory=dict)
    environments: dict[str, str] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)
    _orders: dict[str, Order] = field(default_factory=dict)
    _hosts: dict[str, str] = field(default_factory=dict)

    def put_team(self, id_: str, slug: str) -> None:
        self.teams[id_] = slug

    def put_project(self, id_: str, name: str, team: str | None = None, **retention: float) -> None:
        """A project; `retention` are fields of its `deploymentExpiration`, in days."""
        kept = {"deploymentExpiration": retention} if retention else {}
        self.projects[id_] = {
            "id": id_,
            "name": name,
            "accountId": team or "user_1",
            "team": team,
            **kept,
        }

    def remove_project(self, id_: str) -> None:
        """The project, and with it all of its deployments."""
        del self.projects[id_]
        of_it = [key for key, one in self.deployments.items() if one["projectId"] == id_]
        for deployment in of_it:
            self.remove(deployment)

    def deploy(self, id_: str, project: str, url: str | None, *, at_ms: int, **more: Any) -> None:
        """A new deployment, in the queue; `more` are fields of the API's own names."""
        self.deployments[id_] = {
            "id": id_,
            "name": self.projects[project]["name"],
            "url": url,
            "projectId": project,
            "createdAt": at_ms,
            "readyState": "QUEUED",
            **more,
        }
        if url:
            self._hosts[url] = id_
        self._order_of(project).put(id_, at_ms)

    def made_at(self, id_: str, at_ms: int) -> None:
        """It was made at another time than was thought."""
        one = self.deployments[id_]
        one["createdAt"] = at_ms
        self._order_of(one["projectId"]).put(id_, at_ms)

    def become(self, id_: str, state: str, *, at_ms: int, **more: Any) -> None:
        """The deployment's next state, with the time that Vercel keeps of it."""
        moment = {_TIMES[state]: at_ms} if state in _TIMES else {}
        self.deployments[id_] |= {"readyState": state, **moment, **more}

    def fail(self, id_: str, *, at_ms: int, code: str, message: str, step: str) -> None:
        """An error, as the API tells it and the webhook does not."""
        self.become(id_, "ERROR", at_ms=at_ms, errorCode=code, errorMessage=message, errorStep=step)

    def log(self, id_: str, type_: str, line: str, *, at_ms: int) -> None:
        """One line of the build's log; `type_` is stdout, stderr, command, …"""
        log = self.logs.setdefault(id_, [])
        serial = f"{len(log):09d}"
        event = {"type": type_, "created": at_ms, "date": at_ms, "deploymentId": id_}
        log.append(event | {"id": serial, "serial": serial, "text": line})

    def delete(self, id_: str, *, at_ms: int) -> None:
        """Deleted by somebody, and kept for 30 days, in which it can be restored."""
        self.deployments[id_] |= {"deletedAt": at_ms}

    def age_out(self, id_: str, *, at_ms: int) -> None:
        """Deleted for its age, and kept likewise."""
        self.deployments[id_] |= {"deletedAt": at_ms, "softDeletedByRetention": True}

    def restore(self, id_: str, *, at_ms: int) -> None:
        """Back, with the marks of what happened to it."""
        self.deployments[id_] |= {"undeletedAt": at_ms}

    def remove(self, id_: str) -> None:
        """Gone for good."""
        one = self.deployments.pop(id_)
        self.logs.pop(id_, None)
        self._hosts.pop(one["url"], None)
        self._order_of(one["projectId"]).drop(id_)

    def _order_of(self, project: str) -> Order:
        return self._orders.setdefault(project, Order())

    def answer(self, asked: Asked) -> Answer:
        given = asked.headers.get("authorization", "")
        if not given:
            message = "The request is missing an authentication token"
            return _error(403, "forbidden", message, missingToken=True)
        if given != f"Bearer {self.token}":
            return _error(403, "forbidden", "Not authorized", invalidToken=True)
        if asked.one("teamId") and asked.one("teamId") not in self.teams:
            return _error(403, "forbidden", "Not authorized")
        return self._of(asked)

    def _of(self, asked: Asked) -> Answer:
        match asked.path.strip("/").split("/"):
            case ["v13", "deployments", key]:
                return self._deployment(asked, key, self._whole)
            case ["v3", "deployments", key, "events"]:
                return self._deployment(asked, key, lambda one: self._events(asked, one))
            case ["v6" | "v7", "deployments"]:
                return self._list(asked)
            case ["v9", "projects", key]:
                return self._project(asked, key)
            case ["v9", "projects", key, "custom-environments", id_]:
                return self._environment(asked, key, id_)
            case ["v1", "webhooks", *path]:
                return self.hooks.answer(asked, path)
            case _:
                return _error(404, "not_found", "The requested API endpoint does not exist")

    def _is_theirs(self, asked: Asked, project: str) -> bool:
        """Whether the request names the team that the project belongs to, or rightly none."""
        return (self.projects[project]["team"] or "") == asked.one("teamId")

    def _deployment(self, asked: Asked, key: str, shown: Callable[[Fields], Any]) -> Answer:
        """By id or by host; another team's is not found."""
        found = self.deployments.get(self._hosts.get(key, key))
        if found is None or not self._is_theirs(asked, found["projectId"]):
            return _error(404, "not_found", "The deployment could not be found")
        return Answer(200, shown(found), _RATE)

    def _whole(self, one: Fields) -> Fields:
        """The deployment with what every one has."""
        team = self.projects[one["projectId"]]["team"]
        slug = self.teams.get(team or "", "personal")
        page = f"https://vercel.com/{slug}/{one['name']}/{one['id'].removeprefix('dpl_')}"
        return {
            "target": None,
            "source": "git",
            "inspectorUrl": page,
            "creator": {"uid": "user_1", "username": "marit"},
            "meta": {},
            **one,
        }

    def _events(self, asked: Asked, one: Mapping[str, Any]) -> list[Fields]:
        events = list(self.logs.get(one["id"], ()))
        if asked.one("direction") == "backward":
            events.reverse()
        limit = int(asked.one("limit", "-1"))
        return events if limit < 0 else events[:limit]

    def _project(self, asked: Asked, key: str) -> Answer:
        every = self.projects.values()
        found = next((one for one in every if key in {one["id"], one["name"]}), None)
        if found is None or not self._is_theirs(asked, found["id"]):
            return _error(404, "not_found", "Project not found")
        return Answer(200, {k: v for k, v in found.items() if k != "team"}, _RATE)

    def _environment(self, asked: Asked, key: str, id_: str) -> Answer:
        project, slug = self._project(asked, key), self.environments.get(id_)
        if project.status != 200 or slug is None:
            return _error(404, "not_found", "The environment could not be found")
        return Answer(200, {"id": id_, "slug": slug, "type": "preview"}, _RATE)

    def _list(self, asked: Asked) -> Answer:
        """Newest first; `until` and `since` are times of creation, the former not included."""
        wrong = _wrong(asked)
        if wrong:
            return _error(400, "bad_request", f"Invalid request: {wrong}")
        limit = min(int(asked.one("limit") or _USUAL_PAGE), self.page_size)
        listed = list(islice(self._wanted(asked), limit + 1))
        page, more = listed[:limit], len(listed) > limit
        pagination = {
            "count": len(page),
            "next": page[-1]["createdAt"] if more else None,
            "prev": page[0]["createdAt"] if page else None,
        }
        items = [_item(self._whole(one)) for one in page]
        return Answer(200, {"deployments": items, "pagination": pagination}, _RATE)

    def _wanted(self, asked: Asked) -> Iterator[Fields]:
        """What a list that is asked for so has in it."""
        since, states = _ms(asked, "since"), set(filter(None, asked.one("state").split(",")))
        for one in self._newest_first(asked):
            if since is not None and one["createdAt"] < since:
                return
            gone = one.get("deletedAt") and not one.get("undeletedAt")
            if (self.lists_deleted or not gone) and (not states or one["readyState"] in states):
                yield one

    def _newest_first(self, asked: Asked) -> Iterator[Fields]:
        until = _ms(asked, "until")
        before = until + self.until_includes if until is not None else None
        named = {*asked.query.get("projectIds", ()), asked.one("projectId")} - {""}
        theirs = [one for one in self.projects if self._is_theirs(asked, one)]
        orders = (
            (self.deployments[id_] for id_ in self._order_of(project).newest_first(before))
            for project in theirs
            if not named or project in named
        )
        return merge(*orders, key=lambda one: -int(one["createdAt"]))


def _ms(asked: Asked, name: str) -> int | None:
    told = asked.one(name)
    return int(told) if told else None


def _wrong(asked: Asked) -> str | None:
    """What Vercel would refuse in what a list is asked for."""
    for name in ("limit", "since", "until"):
        if asked.one(name) and not asked.one(name).isdigit():
            return f"`{name}` should be number"
    if not 1 <= int(asked.one("limit") or _USUAL_PAGE) <= LARGEST_PAGE:
        return f"`limit` should be from 1 to {LARGEST_PAGE}"
    if asked.one("projectId") and asked.query.get("projectIds"):
        return "`projectId` and `projectIds` exclude each other"
    unknown = set(filter(None, asked.one("state").split(","))) - _STATES
    return f"`state` should not be {sorted(unknown)}" if unknown else None


def _item(one: Mapping[str, Any]) -> Fields:
    """A deployment as a list has it: `uid` for `id`, `created` beside `createdAt`, less of all."""
    item = {key: value for key, value in one.items() if key not in _ONLY_ONE}
    for name, short in (("deletedAt", "deleted"), ("undeletedAt", "undeleted")):
        if name in one:
            item[short] = one[name]
    environment = one.get("customEnvironment")
    if environment:
        item["customEnvironment"] = {
            key: environment[key] for key in ("id", "slug") if key in environment
        }
    return {"uid": one["id"], **item, "created": one["createdAt"], "state": one["readyState"]}


def make() -> Vercel:
    """A Vercel with nothing in it."""
    return Vercel()
