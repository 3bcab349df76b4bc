"""Which event each delivery records, and why some change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sources.zendesk.deliveries import NAMES, body, headers, said


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("ticket.created", "ticket.created"),
        ("ticket.comment_added", "ticket.updated"),
        ("ticket.merged", "ticket.updated"),
        ("ticket.undeleted", "ticket.updated"),
        ("article.published", "article.published"),
        ("article.author_changed", "article.updated"),
        ("article.vote_created", "article.updated"),
        ("zendesk-trigger", "ticket.updated"),
        ("ticket.soft_deleted", "zen:event-type:ticket.soft_deleted"),
        ("ticket.marked_as_spam", "zen:event-type:ticket.marked_as_spam"),
        ("ticket.permanently_deleted", "zen:event-type:ticket.permanently_deleted"),
        ("article.unpublished", "zen:event-type:article.unpublished"),
        ("article.comment_created", "zen:event-type:article.comment_created"),
        ("user.created", "zen:event-type:user.created"),
    ],
)
def test_the_seeds_word_where_it_has_one_and_zendesks_own_else(name: str, action: str) -> None:
    assert said(body(name)).event["action"] == action


def test_an_event_names_its_webhook_its_object_and_its_time() -> None:
    name = "ticket.status_changed"
    assert said(body(name), of=headers(name)).event == {
        "type": "zendesk",
        "action": "ticket.updated",
        "webhookId": "01HALCYONWEBHOOK000000000A",
        "ticketId": 4512,
        "triggeredAt": "2026-03-09T08:00:01.672717030Z",
    }
    assert said(body("article.published")).event["articleId"] == 360044556677
    assert said(body("zendesk-trigger")).event["ticketId"] == 4512


def test_a_trigger_may_say_that_a_ticket_is_new() -> None:
    payload = body("zendesk-trigger") | {"action": "ticket.created"}
    assert said(payload).event["action"] == "ticket.created"


def test_a_body_without_a_time_was_sent_when_its_header_says() -> None:
    payload = {"ticket_id": 5}
    told = {"x-zendesk-webhook-signature-timestamp": "2026-03-09T08:00:00Z"}
    assert said(payload, of=told).event["triggeredAt"] == "2026-03-09T08:00:00Z"
    assert said(payload).event["triggeredAt"] == "2026-03-09T12:00:00.000Z"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("user.created", "user.created: people"),
        ("organization.deleted", "organization.deleted: people"),
        ("community_post.created", "community_post.created: its text"),
        ("messaging_ticket.message_added", "messaging_ticket.message_added: the messages"),
        ("article.comment_created", "article.comment_created: comments on articles"),
    ],
)
def test_what_becomes_no_document_is_skipped_with_its_reason(name: str, reason: str) -> None:
    skip = said(body(name)).skip
    assert skip is not None
    assert skip.startswith(reason)


@pytest.mark.parametrize("payload", [{}, {"type": 7}, {"source": "another-template"}])
def test_a_body_of_another_kind_is_skipped(payload: dict[str, Any]) -> None:
    skip = said(payload).skip
    assert skip is not None
    assert skip.startswith("unknown event")


def test_a_field_that_zendesk_does_not_document_is_drift() -> None:
    payload = body("ticket.created") | {"region": "eu"}
    payload["detail"]["mood"] = "good"
    assert said(payload).drift == ("event.region", "ticket.mood")


@pytest.mark.parametrize("name", NAMES)
def test_no_fixture_has_drift(name: str) -> None:
    assert said(body(name)).drift == ()
