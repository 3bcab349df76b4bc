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


def test_it_refuses_what_zendesk_refuses_of_an_export() -> None:
    account = make()
    now = int(account.now().timestamp())
    export = "incremental/tickets/cursor.json"
    recent = _ask(account, export, start_time=str(now - 30))
    assert (recent.status, recent.body["error"]) == (400, "StartTimeTooRecent")
    assert _ask(account, export, start_time="1", cursor="MA==").status == 400
    assert _ask(account, export).status == 400
    assert _ask(account, export, cursor="no cursor").body["error"] == "InvalidCursor"
    assert _ask(account, "help_center/incremental/articles", start_time=str(now)).status == 400
    many = ",".join(map(str, range(1, 102)))
    assert _ask(account, "tickets/show_many.json", ids=many).body["error"] == "TooManyValues"
    account.role = "agent"
    assert _ask(account, export, start_time="1").status == 403


def test_an_export_shows_each_ticket_once_where_it_moved_last() -> None:
    account = make()
    account.fill_tickets(5, first=1, by=1, at="2026-03-09T07:40:00Z", comments=3)
    account.edit_ticket(2, at="2026-03-09T08:00:00Z")
    account.delete_ticket(4)
    account.touch_ticket(1)
    shown = _body(account, "incremental/tickets/cursor", start_time="1", per_page="3")
    assert [row["id"] for row in shown["tickets"]] == [3, 5, 2]
    assert shown["end_of_stream"] is False
    rest = _body(account, "incremental/tickets/cursor", cursor=shown["after_cursor"])
    told = [(row["id"], row["status"], row["updated_at"]) for row in rest["tickets"]]
    assert told == [
        (4, "deleted", "2026-03-09T07:40:00Z"),
        (1, "open", "2026-03-09T07:40:00Z"),
    ]
    assert rest["end_of_stream"] is True
    assert len(_body(account, "tickets/3/comments")["comments"]) == 3
    account.add_comment(3, "More.", by=1, at="2026-03-09T09:00:00Z")
    assert len(account.comments[3]) == 4
    assert (len(account.tickets), 4 in account.tickets) == (4, False)


def _hook(account: Zendesk, method: str, path: str, webhook: dict[str, object]) -> Answer:
    basic = f"Basic {b64encode(account.token.encode()).decode()}"
    told = {"webhook": webhook}
    return account.answer(
        Asked(method, f"/api/v2/{path}", {}, {"authorization": basic}, told, "http://fake")
    )


def test_it_refuses_what_zendesk_refuses_of_a_webhook() -> None:
    account = make()
    whole: dict[str, object] = {
        "name": "One",
        "endpoint": "https://x.example",
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["zen:event-type:ticket.created"],
    }
    odd: tuple[dict[str, object], ...] = (
        {"name": ""},
        {"http_method": "GET"},
        {"subscriptions": []},
        {"subscriptions": ["ticket.created"]},
        {"subscriptions": ["zen:event-type:ticket.created", "conditional_ticket_events"]},
    )
    for bent in odd:
        assert _hook(account, "POST", "webhooks", whole | bent).status == 400, bent
    made = _hook(account, "POST", "webhooks", whole).body["webhook"]["id"]
    to_triggers: dict[str, object] = {"subscriptions": ["conditional_ticket_events"]}
    assert _hook(account, "PATCH", f"webhooks/{made}", to_triggers).status == 400
    assert _hook(account, "PATCH", f"webhooks/{made}", {"status": "inactive"}).status == 204
    assert account.hooks.hooks[made]["endpoint"] == "https://x.example"
    assert _hook(account, "PUT", f"webhooks/{made}", {"status": "active"}).status == 400
    account.role = "agent"
    assert _hook(account, "PATCH", f"webhooks/{made}", {"status": "active"}).status == 403
