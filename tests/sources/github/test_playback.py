"""Recorded answers of GitHub's in shapes of many years: each is read, and becomes what it is."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.corpus import answers
from tests.corpus.recording import answered

REPO = "/repos/brindle/ferries"
API, WEB = f"https://api.github.com{REPO}", "https://github.com/brindle/ferries"
AT = "2026-03-01T08:00:00Z"


def issue(number: int, **more: Any) -> dict[str, Any]:
    told = {"id": number + 1_000, "number": number, "title": f"Lamp {number}", "state": "open"}
    return {**told, "updated_at": AT, "html_url": f"{WEB}/issues/{number}", "body": None, **more}


def end(path: str, body: object, status: int = 200, **about: str) -> answers.AnswerEnd:
    return answers.read_one(answered("github", path, body, status, **about))


def test_a_list_holds_pull_requests_and_what_was_cut_down_to_its_id() -> None:
    pull = issue(2, pull_request={"url": f"{API}/pulls/2"})
    old = issue(3, pull_request={"url": None, "html_url": None})
    found = end(f"{REPO}/issues?page=2", [issue(1), pull, old, {"id": 1_004}])
    assert (found.end, found.objects, found.documents) == ("read", 2, 2)
    assert found.kind == "list of issues, cut down to ids"


def test_an_issue_that_lacks_what_a_document_needs_is_a_failure() -> None:
    told = issue(1)
    del told["updated_at"]
    found = end(f"{REPO}/issues/1", told)
    assert found.end == answers.FAILED
    assert "object.updated_at: required and missing" in found.faults[0]


def test_a_pull_request_that_is_asked_for_as_an_issue_is_none() -> None:
    told = issue(2, pull_request={"url": f"{API}/pulls/2"})
    assert end(f"{REPO}/issues/2", told).end == "gone"


def test_a_comment_of_2012_stands_in_the_conversation_that_was_asked_for() -> None:
    """It named neither its issue nor a page of its own."""
    told = {"id": 5, "body": "Lit.", "updated_at": AT, "url": f"{API}/issues/comments/5"}
    listed = end(f"{REPO}/issues/12/comments", [told])
    assert (listed.end, listed.documents) == ("read", 1)
    assert end(f"{REPO}/issues/comments/5", told).documents == 1


def test_a_line_comment_of_2012_names_its_pull_request_among_its_links() -> None:
    links = {"pull_request": {"href": f"{API}/pulls/31"}, "html": {"href": f"{WEB}/pull/31"}}
    told = {"id": 6, "body": "Dim.", "updated_at": AT, "url": f"{API}/pulls/comments/6"}
    found = end(f"{REPO}/pulls/comments", [{**told, "_links": links}])
    assert (found.end, found.documents, found.faults) == ("read", 1, ())


def test_what_a_change_is_answered_with_is_the_object() -> None:
    made = end(f"{REPO}/issues", issue(7), 201, method="POST")
    assert (made.kind, made.documents) == ("issue", 1)
    review = {"id": 9, "state": "APPROVED", "submitted_at": AT, "body": ""}
    review |= {"pull_request_url": f"{API}/pulls/4", "html_url": f"{WEB}/pull/4#review-9"}
    path = f"{REPO}/pulls/4/reviews/9/events"
    assert end(path, review, method="POST").documents == 1


def test_reviews_and_releases_leave_out_what_only_some_may_see() -> None:
    reviews = [
        {"id": n, "state": state, "submitted_at": AT, "html_url": f"{WEB}/pull/4#review-{n}"}
        for n, state in ((1, "COMMENTED"), (2, "PENDING"))
    ]
    found = end(f"{REPO}/pulls/4/reviews", reviews)
    assert (found.documents, found.faults) == (1, ())
    release = {"id": 3, "tag_name": "v1", "name": None, "created_at": AT, "html_url": f"{WEB}/"}
    releases = [release, {**release, "id": 4, "tag_name": "v2", "draft": True}]
    assert end(f"{REPO}/releases", releases).documents == 1
    assert end(f"{REPO}/releases/latest", release).documents == 1


def test_git_is_read_by_the_look_up_of_a_branch() -> None:
    entries = [
        {"path": path, "mode": mode, "type": kind, "sha": digit * 40, "size": 10}
        for path, mode, kind, digit in (
            ("lamp.md", "100644", "blob", "1"),
            ("link.md", "120000", "blob", "2"),
            ("docs", "040000", "tree", "3"),
            ("sub", "160000", "commit", "4"),
        )
    ]
    tree = {"sha": "f" * 40, "tree": entries, "truncated": True}
    found = end(f"{REPO}/git/trees/{'f' * 40}", tree)
    assert (found.documents, found.faults) == (1, ())
    head = {"name": "main", "commit": {"sha": "a" * 40, "commit": {"committer": None}}}
    assert end(f"{REPO}/branches/main", head).documents == 1


@pytest.mark.parametrize(("content", "count"), [(b"# Lamp\n", 1), (b"\x89PNG\x00\xff", 0)])
def test_a_blob_becomes_a_document_where_it_is_a_text(content: bytes, count: int) -> None:
    told = {"sha": "b" * 40, "encoding": "base64", "content": base64.encodebytes(content).decode()}
    assert end(f"{REPO}/git/blobs/{'b' * 40}", told).documents == count
    file = {**told, "type": "file", "path": "docs/lamp.md"}
    assert end(f"{REPO}/contents/docs/lamp.md", file).documents == count


def test_a_comparison_leaves_what_came_changed_and_moved() -> None:
    files = [
        {"filename": "new.md", "status": "added", "sha": "1" * 40},
        {"filename": "old.md", "status": "removed", "sha": "2" * 40},
        {"filename": "to.md", "previous_filename": "from.md", "status": "renamed", "sha": "d" * 40},
        {"filename": "lamp.md", "status": "modified", "sha": "4" * 40},
    ]
    found = end(f"{REPO}/compare/{'a' * 40}...{'b' * 40}", {"status": "ahead", "files": files})
    assert (found.documents, found.faults) == (3, ())
    further = end(f"{REPO}/compare/x...y?page=2", {"status": "ahead", "commits": []})
    assert further.end == answers.NOT_ASKED


def test_discussions_are_read_where_the_query_asked_for_what_ours_does() -> None:
    told = {"number": 3, "title": "Why lamps", "updatedAt": AT, "url": f"{WEB}/discussions/3"}
    data = {"repository": {"discussions": {"nodes": [told]}}}
    found = end("/graphql", {"data": data}, method="POST")
    assert (found.end, found.documents) == ("read", 1)
    other = end("/graphql", {"data": {"viewer": {"login": "marit"}}}, method="POST")
    assert other.end == answers.NOT_ASKED
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "wait"}]}
    assert end("/graphql", limited, method="POST").end == "RateLimited"


@pytest.mark.parametrize(
    ("status", "message", "ending"),
    [
        (403, "API rate limit exceeded for 192.0.2.1.", "RateLimited"),
        (403, "You have triggered an abuse detection mechanism.", "RateLimited"),
        (403, "Resource not accessible by integration", "Refused"),
        (409, "Git Repository is empty.", "gone"),
        (422, "Validation Failed", "PermanentError"),
    ],
)
def test_a_refusal_means_what_it_says(status: int, message: str, ending: str) -> None:
    found = end(f"{REPO}/issues/1", {"message": message}, status)
    assert (found.end, found.faults) == (ending, ())


def test_the_log_of_a_webhook_is_read_and_becomes_nothing() -> None:
    attempt = {"id": 12, "guid": "g-1", "event": "issues", "status": "Invalid HTTP Response: 502"}
    log = [{**attempt, "delivered_at": AT, "status_code": 502, "redelivery": False}]
    found = end(f"{REPO}/hooks/7/deliveries", log)
    assert (found.end, found.documents, found.faults) == ("read", 0, ())


@pytest.mark.parametrize("path", ["/rate_limit", f"{REPO}/stargazers", "/gists/1"])
def test_what_no_client_asks_for_is_said_to_be_that(path: str) -> None:
    assert end(path, {"id": 1}).end == answers.NOT_ASKED


@pytest.mark.parametrize(
    "path", ["/search/issues?q=lamp", "/issues", f"{REPO}/issues/9/sub_issues"]
)
def test_issues_of_several_repositories_are_looked_up(path: str) -> None:
    elsewhere = issue(1, html_url="https://github.com/halcyon/harbour/issues/1")
    told = [issue(1), elsewhere, issue(2, pull_request={"url": f"{API}/pulls/2"})]
    found = end(path, {"items": told} if "search" in path else told)
    assert (found.objects, found.documents, found.faults) == (2, 2, ())


def test_a_redirection_is_no_answer() -> None:
    assert end(f"{REPO}/issues/1", {"message": "Moved"}, 301).kind == "redirection"
