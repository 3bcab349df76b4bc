"""How Sentry's issues are listed, and what it means that one is not in the list. No I/O.

docs.sentry.io, "API: List an Organization's Issues". A list names issues with an event in its
window, which reaches back over what Sentry keeps, and nothing that moved without an event has a
time: see `STATES`. An issue that is quiet for longer was deleted by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ingest.core.changes import Field, Patch, Refresh
from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.sources.listing import Listing, Resource, Unlisted
from ingest.sources.sentry.payloads import counted, moment
from ingest.sources.sentry.types import LONGEST_DAYS, SentryResyncEventMetadata
from ingest.sources.wire import nonblank

_KEPT_DAYS = 90

STATES = Resource("states", narrows=False, sweep_s=3_600.0)
"""What moves no time (status, assignee, a comment, a link, the project's name): every row of the
list, and whole those that are not as the last listing saw them. It begins first, so that whatever
moves while issues are read is seen to have moved by the next one."""
ISSUES = Resource("issues", kinds=frozenset({"issue", "comment"}))
"""Issues by their last event, each whole with its comments."""


def window_of(connection: Mapping[str, JSON]) -> timedelta:
    """How far back its lists reach: for as long as events are kept, of which nothing told tells."""
    told = counted(connection.get("retentionDays"))
    return timedelta(days=min(told, LONGEST_DAYS) if told else _KEPT_DAYS)


def _absent(unlisted: Unlisted) -> Refresh | Patch | None:
    """A look-up, unless it may have aged out: the list names no issue without a recent event.

    An issue that aged out keeps its document, marked once. A comment that is older than the window
    may be of such an issue, and nothing is concluded, unless its issue was in the list.
    """
    if unlisted.identity.kind == "comment":
        issue_id = nonblank(unlisted.metadata, "issueId")
        may_be_old = not unlisted.parent_listed and _is_quiet(unlisted.created_at, unlisted)
        if issue_id is None or may_be_old:
            return None
        return Refresh(unlisted.identity, {"issueId": issue_id})
    if not _is_quiet(moment(unlisted.metadata.get("lastSeen")), unlisted):
        return Refresh(unlisted.identity)
    if unlisted.metadata.get("agedOut") is True:
        return None
    mark = {"agedOut": Field(True, "newest")}
    return Patch(unlisted.identity, to_micros(unlisted.now), mark)


def _is_quiet(last: datetime | None, unlisted: Unlisted) -> bool:
    return last is not None and unlisted.now - last > window_of(unlisted.connection)


LISTING = Listing((STATES, ISSUES), event=SentryResyncEventMetadata, absent=_absent)
