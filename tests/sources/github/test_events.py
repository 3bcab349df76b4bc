"""The event table: what is recorded of a delivery, and what is left alone, with which reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.core.errors import BadPayload
from ingest.sources.github import events
from ingest.sources.github.normalise import normalise
from tests.sources.github.deliveries import FIXTURES, body, message, told, upsert

IGNORED = (
    "create.branch",
    "github_app_authorization.revoked",
    "installation.created",
    "installation.deleted",
    "installation.suspend",
    "installation_repositories.added",
    "installation_repositories.removed",
    "installation_target.renamed",
    "meta.deleted",
    "ping",
    "public",
    "star.created",
)


@pytest.mark.parametrize("fixture", IGNORED)
def test_an_event_that_we_leave_alone_says_why(fixture: str) -> None:
    ignored = told(fixture)
    assert ignored.changes == ()
    assert ignored.skip in (events.IGNORED[fixture.partition(".")[0]], ignored.withdraws)


def test_an_event_that_nobody_knows_is_skipped_by_name() -> None:
    odd = message("star.created")
    odd = replace(odd, headers={**odd.headers, "x-github-event": "moon\n_landing"})
    assert normalise(odd).skip == "unknown event moon\\n_landing"


def test_no_event_is_both_read_and_ignored() -> None:
    read = {name.partition(".")[0] for name in FIXTURES if told(name).changes}
    assert len(read) == 14
    assert not read & events.IGNORED.keys()


def test_a_whole_object_is_believed_whatever_the_action_is_called() -> None:
    payload = body("issues.edited") | {"action": "levitated"}
    assert upsert("issues.edited", payload).title == "Refunds are rounded twice for EUR"


def test_without_an_action_a_deletion_could_pass_for_a_change() -> None:
    payload = body("issues.deleted")
    del payload["action"]
    with pytest.raises(BadPayload) as caught:
        told("issues.deleted", payload)
    assert caught.value.path == "action"


def test_the_event_of_an_issue_names_its_action_and_its_place() -> None:
    assert told("issues.closed").event == {
        "type": "github",
        "action": "issues.closed",
        "deliveryId": message("issues.closed").delivery_key,
        "repository": "acme/payments",
        "sender": "bruno",
        "number": 12,
    }


def test_the_event_of_a_comment_names_the_number_of_its_conversation() -> None:
    assert told("issue_comment.created.pull_request").event["number"] == 14
    assert told("pull_request_review_comment.deleted").event["number"] == 14


def test_the_event_of_a_discussion_names_its_number() -> None:
    assert told("discussion.answered").event["number"] == 20
    assert told("discussion_comment.created.reply").event["number"] == 20


def test_the_event_of_a_push_is_exactly_the_seeds() -> None:
    payload = body("push")
    assert told("push").event == {
        "type": "github",
        "action": "push",
        "beforeSha": payload["before"],
        "afterSha": payload["after"],
        "deliveryId": message("push").delivery_key,
        "pusher": "bruno",
        "ref": "refs/heads/main",
        "repository": "acme/payments",
    }


def test_an_empty_payload_of_an_ignored_event_is_recorded_all_the_same() -> None:
    assert told("star.created", {}).event["action"] == "star"


def test_fields_that_nobody_knows_are_reported_by_name() -> None:
    payload = body("issues.opened") | {"zeta": 1}
    payload["issue"] |= {"mood": "calm", "odd\x00": None}
    payload["repository"]["unwatched"] = True
    assert told("issues.opened", payload).drift == ("issue.mood", "issue.odd\\x00", "payload.zeta")


def test_no_more_than_twenty_unknown_fields_are_reported() -> None:
    payload = body("issues.opened") | {f"new_{n:02}": n for n in range(30)}
    assert told("issues.opened", payload).drift == tuple(f"payload.new_{n:02}" for n in range(20))


@pytest.mark.parametrize("fixture", FIXTURES)
def test_what_github_sends_today_is_no_drift(fixture: str) -> None:
    assert told(fixture).drift == ()


def test_a_delivery_that_is_skipped_unread_reports_the_drift_it_can_see() -> None:
    payload = {"action": "deleted", "pull_request": 7, "zeta": 1, "repository": {}}
    assert told("pull_request.edited", payload).drift == ("payload.zeta",)
