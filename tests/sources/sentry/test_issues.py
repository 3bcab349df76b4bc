"""Issues as webhooks tell them: the look-up that each asks for, and what stands in for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ingest.core.errors import BadPayload
from ingest.core.ranks import rank
from tests.sources.sentry.deliveries import (
    ISSUE_ID,
    RECEIVED_AT,
    asked,
    identity,
    said,
    told,
    upsert,
)

_ISSUES = [
    "issue.created",
    "issue.assigned",
    "issue.resolved",
    "issue.unresolved",
    "issue.ignored",
    "issue.archived.forever",
]


def _with(**fields: Any) -> dict[str, Any]:
    """`issue.created` with these fields; None takes one away."""
    fixture = told("issue.created")
    issue = fixture["body"]["data"]["issue"]
    issue.update(fields)
    for name in [name for name, value in fields.items() if value is None]:
        del issue[name]
    return fixture


@pytest.mark.parametrize("name", _ISSUES)
def test_every_change_of_state_is_a_look_up_and_the_payload_stands_in(name: str) -> None:
    look_up = asked(told(name))
    assert look_up.identity == identity()
    assert look_up.patience_s == 300
    (stands_in,) = look_up.otherwise
    assert stands_in.identity == identity()


def test_an_issue_in_the_seeds_terms() -> None:
    assert upsert(told("issue.unresolved")).metadata == {
        "type": "sentry",
        "kind": "issue",
        "issueId": ISSUE_ID,
        "shortId": "WEB-7F",
        "project": "web",
        "platform": "python",
        "level": "error",
        "status": "unresolved",
        "culprit": "timetable.plan in assign",
        "count": 43,
        "userCount": 12,
        "environments": [],
        "releases": ["web@4.1.0", "web@4.2.0"],
        "tags": {},
        "firstSeen": "2026-02-27T08:15:30Z",
        "lastSeen": "2026-03-01T19:02:11.480000Z",
        "url": "https://halcyon.sentry.io/issues/1170820242/",
    }


def test_the_human_key_is_the_short_id_and_the_number_finds_it_too() -> None:
    document = upsert(told("issue.created"))
    assert document.source_id == "WEB-7F"
    assert document.aliases == (ISSUE_ID,)


def test_without_a_short_id_the_number_is_the_key() -> None:
    document = upsert(_with(shortId=None))
    assert document.source_id == ISSUE_ID
    assert document.metadata["shortId"] == ISSUE_ID


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"web_url": None}, "https://halcyon.sentry.io/issues/1170820242/"),
        ({"permalink": None}, "https://halcyon.sentry.io/issues/1170820242/"),
        (
            {"permalink": None, "web_url": None},
            "https://sentry.io/organizations/halcyon/issues/1170820242/",
        ),
        (
            {"permalink": None, "web_url": None, "url": None},
            "https://sentry.io/organizations/halcyon/issues/1170820242/",
        ),
    ],
)
def test_the_page_is_told_or_made(fields: dict[str, Any], url: str) -> None:
    assert upsert(_with(**fields)).metadata["url"] == url


def test_what_resolved_it_is_the_commit_it_belongs_to() -> None:
    document = upsert(told("issue.resolved"))
    assert document.temporal == {"commitSha": "c3" * 20}
    assert f"resolved in commit {'c3' * 20} of halcyon/web" in document.body
    assert document.frontmatter == {
        "category": "error",
        "priority": "high",
        "assignee": "Ragnhild",
    }


@pytest.mark.parametrize(
    ("details", "said_so"),
    [
        ({"inRelease": "web@4.2.0"}, "resolved in release web@4.2.0"),
        ({"inRelease": {"version": "web@4.2.0"}}, "resolved in release web@4.2.0"),
        ({"inNextRelease": True}, "resolved in the next release"),
        ({"inCommit": {"commit": "merge of 17"}}, "resolved in commit merge of 17"),
    ],
)
def test_how_it_was_resolved_is_in_the_text(details: dict[str, Any], said_so: str) -> None:
    document = upsert(_with(status="resolved", statusDetails=details))
    assert f"- Status: {said_so}\n" in document.body
    assert document.temporal == {}


def test_the_commit_may_be_the_apis_own_object() -> None:
    commit = {
        "id": "d4" * 20,
        "repository": {"name": "halcyon/web"},
        "pullRequest": {"externalUrl": "https://github.com/halcyon/web/pull/17"},
    }
    document = upsert(_with(statusDetails={"inCommit": commit}))
    assert document.temporal == {"commitSha": "d4" * 20}
    assert document.links == ("https://github.com/halcyon/web/pull/17",)


@pytest.mark.parametrize("release", ["e5" * 20, f"web@{'e5' * 20}"])
def test_a_release_that_is_named_after_a_commit_tells_it(release: str) -> None:
    document = upsert(_with(lastRelease={"version": release}))
    assert document.temporal == {"commitSha": "e5" * 20}
    assert upsert(_with(lastRelease={"version": "web@4.2.0"})).temporal == {}


def test_annotations_are_links() -> None:
    annotations = [
        '<a href="https://linear.app/halcyon/issue/ENG-12">ENG-12</a>',
        {"url": "https://github.com/halcyon/web/issues/9", "displayName": "halcyon/web#9"},
        7,
    ]
    assert upsert(_with(annotations=annotations)).links == (
        "https://github.com/halcyon/web/issues/9",
        "https://linear.app/halcyon/issue/ENG-12",
    )


def test_the_text_holds_the_power_of_two_below_the_count_and_no_time() -> None:
    text = upsert(told("issue.assigned")).body
    assert "- Events: 32 or more" in text
    assert upsert(_with(count="63", lastSeen="2026-03-01T19:02:11Z")).body == (
        upsert(_with(count=32, lastSeen="2026-03-02T01:00:00Z", userCount=9)).body
    )
    assert "43" not in text
    assert "2026" not in text


def test_a_substatus_that_ends_by_itself_is_not_in_the_text() -> None:
    assert "ongoing" not in upsert(told("issue.assigned")).body
    assert "ignored archived forever" in upsert(told("issue.archived.forever")).body


def test_an_outage_has_no_trace_and_is_an_issue_all_the_same() -> None:
    document = upsert(told("issue.created.outage"))
    assert document.title == "Downtime detected for https://halcyon.example/timetable"
    assert document.metadata["platform"] == "other"
    assert document.body.startswith("- Level: error")


def test_the_version_is_when_it_was_sent() -> None:
    assert upsert(told("issue.created")).version == 1772180132_000000


@pytest.mark.parametrize("sent", ["", "soon", "0", "1772180132000", "99999999999999999999", "-5"])
def test_a_time_of_sending_that_cannot_be_gives_way_to_the_objects_own(sent: str) -> None:
    fixture = told("issue.created")
    fixture["headers"]["sentry-hook-timestamp"] = sent
    assert upsert(fixture).version == 1772180130_000000


def test_a_time_of_sending_may_be_a_little_ahead_of_ours() -> None:
    early = RECEIVED_AT.timestamp() + 3600
    fixture = told("issue.created")
    fixture["headers"]["sentry-hook-timestamp"] = str(int(early))
    assert upsert(fixture).version == int(early) * 1_000_000


def test_in_one_second_what_was_done_to_an_issue_stands_above_its_creation() -> None:
    tellings = [told(name) for name in _ISSUES]
    for fixture in tellings:
        fixture["headers"]["sentry-hook-timestamp"] = "1772441000"
    ranked = sorted(tellings, key=lambda fixture: rank(upsert(fixture)))
    assert ranked[0]["body"]["action"] == "created"
    assert ranked[-1]["body"]["action"] == "resolved"


def test_the_event_is_the_seeds_where_it_has_a_word() -> None:
    meant = said(told("issue.resolved"))
    assert meant.event == {
        "type": "sentry",
        "action": "resolved",
        "webhookId": "0f1e2d3c-4b5a-4697-8877-665544332211",
        "issueId": ISSUE_ID,
        "level": "error",
        "triggeredAt": "2026-03-02T08:43:20Z",
    }
    assert said(told("issue.ignored")).event["action"] == "issue.ignored"


def test_the_key_of_the_fact_is_its_content_and_it_counts_once() -> None:
    fixture = told("issue.resolved")
    meant = said(fixture)
    assert meant.once
    assert meant.event_key is not None
    assert meant.event_key.startswith(f"issue.resolved:{ISSUE_ID}:")
    fixture["headers"] |= {"request-id": "f" * 32, "sentry-hook-timestamp": "1772441300"}
    assert said(fixture, RECEIVED_AT + timedelta(days=1)).event_key == meant.event_key
    fixture["body"]["data"]["issue"]["count"] = "44"
    assert said(fixture).event_key != meant.event_key


def test_an_unknown_field_is_reported() -> None:
    assert said(_with(mood="gloomy")).drift == ("issue.mood",)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": None}, "data.issue.id"),
        ({"id": True}, "data.issue.id"),
        ({"firstSeen": None, "lastSeen": None}, "data.issue.firstSeen"),
        ({"firstSeen": "soon", "lastSeen": 1e300}, "data.issue.firstSeen"),
    ],
)
def test_what_is_missing_is_named_by_its_path(fields: dict[str, Any], path: str) -> None:
    fixture = _with(**fields)
    del fixture["headers"]["sentry-hook-timestamp"]
    with pytest.raises(BadPayload) as refused:
        said(fixture)
    assert refused.value.path == path


def test_an_issue_that_tells_no_time_was_seen_until_it_was_told_of() -> None:
    fixture = _with(firstSeen=None, lastSeen=None)
    fixture["headers"]["sentry-hook-timestamp"] = "1772441000"
    assert upsert(fixture).metadata["lastSeen"] == "2026-03-02T08:43:20Z"


def test_a_title_may_stand_in_the_metadata_alone() -> None:
    fixture = _with(title=None, culprit="x", metadata={"title": "Slow timetable"})
    assert upsert(fixture).title == "Slow timetable"


def test_ids_may_be_numbers_and_what_else_is_odd_says_nothing() -> None:
    document = upsert(
        _with(id=1170820242, count=7, project=501, title=None, statusDetails=[], metadata="x")
    )
    assert document.identity == identity()
    assert document.metadata["project"] == "web"
    assert document.title == "timetable.plan in assign"


def test_who_was_assigned_may_stand_beside_the_issue_and_its_priority_in_it() -> None:
    fixture = _with(assignedTo=None, priority="high", issueType="performance_n_plus_one")
    fixture["body"]["data"]["assignee"] = {"type": "user", "id": 7, "name": "Sigrid"}
    assert upsert(fixture).frontmatter == {
        "substatus": "new",
        "category": "error",
        "type": "performance_n_plus_one",
        "priority": "high",
        "assignee": "Sigrid",
    }
