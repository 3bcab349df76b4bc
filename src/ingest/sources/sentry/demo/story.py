"""Sentry's part: the error that the boards raise after midnight, until a commit ends it. No I/O.

The shapes are those of Sentry's webhooks and of its API, with the fields that a real one has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from ingest.core.times import parse_time, to_micros
from ingest.core.values import JSON
from ingest.sources.sentry.demo.fake import Sentry, make
from ingest.testing.sample import SampleDelivery

_ISSUE_ID, _SHORT_ID = "5150007001", "DEPARTURES-7F"
_INSTALLATION = "7a485448-a9e2-4c85-8a3c-4f44175783c9"
_EVENT_ID = "d5b1c6f0a2e34c5b8f7e6d5c4b3a2910"
_COMMIT = "a1" * 20
_PROJECT: dict[str, JSON] = {
    "id": "4507001",
    "name": "Departures",
    "slug": "departures",
    "platform": "python",
}
_IVAR: dict[str, JSON] = {"id": "88001", "name": "Ivar", "email": "ivar@example.com"}
_RAISED_AT, _LAST_AT = "2026-03-02T00:07:00Z", "2026-03-02T05:41:12.250000Z"
_COMMENT: dict[str, JSON] = {
    "id": "9100042",
    "text": "Fixed by https://github.com/brindle-ferries/departures/pull/42, see DEP-12.",
    "dateCreated": "2026-03-02T14:10:00Z",
}


def _issue(**fields: JSON) -> dict[str, JSON]:
    return {
        "id": _ISSUE_ID,
        "shortId": _SHORT_ID,
        "title": "StaleBoardError: the board of pier 3 shows 2026-03-01",
        "culprit": "departures.boards in refresh",
        "permalink": f"https://brindle.sentry.io/issues/{_ISSUE_ID}/",
        "logger": "departures.boards",
        "level": "error",
        "status": "unresolved",
        "substatus": "new",
        "statusDetails": {},
        "platform": "python",
        "project": _PROJECT,
        "type": "error",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": {
            "type": "StaleBoardError",
            "value": "the board of pier 3 shows 2026-03-01",
            "filename": "departures/boards.py",
            "function": "refresh",
        },
        "count": "1",
        "userCount": 0,
        "firstSeen": _RAISED_AT,
        "lastSeen": _RAISED_AT,
        "assignedTo": None,
        "annotations": [],
        "numComments": 0,
        "isUnhandled": True,
        **fields,
    }


_RESOLVED: dict[str, JSON] = {
    "status": "resolved",
    "substatus": None,
    "statusDetails": {
        "inCommit": {"repository": "brindle-ferries/departures", "commit": _COMMIT},
    },
    "assignedTo": {**_IVAR, "type": "user"},
    "lastSeen": _LAST_AT,
}

_FRAMES: list[JSON] = [
    {
        "filename": "departures/clock.py",
        "function": "tick",
        "lineno": 17,
        "in_app": True,
        "context_line": "    board.refresh(today)",
    },
    {
        "filename": "departures/boards.py",
        "function": "refresh",
        "lineno": 88,
        "in_app": True,
        "context_line": "    raise StaleBoardError(self.pier, shown)",
    },
]
_THROWN: dict[str, JSON] = {
    "type": "StaleBoardError",
    "value": "the board of pier 3 shows 2026-03-01",
    "stacktrace": {"frames": _FRAMES},
}
_TAGS: dict[str, str] = {"environment": "production", "level": "error", "pier": "3"}


def _error() -> dict[str, JSON]:
    """The event as webhooks tell it: flat, its tags in pairs."""
    return {
        "event_id": _EVENT_ID,
        "issue_id": _ISSUE_ID,
        "issue_url": f"https://sentry.io/api/0/organizations/brindle/issues/{_ISSUE_ID}/",
        "web_url": f"https://brindle.sentry.io/issues/{_ISSUE_ID}/events/{_EVENT_ID}/",
        "project": 4507001,
        "title": "StaleBoardError: the board of pier 3 shows 2026-03-01",
        "culprit": "departures.boards in refresh",
        "level": "error",
        "platform": "python",
        "release": None,
        "environment": "production",
        "datetime": _LAST_AT,
        "tags": [[key, value] for key, value in _TAGS.items()],
        "exception": {"values": [_THROWN]},
    }


def _delivery(
    arrives_min: int, title: str, resource: str, action: str, sent: str, **data: JSON
) -> SampleDelivery:
    headers = {
        "content-type": "application/json",
        "request-id": sha256(f"delivery {arrives_min}".encode()).hexdigest()[:32],
        "sentry-hook-resource": resource,
        "sentry-hook-timestamp": str(to_micros(parse_time(sent)) // 1_000_000),
    }
    payload: dict[str, JSON] = {
        "action": action,
        "installation": {"uuid": _INSTALLATION},
        "data": dict(data),
        "actor": {"type": "user", **_IVAR},
    }
    return SampleDelivery(arrives_min, title, headers, payload)


def _after(at: str, seconds: int) -> str:
    return (parse_time(at) + timedelta(seconds=seconds)).isoformat()


def provider() -> Sentry:
    """Sentry as it stands when all has happened."""
    sentry = make("brindle")
    sentry.put_project("departures", str(_PROJECT["id"]))
    sentry.put_issue(_issue())
    tags = [{"key": key, "value": value} for key, value in _TAGS.items()]
    entries = [{"type": "exception", "data": {"values": [_THROWN]}}]
    for id_, at in (("0" * 32, _RAISED_AT), (_EVENT_ID, _LAST_AT)):
        event = {"id": id_, "eventID": id_, "dateCreated": at, "tags": tags, "entries": entries}
        sentry.add_event(_ISSUE_ID, {**event, "environment": "production", "release": None})
    sentry.edit(_ISSUE_ID, **_RESOLVED, count="212")
    sentry.comment(_ISSUE_ID, {**_COMMENT, "user": _IVAR})
    return sentry


def _commented() -> Mapping[str, JSON]:
    return {
        "comment": _COMMENT["text"],
        "comment_id": 9100042,
        "issue_id": int(_ISSUE_ID),
        "project_slug": "departures",
        "timestamp": _COMMENT["dateCreated"],
    }


METADATA: Mapping[str, JSON] = {
    "sentryOrganizationSlug": "brindle",
    "sentryProjectSlug": "departures",
    "sentryProjectId": _PROJECT["id"],
    "webhookId": _INSTALLATION,
}
"""What the connection of the story stands for; laid over the sample\'s."""

DELIVERIES = (
    _delivery(
        30,
        f"a comment on {_SHORT_ID} (before the issue is known)",
        "comment",
        "created",
        _after(str(_COMMENT["dateCreated"]), 1),
        **_commented(),
    ),
    _delivery(
        31,
        f"issue {_SHORT_ID} resolved in a commit (before it is raised)",
        "issue",
        "resolved",
        "2026-03-02T14:07:00Z",
        issue=_issue(**_RESOLVED, count="212"),
    ),
    _delivery(
        32,
        f"issue {_SHORT_ID} raised",
        "issue",
        "created",
        _after(_RAISED_AT, 2),
        issue=_issue(),
    ),
    _delivery(
        33, "it goes wrong in production again", "error", "created", _LAST_AT, error=_error()
    ),
    _delivery(
        34,
        f"an alert rule rings for {_SHORT_ID}",
        "event_alert",
        "triggered",
        _after(_LAST_AT, 4),
        event=_error(),
        triggered_rule="Boards that show another day",
    ),
)
