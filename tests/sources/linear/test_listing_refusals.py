"""Listings that are not what they seem: rights lost, another's token, parts, errors, junk."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.errors import BadPayload, PermanentError, RateLimited, Refused, TransientError
from ingest.sources.linear.demo.crowd import fill
from ingest.sources.linear.demo.fake import Linear
from ingest.testing.fakes import Answer, Trouble
from tests.sources.linear.deliveries import ORGANIZATION
from tests.sources.linear.looking import looking, organization
from tests.sources.linear.walks import (
    RESOURCES,
    a_page,
    after,
    pages,
    populated,
)

_PROOF = {"organization": {"id": ORGANIZATION}, "teams": {"nodes": [{"id": "team-1"}]}}


def _crowd(issues: int = 5) -> Linear:
    linear = organization()
    fill(linear, issues)
    return linear


def _answer(nodes: Any, info: Any = None, errors: Any = None, **more: Any) -> Answer:
    page = {"nodes": nodes, "pageInfo": info or {"hasNextPage": False, "endCursor": None}}
    body = {"data": {**_PROOF, "issues": page, **more}}
    return Answer(200, body | ({"errors": errors} if errors else {}))


def _error(path: list[Any] | None, code: str = "FORBIDDEN") -> dict[str, Any]:
    told: dict[str, Any] = {"message": "No entry", "extensions": {"code": code}}
    return told | ({"path": path} if path else {})


# Whose the list is, and whether anything of it can be seen.


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("incremental", [False, True])
def test_a_token_that_sees_no_team_is_refused_and_no_empty_list(
    resource: str, *, incremental: bool
) -> None:
    linear = populated()
    linear.hidden_teams.update(linear.objects["team"])
    since = after(0) if incremental else None
    if resource in ("relations", "attachments") and not incremental:
        return
    with looking(linear) as look, pytest.raises(Refused, match="teams"):
        a_page(look, resource, since=since)


def test_a_token_that_sees_none_of_the_connections_teams_is_refused() -> None:
    linear = populated()
    with looking(linear) as look:
        assert pages(look, "issues", "team-1")
        linear.hidden_teams.add("team-1")
        with pytest.raises(Refused, match="teams"):
            pages(look, "issues", "team-1")
        assert pages(look, "issues")


@pytest.mark.parametrize("resource", ["issues", "comments", "initiatives"])
def test_nothing_of_another_organization_is_listed(resource: str) -> None:
    linear = populated()
    linear.organization["id"] = "another"
    with looking(linear) as look, pytest.raises(Refused, match="another"):
        a_page(look, resource)


def test_an_organization_without_objects_has_an_empty_list() -> None:
    with looking(organization()) as look:
        for resource in RESOURCES:
            (page,) = pages(look, resource)
            assert (page.listed, page.gap) == ((), None)
        assert len(look.fake.requests) == len(RESOURCES) - 2


def test_an_address_that_is_not_the_apis_lists_nothing() -> None:
    with looking(_crowd(), base="/elsewhere") as look, pytest.raises(Refused):
        a_page(look, "issues")


@pytest.mark.parametrize("token", ["lin_api_wrong", "wrong"])
def test_a_wrong_token_is_refused(token: str) -> None:
    with looking(_crowd(), token=token) as look, pytest.raises(Refused):
        a_page(look, "issues")


# Errors.


@pytest.mark.parametrize("status", [500, 502, 503])
def test_what_may_succeed_later_fails_the_page_and_nothing_is_tried_smaller(status: int) -> None:
    with looking(_crowd()) as look:
        look.fake.troubles.append(Trouble(Answer(status, b"<html>")))
        with pytest.raises(TransientError):
            a_page(look, "issues")
        assert len(look.fake.requests) == 1


def test_a_limit_is_waited_for() -> None:
    linear = _crowd()
    with looking(linear) as look:
        look.fake.troubles.append(Trouble(linear.limited(after(0), 90)))
        with pytest.raises(RateLimited):
            a_page(look, "issues")
        assert len(look.fake.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b"null",
        b'{"data": null}',
        b'{"data": {"organization": {"id": "%s"}, "issues": []}}' % ORGANIZATION.encode(),
    ],
)
def test_an_answer_that_is_no_list_is_an_error(body: bytes) -> None:
    with looking(_crowd()) as look:
        look.fake.troubles.append(Trouble(Answer(200, body), times=9))
        with pytest.raises((PermanentError, Refused)):
            a_page(look, "issues")


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (_answer(None), "issues.nodes"),
        (_answer([], {"hasNextPage": "yes"}), "issues.pageInfo.hasNextPage"),
        (_answer([], {"endCursor": None}), "issues.pageInfo.hasNextPage"),
        (_answer([{"title": "no id"}]), "issues.nodes[0].id"),
        (_answer([{"id": "1"}, 7]), "issues.nodes[1].id"),
        (_answer([], teams=None), "teams.nodes"),
    ],
)
def test_a_list_that_is_not_whole_says_where(answer: Answer, path: str) -> None:
    with looking(_crowd()) as look:
        look.fake.troubles.append(Trouble(answer, times=9))
        with pytest.raises(BadPayload) as raised:
            a_page(look, "issues")
    assert raised.value.path == path


# Parts.


@pytest.mark.parametrize(
    ("nodes", "errors"),
    [
        ([{"id": "1"}, None], None),
        ([{"id": "1"}, None], [_error(["issues", "nodes", 1])]),
        ([{"id": "1"}], [_error(["issues", "nodes"])]),
        ([{"id": "1"}], [_error(["issues", "nodes", 0, "x"]), _error(["teams", "nodes", 1, "x"])]),
        ([{"id": "1"}], [_error(None, "ENTITY_NOT_FOUND")]),
    ],
)
def test_a_part_of_a_list_has_a_gap(nodes: list[Any], errors: Any) -> None:
    with looking(_crowd()) as look:
        look.fake.troubles.append(Trouble(_answer(nodes, errors=errors)))
        page = a_page(look, "issues")
    assert page.gap
    assert [one.identity.id for one in page.listed] == ["1"]


def test_what_may_not_be_seen_within_an_object_is_no_gap() -> None:
    path = ["issues", "nodes", 0, "assignee"]
    with looking(_crowd()) as look:
        look.fake.troubles.append(Trouble(_answer([{"id": "1"}], errors=[_error(path)])))
        assert a_page(look, "issues").gap is None


def test_a_part_that_is_told_by_a_refusal_or_a_fault_is_an_error() -> None:
    for code, kind in (("FORBIDDEN", Refused), ("INTERNAL_SERVER_ERROR", TransientError)):
        with looking(_crowd()) as look:
            look.fake.troubles.append(Trouble(_answer([], errors=[_error(None, code)])))
            with pytest.raises(kind):
                a_page(look, "issues")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"errors": [_error(["issue"], "ENTITY_NOT_FOUND")], "data": {"issue": None}}),
        Answer(200, {"data": {"issue": {"id": "issue-1"}}}),
        Answer(400, {"errors": [{"message": "Query too complex", "extensions": {}}]}),
    ],
)
def test_an_issue_whose_list_cannot_be_read_on_is_looked_up_and_ends_alone(answer: Answer) -> None:
    linear = _crowd(2)
    linear.most_per_page = 1
    for number in range(3):
        linear.attach("issue-1", f"https://example.test/{number}", "A link")
    right = linear.answer

    def answered(asked: Any) -> Answer:
        return answer if asked.body["operationName"] == "IssueAttachments" else right(asked)

    with looking(linear) as look:
        look.fake.provider = _Answering(linear.token, answered)
        told = pages(look, "issues")
        assert [one.identity.id for page in told for one in page.listed] == ["issue-0"]
        assert [one.identity.id for page in told for one in page.wanted] == ["issue-1"]
        with pytest.raises((PermanentError, TransientError)):
            look.sight("issue", "issue-1")


def test_issues_that_cannot_be_asked_for_together_are_looked_up_one_by_one() -> None:
    linear = _crowd(3)
    for number in range(20):
        linear.attach("issue-1", f"https://example.test/{number}", "A link")
    refused = Answer(400, {"errors": [{"message": "Query too complex", "extensions": {}}]})
    right = linear.answer

    def answered(asked: Any) -> Answer:
        return refused if asked.body["operationName"] == "IssuesWhole" else right(asked)

    with looking(linear) as look:
        look.fake.provider = _Answering(linear.token, answered)
        (page,) = pages(look, "issues")
        assert {one.identity.id for one in page.listed} == {"issue-0", "issue-2"}
        assert [one.identity.id for one in page.wanted] == ["issue-1"]


class _Answering:
    """A provider that answers by a function."""

    def __init__(self, token: str, answer: Any) -> None:
        self.token, self.answer = token, answer
