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
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ingest.core.canonical import clean
from ingest.core.errors import BadPayload
from ingest.core.times import from_epoch_s, parse_time, to_micros
from ingest.core.values import JSON

_ISSUE_IN_URL = re.compile(r"/(?:issues|group)/([0-9]{1,19})(?![\w-])")
_MOST_COUNTED = 2**63 - 1


def text(raw: JSON) -> str | None:
    """A text out of a field that nothing depends on; whatever is no text says nothing."""
    return clean(raw) if isinstance(raw, str) and raw.strip() else None


def word(raw: JSON) -> str | None:
    """An id or a name: texts, and numbers as their digits."""
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) <= _MOST_COUNTED:
        return str(raw)
    return text(raw)


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


def mapping(raw: JSON) -> Mapping[str, JSON]:
    """An object; an empty one in the place of anything else."""
    return raw if isinstance(raw, Mapping) else {}


def items(raw: JSON) -> list[JSON]:
    """A list; an empty one in the place of anything else."""
    return raw if isinstance(raw, list) else []


def objects(raw: JSON) -> Iterator[Mapping[str, JSON]]:
    """The objects of a list, without what else is in it."""
    return (item for item in items(raw) if isinstance(item, Mapping))


def _project(raw: JSON) -> JSON:
    """An object in an issue, a mere id beside an event."""
    return raw if isinstance(raw, Mapping) else {"id": word(raw)}


def _required_id(raw: JSON) -> JSON:
    return word(raw) if isinstance(raw, int) else raw


Id = Annotated[
    str, BeforeValidator(_required_id), Field(pattern=r"^[^\x00-\x20\x7f]+$", max_length=191)
]
Text = Annotated[str | None, BeforeValidator(text)]
Word = Annotated[str | None, BeforeValidator(word)]
Count = Annotated[int | None, BeforeValidator(counted)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]
Object = Annotated[Mapping[str, Any], BeforeValidator(mapping)]


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True, extra="ignore")


class Project(_Payload):
    id: Word = None
    slug: Text = None


class Issue(_Payload):
    """An issue as webhooks and the API tell it; they differ in what they leave out."""

    id: Id
    short_id: Text = None
    title: Text = None
    culprit: Text = None
    level: Text = None
    status: Text = None
    substatus: Text = None
    status_details: Object = Field(default_factory=dict)
    platform: Text = None
    project: Annotated[Project, BeforeValidator(_project)] = Project()
    issue_category: Text = None
    metadata: Object = Field(default_factory=dict)
    count: Count = None
    user_count: Count = None
    first_seen: Moment = None
    last_seen: Moment = None
    permalink: Text = None
    web_url: Annotated[Text, Field(validation_alias=AliasChoices("web_url", "webUrl"))] = None
    url: Text = None
    assigned_to: Object = Field(default_factory=dict)
    annotations: Any = None
    first_release: Any = None
    last_release: Any = None
    tags: Any = None
    activity: Any = None


class Event(_Payload):
    """One occurrence: snake_case and flat in webhooks, with `entries` from the API."""

    event_id: Annotated[Word, Field(validation_alias=AliasChoices("event_id", "eventID", "id"))] = (
        None
    )
    issue_id: Annotated[
        Word, Field(validation_alias=AliasChoices("issue_id", "groupID", "group_id"))
    ] = None
    issue_url: Annotated[Text, Field(validation_alias="issue_url")] = None
    web_url: Annotated[Text, Field(validation_alias="web_url")] = None
    url: Text = None
    title: Text = None
    message: Text = None
    culprit: Text = None
    level: Text = None
    platform: Text = None
    metadata: Object = Field(default_factory=dict)
    project: Annotated[Project, BeforeValidator(_project)] = Project()
    environment: Text = None
    release: Any = None
    datetime_: Annotated[
        Moment, Field(validation_alias=AliasChoices("datetime", "dateCreated"))
    ] = None
    timestamp: Moment = None
    received: Moment = None
    tags: Any = None
    exception: Any = None
    request: Any = None
    entries: Any = None

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


P = TypeVar("P", bound=_Payload)


def read(model: type[P], raw: JSON, path: str) -> P:
    """The object at `path`; raises `BadPayload` with the first field that is missing or wrong."""
    if raw is None:
        raise BadPayload(path, "missing")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _bad_payload(error, path) from error


def fits(id_: str) -> bool:
    """Whether a text can be an id."""
    return len(id_) <= 191 and id_.isprintable() and " " not in id_


def release_name(raw: JSON) -> str | None:
    """A release's version: the bare text in webhooks, an object from the API."""
    return text(mapping(raw).get("version")) if isinstance(raw, Mapping) else text(raw)


def pairs(raw: JSON) -> Iterator[tuple[str, str]]:
    """An event's tags: pairs in webhooks, `{key, value}` from the API."""
    listed = [[*pair] for pair in raw.items()] if isinstance(raw, Mapping) else items(raw)
    for tag in listed:
        told = [tag.get("key"), tag.get("value")] if isinstance(tag, Mapping) else items(tag)
        if len(told) == 2 and (key := text(told[0])) and (value := word(told[1])):
            yield key, value


def _bad_payload(error: ValidationError, path: str) -> BadPayload:
    first: dict[str, Any] = dict(error.errors(include_url=False, include_context=False)[0])
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    if first["type"] == "missing" or first["input"] is None:
        return BadPayload(path, "missing")
    return BadPayload(path, str(first["msg"]).lower())


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
