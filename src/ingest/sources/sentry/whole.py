"""Reads an issue whole: itself, its latest event, the values of its tags, and every comment.

Documents: docs.sentry.io, "API": Retrieve an Issue, Retrieve an Issue Event, List a Tag's Values
for an Issue; `issues/endpoints/group_tags.py` and `group_notes.py` of getsentry/sentry, which only
Sentry's own pages are promised. Three requests for most issues.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ingest.core.errors import BadPayload, Refused
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Response
from ingest.sources.contract import Payload
from ingest.sources.forms import SEGMENT, segment
from ingest.sources.http import Api, Params
from ingest.sources.sentry.patches import PERSONAL_TAGS
from ingest.sources.sentry.payloads import word
from ingest.sources.sentry.rest import next_url
from ingest.sources.wire import items, mapping, nonblank, objects

_SETS = ("environment", "release")
MOST_PAGES = 10
MOST_KEYS, MOST_VALUES = 8, 25
"""Of the other tags: so many, the first by name, with so many values each."""
_TOP = 100
_TOP_OF_BEFORE = 9
"""Values of a key in the overview, and in that of versions that know no `limit`."""
_MISSING = 404
_ACTIVITIES = 100
"""An issue comes with so many of its newest activities; comments are among them."""


@dataclass(slots=True)
class Reader:
    """The requests of one look-up, or of one page of a list; it counts them.

    api: its refusals are those of the whole. beside: its refusals leave a part out.
    project, project_id: slug and id as the connection has them; either may stand for both.
    """

    api: Api
    beside: Api
    organization: str
    project: str
    project_id: str
    calls: int = 0

    def get(self, path: str, params: Params | None = None) -> Response:
        """What the issue, or the list, is nothing without; raises as `Api.get`."""
        self.calls += 1
        return self.api.get(path, params=params)

    def readable_project(self) -> Payload:
        """The project, which `project:read` suffices for: by its id, which no renaming moves.

        Hosts that know projects by their slugs alone are asked by that. Raises `Refused` where it
        is not seen, or its slug is another project's by now.
        """
        where = f"{self.organization}/{self.project}"
        try:
            told = self._by_id() or mapping(self.get(f"projects/{where}/").json())
        except Absent as error:
            raise Refused(
                f"Sentry's project {where} cannot be read with this token; give one that may, or "
                "mend the slugs in the connection's metadata"
            ) from error
        id_ = word(told.get("id"))
        if id_ is None:
            raise BadPayload("id", "missing, so this is no project")
        if self.project_id.isdigit() and id_.isdigit() and id_ != self.project_id:
            raise Refused(
                f"Sentry's {where} is another project than the connection's {self.project_id}; "
                "mend sentryProjectSlug in its metadata"
            )
        return told

    def _by_id(self) -> Mapping[str, JSON]:
        if not self.project_id.isdigit():
            return {}
        try:
            return mapping(self.get(f"projects/{self.organization}/{self.project_id}/").json())
        except Absent:
            return {}

    def issue(self, id_: str) -> dict[str, JSON] | None:
        """`{issue, event, tags, externalIssues, comments}`; None where the issue is not there.

        `eventIsMissing`: it has none as yet, or none any more.
        """
        path = self._path(id_)
        issue = self._detail(path)
        if issue is None:
            return None
        comments, _ = self._comments(path, issue)
        event, is_missing = self._latest_event(path)
        return {
            "issue": dict(issue),
            "event": event,
            "eventIsMissing": is_missing,
            "tags": self._tags(path, issue),
            "externalIssues": self._linked(path, issue),
            "comments": comments,
        }

    def comment(self, issue_id: str, comment_id: str) -> dict[str, JSON] | None:
        """`{issue, comments}`, the comment among them; None where its issue is, and it is not.

        `issue` is null where nothing can be said of the comment.
        """
        path = self._path(issue_id)
        issue = self._detail(path)
        if issue is None:
            return {"issue": None, "comments": []}
        comments, is_all = self._comments(path, issue)
        among = (word(note.get("id")) for note in (*_notes(issue), *objects(comments)))
        if comment_id in among:
            return {"issue": dict(issue), "comments": comments}
        return None if is_all else {"issue": None, "comments": []}

    def _path(self, id_: str) -> str:
        return f"organizations/{self.organization}/issues/{id_}/"

    def _detail(self, path: str) -> Mapping[str, JSON] | None:
        """The issue, None where it is not there; raises `BadPayload` for what is no issue."""
        params: Params = {"collapse": "stats", "expand": "sentryAppIssues"}
        try:
            told = self.get(path, params).json()
        except Absent:
            return None
        if not isinstance(told, dict) or word(told.get("id")) is None:
            raise BadPayload("id", "missing, so this is no issue")
        return told

    def _latest_event(self, path: str) -> tuple[JSON, bool]:
        """The event, and whether there is none: what may not be read is no such thing."""
        self.calls += 1
        try:
            return self.beside.get(f"{path}events/latest/").json(), False
        except Absent as absent:
            return None, absent.status == _MISSING

    def _optional(self, path: str, params: Params | None = None) -> JSON:
        """What an issue may be without: an event past its retention, what the token may not see."""
        self.calls += 1
        try:
            return self.beside.get(path, params=params).json()
        except Absent:
            return None

    def _linked(self, path: str, issue: Mapping[str, JSON]) -> JSON:
        """What integrations noted; versions that do not tell it with the issue are asked for it."""
        told = issue.get("sentryAppIssues")
        return told if isinstance(told, list) else self._optional(f"{path}external-issues/") or []

    def _comments(self, path: str, issue: Mapping[str, JSON]) -> tuple[list[JSON], bool]:
        """Comments that the issue's activity does not hold, and whether these are all there are."""
        told, known = issue.get("numComments"), len([*_notes(issue)])
        counted = told if isinstance(told, int) else None
        is_full = len(items(issue, "activity")) >= _ACTIVITIES
        if (counted is None and not is_full) or (counted is not None and counted <= known):
            return [], True
        found: list[JSON] = []
        url: str | None = f"{path}comments/"
        while url is not None:
            page = self._page(url)
            notes = page.json() if page is not None else None
            if page is None or not isinstance(notes, list):
                return found, False
            found += notes
            url = next_url(page)
        return found, True

    def _tags(self, path: str, issue: Mapping[str, JSON]) -> dict[str, JSON]:
        """The values of each key: of environments and releases all, of others the first ones."""
        keys = [*_SETS, *_chosen(issue)]
        overview = self._optional(f"{path}tags/", {"key": keys, "limit": _TOP})
        if not isinstance(overview, list):
            return {key: [*self._asked_for(path, key)] for key in keys}
        top = {tag.get("key"): tag for tag in objects(overview)}
        return {key: [*self._values_of(path, key, top.get(key))] for key in keys}

    def _values_of(self, path: str, key: str, told: Mapping[str, JSON] | None) -> list[str]:
        values = [value for row in objects(told, "topValues") if (value := word(row.get("value")))]
        if key not in _SETS:
            return values[:MOST_VALUES]
        is_cut = len(values) == _TOP_OF_BEFORE or len(values) >= _TOP
        return self._asked_for(path, key) if is_cut else values

    def _asked_for(self, path: str, key: str) -> list[str]:
        is_set = key in _SETS
        named = segment(key, "the key of a tag")
        values = [*self._values(f"{path}tags/{named}/values/", MOST_PAGES if is_set else 1)]
        return values if is_set else values[:MOST_VALUES]

    def _values(self, path: str, most_pages: int) -> Iterator[str]:
        """The values of a tag, page by page; an issue without that tag has none."""
        url: str | None = path
        for _ in range(most_pages):
            page = self._page(url) if url is not None else None
            if page is None:
                return
            yield from filter(None, (word(told.get("value")) for told in objects(page.json())))
            url = next_url(page)

    def _page(self, url: str) -> Response | None:
        self.calls += 1
        try:
            return self.beside.get(url)
        except Absent:
            return None


def _notes(issue: Mapping[str, JSON]) -> Iterator[Mapping[str, JSON]]:
    return (note for note in objects(issue, "activity") if note.get("type") == "note")


def _chosen(issue: Mapping[str, JSON]) -> list[str]:
    """The keys of an issue's other tags that are looked at."""
    told = (nonblank(tag, "key") for tag in objects(issue, "tags"))
    keys = {key for key in told if SEGMENT.fits(key)} - {*_SETS} - PERSONAL_TAGS
    return sorted(keys)[:MOST_KEYS]
