"""The fake's lists are as strict as Linear's: filters, orders, pages, variables, rights."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.sources.linear.demo.crowd import fill
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.linear.demo.fake_graphql import BadQuery, parse_operation
from ingest.testing.fakes import Answer, Asked
from tests.sources.linear.looking import organization
from tests.sources.linear.walks import after


def _answer(linear: Linear, query: str, **variables: Any) -> Answer:
    body = {"query": query, "variables": variables}
    return linear.answer(Asked("POST", "/graphql", {}, {"authorization": linear.token}, body, ""))


def _ids(linear: Linear, root: str, arguments: str = "", **variables: Any) -> list[str]:
    declared, _, inner = arguments.rpartition("|")
    query = f"query A{declared} {{ {root}{inner and f'({inner})'} {{ nodes {{ id }} }} }}"
    answer = _answer(linear, query, **variables)
    assert answer.status == 200, answer.body
    return [node["id"] for node in answer.body["data"][root]["nodes"]]


def _filtered(linear: Linear, root: str, type_: str, told: Any) -> list[str]:
    return _ids(linear, root, f"($f: {type_})|filter: $f", f=told)


def _crowd(count: int = 4) -> Linear:
    linear = organization()
    fill(linear, count, comments_each=1)
    return linear


def test_lists_come_newest_first_by_either_time() -> None:
    linear = _crowd(3)
    assert _ids(linear, "issues") == ["issue-2", "issue-1", "issue-0"]
    linear.edit("issue", "issue-0", after(1))
    assert _ids(linear, "issues") == ["issue-2", "issue-1", "issue-0"]
    assert _ids(linear, "issues", "orderBy: updatedAt") == ["issue-0", "issue-2", "issue-1"]


def test_what_is_archived_is_shown_where_it_is_asked_for() -> None:
    linear = _crowd(2)
    linear.archive("issue", "issue-1", after(1))
    assert _ids(linear, "issues") == ["issue-0"]
    assert _ids(linear, "issues", "includeArchived: true") == ["issue-1", "issue-0"]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"id": {"in": ["issue-1"]}}, ["issue-1"]),
        ({"id": {"nin": ["issue-1", "issue-2", "issue-3"]}}, ["issue-0"]),
        ({"id": {"eq": "issue-1"}, "team": {"id": {"eq": "elsewhere"}}}, []),
        ({"id": {"neq": "issue-0"}, "updatedAt": {"lt": "2026-01-01T00:02:00Z"}}, ["issue-1"]),
        ({"createdAt": {"gt": "2026-01-01T00:02:00.000Z"}}, ["issue-3"]),
        ({"createdAt": {"lte": "2026-01-01T00:00:00Z"}}, ["issue-0"]),
        ({"or": [{"id": {"eq": "issue-0"}}, {"archivedAt": {"gte": "2026-01-01"}}]}, ["issue-0"]),
        ({"and": [{"id": {"eq": "issue-0"}}, {"archivedAt": {"null": True}}]}, ["issue-0"]),
        ({"project": {"null": True}, "id": {"eq": "issue-2"}}, ["issue-2"]),
        ({"project": {"id": {"eq": "1"}}}, []),
    ],
)
def test_filters_narrow_a_list(told: Any, found: list[str]) -> None:
    assert _filtered(_crowd(), "issues", "IssueFilter", told) == found


def test_comments_are_narrowed_by_the_team_of_their_issue_as_it_is_now() -> None:
    linear = _crowd(2)
    linear.put("comment", id="on-a-project", createdAt="2025-01-01T00:00:00.000Z")
    team = {"issue": {"team": {"id": {"in": ["team-1"]}}}}
    either = {"or": [team, {"issue": {"null": True}}]}
    assert _filtered(linear, "comments", "CommentFilter", team) == ["comment-1-0", "comment-0-0"]
    assert len(_filtered(linear, "comments", "CommentFilter", either)) == 3
    linear.edit("issue", "issue-0", after(1), team={"id": "another"})
    assert _filtered(linear, "comments", "CommentFilter", team) == ["comment-1-0"]


@pytest.mark.parametrize(
    ("root", "type_", "told"),
    [
        ("issues", "IssueFilter", {"trashed": {"eq": True}}),
        ("issues", "IssueFilter", {"createdAt": {"null": True}}),
        ("issues", "IssueFilter", {"team": {"null": True}}),
        ("issues", "IssueFilter", {"createdAt": {"gte": "yesterday"}}),
        ("issues", "CommentFilter", {}),
        ("projects", "ProjectFilter", {"archivedAt": {"gte": "2026-01-01"}}),
        ("attachments", "AttachmentFilter", {"issue": {"null": True}}),
        ("issueRelations", "IssueRelationFilter", {}),
    ],
)
def test_a_filter_that_the_schema_does_not_have_is_refused(
    root: str, type_: str, told: Any
) -> None:
    linear = _crowd()
    linear.put("project", id="1", createdAt="2026-01-01T00:00:00.000Z")
    query = f"query A($f: {type_}) {{ {root}(filter: $f) {{ nodes {{ id }} }} }}"
    assert _answer(linear, query, f=told).status == 400


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 251", "INVALID_INPUT"),
        ("orderBy: title", "GRAPHQL_VALIDATION_FAILED"),
        ("after: gone", "INPUT_ERROR"),
    ],
)
def test_a_page_that_linear_does_not_have_is_refused(arguments: str, code: str) -> None:
    answer = _answer(_crowd(), f"query A {{ issues({arguments}) {{ nodes {{ id }} }} }}")
    assert (answer.status, answer.body["errors"][0]["extensions"]["code"]) == (400, code)


def test_pages_follow_one_another_by_the_id_of_their_last_row() -> None:
    linear = _crowd(5)
    query = """query A($after: String) { issues(first: 2, after: $after) {
        nodes { id } pageInfo { hasNextPage endCursor } } }"""
    told: list[str] = []
    cursor, goes_on = None, True
    while goes_on:
        page = _answer(linear, query, after=cursor).body["data"]["issues"]
        told += [node["id"] for node in page["nodes"]]
        cursor, goes_on = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert cursor == told[-1]
    assert told == [f"issue-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "query",
    [
        "query A { issues(first: $first) { nodes { id } } }",
        "query A($first: Int) { issues { nodes { id } } }",
        "query A { issues { id } }",
        "query A { issue { id } }",
        "mutation A { webhookDelete(id: 1) { success } }",
        "subscription A { issues { nodes { id } } }",
    ],
)
def test_a_query_that_graphql_does_not_allow_is_refused(query: str) -> None:
    assert _answer(_crowd(), query).status == 400
    with pytest.raises(BadQuery):
        parse_operation("query A($id: ID!) { issue(id: $id) { id } }", {})


def test_a_team_that_is_closed_hides_its_issues_and_what_is_said_about_them() -> None:
    linear = _crowd(2)
    linear.hidden_teams.add("team-1")
    for root in ("issues", "comments", "teams"):
        assert _ids(linear, root) == []
    assert _answer(linear, "query A { issue(id: 0) { id } }").body["data"] is None
