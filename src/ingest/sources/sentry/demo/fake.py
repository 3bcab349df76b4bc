"""Sentry's API as the demo and the tests ask it: issues and their list, events, tags, comments.

Law: it answers in Sentry's shapes: every path ends in a slash, both links of a page are always
there, every answer tells its limits, and what a token may not see is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.sources.sentry.demo import drawing
from ingest.sources.sentry.demo.applications import Applications
from ingest.sources.sentry.demo.issues import Issues, Kept
from ingest.sources.sentry.demo.searching import Search
from ingest.testing.fakes import Answer, Asked

PAGE_SIZE = 2
"""Of values, comments and integrations; that of issues is `Search.page_size`."""
LET_IN = "sntrys_of-the-demo"
_TOP = 9
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
class Sentry:
    """One organization: its projects by slug and its issues by id; without a name, whichever.

    `merged` leads from the id of an issue that is no more to the one that it went into, `renamed`
    from a project's former slug to that of today.
    """

    organization: str
    token: str = LET_IN
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    issues: Issues = field(default_factory=Issues)
    merged: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    search: Search = field(init=False)
    applications: Applications = field(init=False)

    def __post_init__(self) -> None:
        self.search = Search(self.issues)
        self.applications = Applications(self.organization)

    def put_project(self, slug: str, id_: str) -> dict[str, Any]:
        """A project; as issues embed it."""
        self.projects[slug] = {"id": id_, "slug": slug, "name": slug.title(), "platform": "python"}
        return self.projects[slug]

    def rename_project(self, slug: str, new: str) -> None:
        """A project's slug is another one; the short ids of all its issues are others with it."""
        project = self.projects.pop(slug)
        project["slug"] = new
        self.projects[new], self.renamed[slug] = project, new
        for id_ in self.issues:
            issue = self.issues[id_].issue
            if str(issue["project"]["id"]) == project["id"]:
                counter = str(issue["shortId"]).rpartition("-")[2]
                issue |= {"project": dict(project), "shortId": f"{new.upper()}-{counter}"}

    def put_issue(self, issue: Mapping[str, Any]) -> Kept:
        """An issue in the shape of the API, without its tags and activity."""
        kept = self.issues.setdefault(str(issue["id"]), Kept({}))
        kept.issue = {"permalink": self._page(str(issue["id"])), **issue}
        self.issues.moved()
        return kept

    def fill(self, count: int, slug: str, *, newest: datetime = drawing.NEWEST) -> None:
        """So many issues more of a project, which take no room until one is changed."""
        first = max([drawing.FIRST_ID - 1, *map(int, filter(str.isdigit, self.issues))]) + 1
        made = drawing.drawn(count, self.projects[slug], first=first, newest=newest)
        self.issues.add(made)

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
        self.issues.moved()

    def link(self, id_: str, url: str) -> None:
        """An integration notes on an issue what it is in another tracker."""
        self.issues[id_].links.append({"id": url, "issueId": id_, "webUrl": url})

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
        """An issue goes into another one, with its comments; nobody is told."""
        gone = self.issues.pop(id_)
        for event in gone.events:
            self.add_event(into, event)
        self.issues[into].notes += gone.notes
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
        for method, pattern, answer in _ROUTES:
            found = pattern.fullmatch(asked.path)
            if found and asked.method == method:
                given = found.groupdict()
                known = given.get("organization", self.organization)
                is_known = self.organization in ("", known)
                return answer(self, given, asked) if is_known else _nothing()
        return _nothing()

    def _page(self, id_: str) -> str:
        return f"https://{self.organization}.sentry.io/issues/{id_}/"

    def _found(self, id_: str) -> Kept | None:
        return self.issues.peek(self.merged.get(id_, id_))

    def _project_of(self, told: str) -> dict[str, Any] | None:
        by_id = {project["id"]: project for project in self.projects.values()}
        return self.projects.get(told) or by_id.get(told)

    def _project(self, given: _Given, asked: Asked) -> Answer:
        project = self._project_of(given["project"])
        new = self.renamed.get(given["project"])
        if project is None and new is not None:
            url = f"{asked.url}/api/0/projects/{given['organization']}/{new}/"
            detail = {"extra": {"url": url, "slug": new}}
            return Answer(302, {"slug": new, "detail": detail}, {"location": url})
        return Answer(body=project) if project else _nothing()

    def _listed(self, _given: _Given, asked: Asked) -> Answer:
        told = asked.one("project")
        if not self.projects:
            return Answer(body=[])
        if self._project_of(told) is None and not told.isdigit():
            detail = "Invalid project parameter. Values must be numbers."
            return Answer(400, {"detail": detail})
        if self._project_of(told) is None:
            return Answer(403, {"detail": "You do not have permission to perform this action."})
        return self.search.answer(asked, told)

    def _issue(self, given: _Given, asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        if kept is None or given["issue"] in self.search.pending:
            return _nothing()
        more = "sentryAppIssues" in asked.query.get("expand", ())
        linked = {"sentryAppIssues": kept.links} if more else {}
        return Answer(body={**kept.whole(), **linked})

    def _short_id(self, given: _Given, _asked: Asked) -> Answer:
        for id_ in self.issues:
            kept = self.issues.peek(id_)
            if kept is not None and kept.issue.get("shortId") == given["short"].upper():
                body = {"groupId": id_, "group": kept.whole(), "shortId": kept.issue["shortId"]}
                return Answer(body={"organizationSlug": self.organization, **body})
        return _nothing()

    def _latest_event(self, given: _Given, _asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        if kept is None or not kept.events:
            return Answer(404, {"detail": "No matching event"})
        return Answer(body=max(kept.events, key=lambda event: str(event["dateCreated"])))

    def _tags(self, given: _Given, asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        if kept is None:
            return _nothing()
        keys, most = asked.query.get("key"), int(asked.one("limit", str(_TOP)))
        told = [
            {
                "key": key,
                "name": key.title(),
                "totalValues": len(values),
                "topValues": [_value(key, value) for value in values[:most]],
            }
            for key, values in kept.tags.items()
            if keys is None or key in keys
        ]
        return Answer(body=told)

    def _tag_values(self, given: _Given, asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        if kept is None or given["key"] not in kept.tags:
            return _nothing()
        return _page([_value(given["key"], value) for value in kept.tags[given["key"]]], asked)

    def _notes(self, given: _Given, asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        return _page([*reversed(kept.notes)], asked) if kept else _nothing()

    def _links(self, given: _Given, _asked: Asked) -> Answer:
        kept = self._found(given["issue"])
        return Answer(body=kept.links) if kept else _nothing()

    def _applications(self, _given: _Given, asked: Asked) -> Answer:
        return _page([*self.applications.by_slug.values()], asked)

    def _installations(self, _given: _Given, asked: Asked) -> Answer:
        return _page([*self.applications.installations.values()], asked)

    def _change(self, given: _Given, asked: Asked) -> Answer:
        return self.applications.change(given["slug"], asked.body)

    def _log(self, given: _Given, _asked: Asked) -> Answer:
        return self.applications.requests(given["slug"])


def make(organization: str = "halcyon") -> Sentry:
    """An organization without projects and issues."""
    return Sentry(organization)


def _nothing() -> Answer:
    return Answer(404, {"detail": "The requested resource does not exist"})


def _value(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": value, "name": value, "count": 1}


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


_IN_ORGANIZATION = f"organizations/{_ORGANIZATION}"
_AN_ISSUE = f"{_IN_ORGANIZATION}/issues/{_ISSUE}"
_AN_APPLICATION = "sentry-apps/(?P<slug>[^/]+)"
_ROUTES: tuple[tuple[str, re.Pattern[str], Callable[[Sentry, _Given, Asked], Answer]], ...] = (
    ("GET", _route(f"projects/{_ORGANIZATION}/(?P<project>[^/]+)"), Sentry._project),
    ("GET", _route(f"{_IN_ORGANIZATION}/shortids/(?P<short>[^/]+)"), Sentry._short_id),
    ("GET", _route(f"{_IN_ORGANIZATION}/issues"), Sentry._listed),
    ("GET", _route(_AN_ISSUE), Sentry._issue),
    ("GET", _route(f"{_AN_ISSUE}/events/latest"), Sentry._latest_event),
    ("GET", _route(f"{_AN_ISSUE}/tags"), Sentry._tags),
    ("GET", _route(f"{_AN_ISSUE}/tags/(?P<key>.+)/values"), Sentry._tag_values),
    ("GET", _route(f"{_AN_ISSUE}/comments"), Sentry._notes),
    ("GET", _route(f"{_AN_ISSUE}/external-issues"), Sentry._links),
    ("GET", _route(f"{_IN_ORGANIZATION}/sentry-apps"), Sentry._applications),
    ("GET", _route(f"{_IN_ORGANIZATION}/sentry-app-installations"), Sentry._installations),
    ("PUT", _route(_AN_APPLICATION), Sentry._change),
    ("GET", _route(f"{_AN_APPLICATION}/webhook-requests"), Sentry._log),
)
