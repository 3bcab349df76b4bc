"""Relations between issues: both sides are looked up, as far as they are in this repository."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.core.changes import Upsert
from ingest.sources.contract import Normalised
from ingest.sources.github.normalise import normalise
from tests.sources.github.deliveries import body, message, told


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


def _related(action: str) -> Normalised:
    """[WH-OAS] `issue_relates_to`: both issues, here one of another repository."""
    url = "https://api.github.com/repos/acme/elsewhere"
    payload = body("issues.edited")
    payload |= {"action": action, "related_issue": {"number": 40, "repository_url": url}}
    sent = message("issues.edited", payload)
    return normalise(replace(sent, headers={**sent.headers, "x-github-event": "issue_relates_to"}))


def test_an_issue_says_what_it_relates_to_as_it_is_told() -> None:
    """No look-up tells it."""
    (issue,) = _related("relates_to_added").told
    assert isinstance(issue, Upsert)
    (edge,) = [one for one in issue.references if one.kind == "relatedTo"]
    assert (edge.key, edge.source) == ("acme/elsewhere#40", "github")


def test_a_relation_that_is_over_is_told_no_more_and_the_issue_is_looked_up() -> None:
    (asked,) = _related("relates_to_removed").asked
    (whole,) = asked.otherwise
    assert isinstance(whole, Upsert)
    assert not [one for one in whole.references if one.kind == "relatedTo"]
