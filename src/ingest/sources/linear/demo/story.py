"""Linear's part: an issue that moves from one team to another, what is said about it, and the API
that it is looked up from. No I/O.

The shapes are those of Linear's webhook payloads, with the fields that a real payload has.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from ingest.core.values import JSON
from ingest.sources.linear.demo.fake import Linear, make
from ingest.testing.sample import SampleDelivery

_PAGE = "https://linear.app/brindle"


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{_PAGE}/{name}"))


_OPERATIONS: dict[str, JSON] = {"id": _id("team/OPS"), "key": "OPS", "name": "Operations"}
_DEPARTURES: dict[str, JSON] = {"id": _id("team/DEP"), "key": "DEP", "name": "Departures"}
_MARIT: dict[str, JSON] = {"id": _id("user/marit"), "name": "Marit", "email": "marit@example.com"}
_PROJECT: dict[str, JSON] = {
    "id": _id("project"),
    "name": "Boards that tell the truth",
    "url": f"{_PAGE}/project/boards-that-tell-the-truth-4d0c1e7a92b3",
}
_STATES: dict[str, JSON] = {
    "Todo": {"id": _id("state/todo"), "name": "Todo", "type": "unstarted", "color": "#e2e2e2"},
    "Done": {"id": _id("state/done"), "name": "Done", "type": "completed", "color": "#5e6ad2"},
}


def _issue(identifier: str, team: Mapping[str, JSON], at: str, **fields: JSON) -> dict[str, JSON]:
    return {
        "id": _id("issue"),
        "createdAt": "2026-03-02T07:30:00.000Z",
        "updatedAt": at,
        "identifier": identifier,
        "number": int(identifier.partition("-")[2]),
        "title": "Passengers wait for ferries that left yesterday",
        "description": "After midnight the board at pier 3 shows the day before.",
        "url": f"{_PAGE}/issue/{identifier}/passengers-wait-for-ferries-that-left-yesterday",
        "priority": 2,
        "priorityLabel": "High",
        "teamId": team["id"],
        "team": dict(team),
        "state": _STATES["Todo"],
        "labels": [{"id": _id("label/pier"), "name": "Pier", "color": "#26b5ce"}],
        "creatorId": _MARIT["id"],
        "projectId": _PROJECT["id"],
        "project": _PROJECT,
        "previousIdentifiers": [],
        "sortOrder": -12.5,
        **fields,
    }


def _comment(name: str, body: str, at: str) -> dict[str, JSON]:
    return {
        "id": _id(f"comment/{name}"),
        "createdAt": at,
        "updatedAt": at,
        "body": body,
        "issueId": _id("issue"),
        "issue": {
            "id": _id("issue"),
            "identifier": "DEP-12",
            "title": "Passengers wait for ferries that left yesterday",
            "teamId": _DEPARTURES["id"],
            "team": _DEPARTURES,
            "url": f"{_PAGE}/issue/DEP-12/passengers-wait-for-ferries-that-left-yesterday",
        },
        "userId": _MARIT["id"],
        "user": _MARIT,
    }


def _page(name: str) -> str:
    """A comment's page, as the envelope of its webhook tells it."""
    issue = "DEP-12/passengers-wait-for-ferries-that-left-yesterday"
    return f"{_PAGE}/issue/{issue}#comment-{_id(f'comment/{name}')[:8]}"


def _attached(name: str, title: str, url: str, at: str) -> dict[str, JSON]:
    return {
        "id": _id(f"attachment/{name}"),
        "createdAt": at,
        "updatedAt": at,
        "issueId": _id("issue"),
        "title": title,
        "url": url,
        "sourceType": name,
        "source": {"type": name},
        "metadata": {},
        "groupBySource": False,
        "creatorId": _MARIT["id"],
    }


def _delivery(
    arrives_min: int, title: str, type_: str, action: str, data: Mapping[str, JSON], **more: JSON
) -> SampleDelivery:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Linear-Webhook",
        "linear-event": type_,
        "linear-delivery": _id(f"deliveries/{arrives_min}"),
    }
    payload: dict[str, JSON] = {
        "action": action,
        "type": type_,
        "actor": {**_MARIT, "type": "user"},
        "createdAt": data["updatedAt"],
        "organizationId": _id("organization"),
        "webhookId": _id("webhook"),
        "data": dict(data),
        **more,
    }
    return SampleDelivery(arrives_min, title, headers, payload)


_MOVED_AT = "2026-03-02T10:00:00.000Z"
_FORMER: dict[str, JSON] = {"previousIdentifiers": ["OPS-3"]}
_DELETED = _comment("hasty", "Which pier was it?", "2026-03-02T10:10:00.000Z")
_CREATED = _issue("OPS-3", _OPERATIONS, "2026-03-02T07:30:00.000Z")
_MOVED = _issue("DEP-12", _DEPARTURES, _MOVED_AT, **_FORMER)
_FINISHED = _issue(
    "DEP-12",
    _DEPARTURES,
    "2026-03-02T14:05:00.000Z",
    **_FORMER,
    state=_STATES["Done"],
    completedAt="2026-03-02T14:05:00.000Z",
)
_TRACKED = _comment(
    "tracked",
    "Tracked in https://github.com/brindle-ferries/departures/issues/41.",
    "2026-03-02T10:20:00.000Z",
)

_PULL_REQUEST = _attached(
    "github",
    "#42 Read the clock of the pier",
    "https://github.com/brindle-ferries/departures/pull/42",
    "2026-03-02T13:40:00.000Z",
)
_ERROR = _attached(
    "sentry",
    "DEPARTURES-7F",
    "https://brindle.sentry.io/issues/5150007001/",
    "2026-03-02T10:30:00.000Z",
)
_WHOLE_PROJECT: dict[str, JSON] = {
    **_PROJECT,
    "createdAt": "2026-03-01T09:00:00.000Z",
    "updatedAt": "2026-03-01T09:00:00.000Z",
    "description": "Every board shows what leaves next. Starts with DEP-12.",
    "slugId": "4d0c1e7a92b3",
    "state": "started",
    "teamIds": [_DEPARTURES["id"]],
    "priority": 0,
}
_REPORT: dict[str, JSON] = {
    "id": _id("update"),
    "createdAt": "2026-03-02T15:00:00.000Z",
    "updatedAt": "2026-03-02T15:00:00.000Z",
    "body": "The boards turn the page at midnight again; DEP-12 is done.",
    "health": "onTrack",
    "slugId": "7e0d41c9",
    "projectId": _PROJECT["id"],
    "project": _PROJECT,
    "userId": _MARIT["id"],
    "user": _MARIT,
}
_REPORT_PAGE = f"{_PROJECT['url']}/updates#project-update-7e0d41c9"


def provider() -> Linear:
    """Linear's API at the end of the story; the hasty comment is gone from it."""
    linear = make()
    linear.organization = {"id": _id("organization"), "name": "Brindle Ferries"}
    for team in (_OPERATIONS, _DEPARTURES):
        linear.put("team", **team)
    linear.learn("Issue", _FINISHED)
    linear.learn("Comment", _TRACKED, _page("tracked"))
    linear.learn("Project", {**_WHOLE_PROJECT, "status": {"name": "Running", "type": "started"}})
    linear.learn("ProjectUpdate", _REPORT, _REPORT_PAGE)
    for link in (_PULL_REQUEST, _ERROR):
        linear.attach(_id("issue"), str(link["url"]), str(link["title"]))
    return linear


METADATA: Mapping[str, JSON] = {
    "linearTeamId": _DEPARTURES["id"],
    "linearTeamKey": "DEP",
    "linearOrganizationId": _id("organization"),
    "teamName": "Departures",
    "teamKeys": ["OPS"],
}
"""What the connection of the story stands for; laid over the sample\'s."""

DELIVERIES = (
    _delivery(1, "a comment removed (before it is written)", "Comment", "remove", _DELETED),
    _delivery(
        3,
        "issue OPS-3 moved to DEP-12 (before it is created)",
        "Issue",
        "update",
        _MOVED,
        updatedFrom={"teamId": _OPERATIONS["id"], "updatedAt": "2026-03-02T07:30:00.000Z"},
    ),
    _delivery(6, "issue OPS-3 created", "Issue", "create", _CREATED),
    _delivery(10, "that comment written", "Comment", "create", _DELETED, url=_page("hasty")),
    _delivery(
        14,
        "issue DEP-12 done",
        "Issue",
        "update",
        _FINISHED,
        updatedFrom={"stateId": _id("state/todo"), "updatedAt": _MOVED_AT},
    ),
    _delivery(16, "a comment on DEP-12", "Comment", "create", _TRACKED, url=_page("tracked")),
    _delivery(
        17,
        "the project of it all",
        "Project",
        "create",
        _WHOLE_PROJECT,
    ),
    _delivery(50, "the error linked to DEP-12", "Attachment", "create", _ERROR),
    _delivery(51, "pull request #42 linked to DEP-12", "Attachment", "create", _PULL_REQUEST),
    _delivery(
        52,
        "a report on the project",
        "ProjectUpdate",
        "create",
        _REPORT,
        url=_REPORT_PAGE,
    ),
)
