"""The fake of Sentry's API answers as Sentry does; the client's tests and the demo rest on it."""

from __future__ import annotations

import re
from typing import Any

from ingest.sources.sentry.demo.drawing import NEWEST
from ingest.sources.sentry.demo.fake import LET_IN, Sentry, make
from ingest.testing.fakes import Answer, Asked
from tests.sources.sentry.deliveries import ISSUE_ID, data

_ISSUES = "/api/0/organizations/halcyon/issues"


def _sentry() -> Sentry:
    sentry = make("halcyon")
    sentry.put_project("web", "501")
    sentry.put_issue(data("issue.created")["issue"])
    return sentry


def _get(sentry: Sentry, path: str, token: str | None = LET_IN, **query: str) -> Answer:
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    asked = {name: [value] for name, value in query.items()}
    return sentry.answer(Asked("GET", path, asked, headers, None, "http://sentry.example"))


def _issue(sentry: Sentry) -> Any:
    return _get(sentry, f"{_ISSUES}/{ISSUE_ID}/").body


def test_without_the_token_nobody_is_let_in() -> None:
    wrong, none = _get(_sentry(), "/", "wrong"), _get(_sentry(), "/", None)
    assert (wrong.status, wrong.body) == (401, {"detail": "Invalid token"})
    assert none.status == 401
    assert "x-sentry-rate-limit-reset" in wrong.headers


def test_what_is_not_there_is_a_404_and_so_is_a_path_without_its_slash() -> None:
    for path in (f"{_ISSUES}/{ISSUE_ID}", f"{_ISSUES}/1/", "/api/0/projects/other/web/"):
        found = _get(_sentry(), path)
        assert found.status == 404
        assert found.body == {"detail": "The requested resource does not exist"}


def test_both_links_of_a_page_are_always_there() -> None:
    sentry = _sentry()
    sentry.issues[ISSUE_ID].tags["release"] = ["web@3", "web@2", "web@1"]
    path = f"{_ISSUES}/{ISSUE_ID}/tags/release/values/"
    first, last = _get(sentry, path), _get(sentry, path, cursor="0:2:0")
    assert [value["value"] for value in first.body] == ["web@3", "web@2"]
    assert [value["value"] for value in last.body] == ["web@1"]
    assert 'rel="previous"; results="false"' in first.headers["link"]
    assert 'rel="next"; results="true"; cursor="0:2:0"' in first.headers["link"]
    assert 'rel="previous"; results="true"' in last.headers["link"]
    assert 'rel="next"; results="false"' in last.headers["link"]


def test_an_issue_is_found_by_its_short_id() -> None:
    path = "/api/0/organizations/halcyon/shortids"
    assert _get(_sentry(), f"{path}/web-7f/").body["groupId"] == ISSUE_ID
    assert _get(_sentry(), f"{path}/WEB-8/").status == 404


def test_edits_events_and_comments_move_an_issue() -> None:
    sentry = _sentry()
    sentry.edit(ISSUE_ID, status="resolved")
    sentry.add_event(ISSUE_ID, {"id": "e", "dateCreated": "2026-03-01T00:00:00Z"})
    for text in ("Which?", "Which trains?"):
        sentry.comment(ISSUE_ID, {"id": "1", "text": text, "dateCreated": "2026-03-01T00:00:01Z"})
    issue = _issue(sentry)
    assert (issue["status"], issue["count"]) == ("resolved", "2")
    assert issue["lastSeen"] == "2026-03-01T00:00:00Z"
    assert [note["data"]["text"] for note in issue["activity"]] == ["Which trains?"]
    sentry.uncomment(ISSUE_ID, "1")
    assert _issue(sentry)["activity"] == []


def test_a_merge_takes_the_events_along() -> None:
    sentry = _sentry()
    sentry.put_issue({**data("issue.created")["issue"], "id": "99", "count": "0"})
    sentry.add_event("99", {"id": "e", "dateCreated": "2026-03-01T00:00:00Z"})
    sentry.merge("99", ISSUE_ID)
    assert _get(sentry, f"{_ISSUES}/99/").body["id"] == ISSUE_ID
    assert _issue(sentry)["count"] == "2"


def test_a_list_refuses_what_sentry_refuses() -> None:
    sentry = _sentry()
    good = {"project": "501", "query": ""}
    assert _get(sentry, f"{_ISSUES}/", **good).status == 200
    for name, odd, status in (
        ("limit", "101", 400),
        ("cursor", "next", 400),
        ("sort", "title", 400),
        ("query", "is:odd", 400),
        ("query", "updated:>=2026-03-01", 400),
        ("query", "lastSeen:>=soon", 400),
        ("statsPeriod", "forever", 400),
        ("project", "web-2", 400),
        ("project", "502", 403),
    ):
        sentry.search.now = NEWEST
        assert _get(sentry, f"{_ISSUES}/", **{**good, name: odd}).status == status, (name, odd)


def test_a_list_without_a_query_is_of_unresolved_issues() -> None:
    sentry = _sentry()
    sentry.edit(ISSUE_ID, status="resolved")
    assert _get(sentry, f"{_ISSUES}/", project="501").body == []
    assert len(_get(sentry, f"{_ISSUES}/", project="501", query="is:resolved").body) == 1


def test_cursors_of_a_list_are_values_of_what_it_is_sorted_by() -> None:
    sentry = make("halcyon")
    sentry.put_project("web", "501")
    sentry.fill(5, "web")
    asked = {"project": "501", "query": "", "sort": "new", "limit": "2"}
    first = _get(sentry, f"{_ISSUES}/", **asked)
    assert [row["id"] for row in first.body] == ["7000000001", "7000000002"]
    assert first.headers["x-hits"] == "5"
    found = re.search(r'rel="next"; results="true"; cursor="(\d+):0:0"', first.headers["link"])
    assert found is not None
    sentry.delete("7000000001")
    rest = _get(sentry, f"{_ISSUES}/", **{**asked, "limit": "9"}, cursor=f"{found[1]}:0:0")
    assert [row["id"] for row in rest.body] == ["7000000003", "7000000004", "7000000005"]
    assert 'rel="next"; results="false"' in rest.headers["link"]


def test_drawn_issues_take_room_only_once_they_are_changed() -> None:
    sentry = make("halcyon")
    sentry.put_project("web", "501")
    sentry.fill(1_000, "web")
    sentry.fill(1_000, "web")
    assert len(sentry.issues) == 2_000
    sentry.edit("7000000007", status="resolved")
    sentry.delete("7000000008")
    assert sentry.issues.kept == 1
    assert len(sentry.issues) == 1_999
    assert _get(sentry, f"{_ISSUES}/7000000007/").body["status"] == "resolved"
    assert _get(sentry, f"{_ISSUES}/7000000008/").status == 404
