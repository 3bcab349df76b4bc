"""Sentry's API for one connection: an issue with its latest event and the values of its tags.

Documents: docs.sentry.io, "API": Authentication, Pagination, Rate Limits; Retrieve an Issue,
Retrieve an Issue Event, List a Tag's Values for an Issue. Every path ends in a slash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ingest.core.errors import PermanentError, Refused
from ingest.core.times import from_epoch_s
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Refusal, Response, Rules
from ingest.sources.contract import Access, Lookup, Payload, Sight
from ingest.sources.forms import ID, SEGMENT, needed, segment
from ingest.sources.http import Api
from ingest.sources.sentry.patches import PERSONAL_TAGS
from ingest.sources.sentry.payloads import word
from ingest.sources.wire import mapping, nonblank, objects

_ROOT = "/api/0"
_SETS = ("environment", "release")
MOST_PAGES = 10
MOST_KEYS, MOST_VALUES = 8, 25
"""Of the other tags: so many, the first by name, with so many values each."""

# RFC 8288 as "API: Pagination" writes it; the next page is always named, if there is one or not.
_NEXT = re.compile(r"<([^<>]{1,2000})>; rel=\"next\"; results=\"true\"")


def _wait_s(refusal: Refusal) -> float | None:
    """ "API: Rate Limits": the window ends at `X-Sentry-Rate-Limit-Reset`, in seconds since 1970.

    A limit on requests at a time has no window that ends.
    """
    if refusal.status != 429:
        return None
    told = refusal.headers.get("x-sentry-rate-limit-reset", "").strip()
    if told.isascii() and told.isdigit() and len(told) < 12:
        return max(1.0, refusal.until(from_epoch_s(int(told))))
    after_s = refusal.retry_after_s()
    return 60.0 if after_s is None else after_s


_BESIDE = Rules(wait_s=_wait_s, refused=frozenset({401}), absent=frozenset({403, 404, 410}))


class SentryClient:
    """One connection's way to its organization and project."""

    def __init__(self, access: Access) -> None:
        base = access.base_url.rstrip("/")
        self._organization = needed(access.metadata, "sentryOrganizationSlug", ID)
        self._project = needed(access.metadata, "sentryProjectSlug", ID)
        self._api = Api(
            "Sentry",
            base if base.endswith(_ROOT) else base + _ROOT,
            access.now,
            headers={"Authorization": f"Bearer {access.token}"},
            rules=Rules(wait_s=_wait_s),
            resolve=access.resolve,
            mask=access.mask,
        )
        # An issue that may be read is told without what may not be read beside it.
        self._beside = replace(self._api, rules=_BESIDE)

    def fetch_one(self, lookup: Lookup) -> Sight:
        """An issue, whole: `{issue, event, tags, externalIssues}`."""
        if lookup.identity.kind != "issue":
            raise PermanentError(f"Sentry has no look-up of a {lookup.identity.kind}")
        path = f"organizations/{self._organization}/issues/{_issue(lookup)}/"
        try:
            issue = self._api.get(path).json()
        except Absent:
            self._require_project()
            return Sight(None)
        tags: dict[str, JSON] = {}
        for key in (*_SETS, *_chosen(issue)):
            most = MOST_PAGES if key in _SETS else 1
            named = segment(key, "the key of a tag")
            values = [*self._values(f"{path}tags/{named}/values/", most)]
            tags[key] = [*(values if key in _SETS else values[:MOST_VALUES])]
        return Sight(
            {
                "issue": issue,
                "event": self._optional(f"{path}events/latest/"),
                "tags": tags,
                "externalIssues": self._optional(f"{path}external-issues/") or [],
            }
        )

    def check(self) -> str:
        """The project, which `project:read` suffices for."""
        told = self._require_project()
        return f"project {nonblank(told.get('slug')) or self._project} of {self._organization}"

    def close(self) -> None:
        """Let go of open connections."""
        self._api.close()
        self._beside.close()

    def _require_project(self) -> Payload:
        path = f"projects/{self._organization}/{self._project}/"
        try:
            return mapping(self._api.get(path).json())
        except Absent as error:
            raise Refused(
                f"Sentry's project {self._organization}/{self._project} cannot be read with this "
                "token; give one that may, or mend the slugs in the connection's metadata"
            ) from error

    def _optional(self, path: str) -> JSON:
        """What an issue may be without: an event past its retention, what the token may not see."""
        try:
            return self._beside.get(path).json()
        except Absent:
            return None

    def _values(self, path: str, most_pages: int) -> Iterator[str]:
        """The values of a tag, page by page; an issue without that tag has none."""
        url: str | None = path
        for _ in range(most_pages):
            if url is None:
                return
            try:
                page = self._beside.get(url)
            except Absent:
                return
            yield from filter(None, (word(told.get("value")) for told in objects(page.json())))
            url = _next(page)


def _chosen(issue: JSON) -> list[str]:
    """The keys of an issue's other tags that are looked at."""
    told = (nonblank(tag, "key") for tag in objects(issue, "tags"))
    keys = {key for key in told if SEGMENT.fits(key)} - {*_SETS} - PERSONAL_TAGS
    return sorted(keys)[:MOST_KEYS]


def _next(page: Response) -> str | None:
    found = _NEXT.search(page.headers.get("link", ""))
    return found[1] if found else None


def _issue(lookup: Lookup) -> str:
    return segment(lookup.identity.id, "the id of a Sentry issue", ID)
