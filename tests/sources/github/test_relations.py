"""Relations between issues: both sides are looked up, as far as they are in this repository."""

from __future__ import annotations

import pytest

from tests.sources.github.deliveries import body, told


def _issues(fixture: str, payload: object = None) -> list[tuple[str, str]]:
    return [(ask.identity.kind, ask.identity.id) for ask in told(fixture, payload).asked]


@pytest.mark.parametrize(
    "fixture", ["issue_dependencies.blocked_by_added", "sub_issues.parent_issue_added"]
)
def test_both_issues_of_one_repository_are_looked_up(fixture: str) -> None:
    assert _issues(fixture) == [("issue", "12"), ("issue", "16")]
    assert told(fixture).told == ()


@pytest.mark.parametrize(
    "fixture",
    ["issue_dependencies.blocking_removed.elsewhere", "sub_issues.sub_issue_added.elsewhere"],
)
def test_an_issue_of_another_repository_is_left_to_that_repositorys_connection(
    fixture: str,
) -> None:
    assert _issues(fixture) == [("issue", "12")]


@pytest.mark.parametrize("named", [True, False])
def test_without_the_other_repositorys_id_the_issues_url_says_where_it_is(named: bool) -> None:
    fixture = "sub_issues.sub_issue_added.elsewhere"
    payload = body(fixture)
    payload["sub_issue_repo"] = None
    if not named:
        payload["sub_issue"]["repository_url"] = None
    expected = ["12"] if named else ["12", "4"]
    assert sorted(id_ for _, id_ in _issues(fixture, payload)) == expected


def test_a_relation_that_lies_elsewhere_altogether_is_left_alone() -> None:
    fixture = "sub_issues.sub_issue_added.elsewhere"
    payload = body(fixture)
    payload["parent_issue"] = None
    assert told(fixture, payload).skip == "a relation between issues of other repositories"
