"""Errors and alerts, which tell of one event; and what changes nothing."""

from __future__ import annotations

import pytest

from ingest.core.changes import Field
from ingest.core.errors import BadPayload
from tests.sources.sentry.deliveries import (
    ISSUE_ID,
    asked,
    identity,
    of_event,
    patch,
    said,
    told,
    upsert,
)


@pytest.mark.parametrize("name", ["error.created", "error.created.old", "event_alert.triggered"])
def test_an_event_asks_for_its_issue_and_a_patch_stands_in(name: str) -> None:
    look_up = asked(told(name))
    assert look_up.identity == identity()
    assert look_up.patience_s == 300
    assert [change.identity for change in of_event(told(name))] == [identity()] * 2


def test_a_patch_says_times_and_sets_and_nobody_s_name() -> None:
    assert patch(told("error.created")).fields == {
        "lastSeen": Field("2026-03-01T19:02:11.480000Z", "max"),
        "environments": Field(["production"], "union"),
        "releases": Field(["web@4.2.0"], "union"),
        "tags": Field(
            {
                "environment": ["production"],
                "level": ["error"],
                "platform_sign": ["LED"],
                "release": ["web@4.2.0"],
            },
            "union",
        ),
    }


def test_older_events_name_their_issue_by_a_url_and_their_time_in_seconds() -> None:
    change = patch(told("error.created.old"))
    assert change.identity == identity()
    assert change.fields["environments"].value == ["staging"]
    assert change.fields["lastSeen"].value == "2026-03-01T19:02:11.480000Z"


def test_an_event_is_the_seeds() -> None:
    meant = said(told("event_alert.triggered"))
    assert meant.event["action"] == "event.created"
    assert meant.event["issueId"] == ISSUE_ID
    assert meant.event["eventId"] == "e4874d664c3540c1a32eab185f12c5ab"


def test_an_event_without_an_issue_is_recorded_and_skipped() -> None:
    meant = said(told("event_alert.triggered.slow"))
    assert meant.skip == "event_alert.triggered: its event names no issue"
    assert meant.event["action"] == "event_alert.triggered"


def test_an_event_stands_in_for_an_issue_that_nobody_told_of() -> None:
    document, _ = of_event(told("event_alert.triggered"))
    assert document.source_id == ISSUE_ID
    assert document.title == "TimetableError: no platform for train 17"
    assert document.metadata["project"] == "web"
    assert document.metadata["count"] == 1
    assert document.metadata["status"] == "unresolved"
    assert document.metadata["firstSeen"] == document.metadata["lastSeen"]
    assert document.metadata["environments"] == ["production"]
    assert str(document.metadata["url"]).endswith(f"/issues/{ISSUE_ID}/")
    assert "### TimetableError" in document.body


def test_what_stands_in_lies_below_every_word_about_the_issue() -> None:
    document, fields = of_event(told("error.created"))
    assert document.version < 10**12 < fields.version
    assert document.version < upsert(told("issue.created")).version


def test_the_first_event_stands_in_so_that_a_burst_writes_nothing_anew() -> None:
    later = told("error.created")
    later["body"]["data"]["error"]["datetime"] = "2026-03-05T00:00:00Z"
    assert of_event(told("error.created"))[0].version > of_event(later)[0].version
    later["body"]["data"]["error"]["datetime"] = "9999-03-05T00:00:00Z"
    assert of_event(later)[0].version == 0


def test_an_alert_that_tells_the_issue_and_no_event_is_about_the_issue() -> None:
    fixture = told("event_alert.triggered")
    fixture["body"]["data"] = {**told("issue.created")["body"]["data"], "triggered_rule": "All"}
    assert upsert(fixture).source_id == "WEB-7F"
    assert said(fixture).event["action"] == "event.created"


def test_an_activity_brings_the_issue_as_it_is_then() -> None:
    document = upsert(told("activity_alert.triggered"))
    assert document.source_id == "WEB-7F"
    assert document.metadata["url"] == "https://halcyon.sentry.io/issues/1170820242/"
    meant = said(told("activity_alert.triggered"))
    assert meant.event["action"] == "activity_alert.triggered"
    assert meant.drift == ()
    fixture = told("activity_alert.triggered")
    del fixture["body"]["data"]["issue"]
    assert said(fixture).skip == "activity_alert.triggered: no issue is told"


def test_an_alert_about_an_event_under_an_activity_s_name_tells_no_issue() -> None:
    """Nobody signs the header: that its issue stands beside the event does not make it one."""
    fixture = told("event_alert.triggered")
    fixture["body"]["data"]["issue"] = told("issue.created")["body"]["data"]["issue"]
    fixture["headers"]["sentry-hook-resource"] = "activity_alert"
    with pytest.raises(BadPayload, match="has no place in activity_alert"):
        said(fixture)


def test_an_event_that_says_nothing_is_a_look_up_alone() -> None:
    fixture = told("error.created")
    fixture["body"]["data"]["error"] = {"issue_id": 1170820242, "project": 501}
    assert asked(fixture).otherwise == ()


def test_an_error_without_its_event_is_refused_with_the_path() -> None:
    fixture = told("error.created")
    del fixture["body"]["data"]["error"]
    with pytest.raises(BadPayload) as refused:
        said(fixture)
    assert refused.value.path == "data.error"


@pytest.mark.parametrize(
    ("name", "action", "object_id"),
    [
        ("metric_alert.critical", "metric_alert.critical", "31"),
        ("seer.root_cause_completed", "seer.root_cause_completed", "12345"),
        ("profile.finished", "other.profile.finished", None),
    ],
)
def test_what_is_no_document_is_skipped_and_recorded(
    name: str, action: str, object_id: str | None
) -> None:
    meant = said(told(name))
    assert meant.skip
    assert meant.event["action"] == action
    assert meant.event.get("objectId") == object_id


def test_an_unknown_action_of_a_known_resource_is_skipped() -> None:
    fixture = told("issue.created")
    fixture["body"]["action"] = "priority_changed"
    assert said(fixture).skip == "unknown event issue.priority_changed"


def test_an_uninstalled_integration_withdraws_its_connection() -> None:
    meant = said(told("installation.deleted"))
    assert meant.withdraws
    assert meant.skip == meant.withdraws
    back = said(told("installation.created"))
    assert back.withdraws is None
    assert [(one.name, one.problem) for one in back.notices] == [("installation", None)]
    assert [one.name for one in meant.notices] == ["installation"]


def test_without_a_header_or_an_action_it_is_refused() -> None:
    fixture = told("issue.created")
    del fixture["body"]["action"]
    with pytest.raises(BadPayload, match="action: missing"):
        said(fixture)
    fixture["headers"] = {}
    with pytest.raises(BadPayload, match="Sentry-Hook-Resource: missing"):
        said(fixture)


def test_where_no_installation_is_named_the_connections_own_is_recorded() -> None:
    fixture = told("event_alert.triggered")
    del fixture["body"]["installation"]
    assert said(fixture).event["webhookId"] == ""
    assert said(fixture, connection={"webhookId": "hook"}).event["webhookId"] == "hook"


def test_without_a_time_of_sending_the_record_tells_another() -> None:
    fixture = told("metric_alert.critical")
    del fixture["headers"]["sentry-hook-timestamp"]
    assert said(fixture).event["triggeredAt"] == "2026-03-02T00:05:00Z"
    fixture["body"]["data"] = {}
    assert said(fixture).event["triggeredAt"] == "2026-03-02T12:00:00Z"


def test_a_resource_is_the_same_in_any_case() -> None:
    fixture = told("issue.resolved")
    name = next(name for name in fixture["headers"] if name.lower() == "sentry-hook-resource")
    shouted = fixture | {"headers": fixture["headers"] | {name: "ISSUE"}}
    assert said(shouted).event == said(told("issue.resolved")).event
