"""What an event adds to the issue that it belongs to: times and sets, for it is no whole issue.

Law: every field merges the same in any order, and says nothing that a later look-up of the issue
does not say too. What stands in for an issue of which nothing else is known lies below whatever
tells the issue itself. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ingest.core.changes import Field, Patch, Upsert
from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Message
from ingest.sources.sentry.documents import LONGEST_TAG, identity, issue_document
from ingest.sources.sentry.evidence import occurrence_of
from ingest.sources.sentry.interfaces import field
from ingest.sources.sentry.lines import line
from ingest.sources.sentry.payloads import Event, Issue, pairs, release_name, spelled
from ingest.sources.sentry.reports import message_of
from ingest.sources.sentry.wording import Surroundings
from ingest.sources.wire import read

PRIORITY = 400
"""A patch of the same second lies over the whole issue that was told then."""

PERSONAL_TAGS = frozenset({"user", "sentry:user"})
"""Whom it happened to: ids, names, addresses. They are not kept."""

_MOST_TAGS = 50
_LAST_S = 10**10
"""Seconds since 1970 that no event lies behind; in microseconds they are hours."""


def event_patch(event: Event, scope: str, issue_id: str, version: int) -> Patch | None:
    """The patch of one event; None where it says nothing that an issue keeps.

    When the issue was first seen is told by the issue, and by the event that stands in for it.
    """
    around = _around(event)
    fields: dict[str, Field] = {}
    if event.at is not None:
        fields["lastSeen"] = Field(spelled(event.at), "max")
    for name, values in (("environments", around.environments), ("releases", around.releases)):
        if values:
            fields[name] = Field([*values], "union")
    if around.tags:
        fields["tags"] = Field({key: [*values] for key, values in around.tags.items()}, "union")
    if not fields:
        return None
    return Patch(identity(scope, "issue", issue_id), version, fields, PRIORITY)


def stand_in(event: Event, message: Message, issue_id: str) -> Upsert | None:
    """The issue as far as one event of it shows; None where it does not say when it happened.

    The first event stands in, so that the text does not move with every other one; and any word
    about the issue itself replaces it, as its version counts microseconds.
    """
    if event.at is None:
        return None
    found = occurrence_of(event)
    told: JSON = {
        "id": issue_id,
        "title": field(found, "issue_title") or event.title or _first_line(message_of(event)),
        "culprit": event.culprit or field(found, "culprit"),
        "level": event.level or field(found, "level"),
        "platform": event.platform,
        "logger": event.logger,
        "project": {"id": event.project.id, "slug": event.project.slug},
        "metadata": dict(event.metadata),
        "count": 1,
        "lastSeen": spelled(event.at),
        "permalink": event.page_of_issue,
        "url": event.issue_url,
    }
    issue = read(Issue, told, "event.issue_id")
    document = issue_document(
        issue, message.scope, message.connection, _around(event), taken=message.taken
    )
    version = max(0, _LAST_S - to_micros(event.at) // 1_000_000)
    return replace(document, version=version, priority=0)


def _first_line(words: str) -> str:
    """What a message is called by."""
    return line(words.strip().partition("\n")[0])


def _around(event: Event) -> Surroundings:
    """What an event tells of environments, releases and tags; sorted."""
    tags: dict[str, set[str]] = {}
    for key, value in [*pairs(event.tags)][:_MOST_TAGS]:
        if key not in PERSONAL_TAGS:
            tags.setdefault(key[:LONGEST_TAG], set()).add(value[:LONGEST_TAG])
    environments = {event.environment or "", *tags.get("environment", ())} - {""}
    releases = {release_name(event.release) or "", *tags.get("release", ())} - {""}
    sets: Mapping[str, tuple[str, ...]] = {key: tuple(sorted(tags[key])) for key in sorted(tags)}
    return Surroundings(tuple(sorted(environments)), tuple(sorted(releases)), sets, event)
