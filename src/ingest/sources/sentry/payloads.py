"""Sentry's JSON as Sentry spells it: what we read of issues, events and comments.

Law: required is only what no document can do without; whatever is null, absent or of another kind
elsewhere says nothing. Webhooks spell `in_app`, the API `inApp`; ids are texts here and numbers
there. Source: docs.sentry.io, "Webhooks: Issues, Errors, Issue Alerts, Comments" and "API: Retrieve
an Issue, Retrieve an Issue Event". Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ingest.core.times import from_epoch_s, parse_time, to_micros
from ingest.core.values import JSON
from ingest.sources.wire import Nonblank, Object, WireModel, items, nonblank

_ISSUE_IN_URL = re.compile(r"/(?:issues|group)/([0-9]{1,19})(?![\w-])")
_MOST_COUNTED = 2**63 - 1


def word(raw: JSON) -> str | None:
    """An id or a name: texts, and numbers as their digits."""
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) <= _MOST_COUNTED:
        return str(raw)
    return nonblank(raw)


def moment(raw: JSON) -> datetime | None:
    """A time as ISO 8601 or in seconds since 1970."""
    try:
        if isinstance(raw, str):
            found = parse_time(raw)
        elif isinstance(raw, int | float) and not isinstance(raw, bool):
            found = from_epoch_s(raw)
        else:
            return None
    except ValueError:
        return None
    return found if to_micros(found) >= 0 else None


def spelled(at: datetime) -> str:
    """The time as Sentry spells it: `2026-03-02T00:07:00Z`, microseconds where there are any."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def counted(raw: JSON) -> int | None:
    """A number, which issues carry as a text."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 19:
        return int(raw)
    known = isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= _MOST_COUNTED
    return raw if known and isinstance(raw, int) else None


def _project(raw: JSON) -> JSON:
    """An object in an issue, a mere id beside an event."""
    return raw if isinstance(raw, Mapping) else {"id": word(raw)}


def _required_id(raw: JSON) -> JSON:
    return word(raw) if isinstance(raw, int) else raw


Id = Annotated[
    str, BeforeValidator(_required_id), Field(pattern=r"^[^\x00-\x20\x7f]+$", max_length=191)
]
Word = Annotated[str | None, BeforeValidator(word)]
Count = Annotated[int | None, BeforeValidator(counted)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]


class _Payload(WireModel):
    model_config = ConfigDict(alias_generator=to_camel)


class Project(_Payload):
    id: Word = None
    slug: Nonblank = None


class Issue(_Payload):
    """An issue as webhooks and the API tell it; they differ in what they leave out."""

    id: Id
    short_id: Nonblank = None
    title: Nonblank = None
    culprit: Nonblank = None
    level: Nonblank = None
    status: Nonblank = None
    substatus: Nonblank = None
    status_details: Object = Field(default_factory=dict)
    platform: Nonblank = None
    project: Annotated[Project, BeforeValidator(_project)] = Project()
    issue_category: Nonblank = None
    issue_type: Nonblank = None
    priority: Nonblank = None
    metadata: Object = Field(default_factory=dict)
    count: Count = None
    user_count: Count = None
    first_seen: Moment = None
    last_seen: Moment = None
    permalink: Nonblank = None
    web_url: Annotated[Nonblank, Field(validation_alias=AliasChoices("web_url", "webUrl"))] = None
    url: Nonblank = None
    assigned_to: Object = Field(default_factory=dict)
    annotations: Any = None
    logger: Nonblank = None
    is_unhandled: Any = None
    first_release: Any = None
    last_release: Any = None
    tags: Any = None
    activity: Any = None


class Event(_Payload):
    """One occurrence: snake_case and flat in webhooks, with `entries` from the API.

    What is not declared is kept: its parts, which `interfaces` finds in either form.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="allow")

    event_id: Annotated[Word, Field(validation_alias=AliasChoices("event_id", "eventID", "id"))] = (
        None
    )
    issue_id: Annotated[
        Word, Field(validation_alias=AliasChoices("issue_id", "groupID", "group_id"))
    ] = None
    issue_url: Annotated[Nonblank, Field(validation_alias="issue_url")] = None
    web_url: Annotated[Nonblank, Field(validation_alias="web_url")] = None
    url: Nonblank = None
    title: Nonblank = None
    message: Nonblank = None
    culprit: Nonblank = None
    level: Nonblank = None
    platform: Nonblank = None
    logger: Nonblank = None
    metadata: Object = Field(default_factory=dict)
    project: Annotated[Project, BeforeValidator(_project)] = Project()
    environment: Nonblank = None
    release: Any = None
    datetime_: Annotated[
        Moment, Field(validation_alias=AliasChoices("datetime", "dateCreated"))
    ] = None
    timestamp: Moment = None
    received: Moment = None
    tags: Any = None
    entries: Any = None

    @property
    def parts(self) -> Mapping[str, JSON]:
        """Whatever else it tells, by Sentry's names for it."""
        return self.model_extra or {}

    @property
    def of_issue(self) -> str | None:
        """The id of its issue: told, or read in a URL."""
        if self.issue_id:
            return self.issue_id if fits(self.issue_id) else None
        urls = (self.issue_url, self.web_url, self.url)
        found = (_ISSUE_IN_URL.search(url) for url in urls if url)
        return next((match[1] for match in found if match), None)

    @property
    def page_of_issue(self) -> str | None:
        """The page of its issue, which that of the event lies below."""
        url = (self.web_url or "").partition("?")[0]
        match = _ISSUE_IN_URL.search(url)
        return f"{url[: match.end()]}/" if match else None

    @property
    def at(self) -> datetime | None:
        """When it happened."""
        return self.datetime_ or self.timestamp or self.received


class Comment(_Payload):
    """A comment as a webhook's `data` tells it; `timestamp` is when it was written."""

    comment_id: Annotated[Id, Field(validation_alias="comment_id")]
    issue_id: Annotated[Id, Field(validation_alias=AliasChoices("issue_id", "group_id"))]
    comment: str = ""
    timestamp: Moment = None


def fits(id_: str) -> bool:
    """Whether a text can be an id."""
    return len(id_) <= 191 and id_.isprintable() and " " not in id_


def release_name(raw: JSON) -> str | None:
    """A release's version: the bare text in webhooks, an object from the API."""
    return nonblank(raw, "version") if isinstance(raw, Mapping) else nonblank(raw)


def pairs(raw: JSON) -> Iterator[tuple[str, str]]:
    """An event's tags: pairs in webhooks, `{key, value}` from the API."""
    listed = [[*pair] for pair in raw.items()] if isinstance(raw, Mapping) else items(raw)
    for tag in listed:
        told = [tag.get("key"), tag.get("value")] if isinstance(tag, Mapping) else items(tag)
        if len(told) == 2 and (key := nonblank(told[0])) and (value := word(told[1])):
            yield key, value


_ISSUE = """
    activity annotations assignedTo count culprit detailedOptions filtered firstRelease firstSeen
    hasSeen id inbox integrationIssues isBookmarked isPublic isSubscribed isUnhandled issueCategory
    issueType lastRelease lastSeen latestEvent level lifetime logger metadata numComments owners
    participants permalink platform pluginActions pluginContexts pluginIssues priority
    priorityLockedAt project project_url resolution_type seenBy seerAutofixLastTriggered
    seerExplorerAutofixLastTriggered seerFixabilityScore sentryAppIssues sessionCount shareId
    shortId stats status statusDetails subscriptionDetails substatus tags title type url userCount
    userReportCount webUrl web_url
"""
ISSUE_FIELDS = frozenset(_ISSUE.split())
"""Every field of an issue that we have heard of; another one is drift."""
