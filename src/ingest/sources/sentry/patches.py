"""What an event adds to the issue that it belongs to: times and sets, for it is no whole issue.

Law: every field merges the same in any order, and says nothing that a later look-up of the issue
does not say too. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import Field, Patch
from ingest.sources.sentry.documents import LONGEST_TAG, identity
from ingest.sources.sentry.payloads import Event, pairs, release_name, spelled

PRIORITY = 400
"""A patch of the same second lies over the whole issue that was told then."""

PERSONAL_TAGS = frozenset({"user", "sentry:user"})
"""Whom it happened to: ids, names, addresses. They are not kept."""

_MOST_TAGS = 50


def event_patch(event: Event, scope: str, issue_id: str, version: int) -> Patch | None:
    """The patch of one event; None where it says nothing that an issue keeps."""
    tags: dict[str, set[str]] = {}
    for key, value in [*pairs(event.tags)][:_MOST_TAGS]:
        if key not in PERSONAL_TAGS:
            tags.setdefault(key[:LONGEST_TAG], set()).add(value[:LONGEST_TAG])
    environments = {event.environment or "", *tags.get("environment", ())} - {""}
    releases = {release_name(event.release) or "", *tags.get("release", ())} - {""}
    fields: dict[str, Field] = {}
    if event.at is not None:
        fields["firstSeen"] = Field(spelled(event.at), "min")
        fields["lastSeen"] = Field(spelled(event.at), "max")
    for name, values in (("environments", environments), ("releases", releases)):
        if values:
            fields[name] = Field([*sorted(values)], "union")
    if tags:
        fields["tags"] = Field({key: [*sorted(tags[key])] for key in sorted(tags)}, "union")
    if not fields:
        return None
    return Patch(identity(scope, "issue", issue_id), version, fields, PRIORITY)
