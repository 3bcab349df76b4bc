"""Pages of Linear's lists: cursors at every cut, changes in the midst, long lists, dear pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.errors import PermanentError
from ingest.core.values import JSON
from ingest.sources.linear.demo.crowd import fill
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.linear.demo.fake_graphql import MOST_COST, MOST_FIRST, cost, parse
from ingest.sources.linear.positions import MOST_ANEW, Position
from ingest.sources.linear.rosters import BY_RESOURCE, DEEP, ISSUES
from ingest.sources.listing import MOST_CALLS, Page
from ingest.testing.fakes import Answer, Trouble
from tests.sources.linear.deliveries import identity
from tests.sources.linear.looking import looking, organization
from tests.sources.linear.walks import (
    RESOURCES,
    a_page,
    after,
    ids,
    known,
    listed,
    names,
    numbered,
    pages,
    populated,
)


def _crowd(issues: int, most: int = 250) -> Linear:
    linear = organization()
    fill(linear, issues)
    linear.most_per_page = most
    return linear


def _told(found: list[Page]) -> list[str]:
    return [one.identity.id for page in found for one in page.listed]


# What a page may cost.


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_page_costs_more_than_linear_allows_or_asks_for_too_many_rows(resource: str) -> None:
    roster = BY_RESOURCE[resource]
    given_ = {"first": roster.first, "after": "1", "teams": {}, "filter": {}}
    assert cost(parse(roster.text, given_)) <= MOST_COST
    assert roster.first <= MOST_FIRST
    if roster.kind:
        deep = cost(parse(roster.deep_text, {**given_, "first": DEEP}))
        assert deep <= MOST_COST


def test_the_issues_page_uses_most_of_what_is_allowed() -> None:
    fields = parse(ISSUES.text, {"first": ISSUES.first, "after": "1", "teams": {}, "filter": {}})
    assert cost(fields) > 0.6 * MOST_COST


# Cursors.


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_cursor_is_plain_and_leads_on_from_wherever_a_run_was_cut(resource: str) -> None:
    linear = populated()
    linear.relate("issue-7", "blocks", "issue-8", after(5))
    linear.attach("issue-7", "https://example.test/new", "New", after(5))
    linear.most_per_page = 2
    since = after(1) if resource in ("relations", "attachments") else None
    with looking(linear) as look:
        whole = _told(pages(look, resource, since=since))
        cursor: JSON = None
        again: list[Page] = []
        while True:
            look.fake.troubles.append(Trouble(Answer(503, {})))
            with pytest.raises(Exception, match="503"):
                a_page(look, resource, cursor, since=since)
            page = a_page(look, resource, cursor, since=since)
            assert page == a_page(look, resource, cursor, since=since)
            again.append(page)
            assert len(repr(page.cursor)) < 500
            cursor = page.cursor
            if cursor is None:
                break
    assert _told(again) == whole
    assert whole


@pytest.mark.parametrize("cursor", ["17", 7, [], {"after": 7}, {"rest": "x"}])
def test_a_cursor_of_another_version_begins_the_list_anew(cursor: JSON) -> None:
    with looking(_crowd(3)) as look:
        assert _told([a_page(look, "issues", cursor)]) == _told([a_page(look, "issues")])


@pytest.mark.parametrize("silently", [False, True])
@pytest.mark.parametrize("resource", ["issues", "comments"])
def test_a_cursor_whose_row_is_gone_leads_on_from_its_time(
    resource: str, *, silently: bool
) -> None:
    """Linear's cursors are ids of rows: one that is destroyed may be refused, or compared with."""
    linear = organization()
    fill(linear, 20, comments_each=1)
    linear.most_per_page = 5
    linear.lists.lost_rows_end_lists = silently
    with looking(linear) as look:
        first = a_page(look, resource)
        gone = first.listed[-1].identity
        linear.destroy(gone.kind, gone.id)
        cursor, later = first.cursor, []
        while cursor is not None:
            later.append(a_page(look, resource, cursor))
            cursor = later[-1].cursor
        assert len(look.fake.requests) <= 10
    assert len(_told([first])) + len(_told(later)) == 20
    assert len({*_told([first]), *_told(later)}) == 20


def test_relations_begin_anew_where_their_cursor_is_gone() -> None:
    linear = _crowd(12, most=3)
    made = [
        linear.relate(f"issue-{n}", "related", f"issue-{n + 1}", after(n)) for n in range(0, 12, 2)
    ]
    with looking(linear) as look:
        first = a_page(look, "relations", since=after(-1))
        linear.destroy("issueRelation", made[-3])
        second = a_page(look, "relations", first.cursor, since=after(-1))
        third = a_page(look, "relations", second.cursor, since=after(-1))
    assert {*_told([first, second, third])} == {*numbered(12)}
    assert third.cursor is None


def test_a_list_that_loses_its_place_again_and_again_is_given_up() -> None:
    refused = Answer(400, {"errors": [{"message": "Invalid cursor", "extensions": {}}]})
    with looking(_crowd(3)) as look:
        look.fake.troubles.append(Trouble(refused, times=100))
        with pytest.raises(PermanentError, match="Invalid cursor"):
            a_page(look, "issues", {"after": "issue-1", "last": "2026-01-01T00:00:00.000Z"})
        assert len(look.fake.requests) == 6
    assert Position(after="1", anew=MOST_ANEW).lost() is None


def test_rows_that_come_in_no_order_are_begun_anew_and_not_cut() -> None:
    position = Position().behind([{"createdAt": "2"}, {"createdAt": "3"}], "id")
    assert (position.last, position.lost()) == (None, Position(anew=1))
    following = position.behind([{"createdAt": "1"}], "id")
    assert following.last is None


# Changes in the midst.


_ACTS = st.sampled_from(["touch", "destroy", "create", "trash"])


@settings(max_examples=40, deadline=None)
@given(
    acts=st.lists(st.tuples(_ACTS, st.integers(0, 29)), max_size=12),
    most=st.integers(1, 9),
    silently=st.booleans(),
)
def test_whatever_changes_while_it_is_listed_no_untouched_row_is_lost(
    acts: list[tuple[str, int]], most: int, *, silently: bool
) -> None:
    linear = _crowd(30, most)
    linear.lists.lost_rows_end_lists = silently
    untouched = {*numbered(30)} - {f"issue-{n}" for act, n in acts if act != "create"}
    script = iter(acts)
    with looking(linear) as look:
        told: set[str] = set()
        cursor: JSON = None
        while True:
            page = a_page(look, "issues", cursor)
            told |= {one.identity.id for one in page.listed}
            cursor = page.cursor
            if cursor is None:
                break
            _act(linear, *next(script, ("touch", 0)))
    assert untouched <= told


def _act(linear: Linear, act: str, number: int) -> None:
    id_ = f"issue-{number}"
    if act == "create":
        fill(linear, 1, begin=100 + number)
    elif id_ in linear.objects["issue"]:
        acts = {
            "touch": lambda: linear.edit("issue", id_, after(number), title="Touched"),
            "trash": lambda: linear.trash("issue", id_, after(number)),
            "destroy": lambda: linear.destroy("issue", id_),
        }
        acts[act]()


def test_what_changed_behind_a_listing_is_found_by_the_next_one() -> None:
    linear = _crowd(12, most=4)
    with looking(linear) as look:
        page = a_page(look, "issues", since=after(-10_000_000))
        linear.edit("issue", page.listed[0].identity.id, after(1), title="Touched")
        fill(linear, 1, begin=5_000)
        linear.edit("issue", "issue-5000", after(1))
        found = listed(look, "issues", since=after(0))
    assert ids(found) == {page.listed[0].identity.id, "issue-5000"}


# Lists within an object.


def _linked(linear: Linear, issue: str, count: int) -> None:
    for number in range(count):
        linear.attach(issue, f"https://example.test/{issue}/{number}", "A link")


def test_long_lists_are_read_to_their_end_in_a_few_more_requests() -> None:
    linear = _crowd(40)
    for number in range(30):
        _linked(linear, f"issue-{number}", 6 + number)
    with looking(linear) as look:
        (page,) = pages(look, "issues")
        assert names(look) == ["Issues", "IssuesWhole", "IssuesWhole"]
    raws: dict[str, Any] = {one.identity.id: one.raw for one in page.listed}
    links = {id_: len(raw["attachments"]["nodes"]) for id_, raw in raws.items()}
    assert links == {
        **{f"issue-{number}": 6 + number for number in range(30)},
        **{f"issue-{number}": 0 for number in range(30, 40)},
    }


def test_a_list_longer_than_a_page_is_followed_and_what_a_page_may_not_ask_waits() -> None:
    """Pages of one node: an issue of 20 links takes 19 requests beside the two that show it."""
    linear = _crowd(4, most=1)
    for number in range(2):
        _linked(linear, f"issue-{number}", MOST_CALLS)
    with looking(linear) as look:
        told = pages(look, "issues")
        assert {*_told(told)} == {*numbered(4)}
        assert not [one for page in told for one in page.wanted]
        whole = {one.identity.id: one.raw for page in told for one in page.listed}
        for id_, raw in whole.items():
            assert raw == look.sight("issue", id_).raw


def test_no_page_makes_more_requests_than_it_may() -> None:
    linear = _crowd(80, most=8)
    for number in range(80):
        _linked(linear, f"issue-{number}", 40)
    with looking(linear) as look:
        cursor, most = None, 0
        while True:
            before = len(look.fake.requests)
            page = a_page(look, "issues", cursor)
            most = max(most, len(look.fake.requests) - before)
            cursor = page.cursor
            if cursor is None:
                break
    assert most <= MOST_CALLS


def test_an_object_whose_list_takes_more_than_a_page_may_ask_is_looked_up_by_itself() -> None:
    linear = _crowd(3, most=1)
    _linked(linear, "issue-1", 60)
    with looking(linear) as look:
        told = pages(look, "issues")
        assert [one for page in told for one in page.wanted] == [
            Refresh(identity("issue", "issue-1"))
        ]
        assert {*_told(told)} == {"issue-0", "issue-2"}
        assert len(look.upsert("issue", "issue-1").links) == 60


def test_what_is_destroyed_before_its_long_list_is_read_is_not_told() -> None:
    linear = _crowd(2, most=1)
    _linked(linear, "issue-1", MOST_CALLS)
    with looking(linear) as look:
        page = a_page(look, "issues")
        assert isinstance(page.cursor, dict)
        assert page.cursor["rest"] == ["issue-1"]
        linear.destroy("issue", "issue-1")
        following = a_page(look, "issues", page.cursor)
        assert (following.listed, following.wanted) == ((), ())
        assert _told([a_page(look, "issues", following.cursor)]) == ["issue-0"]


def test_teams_of_a_project_are_all_told() -> None:
    linear = organization()
    for number in range(45):
        linear.put("team", id=f"team-{number}", key=f"T{number}", name="A team")
    at = "2026-01-01T00:00:00.000Z"
    teams = [{"id": f"team-{number}"} for number in range(45)]
    linear.put("project", id="1", name="All", createdAt=at, updatedAt=at, url="x", teams=teams)
    with looking(linear) as look:
        (change,) = listed(look, "projects").values()
    assert isinstance(change, Upsert)
    assert change.labels == frozenset(f"team-{number}" for number in range(45))


# Pages that Linear does not answer.


@pytest.mark.parametrize("times", [1, 2])
def test_a_page_that_is_too_dear_is_asked_for_with_fewer_rows(times: int) -> None:
    error: dict[str, Any] = {"message": "Query too complex", "extensions": {"code": "INPUT_ERROR"}}
    with looking(_crowd(40)) as look:
        look.fake.troubles.append(Trouble(Answer(400, {"errors": [error]}), times=times))
        told = pages(look, "issues")
        sizes = [asked.body["variables"]["first"] for asked in look.fake.requests]
    assert {*_told(told)} == {*numbered(40)}
    assert sizes[: times + 1] == [150, 30, 1][: times + 1]


@pytest.mark.parametrize(
    "count", [1_500, pytest.param(10_000, marks=pytest.mark.slow)], ids="{:,}".format
)
def test_many_issues_are_listed_by_the_page(count: int) -> None:
    with looking(_crowd(count)) as look:
        assert sum(len(page.listed) for page in pages(look, "issues")) == count
        assert len(look.fake.requests) == -(-count // ISSUES.first)


def test_everything_listed_is_a_document_or_its_end() -> None:
    with looking(populated()) as look:
        told = [listed(look, resource) for resource in RESOURCES]
        every = {one: change for found in told for one, change in found.items()}
    assert all(isinstance(change, Upsert | Delete) for change in every.values())
    assert every.keys() <= known(look.linear)
