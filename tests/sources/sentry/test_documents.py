"""What a look-up saw, as changes: the same documents that webhooks tell, and more of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.core.changes import Change, Delete, Refresh, Upsert, Withdraw
from ingest.core.errors import BadPayload
from ingest.core.times import to_micros
from ingest.sources.contract import Lookup
from ingest.sources.sentry import SOURCE
from tests.sources.sentry.deliveries import CONNECTION, ISSUE_ID, data, identity, told, upsert

SENT_AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
_STATES = [
    "issue.created",
    "issue.assigned",
    "issue.resolved",
    "issue.unresolved",
    "issue.ignored",
    "issue.created.outage",
]


def _seen(raw: Any, id_: str = ISSUE_ID) -> Sequence[Change | Refresh]:
    assert SOURCE.documents is not None
    return SOURCE.documents(
        Lookup(identity("issue", id_), raw=raw, sent_at=SENT_AT, hint={}, connection=CONNECTION)
    )


def _issue(raw: Any) -> Upsert:
    found = _seen(raw)[0]
    assert isinstance(found, Upsert)
    return found


def _raw(**more: Any) -> dict[str, Any]:
    return {"issue": data("issue.created")["issue"], "event": None, "tags": {}, **more}


def _event() -> dict[str, Any]:
    """The API's form of the event that `error.created` tells."""
    event = data("error.created")["error"]
    frames = [
        {
            "filename": "timetable/plan.py",
            "function": "assign",
            "lineNo": 88,
            "inApp": True,
            "context": [[87, "    else:"], [88, "        raise TimetableError(train)"]],
        }
    ]
    thrown = {"type": "TimetableError", "value": "no platform", "stacktrace": {"frames": frames}}
    return {
        "id": event["event_id"],
        "eventID": event["event_id"],
        "groupID": ISSUE_ID,
        "dateCreated": event["datetime"],
        "release": {"version": "web@4.2.0"},
        "tags": [{"key": key, "value": value} for key, value in event["tags"]],
        "entries": [
            {"type": "exception", "data": {"values": [thrown]}},
            {"type": "request", "data": {"method": "GET", "url": "https://halcyon.example/t?a=b"}},
        ],
    }


@pytest.mark.parametrize("name", _STATES)
def test_an_issue_is_the_same_document_by_webhook_and_by_look_up(name: str) -> None:
    issue = data(name)["issue"]
    seen = _seen({"issue": issue, "event": None, "tags": {}}, issue["id"])[0]
    assert isinstance(seen, Upsert)
    document = upsert(told(name))
    assert seen == replace(document, version=seen.version, priority=seen.priority)
    assert seen.version == to_micros(SENT_AT)


@pytest.mark.parametrize("name", ["comment.created", "comment.created.group"])
def test_a_comment_is_the_same_document_by_webhook_and_in_the_activity(name: str) -> None:
    document, fixture = upsert(told(name)), told(name)["body"]
    note = {
        "id": str(fixture["data"]["comment_id"]),
        "type": "note",
        "data": {"text": fixture["data"]["comment"]},
        "dateCreated": fixture["data"]["timestamp"],
        "user": {"id": str(fixture["actor"]["id"]), "name": fixture["actor"]["name"]},
    }
    issue = {**data("issue.created")["issue"], "activity": [{"type": "first_seen"}, note]}
    _, seen = _seen({"issue": issue})
    assert isinstance(seen, Upsert)
    assert seen == replace(document, version=seen.version, priority=seen.priority)


def test_the_values_of_tags_are_sorted_sets() -> None:
    tags = {
        "release": ["web@4.2.0", "web@4.1.0"],
        "environment": ["staging", "production"],
        "browser": ["Safari 20", "Firefox 148"],
        "empty": [],
    }
    document = _issue(_raw(tags=tags))
    assert document.metadata["environments"] == ["production", "staging"]
    assert document.metadata["releases"] == ["web@4.1.0", "web@4.2.0"]
    assert document.metadata["tags"] == {
        "browser": ["Firefox 148", "Safari 20"],
        "environment": ["production", "staging"],
        "release": ["web@4.1.0", "web@4.2.0"],
    }
    assert "- Environments: production, staging" in document.body
    assert "- Tag browser: Firefox 148, Safari 20" in document.body
    moved = {key: list(reversed(values)) for key, values in tags.items()}
    assert _issue(_raw(tags=moved)) == document


def test_the_latest_event_tells_how_it_came_about() -> None:
    body = _issue(_raw(event=_event())).body
    assert body.endswith(
        "## Latest event\n\n"
        "- Request: GET https://halcyon.example/t\n"
        "- Release: web@4.2.0\n\n"
        "### TimetableError: no platform\n\n"
        "```\nassign (timetable/plan.py:88)\n    raise TimetableError(train)\n```"
    )


def test_the_newest_exception_and_frame_come_first_and_the_programs_own_are_enough() -> None:
    body = _issue(_raw(event=data("error.created")["error"])).body
    assert body.index("### TimetableError") < body.index("### KeyError")
    assert "celery/app/trace.py" not in body
    assert "token" not in body


def test_a_trace_is_bounded_and_no_fence_of_it_ends_the_block() -> None:
    event = _event()
    values = event["entries"][0]["data"]["values"]
    frame = {"filename": "`" * 40, "function": "````", "lineNo": 1}
    values[0]["stacktrace"]["frames"] = [frame] * 5_000
    values[0]["value"] = "x" * 500_000
    event["entries"][0]["data"]["values"] = values * 50
    body = _issue(_raw(event=event)).body
    assert len(body) <= 24_000
    assert f"\n{'`' * 41}\n" in body


def test_links_to_other_trackers_are_links_of_the_issue() -> None:
    links = [{"webUrl": "https://linear.app/halcyon/issue/ENG-12", "displayName": "ENG#12"}]
    assert _issue(_raw(externalIssues=links)).links == ("https://linear.app/halcyon/issue/ENG-12",)


def test_an_issue_that_was_merged_is_gone_and_found_in_the_other() -> None:
    gone, survivor, again = _seen(_raw(), "99")
    assert gone == Delete(identity("issue", "99"), to_micros(SENT_AT))
    assert isinstance(survivor, Upsert)
    assert survivor.identity == identity()
    assert "99" in survivor.aliases
    assert again == Refresh(identity())


def test_an_issue_of_another_project_is_not_the_connections() -> None:
    issue = {**data("issue.created")["issue"], "project": {"id": "777", "slug": "other"}}
    assert _seen({"issue": issue}) == (Withdraw(identity(), to_micros(SENT_AT)),)


def test_a_connection_may_name_its_project_by_the_slug_as_the_api_may() -> None:
    raw = {"issue": data("issue.created")["issue"]}
    named = {**CONNECTION, "sentryProjectId": CONNECTION["sentryProjectSlug"]}
    assert SOURCE.documents is not None
    (document,) = SOURCE.documents(
        Lookup(identity(), raw=raw, sent_at=SENT_AT, hint={}, connection=named)
    )
    assert isinstance(document, Upsert)


@pytest.mark.parametrize("raw", [None, [], {"issue": None}, {"issue": []}, {"issue": {"id": "1"}}])
def test_an_answer_that_is_no_issue_is_refused(raw: Any) -> None:
    with pytest.raises(BadPayload):
        _seen(raw)


def test_a_doubt_is_settled_by_a_look_up_of_the_issue() -> None:
    assert SOURCE.again(upsert(told("issue.resolved"))) == Refresh(identity())
    assert SOURCE.again(upsert(told("comment.created"))) == Refresh(identity())


def test_what_an_issue_was_called_is_handed_on_to_the_one_that_it_went_into() -> None:
    lookup = Lookup(
        identity("issue", "99"),
        raw=_raw(),
        sent_at=SENT_AT,
        hint={"shortId": "web-2K"},
        connection=CONNECTION,
        keys=("98", "WEB-2J", "WEB-7F"),
    )
    assert SOURCE.documents is not None
    _, survivor, _ = SOURCE.documents(lookup)
    assert isinstance(survivor, Upsert)
    assert survivor.aliases == (ISSUE_ID, "98", "99", "WEB-2J", "WEB-2K", "web-2K")
