"""Vercel's API, as the demo and the tests play it: teams, projects, deployments, build logs.

Law: what belongs to a team is not found without its id, and errors are in Vercel's own words.
Documents: vercel.com/docs/rest-api; the shapes are those of npm `@vercel/sdk`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.testing.fakes import Answer, Asked

PAGE_SIZE = 3
_RATE = {"x-ratelimit-limit": "500", "x-ratelimit-remaining": "499", "x-ratelimit-reset": "0"}
_ONLY_ONE = ("gitSource", "customEnvironment", "errorStep", "team", "project")
"""Fields that a deployment has where it is asked for alone, and not in a list."""

Fields = dict[str, Any]


def _error(status: int, code: str, message: str, **more: Any) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, **more}}, _RATE)


def rate_limited(reset_at_s: int, *, in_body: bool = False) -> Answer:
    """429 as Vercel says it: until when stands in a header and in the body, or there alone."""
    limit = {"total": 500, "remaining": 0, "reset": reset_at_s}
    headers = {} if in_body else {"x-ratelimit-reset": str(reset_at_s)}
    body = {"error": {"code": "rate_limited", "message": "Too many requests", "limit": limit}}
    return Answer(429, body, headers)


@dataclass(slots=True)
class Vercel:
    """The objects that there are; a `team` of None is the token's own account."""

    token: str = "vcp_token_of_the_fake_api"  # noqa: S105 - opens nothing
    teams: dict[str, str] = field(default_factory=dict)
    projects: dict[str, Fields] = field(default_factory=dict)
    deployments: dict[str, Fields] = field(default_factory=dict)
    logs: dict[str, list[Fields]] = field(default_factory=dict)

    def put_team(self, id_: str, slug: str) -> None:
        self.teams[id_] = slug

    def put_project(self, id_: str, name: str, team: str | None = None) -> None:
        self.projects[id_] = {"id": id_, "name": name, "accountId": team or "user_1", "team": team}

    def remove_project(self, id_: str) -> None:
        """The project, and with it all of its deployments."""
        del self.projects[id_]
        of_it = [key for key, one in self.deployments.items() if one["projectId"] == id_]
        for deployment in of_it:
            self.remove(deployment)

    def deploy(self, id_: str, project: str, url: str, *, at_ms: int, **more: Any) -> None:
        """A new deployment, in the queue; `more` are fields of the API's own names."""
        of = self.projects[project]
        slug = self.teams.get(of["team"] or "", "personal")
        page = f"https://vercel.com/{slug}/{of['name']}/{id_.removeprefix('dpl_')}"
        self.deployments[id_] = {
            "id": id_,
            "name": of["name"],
            "url": url,
            "projectId": project,
            "createdAt": at_ms,
            "readyState": "QUEUED",
            "target": None,
            "source": "git",
            "inspectorUrl": page,
            "creator": {"uid": "user_1", "username": "marit"},
            "meta": {},
            **more,
        }
        self.logs[id_] = []

    def become(self, id_: str, state: str, *, at_ms: int, **more: Any) -> None:
        """The deployment's next state, with the time that Vercel keeps of it."""
        times = {"BUILDING": "buildingAt", "READY": "ready", "CANCELED": "canceledAt"}
        moment = {times[state]: at_ms} if state in times else {}
        self.deployments[id_] |= {"readyState": state, **moment, **more}

    def fail(self, id_: str, *, at_ms: int, code: str, message: str, step: str) -> None:
        """An error, as the API tells it and the webhook does not."""
        self.become(id_, "ERROR", at_ms=at_ms, errorCode=code, errorMessage=message, errorStep=step)

    def log(self, id_: str, type_: str, line: str, *, at_ms: int) -> None:
        """One line of the build's log; `type_` is stdout, stderr, command, …"""
        serial = f"{len(self.logs[id_]):09d}"
        event = {"type": type_, "created": at_ms, "date": at_ms, "deploymentId": id_}
        self.logs[id_].append(event | {"id": serial, "serial": serial, "text": line})

    def delete(self, id_: str, *, at_ms: int) -> None:
        """Deleted, and kept for 30 days, in which it can be restored."""
        self.deployments[id_] |= {"deletedAt": at_ms, "softDeletedByRetention": True}

    def restore(self, id_: str) -> None:
        for mark in ("deletedAt", "softDeletedByRetention"):
            self.deployments[id_].pop(mark, None)

    def remove(self, id_: str) -> None:
        """Gone for good."""
        del self.deployments[id_], self.logs[id_]

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
                return self._deployment(asked, key, lambda one: one)
            case ["v3", "deployments", key, "events"]:
                return self._deployment(asked, key, lambda one: self._events(asked, one))
            case ["v6" | "v7", "deployments"]:
                return self._list(asked)
            case ["v9", "projects", key]:
                return self._project(asked, key)
            case _:
                return _error(404, "not_found", "The requested API endpoint does not exist")

    def _is_theirs(self, asked: Asked, project: str) -> bool:
        """Whether the request names the team that the project belongs to, or rightly none."""
        return (self.projects[project]["team"] or "") == asked.one("teamId")

    def _deployment(self, asked: Asked, key: str, shown: Callable[[Fields], Any]) -> Answer:
        """By id or by host; another team's is not found."""
        every = self.deployments.values()
        found = next((one for one in every if key in {one["id"], one["url"]}), None)
        if found is None or not self._is_theirs(asked, found["projectId"]):
            return _error(404, "not_found", "The deployment could not be found")
        return Answer(200, shown(found), _RATE)

    def _events(self, asked: Asked, one: Mapping[str, Any]) -> list[Fields]:
        events = list(self.logs[one["id"]])
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

    def _list(self, asked: Asked) -> Answer:
        """Newest first; `until` and `since` are times of creation, the former not included."""
        limit = min(int(asked.one("limit", str(PAGE_SIZE))), PAGE_SIZE)
        newest_first = sorted(self.deployments.values(), key=lambda d: -int(d["createdAt"]))
        listed = [one for one in newest_first if self._is_wanted(asked, one)]
        page = listed[:limit]
        more = len(listed) > limit
        pagination = {
            "count": len(page),
            "next": page[-1]["createdAt"] if more else None,
            "prev": page[0]["createdAt"] if page else None,
        }
        body = {"deployments": [_item(one) for one in page], "pagination": pagination}
        return Answer(200, body, _RATE)

    def _is_wanted(self, asked: Asked, one: Fields) -> bool:
        """Whether a list that is asked for so has this deployment in it."""
        until, since = asked.one("until"), asked.one("since")
        states = set(filter(None, asked.one("state").split(",")))
        return (
            self._is_theirs(asked, one["projectId"])
            and asked.one("projectId") in {"", one["projectId"]}
            and (not until or one["createdAt"] < int(until))
            and (not since or one["createdAt"] >= int(since))
            and (not states or one["readyState"] in states)
        )


def _item(one: Mapping[str, Any]) -> Fields:
    """A deployment as a list has it: `uid` for `id`, `created` beside `createdAt`, less of all."""
    item = {key: value for key, value in one.items() if key not in {"id", *_ONLY_ONE}}
    return {"uid": one["id"], **item, "created": one["createdAt"], "state": one["readyState"]}


def make() -> Vercel:
    """A Vercel with nothing in it."""
    return Vercel()
