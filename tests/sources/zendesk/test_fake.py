"""The fake keeps Zendesk's rules: what lies deleted, what a vote moves, what a page holds."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from ingest.sources.zendesk.demo.fake import Zendesk, make
from ingest.testing.fakes import Answer, Asked


def _ask(account: Zendesk, path: str, **query: str) -> Answer:
    told: dict[str, Sequence[str]] = {name: [value] for name, value in query.items()}
    basic = f"Basic {b64encode(account.token.encode()).decode()}"
    return account.answer(
        Asked("GET", f"/api/v2/{path}", told, {"authorization": basic}, None, "http://fake")
    )


def _body(account: Zendesk, path: str, **query: str) -> Any:
    return _ask(account, path, **query).body


def test_a_deleted_ticket_is_listed_until_it_is_restored_or_scrubbed() -> None:
    account = make()
    account.put_user(1, "Rui")
    account.put_ticket(12, "Lift", "Out of order.", by=1, at="2026-03-09T07:40:00Z")
    seen = _body(account, "tickets/12.json", include="users,comment_count")
    assert seen["ticket"]["comment_count"] == 1
    assert [user["name"] for user in seen["users"]] == ["Rui"]
    account.delete_ticket(12)
    assert _ask(account, "tickets/12.json").status == 404
    assert _ask(account, "tickets/12/comments.json").status == 404
    assert [row["id"] for row in _body(account, "deleted_tickets.json")["deleted_tickets"]] == [12]
    account.scrub_ticket(12)
    assert _body(account, "deleted_tickets.json")["deleted_tickets"] == []


def test_a_vote_leaves_an_articles_time_alone_and_an_edit_moves_it() -> None:
    account = make()
    account.put_section(7, "Stations")
    account.put_article(5, "Lifts", "<p>All.</p>", section=7, at="2026-03-09T07:40:00Z")
    account.vote(5, -1)
    article = _body(account, "help_center/en-us/articles/5.json")["article"]
    assert (article["vote_sum"], article["updated_at"]) == (-1, "2026-03-09T07:40:00Z")
    account.edit_article(5, at="2026-03-09T08:00:00Z", draft=True)
    (listed,) = _body(account, "help_center/articles.json")["articles"]
    assert listed["updated_at"] == "2026-03-09T08:00:00Z"
    assert [row["id"] for row in _body(account, "help_center/sections.json")["sections"]] == [7]


def test_what_it_does_not_have_it_says_as_zendesk_does() -> None:
    account = make()
    answer = _ask(account, "views.json")
    assert (answer.status, answer.body["error"]) == (404, "InvalidEndpoint")
    assert answer.headers["x-rate-limit-remaining"] == "699"
