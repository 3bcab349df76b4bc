"""Sentry's API as the demo and the tests look things up from it: issues, events, tags, comments.

Law: it answers in Sentry's shapes: every path ends in a slash, both links of a page are always
there, every answer tells its limits, and what a token may not see is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.testing.fakes import Answer, Asked

PAGE_SIZE = 2
LET_IN = "sntrys_of-the-demo"
_ORGANIZATION, _ISSUE = r"(?P<organization>[^/]+)", r"(?P<issue>[^/]+)"
_LIMITS = {
    "x-sentry-rate-limit-limit": "40",
    "x-sentry-rate-limit-remaining": "39",
    "x-sentry-rate-limit-reset": "1772409600",
    "x-sentry-rate-limit-concurrentlimit": "25",
    "x-sentry-rate-limit-concurrentremaining": "24",
}
_Given = Mapping[str, str]


@dataclass(slots=True)
class Kept:
    """An issue with all that belongs to it; `tags` are the values of each key, newest first."""

    issue: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)

    def whole(self) -> dict[str, Any]:
        """As the API tells it: with the keys of its tags and what was done to it."""
        keys = [
            {"key": key, "name": key.title(), "totalValues": len(values)}
            for key, values in sorted(self.tags.items())
        ]
        return {
            **self.issue,
            "count": str(self.issue.get("count", "0")),
            "tags": keys,
            "activity": list(reversed(self.notes)),
            "numComments": len(self.notes),
            "pluginIssues": [],
            "seenBy": [],
        }


@dataclass(slots=True)
class Sentry:
    """One organization: its projects by slug and its issues by id; without a name, whichever.

    `merged` leads from the id of an issue that is no more to the one that it went into.
    """

    organization: str
    token: str = LET_IN
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    issues: dict[str, Kept] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)

    def put_project(self, slug: str, id_: str) -> dict[str, Any]:
        """A project; as issues embed it."""
        self.projects[slug] = {"id": id_, "slug": slug, "name": slug.title(), "platform": "python"}
        return self.projects[slug]

    def put_issue(self, issue: Mapping[str, Any]) -> Kept:
        """An issue in the shape of the API, without its tags and activity."""
        kept = self.issues.setdefault(str(issue["id"]), Kept({}))
        kept.issue = {"permalink": self._page(str(issue["id"])), **issue}
        return kept

    def edit(self, id_: str, **fields: Any) -> None:
        """A change of state: no time of the issue moves with it."""
        self.issues[id_].issue.update(fields)

    def add_event(self, id_: str, event: Mapping[str, Any]) -> None:
        """An occurrence, in the shape of the API: the count, the last time and the tags move."""
        kept = self.issues[id_]
        kept.events.append({"groupID": id_, **event})
        kept.issue["count"] = str(int(kept.issue.get("count", "0")) + 1)
        kept.issue["lastSeen"] = max(str(kept.issue["lastSeen"]), str(event["dateCreated"]))
        for tag in event.get("tags", ()):
            known = kept.tags.setdefault(tag["key"], [])
            kept.tags[tag["key"]] = [tag["value"], *(v for v in known if v != tag["value"])]

    def comment(self, id_: str, note: Mapping[str, Any]) -> None:
        """A comment, `{id, text, dateCreated, user}`; one that is known is edited."""
        kept = self.issues[id_]
        written = {
            "id": note["id"],
            "type": "note",
            "data": {"text": note["text"]},
            "dateCreated": note["dateCreated"],
            "user": note.get("user"),
        }
        others = [known for known in kept.notes if known["id"] != note["id"]]
        kept.notes = [*others, written]

    def uncomment(self, id_: str, note_id: str) -> None:
        """A comment is destroyed."""
        kept = self.issues[id_]
        kept.notes = [note for note in kept.notes if note["id"] != note_id]

    def delete(self, id_: str) -> None:
        """An issue is destroyed; nobody is told."""
        del self.issues[id_]

    def merge(self, id_: str, into: str) -> None:
        """An issue goes into another one, which answers for it from then on; nobody is told."""
        gone = self.issues.pop(id_)
        for event in gone.events:
            self.add_event(into, event)
        self.merged[id_] = into

    def answer(self, asked: Asked) -> Answer:
        """What the API says; limits are told with everything."""
        found = self._answer(asked)
        return Answer(found.status, found.body, {**_LIMITS, **found.headers})

    def _answer(self, asked: Asked) -> Answer:
        told = asked.headers.get("authorization", "")
        if not told:
            detail = "Authentication credentials were not provided."
            return Answer(401, {"detail": detail})
        if told != f"Bearer {self.token}":
            return Answer(401, {"detail": "Invalid token"})
        for pattern, answer in _ROUTES:
            found = pattern.fullmatch(asked.path)
            if found and asked.method == "GET":
                given = found.groupdict()
                known = self.organization in ("", given["organization"])
                return answer(self, given, asked) if known else _nothing()
        return _nothing()

    def _page(self, id_: str) -> str:
        return f"https://{self.organization}.sentry.io/issues/{id_}/"

    def _found(self, id_: str) -> Kept | None:
        return self.issues.get(self.merged.get(id_, id_))

    def _project(self, given: _Given, _asked: Asked) -> Answer:
        project = self.projects.get(given["project"])
        return Answer(body=project) if project else _nothing()

    def _issue(self, given: _Given, _asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        return Answer(body=kept.whole()) if kept else _nothing()

    def _short_id(self, given: _Given, _asked: Asked) -> Answer:
        for id_, kept in self.issues.items():
            if kept.issue.get("shortId") == given["short"].upper():
                body = {"groupId": id_, "group": kept.whole(), "shortId": kept.issue["shortId"]}
                return Answer(body={"organizationSlug": self.organization, **body})
        return _nothing()

    def _latest_event(self, given: _Given, _asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        if kept is None or not kept.events:
            return Answer(404, {"detail": "No matching event"})
        return Answer(body=max(kept.events, key=lambda event: str(event["dateCreated"])))

    def _tag_values(self, given: _Given, asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        if kept is None or given["key"] not in kept.tags:
            return _nothing()
        values = [
            {"key": given["key"], "value": value, "name": value, "count": 1}
            for value in kept.tags[given["key"]]
        ]
        return _page(values, asked)

    def _links(self, given: _Given, _asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        return Answer(body=kept.links) if kept else _nothing()


def make(organization: str = "halcyon") -> Sentry:
    """An organization without projects and issues."""
    return Sentry(organization)


def _nothing() -> Answer:
    return Answer(404, {"detail": "The requested resource does not exist"})


def _page(found: list[dict[str, Any]], asked: Asked) -> Answer:
    """A page from the cursor `value:offset:is_prev` on; both links are there, also at the ends."""
    offset = int(asked.one("cursor", "0:0:0").split(":")[1])
    here = f"{asked.url}{asked.path}"
    before, after = max(0, offset - PAGE_SIZE), offset + PAGE_SIZE
    link = ", ".join(
        f'<{here}?&cursor={cursor}>; rel="{rel}"; results="{str(there).lower()}"; cursor="{cursor}"'
        for rel, cursor, there in (
            ("previous", f"0:{before}:1", offset > 0),
            ("next", f"0:{after}:0", after < len(found)),
        )
    )
    return Answer(body=found[offset:after], headers={"link": link})


def _route(path: str) -> re.Pattern[str]:
    return re.compile(f"/api/0/{path}/")


_AN_ISSUE = f"organizations/{_ORGANIZATION}/issues/{_ISSUE}"
_ROUTES: tuple[tuple[re.Pattern[str], Callable[[Sentry, _Given, Asked], Answer]], ...] = (
    (_route(f"projects/{_ORGANIZATION}/(?P<project>[^/]+)"), Sentry._project),
    (_route(f"organizations/{_ORGANIZATION}/shortids/(?P<short>[^/]+)"), Sentry._short_id),
    (_route(_AN_ISSUE), Sentry._issue),
    (_route(f"{_AN_ISSUE}/events/latest"), Sentry._latest_event),
    (_route(f"{_AN_ISSUE}/tags/(?P<key>.+)/values"), Sentry._tag_values),
    (_route(f"{_AN_ISSUE}/external-issues"), Sentry._links),
)
