"""Recorded answers of Zendesk's: tickets in every list, articles in every language."""

from __future__ import annotations

from typing import Any

import pytest

from tests.corpus import answers
from tests.corpus.recording import answered

AT = "2026-03-01T08:00:00Z"
END = {"meta": {"has_more": False}}


def ticket(id_: int, status: str = "open", **more: Any) -> dict[str, Any]:
    told = {"id": id_, "subject": f"Lamp {id_}", "description": "It is dim.", "status": status}
    return {**told, "created_at": AT, "updated_at": AT, "tags": None, **more}


def article(id_: int, **more: Any) -> dict[str, Any]:
    told = {"id": id_, "title": f"Lamps {id_}", "body": "<p>Lit.</p>", "locale": "en-us"}
    return {**told, "source_locale": "en-us", "draft": False, "updated_at": AT, **more}


def end(path: str, body: object, status: int = 200, **about: str) -> answers.AnswerEnd:
    return answers.read_one(answered("zendesk", f"/api/v2/{path}", body, status, **about))


def test_an_export_tells_what_is_there_and_what_is_deleted() -> None:
    rows = [ticket(n, status) for n, status in ((1, "open"), (2, "deleted"), (3, "scrubbed"))]
    rows += [ticket(n) for n in range(10, 60)]
    body = {"tickets": rows, "after_cursor": "next", "end_of_stream": False, "count": 53}
    found = end("incremental/tickets/cursor.json?start_time=1", body)
    assert (found.objects, found.documents, found.faults) == (53, 51, ())


@pytest.mark.parametrize(
    "path",
    [
        "tickets.json?page[size]=2",
        "views/7/tickets.json",
        "incremental/tickets.json?start_time=0",
        "tickets/9/incidents.json",
    ],
)
def test_tickets_of_lists_that_nobody_asks_for_are_looked_up(path: str) -> None:
    found = end(path, {"tickets": [ticket(1), ticket(2, "deleted")], "next_page": None})
    assert (found.objects, found.documents, found.faults) == (2, 1, ())


def test_a_ticket_is_the_same_whatever_it_answers() -> None:
    body = {"ticket": ticket(1, subject=None), "audit": {"id": 4}}
    assert end("tickets.json", body, 201, method="POST").documents == 1
    assert end("tickets/1.json", body, method="PUT").documents == 1
    found = end("search.json", {"results": [{**ticket(1), "result_type": "ticket"}, {"id": 2}]})
    assert found.documents == 1


def test_comments_and_tickets_together_are_asked_for_as_they_are() -> None:
    comment = {"id": 5, "created_at": AT, "public": True, "plain_body": "It is dim."}
    talk = end("tickets/3/comments.json", {"comments": [comment], **END})
    assert (talk.end, talk.documents, talk.faults) == ("read", 1, ())
    many = end("tickets/show_many.json?ids=1,2", {"tickets": [ticket(n) for n in range(1, 41)]})
    assert (many.documents, many.faults) == (40, ())


def test_articles_come_in_every_language_but_drafts() -> None:
    french = {"locale": "fr", "title": "Lampes", "body": "", "updated_at": AT, "source_id": 1}
    hidden = {**french, "locale": "de", "hidden": True}
    within = article(1, translations=[french, hidden])
    found = end("help_center/articles.json", {"articles": [within, article(2, draft=True)], **END})
    assert (found.objects, found.documents, found.faults) == (2, 2, ())
    one = end("help_center/en-us/articles/1.json", {"article": article(1)})
    assert (one.documents, one.faults) == (1, ())
    both = end("help_center/articles/1/translations.json", {"translations": [french], **END})
    assert (both.documents, both.faults) == (2, ())
    moved = {"articles": [article(1)], "next_page": "…", "end_time": 1_800_000_000, "count": 1}
    assert end("help_center/incremental/articles.json?start_time=1", moved).documents == 1


@pytest.mark.parametrize(
    ("status", "left", "ending"),
    [
        (403, "", "Refused"),
        (404, "", "gone"),
        (409, "", "TransientError"),
        (422, "", "PermanentError"),
        (429, "0", "RateLimited"),
        (429, "300", "TransientError"),
    ],
)
def test_a_refusal_means_what_it_says(status: int, left: str, ending: str) -> None:
    told = {"x_rate_limit_remaining": left, "retry_after": "12"} if left else {}
    found = end("tickets/1.json", {"error": "no"}, status, **told)
    assert (found.end, found.faults) == (ending, ())


def test_what_a_webhook_sent_is_read_and_becomes_nothing() -> None:
    one = {"id": "01A", "status": "failed", "latest_completed_at": AT, "status_code": 502}
    assert end("webhooks/01HOOK/invocations", {"invocations": [one], **END}).faults == ()
    hook = {"id": "01HOOK", "endpoint": "https://us.example", "status": "active"}
    assert end("webhooks", {"webhooks": [{**hook, "subscriptions": []}], **END}).end == "read"
    secret = {"signing_secret": {"algorithm": "SHA256", "secret": "a secret"}}
    assert end("webhooks/01HOOK/signing_secret", secret).end == "read"
    assert end("deleted_tickets.json", {"deleted_tickets": []}).end == answers.NOT_ASKED
