"""The webhooks of the fake: made, listed and deleted, and never changed.

Document: vercel.com/docs/rest-api, webhooks; a secret is shown once, where its webhook is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.sources.vercel import events
from ingest.testing.fakes import Answer, Asked

MOST_HOOKS = 20
_OTHER_EVENTS = frozenset({"project.created", "project.renamed", "project.removed"})
EVENTS = frozenset({*events.STAGES, *events.HINTS, events.DELETED, *_OTHER_EVENTS})
"""What can be subscribed to, of what a deployment is about."""

Fields = dict[str, Any]


def refused(status: int, code: str, message: str, **more: Any) -> Answer:
    """An error in Vercel's own form."""
    return Answer(status, {"error": {"code": code, "message": message, **more}})


@dataclass(slots=True)
class Hooks:
    """The webhooks that there are, by id, with their secrets."""

    made: dict[str, Fields] = field(default_factory=dict)
    _count: int = 0

    def put(self, url: str, events_: list[str], owner: str, projects: list[str] | None) -> Fields:
        """Another webhook, as somebody clicks it."""
        self._count += 1
        id_ = f"account_hook_{self._count:04d}"
        self.made[id_] = {
            "id": id_,
            "url": url,
            "events": list(events_),
            "ownerId": owner,
            "createdAt": 1_772_460_000_000 + self._count,
            "updatedAt": 1_772_460_000_000 + self._count,
            "secret": f"whsec_of_the_fake_{self._count:04d}",
            **({"projectIds": list(projects)} if projects else {}),
        }
        return self.made[id_]

    def answer(self, asked: Asked, path: list[str]) -> Answer:
        """What is said to a request for `/v1/webhooks`, and what is below that."""
        owner = asked.one("teamId") or "user_1"
        match asked.method, path:
            case "GET", []:
                return Answer(200, [_shown(one) for one in self._of(owner, asked)])
            case "POST", []:
                return self._post(asked.body, owner)
            case "GET" | "DELETE", [id_] if id_ in self.made:
                return self._one(asked.method, id_, owner)
            case _:
                return refused(404, "not_found", "The webhook could not be found")

    def _of(self, owner: str, asked: Asked) -> list[Fields]:
        project = asked.one("projectId")
        theirs = (one for one in self.made.values() if one["ownerId"] == owner)
        return [one for one in theirs if not project or project in one.get("projectIds", [project])]

    def _post(self, body: Any, owner: str) -> Answer:
        told = body if isinstance(body, dict) else {}
        url, names = told.get("url"), told.get("events")
        if not (isinstance(url, str) and url.startswith("http") and isinstance(names, list)):
            return refused(400, "bad_request", "Invalid request: `url` and `events` are required")
        unknown = sorted(set(names) - EVENTS)
        if unknown or not names:
            return refused(400, "bad_request", f"Invalid request: no events {unknown}")
        if sum(one["ownerId"] == owner for one in self.made.values()) >= MOST_HOOKS:
            return refused(400, "bad_request", f"No more than {MOST_HOOKS} webhooks")
        return Answer(200, self.put(url, names, owner, told.get("projectIds")))

    def _one(self, method: str, id_: str, owner: str) -> Answer:
        if self.made[id_]["ownerId"] != owner:
            return refused(404, "not_found", "The webhook could not be found")
        if method == "GET":
            return Answer(200, _shown(self.made[id_]))
        del self.made[id_]
        return Answer(204, b"")


def _shown(one: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in one.items() if name != "secret"}
