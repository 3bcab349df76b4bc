"""The client against the API as the demo plays it: what is asked, and what every answer means."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.errors import (
    BadInput,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.sources.contract import Sight
from ingest.sources.linear import SOURCE, queries
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.linear.demo.fake_graphql import MOST_COST, BadQuery, cost, parse
from ingest.sources.linear.queries import BY_KIND
from ingest.testing.fakes import Answer, Asked, Trouble
from tests.sources.linear.deliveries import ORGANIZATION, body
from tests.sources.linear.looking import NOW, looking, organization

_ISSUE = "4a02d522-1133-560b-b70c-7a6dcd1077f3"
_TEAM = "65c063c9-ce6d-5c74-bb11-a7837e322046"


def _with_issue() -> Linear:
    linear = organization()
    linear.learn("Issue", body("Issue.update")["data"])
    linear.put("team", id=_TEAM, key="SIG", name="Signals")
    return linear


def _said(message: str = "No", code: str = "OTHER", **more: Any) -> dict[str, Any]:
    error = {"message": message, "extensions": {"code": code, "type": code.lower()}, **more}
    return {"errors": [error], "data": None}


def _raised(answer: Answer, kind: type[IngestError]) -> IngestError:
    with looking(_with_issue()) as look:
        look.fake.troubles.append(Trouble(answer))
        with pytest.raises(kind) as raised:
            look.sight("issue", _ISSUE)
    return raised.value


# What is asked.


@pytest.mark.parametrize(
    ("token", "sent"),
    [
        ("lin_api_1", "lin_api_1"),
        ("lin_oauth_1", "Bearer lin_oauth_1"),
        ("Bearer lin_oauth_1", "Bearer lin_oauth_1"),
        ("00a1", "Bearer 00a1"),
    ],
)
def test_personal_keys_go_bare_and_other_tokens_as_bearer(token: str, sent: str) -> None:
    linear = _with_issue()
    linear.token = token.removeprefix("Bearer ")
    with looking(linear, token=token) as look:
        assert look.sight("issue", _ISSUE).raw
        assert [asked.headers["authorization"] for asked in look.fake.requests] == [sent]


@pytest.mark.parametrize("base", ["", "/", "/graphql", "/graphql/"])
def test_the_base_url_may_name_the_path_or_not(base: str) -> None:
    with looking(_with_issue(), base=base) as look:
        assert look.sight("issue", _ISSUE).raw
        assert [asked.path for asked in look.fake.requests] == ["/graphql"]


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_query_asks_for_fields_of_the_schema_and_is_cheap(kind: str) -> None:
    query = BY_KIND[kind]
    for text in (query.text, *(query.more(listed) for listed in query.lists)):
        assert cost(parse(text, {"id": "1", "after": "1"})) < MOST_COST / 20
    for text in (queries.ORGANIZATION, queries.TEAM, queries.VIEWER):
        assert cost(parse(text, {"id": "1"})) < 10


def test_lists_are_read_to_the_end_whatever_the_size_of_a_page() -> None:
    labels = [{"id": f"label-{n}", "name": f"label {n:02}"} for n in range(7)]
    linear = organization()
    linear.learn("Issue", {**body("Issue.update")["data"], "labels": labels})
    for n in range(5):
        linear.put("issue", id=f"issue-{n}", identifier=f"SIG-{n}", title="Another")
        linear.relate(f"issue-{n}", "blocks", _ISSUE)
        linear.relate(_ISSUE, "related", f"issue-{n}")
        linear.attach(_ISSUE, f"https://example.test/{n}", "A link")
    with looking(linear) as look:
        at_once = look.upsert("issue", _ISSUE)
        assert len(look.fake.requests) == 1
        linear.most_per_page = 2
        in_pages = look.upsert("issue", _ISSUE)
        names = [asked.body["operationName"] for asked in look.fake.requests[1:]]
    assert in_pages == at_once
    assert in_pages.metadata["labels"] == [label["name"] for label in labels]
    assert (len(in_pages.references), len(in_pages.links)) == (10, 5)
    assert names.count("IssueLabels") == 3
    assert names.count("IssueInverseRelations") == 2


def test_a_project_has_all_its_teams() -> None:
    linear = organization()
    payload = body("Project.create")
    linear.learn("Project", payload["data"])
    linear.most_per_page = 1
    with looking(linear) as look:
        change = look.upsert("project", payload["data"]["id"])
    assert change.labels == frozenset(payload["data"]["teamIds"])


@pytest.mark.parametrize("info", [{"hasNextPage": True}, {"hasNextPage": True, "endCursor": None}])
def test_a_page_without_an_end_is_refused(info: dict[str, Any]) -> None:
    raw = {"id": _ISSUE, "labels": {"nodes": [], "pageInfo": info}}
    _raised(Answer(200, {"data": {"issue": raw}}), PermanentError)


def test_a_list_that_never_ends_is_given_up() -> None:
    linear = _with_issue()
    with looking(linear) as look:
        again = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "1"}}
        answer = Answer(200, {"data": {"issue": {"id": _ISSUE, "labels": again}}})
        look.fake.troubles.append(Trouble(answer, times=1000))
        with pytest.raises(PermanentError, match="labels"):
            look.sight("issue", _ISSUE)
        assert len(look.fake.requests) <= 101


# What is not there.


@pytest.mark.parametrize("kind", BY_KIND)
def test_what_is_not_found_is_gone_where_the_organization_is_readable(kind: str) -> None:
    with looking(organization()) as look:
        assert look.sight(kind, "nowhere") == Sight(None)


def test_what_is_not_found_is_gone_where_its_team_is_readable_too() -> None:
    with looking(_with_issue()) as look:
        assert look.sight("issue", "nowhere", teamIds=["private", _TEAM]) == Sight(None)
        names = [asked.body["operationName"] for asked in look.fake.requests]
    assert names == ["Issue", "Organization", "Team", "Team"]


def test_nothing_is_gone_where_its_team_is_not_readable() -> None:
    with looking(_with_issue()) as look, pytest.raises(Refused, match="team private"):
        look.sight("issue", "nowhere", teamIds=["private"])


def test_nothing_is_gone_where_the_token_is_of_another_organization() -> None:
    linear = organization()
    linear.organization["id"] = "another"
    with looking(linear) as look, pytest.raises(Refused, match="another"):
        look.sight("issue", "nowhere")


def test_nothing_is_gone_where_the_organization_cannot_be_read() -> None:
    with looking(_with_issue()) as look:
        look.fake.troubles += [
            Trouble(Answer(200, _said("Entity not found: Issue", "INPUT_ERROR"))),
            Trouble(Answer(200, {"data": {"organization": None}})),
        ]
        with pytest.raises(Refused, match="organization"):
            look.sight("issue", _ISSUE)


def test_not_found_is_understood_as_a_400_too() -> None:
    with looking(_with_issue()) as look:
        look.fake.troubles.append(Trouble(Answer(400, _said("Entity not found: Issue"))))
        assert look.sight("issue", _ISSUE) == Sight(None)


def test_an_address_that_is_not_the_apis_proves_nothing() -> None:
    with looking(_with_issue(), base="/elsewhere") as look, pytest.raises(Refused):
        look.sight("issue", _ISSUE)


def test_a_kind_that_the_api_is_not_asked_for_is_an_error_of_ours() -> None:
    with looking(organization()) as look, pytest.raises(PermanentError, match="cycle"):
        look.sight("cycle", "1")


# Who is let in, who waits, what is final.


@pytest.mark.parametrize("token", ["lin_api_wrong", "wrong"])
def test_a_wrong_token_is_refused(token: str) -> None:
    with looking(_with_issue(), token=token) as look, pytest.raises(Refused):
        look.sight("issue", _ISSUE)


@pytest.mark.parametrize("status", [200, 400, 401, 403])
@pytest.mark.parametrize("code", ["AUTHENTICATION_ERROR", "authentication error", "FORBIDDEN"])
def test_an_error_about_the_token_is_a_refusal_whatever_the_status(status: int, code: str) -> None:
    _raised(Answer(status, _said(code=code)), Refused)


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize("extensions", [{"code": "RATELIMITED"}, {"type": "ratelimited"}])
def test_a_limit_is_known_by_code_or_type_whatever_the_status(
    status: int, extensions: dict[str, str]
) -> None:
    answer = Answer(status, {"errors": [{"message": "Slow down", "extensions": extensions}]})
    limited = _raised(answer, RateLimited)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == 60


@pytest.mark.parametrize(
    ("requests_s", "complexity_s", "wait_s"), [(90, None, 90), (90, 600, 600), (900, 600, 900)]
)
def test_a_limit_holds_until_the_later_of_those_used_up(
    requests_s: float, complexity_s: float | None, wait_s: float
) -> None:
    answer = _with_issue().limited(NOW, requests_s, complexity_s)
    dated = {**answer.headers, "date": "Mon, 02 Mar 2026 12:00:00 GMT"}
    limited = _raised(Answer(answer.status, answer.body, dated), RateLimited)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == wait_s


@pytest.mark.parametrize("reset", ["soon", "", "9e99", "nan"])
def test_a_reset_that_is_no_time_is_waited_for_as_long_as_is_usual(reset: str) -> None:
    headers = {"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": reset}
    limited = _raised(Answer(400, _said(code="RATELIMITED"), headers), RateLimited)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == 60


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {}),
        Answer(503, b"<html>"),
        Answer(200, _said(code="INTERNAL_SERVER_ERROR")),
        Answer(200, _said(code="LOCK_TIMEOUT")),
    ],
)
def test_what_may_succeed_later_is_tried_later(answer: Answer) -> None:
    _raised(answer, TransientError)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, _said("Query too complex", "GRAPHQL_VALIDATION_FAILED")),
        Answer(200, _said("Argument Validation Error", "INVALID_INPUT")),
        Answer(200, {"errors": ["odd", {"message": None}]}),
        Answer(200, {"data": None}),
        Answer(200, []),
        Answer(200, b"<html>"),
    ],
)
def test_what_makes_no_sense_is_final(answer: Answer) -> None:
    _raised(answer, PermanentError)


def test_a_partial_answer_is_none_unless_only_rights_are_missing_within_it() -> None:
    issue = {"id": _ISSUE, "labels": {"nodes": [], "pageInfo": {}}}
    path = ["issue", "relations", "nodes", 0, "relatedIssue"]
    for code, expected in (("FORBIDDEN", None), ("INTERNAL_SERVER_ERROR", TransientError)):
        told = {**_said(code=code, path=path), "data": {"issue": issue}}
        if expected is not None:
            _raised(Answer(200, told), expected)
            continue
        with looking(_with_issue()) as look:
            look.fake.troubles.append(Trouble(Answer(200, told)))
            assert look.sight("issue", _ISSUE).raw


def test_an_error_never_shows_the_token() -> None:
    with looking(_with_issue()) as look:
        assert look.linear.token not in repr(look.client)
        look.fake.troubles.append(Trouble(Answer(200, _said())))
        with pytest.raises(PermanentError) as raised:
            look.sight("issue", _ISSUE)
    assert "lin_api" not in str(raised.value)


# The token.


def test_a_check_says_who_the_token_is_and_where() -> None:
    linear = organization()
    with looking(linear) as look:
        assert look.client.check() == "Halcyon Rail, as Vera"
        linear.organization["id"] = "another"
        with pytest.raises(Refused, match=ORGANIZATION):
            look.client.check()


@pytest.mark.parametrize("token", ["lin_api_1", "lin_oauth_1", "Bearer 00a1"])
def test_a_token_that_can_be_one_is_taken(token: str) -> None:
    SOURCE.descriptor.check_token(token)


@pytest.mark.parametrize("token", ["", "Bearer ", "lin_wh_1", "two words", "l\u00edn", "a\nb"])
def test_a_token_that_can_be_none_is_refused(token: str) -> None:
    with pytest.raises(BadInput):
        SOURCE.descriptor.check_token(token)


# The fake is as strict as Linear.


@pytest.mark.parametrize(
    "query",
    [
        "query A { issue(id: 1) { colour } }",
        "query A { issue(id: 1) { team } }",
        "query A { issue(id: 1) { title { id } } }",
        "query A { webhook { id } }",
        "query A { issue(id: 1) {",
        "query A",
        "mutation A { issue { id } }",
    ],
)
def test_the_fake_refuses_what_the_schema_does_not_have(query: str) -> None:
    with pytest.raises(BadQuery):
        cost(parse(query, {}))


def test_the_fake_refuses_a_query_that_costs_too_much() -> None:
    dear = "query A { issue(id: 1) { comments { nodes { issue { comments { nodes { issue "
    dear += "{ comments { nodes { id } } } } } } } } } }"
    assert cost(parse(dear, {})) > MOST_COST
    # linear.app/developers/rate-limiting: 1 + 50 x (1 + 0.3) is the documented example's cost.
    simple = "query A { issue(id: 1) { comments { nodes { id body createdAt } } } }"
    assert cost(parse(simple, {})) == pytest.approx(66)


def test_what_is_destroyed_in_the_fake_is_gone() -> None:
    linear = _with_issue()
    with looking(linear) as look:
        linear.destroy("issue", _ISSUE)
        assert look.sight("issue", _ISSUE) == Sight(None)
    with pytest.raises(LookupError):
        linear.put("webhook", id="1")


@pytest.mark.parametrize(
    "sent",
    [None, b"no JSON", {"query": 7}, {"query": "query A { issue(id: 1) { colour } }"}],
)
def test_the_fake_answers_400_to_what_is_no_query(sent: Any) -> None:
    linear = organization()
    headers = {"authorization": linear.token}
    answer = linear.answer(Asked("POST", "/graphql", {}, headers, sent, ""))
    assert (answer.status, list(answer.body)) == (400, ["errors"])
